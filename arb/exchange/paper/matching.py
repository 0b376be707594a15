"""How the paper venue matches an order against a book, and what it charges. Pure."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from arb.market.book import Book, Level, MarketRules
from arb.market.booking import BOOKED_UNIT
from arb.money import ZERO, round_up

# (side taken, price) -> the size that was shown, and what was taken of it
Used = Mapping[tuple[str, Decimal], tuple[Decimal, Decimal]]

_UNTOUCHED: Final = (None, ZERO)


class Match(NamedTuple):
    """What an arriving order takes at once, one trade per level, and what becomes of it."""

    takes: tuple[Level, ...]
    status: str  # "closed" | "expired" | "open"


def without(book: Book, used: Used) -> Book:
    """Leave out of a book what was taken from its levels, where it shows them as they were then."""
    if not used:
        return book
    return Book(
        market=book.market,
        bids=_left(book.bids, "sell", used),
        asks=_left(book.asks, "buy", used),
        sequence=book.sequence,
    )


def match(
    book: Book | None,
    side: str,
    amount: Decimal,
    limit: Decimal | None,
    time_in_force: str,
    *,
    own_price: Decimal | None,
) -> Match:
    """Match an arriving order; `limit` None is a market order.

    `own_price` is the best price of the account's own resting orders on the other side: an order
    that would trade with one of them takes what is better than it and expires (self-trade
    prevention, "expire taker").
    """
    takes: list[Level] = []
    left = amount
    for price, size in book.levels(side) if book is not None else ():
        if left <= 0 or (limit is not None and _worse(side, price, limit)):
            break
        if own_price is not None and not _worse(side, own_price, price):
            break
        taken = min(left, size)
        if taken <= 0:  # a feed without sizes: there is a price, and nothing known behind it
            continue
        takes.append((price, taken))
        left -= taken
    if left <= 0:
        return Match(tuple(takes), "closed")
    if time_in_force == "fok":
        return Match((), "expired")
    meets_own = own_price is not None and (limit is None or not _worse(side, own_price, limit))
    if time_in_force == "gtc" and limit is not None and not meets_own:
        return Match(tuple(takes), "open")
    return Match(tuple(takes), "expired")


def crossing(book: Book, side: str, amount: Decimal, limit: Decimal) -> tuple[Level, ...]:
    """List the levels that have come to a resting order's price; it is filled at its own price."""
    return match(book, side, amount, limit, "ioc", own_price=None).takes


def fee_elsewhere(
    received_asset: str,
    received: Decimal,
    rate: Decimal,
    fee_asset: str,
    *,
    markets: Mapping[str, MarketRules],
    book_of: Callable[[str], Book | None],
) -> Decimal | None:
    """Value a fee in a third asset at best bids, rounded up to 1e-8; None when nothing values it.

    The price is the fee asset's own market with the received one, either way round; without one,
    the received asset is sold for a quote that the fee asset is traded in, by order of names.
    """
    price = _bid(fee_asset, received_asset, markets, book_of)
    if price is not None:
        return round_up(received * rate / price, BOOKED_UNIT)
    price = _bid(received_asset, fee_asset, markets, book_of)
    if price is not None:
        return round_up(received * rate * price, BOOKED_UNIT)
    for quote in sorted({rules.quote for rules in markets.values() if rules.base == fee_asset}):
        sold = _bid(received_asset, quote, markets, book_of)
        bought = _bid(quote, received_asset, markets, book_of)
        price = _bid(fee_asset, quote, markets, book_of)
        if price is not None and sold is not None:
            return round_up(received * rate * sold / price, BOOKED_UNIT)
        if price is not None and bought is not None:
            return round_up(received * rate / bought / price, BOOKED_UNIT)
    return None


def _bid(
    base: str,
    quote: str,
    markets: Mapping[str, MarketRules],
    book_of: Callable[[str], Book | None],
) -> Decimal | None:
    for name in sorted(markets):
        if (markets[name].base, markets[name].quote) == (base, quote):
            book = book_of(name)
            if book is not None and book.bids:
                return book.bids[0][0]
    return None


def _worse(side: str, price: Decimal, than: Decimal) -> bool:
    """Tell whether a price is worse for a taker of this side."""
    return price > than if side == "buy" else price < than


def _left(levels: tuple[Level, ...], side: str, used: Used) -> tuple[Level, ...]:
    left = []
    for price, size in levels:
        shown, taken = used.get((side, price), _UNTOUCHED)
        if shown != size:
            left.append((price, size))
        elif size > taken:
            left.append((price, size - taken))
    return tuple(left)
