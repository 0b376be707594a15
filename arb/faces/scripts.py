"""The commands that `pip install` puts on the path: like the doors in `tools/`, guarded before the rest loads."""

from arb import door


def run() -> None:
    """`arb-run` is `tools/run.py`."""
    _guard()
    from arb.faces.run_cli import run as command

    command()


def monitor() -> None:
    """`arb-monitor` is `tools/monitor.py`."""
    _guard()
    from arb.faces.monitor_cli import monitor as command

    command()


def replay() -> None:
    """`arb-replay` is `tools/replay.py`."""
    _guard()
    from arb.faces.replay_cli import replay as command

    command()


def record() -> None:
    """`arb-record` is `tools/record.py`."""
    _guard()
    from arb.faces.record_cli import record as command

    command()


def practice() -> None:
    """`arb-practice` is `tools/practice.py`."""
    _guard()
    from arb.faces.practice_cli import practice_exchange as command

    command()


def _guard() -> None:
    door.guard()
    door.hold_streams()
