"""How times, amounts and lists read as text: in a wide terminal, a narrow one, or a pipe."""

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import click

from arb.clock import NS_PER_S
from arb.machine.net import Net
from arb.money import plain
from arb.strategy.times import when as when  # noqa: PLC0414 -- other faces take it from here

_GAP: Final = "  "
_WIDTH_MIN: Final = 20
_FINEST: Final = Decimal("1E-8")
_COLOURS: Final = {
    "completed": "green",
    "failed": "red",
    "active": "cyan",
    "partially_filled": "cyan",
    "recovering": "yellow",
    "panic_selling": "red",
}


def say(text: str) -> None:
    """Talk: to stderr, never among the data."""
    click.echo(text, err=True)


def width() -> int | None:
    """Columns of the terminal; None where the output is no terminal and has no edge."""
    if not sys.stdout.isatty():
        return None
    return max(_WIDTH_MIN, shutil.get_terminal_size().columns)


def coloured(state: str, text: str | None = None) -> str:
    """A state in its colour, where colours are wanted."""
    shown = state if text is None else text
    if state not in _COLOURS or not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return shown
    return click.style(shown, fg=_COLOURS[state])


def when_seconds(seconds: float | str | None) -> str:
    """A time in UTC, from a documented REAL column; `-` where there is none."""
    return "-" if seconds is None else when(round(Decimal(str(seconds)) * NS_PER_S))


def lasting(ns: int) -> str:
    """A duration: `0.35 s`, `12.3 s`, `4 min 10 s`, `2 h 3 min`."""
    seconds, _ = divmod(ns, NS_PER_S)
    if seconds < 10:  # noqa: PLR2004 -- two digits are enough
        return f"{ns / NS_PER_S:.2f} s"
    if seconds < 60:  # noqa: PLR2004
        return f"{ns / NS_PER_S:.1f} s"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def amounts(by_asset: Mapping[str, Decimal]) -> str:
    """`0.1 BTC, 25 USDT`, in order of name; `nothing` where there is none."""
    return (
        ", ".join(f"{plain(amount)} {asset}" for asset, amount in sorted(by_asset.items()))
        or "nothing"
    )


def counted(number: int, one: str, several: str = "") -> str:
    """`1 cycle`, `2 cycles`; of a word with another plural, that is given."""
    return f"{number} {one if number == 1 else several or one + 's'}"


def signed(amount: Decimal, asset: str) -> str:
    """A profit or a loss with its sign and currency."""
    return f"{'+' if amount > 0 else ''}{plain(amount)} {asset}"


def result(net: Net, asset: str) -> str:
    """`-13.18 USDT after fees in BNB worth 13.48 USDT`: what is left after every fee, whatever it was paid in."""
    if net.owed:
        owed = " and ".join(f"{plain(amount)} {owing}" for owing, amount in net.owed.items())
        return f"unknown: {owed} was sold without having it, for a part of {signed(net.pnl, asset)}"
    payers = " and ".join(net.payers)
    if net.worth is None:
        return (
            f"{signed(net.pnl, asset)} before fees in {payers or 'others'}, whose worth is unknown"
        )
    if not net.worth:
        return signed(net.pnl, asset)
    # A value at a price can have any number of digits.
    left, worth = ((net.pnl - net.worth).quantize(_FINEST), net.worth.quantize(_FINEST))
    return f"{signed(left, asset)} after fees in {payers or 'others'} worth {plain(worth)} {asset}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Columns where they fit, else one paragraph a row. Nothing is ever cut: an id must paste back whole."""
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]
    edge = width()
    if edge is None or sum(widths) + len(_GAP) * (len(widths) - 1) <= edge:
        for row in (header, *rows):
            cells = (cell.ljust(size) for cell, size in zip(row, widths, strict=True))
            yield _GAP.join(cells).rstrip()
        return
    for row in rows:
        yield row[0]
        for name, cell in zip(header[1:], row[1:], strict=True):
            if cell not in {"", "-"}:
                yield from fields([(name.lower(), cell)])


def fields(pairs: Iterable[tuple[str, str]]) -> Iterable[str]:
    """Named values, one a line, wrapped under each other where the terminal is narrow."""
    for name, value in pairs:
        yield from wrapped(f"  {name:<9} ", value)


def wrapped(first: str, text: str) -> Iterable[str]:
    """A text after a beginning, wrapped to the terminal; long words stay whole."""
    edge = width()
    if edge is None:
        yield first + text
        return
    lines = textwrap.wrap(
        text, max(_WIDTH_MIN, edge - len(first)), break_long_words=False, break_on_hyphens=False
    )
    yield first + (lines[0] if lines else "")
    for line in lines[1:]:
        yield " " * len(first) + line
