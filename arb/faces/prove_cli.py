"""`tools/prove.py`: the promise, put to the proof by anyone."""

import math
from pathlib import Path

import click

from arb.faces import exits


class Flags:
    """The command line, as click read it."""

    real: bool
    seed: int | None
    kills: int | None
    seconds: float | None
    folder: Path | None
    as_json: bool

    def __init__(self, **values: object) -> None:
        for name, value in values.items():
            setattr(self, name, value)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--real",
    is_flag=True,
    help="Strike real processes: kill -9 of engine and exchange, stops, full disks, wrong clocks.",
)
@click.option("--seed", type=click.IntRange(0), default=None, help="Which blow comes when.")
@click.option(
    "--kills", type=click.IntRange(1), default=None, help="--real: end after so many [default: 40]."
)
@click.option(
    "--seconds",
    type=click.FloatRange(0, min_open=True),
    default=None,
    help="--real: strike for no longer than this [default: 300].",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="--real: where everything is kept [default: a new one under /tmp].",
)
@click.option("--json", "as_json", is_flag=True, help="The result as one line of JSON.")
def prove(**flags: object) -> None:
    """Try to break the promise, and hold what is left against what really happened."""
    raise SystemExit(exits.ending(lambda: _prove(Flags(**flags))))


def _prove(flags: Flags) -> int:
    if flags.seconds is not None and not math.isfinite(flags.seconds):
        raise click.UsageError(f"--seconds {flags.seconds} is not a number of seconds")
    if flags.real:
        from arb.faces.prove_real import prove_real  # noqa: PLC0415 -- each proof loads its own

        return prove_real(
            seed=flags.seed,
            kills=flags.kills,
            seconds=flags.seconds,
            folder=flags.folder,
            as_json=flags.as_json,
        )
    raise click.UsageError("say what is to be proved: --real")
