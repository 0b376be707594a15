"""OKX's public channels: books as numbered differences, shallow books, the best prices."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final, Protocol

from arb.exchange.practice.hall import Hall, LeaveOut
from arb.exchange.practice.okx_api import BOOK_MAX, OkxApi
from arb.exchange.practice.okx_market_shapes import levels
from arb.exchange.practice.okx_shapes import ms
from arb.exchange.practice.okx_words import Shape
from arb.exchange.practice.tape import Delta

SILENT_MS: Final = 60_000  # then a book says that nothing changed
NO_ID: Final = -1


class Channel(Protocol):
    """What one subscription has to say."""

    def first(self) -> list[Shape]:
        """What it says at once, as the answer to its subscription."""
        ...

    def due(self, now_ms: int) -> list[Shape]:
        """What it has to say now."""
        ...

    def leave(self) -> None:
        """End the subscription."""
        ...


class BookChannel:
    """`books`: a snapshot, then every change; each names the update that it follows."""

    def __init__(self, hall: Hall, market: str, arg: Shape) -> None:
        self._hall = hall
        self._market = market
        self._arg = arg
        self._said_id = NO_ID
        self._said_ms = 0
        self._last_id = NO_ID
        self._sides: tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]] = ({}, {})
        self._leave: LeaveOut = hall.watch(market, self.hear)

    def hear(self, delta: Delta) -> None:
        """Add a change to those that are to be said."""
        self._last_id = delta.last_id
        for side, changed in zip(self._sides, (delta.bids, delta.asks), strict=True):
            side.update(changed)

    def first(self) -> list[Shape]:
        """The whole book; what changed before is in it."""
        book, update_id = self._hall.depth(self._market)
        self._sides = ({}, {})
        self._last_id = update_id
        data = {"asks": levels(book.asks, BOOK_MAX), "bids": levels(book.bids, BOOK_MAX)}
        return [self._said("snapshot", data)]

    def due(self, now_ms: int) -> list[Shape]:
        """What changed, if anything did."""
        if self._last_id == self._said_id and 0 <= now_ms - self._said_ms < SILENT_MS:
            return []
        bids, asks = (tuple(side.items()) for side in self._sides)
        self._sides = ({}, {})
        data = {"asks": levels(asks, len(asks)), "bids": levels(bids, len(bids))}
        return [self._said("update", data)]

    def leave(self) -> None:
        """Watch no more."""
        self._leave()

    def _said(self, action: str, data: dict[str, list[list[str]]]) -> Shape:
        before, self._said_id = self._said_id, self._last_id
        stamp = ms(self._hall.now_ns())
        self._said_ms = int(stamp)
        ids = {"ts": stamp, "checksum": 0, "seqId": self._last_id, "prevSeqId": before}
        return {"arg": self._arg, "action": action, "data": [{**data, **ids}]}


class WholeChannel:
    """`books5`, `bbo-tbt` and `tickers`: what stands, whenever it changes."""

    def __init__(self, arg: Shape, show: Callable[[], Shape]) -> None:
        self._arg = arg
        self._show = show
        self._shown: Shape = {}

    def first(self) -> list[Shape]:
        """Nothing beyond what is due anyway."""
        return []

    def due(self, now_ms: int) -> list[Shape]:
        """What stands, if it is not what stood."""
        shown = self._show()
        if shown == self._shown:
            return []
        self._shown = shown
        return [{"arg": self._arg, "data": [{**shown, "ts": str(now_ms)}]}]

    def leave(self) -> None:
        """Nothing was held."""


def shallow(hall: Hall, market: str, arg: Shape, most: int) -> WholeChannel:
    """Make a channel of the first levels."""

    def show() -> Shape:
        book, update_id = hall.depth(market)
        told: Shape = {"asks": levels(book.asks, most), "bids": levels(book.bids, most)}
        return {**told, "instId": arg["instId"], "seqId": update_id}

    return WholeChannel(arg, show)


def ticking(api: OkxApi, market: str, arg: Shape) -> WholeChannel:
    """Make a channel of the best prices."""
    return WholeChannel(arg, lambda: {**api.best(market), "ts": ""})
