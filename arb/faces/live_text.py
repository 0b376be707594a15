"""What a live run says before it begins: that it is real money, and how much of it is at stake."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from arb.events.sqlite.storage import in_memory
from arb.faces.check_text import money_text
from arb.faces.text import counted
from arb.strategy.loader import Loaded
from arb.strategy.schema import Money


def warn(line: str) -> None:
    """Say something in red, where there are colours."""
    click.secho(line, err=True, fg="red", bold=True)


def live_lines(loaded: Sequence[Loaded]) -> Iterator[str]:
    """Tell the venue, and of each strategy what it has at work and which loss stops it."""
    venue = loaded[0].strategy.venue
    if venue.connect_to is not None:
        yield f"LIVE on {venue.id} at {venue.connect_to}, which is this machine"
    elif venue.sandbox:
        yield f"LIVE on the sandbox of {venue.id}"
    else:
        yield f"LIVE on {venue.id}: REAL MONEY"
    for one in loaded:
        risk, capital = one.strategy.risk_controls, one.strategy.capital_allocation
        size = _first(risk.max_position_size, capital.amount)
        at_once = "no limit but the balance" if size is None else money_text(size, one)
        yield f"{one.strategy.name}: one cycle at most {at_once}"
        yield f"{one.strategy.name}: at most {counted(risk.max_open_cycles, 'cycle')} at once"
        day = risk.max_daily_loss
        stops = "no loss stops it; set `risk_controls.max_daily_loss`"
        if day is not None:  # judged when a cycle ends, so those at work then may add to it
            lost = money_text(day, one)
            stops = f"opens nothing more after a loss of {lost} in a UTC day; open cycles go on"
        yield f"{one.strategy.name}: {stops}"


def memory_lines(db: Path) -> Iterator[str]:
    """Say of a log that stands in memory what becomes of it: with it goes what the engine knows of its orders."""
    kind = in_memory(db)
    if kind is not None:
        yield (
            f"the log {db} is on {kind}, which is memory: a power loss or a reboot loses it, and all"
            " it knows of open orders; use `--db` on a disk"
        )


def _first(*limits: Money | None) -> Money | None:
    """The limit that binds first where both are plain numbers, else the one that is given."""
    given = [one for one in limits if one is not None]
    plain = [one for one in given if not isinstance(one, dict)]
    return min(plain) if plain and len(plain) == len(given) else next(iter(given), None)
