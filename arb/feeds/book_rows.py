"""The lines of a recording of books: one that says what it is, one for each change, one at the end."""

from decimal import Decimal
from typing import Final

import msgspec
from msgspec import Struct

from arb.feeds.rows import BAD_NAME, CROSSED, NOT_POSITIVE, OUT_OF_ORDER, TIME_NS_MAX, RowRefused
from arb.feeds.run_rows import Aside
from arb.market.book import Level, MarketRules

VERSION: Final = 2  # since then a run writes beside its books what it decided on
VERSIONS: Final = (1, VERSION)  # that can be read
MARK: Final = b'{"arb_recording":'  # what the first line of every recording begins with
UNSORTED: Final = "unsorted"
BEYOND: Final = "beyond"
_LARGEST: Final = Decimal("1E+18")
_SMALLEST: Final = Decimal("1E-18")


class Heading(Struct, frozen=True, kw_only=True):
    """The first line: which venue's books these are, and the rules of its markets at that time."""

    arb_recording: int = VERSION
    venue: str
    feed: str  # generated, recorded or live
    began_ns: int
    markets: tuple[MarketRules, ...]


class BookRow(Struct, frozen=True, array_like=True, tag="book", gc=False):
    """A market's whole book from a moment on; without levels it is not known any more.

    `more`: the next row was there too when this one was taken. Nobody decides between the two.
    """

    number: int  # from 1, without a gap
    at_ns: int  # when it was received
    market: str
    update_id: int  # the venue's, where it has one
    bids: tuple[Level, ...]  # price and size, best first
    asks: tuple[Level, ...]
    more: bool = False


class EndRow(Struct, frozen=True, array_like=True, tag="end", gc=False):
    """The last line of a recording that was closed."""

    rows: int
    at_ns: int


Row = BookRow | EndRow | Aside
encode: Final = msgspec.json.Encoder().encode
decode_heading: Final = msgspec.json.Decoder(Heading).decode
decode_row: Final = msgspec.json.Decoder(Row).decode
decode_book: Final = msgspec.json.Decoder(BookRow).decode


def check(row: BookRow, newest_ns: int) -> None:
    """Refuse a row that cannot be right, or that is older than the newest before it."""
    if not 0 <= row.at_ns <= TIME_NS_MAX or row.at_ns < newest_ns:
        raise RowRefused(OUT_OF_ORDER, f"{newest_ns - row.at_ns} ns older than the newest row")
    if not 0 <= row.update_id <= TIME_NS_MAX:
        raise RowRefused(BEYOND, f"update id {row.update_id}")
    _check_side(row.bids, falling=True)
    _check_side(row.asks, falling=False)
    if row.bids and row.asks and row.bids[0][0] > row.asks[0][0]:
        raise RowRefused(CROSSED, f"crossed: bid {row.bids[0][0]} is above ask {row.asks[0][0]}")


def check_rules(rules: MarketRules) -> None:
    """Refuse a market that nobody could trade on."""
    if rules.market != f"{rules.base}/{rules.quote}" or rules.base == rules.quote:
        raise RowRefused(BAD_NAME, f"{rules.market!r} is not {rules.base}/{rules.quote}")
    for what in ("tick_size", "step_size", "amount_min", "amount_max", "notional_min"):
        value: Decimal = getattr(rules, what)
        least_zero = what in {"amount_min", "notional_min"}
        if not value.is_finite() or value < 0 or not (value or least_zero):
            raise RowRefused(NOT_POSITIVE, f"{rules.market}: {what} {value}")
        if value and not _SMALLEST <= value <= _LARGEST:
            raise RowRefused(BEYOND, f"{rules.market}: {what} {value}")
    if rules.amount_max < rules.amount_min:
        what = f"amount_max {rules.amount_max} is below amount_min {rules.amount_min}"
        raise RowRefused(BEYOND, f"{rules.market}: {what}")


def _check_side(levels: tuple[Level, ...], *, falling: bool) -> None:
    last: Decimal | None = None
    for price, size in levels:
        for value in (price, size):
            if not value.is_finite() or not _SMALLEST <= value <= _LARGEST:
                raise RowRefused(NOT_POSITIVE, f"a level of {price} x {size}")
        if last is not None and (price >= last if falling else price <= last):
            raise RowRefused(UNSORTED, f"{price} comes after {last}")
        last = price
