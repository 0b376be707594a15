"""Price a chain of legs: each leg spends what the one before it left after its fee."""

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from msgspec import Struct

from arb.events.facts import LegRoute
from arb.market.book import Book, FeeRates, MarketRules
from arb.market.depth import BOOK_TWICE, HALTED, NO_BOOK, NO_DEPTH, Shortfall, Walk, bound, walk
from arb.money import BPS, ONE

BookOf = Callable[[str], Book | None]  # a venue's `book`, or a dict's `get`
_EDGE_UNIT: Final = Decimal("1E-8")


class Quote(Struct, frozen=True, gc=False):
    """What a path would bring now. What the first leg does not use is no loss: it is not spent."""

    walks: tuple[Walk, ...]
    sequences: dict[str, int]  # market -> sequence of the book it was priced on
    amount: Decimal  # offered
    used: Decimal  # by the first leg
    output: Decimal  # of the last leg, net of fees
    edge_bps: Decimal  # (output - used) / used x 10,000, rounded down at 1e-8


def price_leg(  # noqa: PLR0917 -- a leg, its amount and the market it meets
    leg: LegRoute,
    amount: Decimal,
    books: BookOf,
    markets: Mapping[str, MarketRules],
    rate: Decimal,
    slippage_bps: Decimal,
    *,
    fee_in_received: bool = True,
    at_bound: bool = False,
    depth_share: Decimal = ONE,
    from_mid_bps: Decimal | None = None,
) -> Walk | Shortfall:
    """Walk one leg with its bound `slippage_bps` from the touch; `at_bound` and `depth_share` as `walk`.

    With `from_mid_bps` it is no further than that from the middle either.
    """
    rules = markets.get(leg.market)
    if rules is None or not rules.active:
        return Shortfall(leg.market, HALTED, f"{leg.market} is halted or not listed")
    book = books(leg.market)
    if book is None:
        return Shortfall(leg.market, NO_BOOK, f"{leg.market} has no book now")
    levels = book.levels(leg.side)
    if not levels:
        return Shortfall(leg.market, NO_DEPTH, f"the book has nothing to {leg.side} from")
    worst = bound(leg.side, levels[0][0], slippage_bps, rules.tick_size)
    mid = None if from_mid_bps is None else book.mid()
    if from_mid_bps is not None and mid is not None:
        nearer = min if leg.side == "buy" else max
        worst = nearer(worst, bound(leg.side, mid, from_mid_bps, rules.tick_size))
    return walk(
        book,
        leg.side,
        amount,
        rules,
        rate,
        worst,
        fee_in_received=fee_in_received,
        at_bound=at_bound,
        depth_share=depth_share,
    )


def quote_path(  # noqa: PLR0917 -- a path, its amount and the market it meets
    legs: Sequence[LegRoute],
    amount: Decimal,
    books: BookOf,
    markets: Mapping[str, MarketRules],
    fees: FeeRates,
    slippage_bps: Decimal,
    *,
    at_bound: bool = False,
    depth_share: Decimal = ONE,
) -> Quote | Shortfall:
    """Price legs in order from `amount` of the first leg's asset.

    The answer is the shortfall of the first leg that cannot be placed. Fees are taken from the
    received asset at every leg, also where the account pays them in a third one: an edge that needs
    the discount is none. `at_bound` and `depth_share` as `walk`.
    """
    assert legs, "a path has at least one leg"
    walks: list[Walk] = []
    sequences: dict[str, int] = {}
    carried = amount
    for leg in legs:
        if leg.market in sequences:
            return Shortfall(leg.market, BOOK_TWICE, "the path goes through this book before")
        priced = price_leg(
            leg,
            carried,
            books,
            markets,
            fees.taker,
            slippage_bps,
            at_bound=at_bound,
            depth_share=depth_share,
        )
        if isinstance(priced, Shortfall):
            return priced
        book = books(leg.market)
        assert book is not None, leg.market
        sequences[leg.market] = book.sequence
        walks.append(priced)
        carried = priced.received
    return quoted(tuple(walks), sequences, amount)


def quoted(walks: tuple[Walk, ...], sequences: dict[str, int], amount: Decimal) -> Quote:
    """Put walks that follow each other together."""
    used, output = walks[0].used, walks[-1].received
    edge = ((output - used) / used * BPS).quantize(_EDGE_UNIT, rounding=ROUND_FLOOR)
    return Quote(
        walks=walks,
        sequences=sequences,
        amount=amount,
        used=used,
        output=output,
        edge_bps=edge,
    )
