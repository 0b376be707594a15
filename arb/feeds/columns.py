"""The two formats of a recorded feed, told apart by the names in the header."""

from collections.abc import Callable
from operator import itemgetter
from typing import Final

from msgspec import Struct

# Best bid and ask with their sizes. `recv_ts` is in unix seconds, sizes are in base.
RECORDED: Final = ("recv_ts", "base", "quote", "bid", "bid_size", "ask", "ask_size")
# The legacy backtest's: no sizes, a symbol is BASE/QUOTE, `volume` may be left out.
LEGACY: Final = ("timestamp", "symbol", "bid", "ask", "last", "volume")
_FORMATS: Final = (RECORDED, LEGACY, LEGACY[:-1])


class Layout(Struct, frozen=True, gc=False):
    """Where the columns of one file stand; they may come in any order."""

    width: int
    time_name: str
    sized: bool  # whether the format has sizes; else a symbol stands for base and quote
    voluminous: bool  # whether the legacy format has its last column
    # Time; base, quote (or twice the symbol); bid, ask; and two more: the sizes at bid and ask, or
    # last and volume (last again, where that is not there).
    pick: Callable[[list[str]], tuple[str, ...]]


def layout_of(header: str) -> Layout | None:
    """Find the format that has exactly these names; None when there is none."""
    names = header.split(",")
    found = next((one for one in _FORMATS if sorted(one) == sorted(names)), None)
    if found is None:
        return None
    sized, voluminous = found is RECORDED, "volume" in names
    if sized:
        order = ("recv_ts", "base", "quote", "bid", "ask", "bid_size", "ask_size")
    else:
        order = ("timestamp", "symbol", "symbol", "bid", "ask", "last", found[-1])
    pick = itemgetter(*(names.index(name) for name in order))
    return Layout(len(names), found[0], sized, voluminous, pick)
