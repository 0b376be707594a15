"""Turn a holding into a target currency by the best route now, and say what things are worth."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from arb.events.facts import LegRoute
from arb.limits import HOPS_MAX
from arb.market.book import FeeRates, MarketRules
from arb.market.booking import BOOKED_UNIT
from arb.market.chain import BookOf, price_leg
from arb.market.depth import Walk
from arb.market.routes import Exits, exits_of, hops_to
from arb.money import ONE, truncate


class Hop(Struct, frozen=True, gc=False):
    """One order of a route, priced from the net of the hop before it."""

    route: LegRoute
    walk: Walk


class Liquidation(Struct, frozen=True, gc=False):
    """A route out of a holding. No hops: it is a target already."""

    hops: tuple[Hop, ...]
    asset: str  # the target it ends in
    output: Decimal  # of that asset, net of fees
    value: Decimal  # of the output, in the currency asked for


def best_liquidation(  # noqa: PLR0917 -- a holding, its ends and the market it meets
    asset: str,
    amount: Decimal,
    targets: Sequence[str],
    books: BookOf,
    markets: Mapping[str, MarketRules],
    fees: FeeRates,
    slippage_bps: Decimal,
    hops_max: int = HOPS_MAX,
    *,
    value_in: str,
    exits: Exits | None = None,
) -> Liquidation | None:
    """Find the simple route to a target whose output is worth most in `value_in`; None without any.

    Every hop is walked with its own minimums, so a route that would strand on its second hop is no
    route. Halted markets and missing books are gone around, fees are
    taken from the received asset. A target that nothing can value is skipped. Of equals the shorter
    route wins, then the first in order of names. A holding that is a target has a route of no hops.
    `exits` is `exits_of(markets)`, for a caller who keeps it.
    """
    exits = exits_of(markets) if exits is None else exits
    if asset in targets:
        worth = _value(asset, amount, value_in, books, exits)
        return None if worth is None else Liquidation((), asset, amount, worth)
    distance = hops_to(targets, exits, hops_max)
    rates = {target: _value(target, ONE, value_in, books, exits) for target in targets}
    best: Liquidation | None = None

    def search(here: str, held: Decimal, hops: tuple[Hop, ...], seen: frozenset[str]) -> None:
        nonlocal best
        for leg in exits.get(here, ()):
            there = leg.receive_asset
            left = hops_max - len(hops) - 1
            if there in seen or distance.get(there, hops_max) > left:
                continue
            priced = price_leg(leg, held, books, markets, fees.taker, slippage_bps)
            if not isinstance(priced, Walk) or priced.received <= 0:
                continue
            walked = (*hops, Hop(leg, priced))
            if there not in rates:
                search(there, priced.received, walked, seen | {there})
                continue
            if rates[there] is None:
                continue
            worth = _value(there, priced.received, value_in, books, exits)
            assert worth is not None, there
            found = Liquidation(walked, there, priced.received, worth)
            if best is None or _better(found, best):
                best = found

    search(asset, amount, (), frozenset({asset}))
    return best


def value(  # noqa: PLR0917 -- an amount, its unit and the market it meets
    asset: str,
    amount: Decimal,
    in_asset: str,
    books: BookOf,
    markets: Mapping[str, MarketRules],
    exits: Exits | None = None,
) -> Decimal | None:
    """Value an amount of one asset in another at the touch; None without a way.

    A sell counts at the best bid and a buy at the best ask, without fees or depth, cut at 1e-8. The
    way with the fewest hops (at most three) counts, and of those the one that gives most: a longer
    way that looks better is more often a stale book than a better price.
    """
    return _value(asset, amount, in_asset, books, exits_of(markets) if exits is None else exits)


def _value(
    asset: str, amount: Decimal, in_asset: str, books: BookOf, exits: Exits
) -> Decimal | None:
    if asset == in_asset:
        return amount
    for hops in range(1, HOPS_MAX + 1):
        rates = list(
            _rates(asset, in_asset, hops, books=books, exits=exits, seen=frozenset({asset}))
        )
        if rates:
            return truncate(amount * max(rates), BOOKED_UNIT)
    return None


def _rates(
    here: str, target: str, hops: int, *, books: BookOf, exits: Exits, seen: frozenset[str]
) -> Iterator[Decimal]:
    """Give the rate of every way of exactly this many hops."""
    for leg in exits.get(here, ()):
        there = leg.receive_asset
        if there in seen or (there == target) != (hops == 1):
            continue
        book = books(leg.market)
        levels = book.levels(leg.side) if book is not None else ()
        if not levels:
            continue
        rate = levels[0][0] if leg.side == "sell" else ONE / levels[0][0]
        if hops == 1:
            yield rate
            continue
        for rest in _rates(there, target, hops - 1, books=books, exits=exits, seen=seen | {there}):
            yield rate * rest


def _better(found: Liquidation, best: Liquidation) -> bool:
    if found.value != best.value:
        return found.value > best.value
    return len(found.hops) < len(best.hops)
