"""Flags of the legacy monitor that are gone: each is still understood, and answered with what replaced it."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., Any])

_ONE_LOG: Final = "one log serves one mode: choose the log with --db, its P/L is in --history"
_NOT_MOVED: Final = (
    "a cooldown lasts `slippage_cooldown_seconds`, doubled by each further failure; --cooldowns shows what rests,"
    " and --clear-cooldown PATH ends it"
)
_NOT_SUPPRESSED: Final = (
    "nothing is suppressed: every event is in the log, see --history and tools/replay.py CYCLE"
)

# flag -> (how many values, what replaced it); -1: a value may follow
REPLACED: Final[dict[str, tuple[int, str]]] = {
    "--extend-cooldown": (2, _NOT_MOVED),
    "--shorten-cooldown": (2, _NOT_MOVED),
    "--suppressed": (-1, _NOT_SUPPRESSED),
    "--suppression-summary": (-1, _NOT_SUPPRESSED),
    "--mode-performance": (0, _ONE_LOG),
    "--mode-summary": (0, _ONE_LOG),
}
# What the words `snapshot` and `health` took; the words answer for themselves.
_OF_WORDS: Final = ("--out-dir", "--recent", "--window", "--max-suppression-rate")
REPORT: Final = (
    "there is no `report`: --history shows each cycle's result and the P/L per currency, and "
    "tools/run.py --report writes a page about a backtest"
)
SNAPSHOT: Final = "snapshots are not written to files: --active --json and --history --json give the same, as data"


def understood(command: _F) -> _F:
    """Add every replaced flag to a command; using one ends it as a usage error."""
    for flag, (values, answer) in REPLACED.items():
        command = _refuse(flag, values, answer)(command)
    for flag in _OF_WORDS:
        command = click.option(flag, hidden=True, expose_value=False)(command)
    return command


def _refuse(flag: str, values: int, answer: str) -> Callable[[_F], _F]:
    def tell(context: click.Context, _parameter: click.Parameter, value: object) -> None:
        if value and not context.resilient_parsing:
            raise click.UsageError(f"{flag} is gone: {answer}")

    options: dict[str, Any] = {"hidden": True, "expose_value": False, "callback": tell}
    if values == 0:
        return click.option(flag, is_flag=True, **options)
    if values < 0:
        return click.option(flag, is_flag=False, flag_value="given", default=None, **options)
    return click.option(flag, nargs=values, default=None, **options)
