"""Turn a holding into a target currency by the best route now, and say what things are worth."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from arb.events.facts import LegRoute
from arb.limits import DISTANCE_FROM_MID_BPS_MAX, HOPS_MAX
from arb.market.book import Book, FeeRates, MarketRules
from arb.market.booking import BOOKED_UNIT
from arb.market.chain import BookOf, price_leg
from arb.market.depth import Shortfall, Walk
from arb.market.routes import Exits, exits_of
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
    ways: Exits | None = None,
) -> Liquidation | None:
    """Find the simple route to a target whose output is worth most in `value_in`; None without any.

    Every hop is walked with its own minimums, so a route that would strand on its second hop is no
    route. Halted markets and missing books are gone around, fees are taken from the received asset.
    A target that nothing can value is skipped. Of equals the shorter route wins, then the first in
    order of names. A holding that is a target has a route of no hops.
    `exits` is `exits_of(markets)`, for a caller who keeps it; `ways` are those of them that a route
    may take, where it may not take all: what things are worth is told by every market.
    """
    exits = exits_of(markets) if exits is None else exits
    if asset in targets:
        worth = _value(asset, amount, value_in, books, exits)
        return None if worth is None else Liquidation((), asset, amount, worth)
    now = _Remembered(books).book
    rates = {target: rate_of(target, value_in, now, exits) for target in targets}
    ahead = _Ahead(rates, now, exits if ways is None else ways, ONE - fees.taker)
    best: Liquidation | None = None

    def search(here: str, held: Decimal, hops: tuple[Hop, ...], seen: frozenset[str]) -> None:
        nonlocal best
        for leg, most in ahead.ways(here, hops_max - len(hops)).legs:
            there = leg.receive_asset
            if there in seen or (best is not None and held * most < best.value):
                continue
            priced = price_hop(leg, held, now, markets, fees, slippage_bps)
            if not isinstance(priced, Walk) or priced.received <= 0:
                continue
            walked = (*hops, Hop(leg, priced))
            rate = rates.get(there)
            if rate is None:
                search(there, priced.received, walked, seen | {there})
                continue
            worth = _worth(there, priced.received, value_in, rate)
            found = Liquidation(walked, there, priced.received, worth)
            if best is None or _better(found, best):
                best = found

    search(asset, amount, (), frozenset({asset}))
    return best


def one_order_sells(  # noqa: PLR0917 -- a holding, where it goes and the market it meets
    asset: str,
    amount: Decimal,
    target: str,
    books: BookOf,
    markets: Mapping[str, MarketRules],
    fees: FeeRates,
    slippage_bps: Decimal,
    exits: Exits,
) -> bool:
    """Tell whether one order turns a holding into the target: then there is a way, without a search."""
    for leg in exits.get(asset, ()):
        if leg.receive_asset == target:
            priced = price_hop(leg, amount, books, markets, fees, slippage_bps)
            if isinstance(priced, Walk) and priced.received > 0:
                return True
    return False


def price_hop(  # noqa: PLR0917 -- a hop, its amount and the market it meets
    leg: LegRoute,
    amount: Decimal,
    books: BookOf,
    markets: Mapping[str, MarketRules],
    fees: FeeRates,
    slippage_bps: Decimal,
    *,
    at_bound: bool = False,
) -> Walk | Shortfall:
    """Price one hop, as far from the touch as is allowed, and from the middle as any order may go."""
    return price_leg(
        leg,
        amount,
        books,
        markets,
        fees.taker,
        slippage_bps,
        at_bound=at_bound,
        from_mid_bps=DISTANCE_FROM_MID_BPS_MAX,
    )


class _Remembered:
    """Books at one instant, each asked for once: a search meets the same ones many times."""

    def __init__(self, books: BookOf) -> None:
        self._books = books
        self._known: dict[str, Book | None] = {}

    def book(self, market: str) -> Book | None:
        """The book as it was when it was first asked for."""
        if market not in self._known:
            self._known[market] = self._books(market)
        return self._known[market]


class _Ways(NamedTuple):
    """Legs out of an asset, those to a target first, each with the most that a unit can be worth."""

    legs: list[tuple[LegRoute, Decimal]]
    best: Decimal | None  # of those; None where there are none


class _Ahead:
    """The most that a unit of an asset can be worth at the end of any route, so that others end early.

    Told at the touch and after fees: depth, steps and bookings only take away from that. What a
    route has been through already is not looked at, which only adds to it.
    """

    def __init__(
        self, rates: Mapping[str, Decimal | None], books: BookOf, exits: Exits, keep: Decimal
    ) -> None:
        self._rates = rates  # of the targets; None for one that nothing can value
        self._books, self._exits, self._keep = books, exits, keep
        self._known: dict[tuple[str, int], _Ways] = {}

    def ways(self, here: str, hops: int) -> _Ways:
        """The legs on which some route of at most so many hops ends in a target."""
        known = self._known.get((here, hops))
        if known is None:
            known = self._known[here, hops] = self._look(here, hops)
        return known

    def _look(self, here: str, hops: int) -> _Ways:
        ends: list[tuple[LegRoute, Decimal]] = []
        others: list[tuple[LegRoute, Decimal]] = []
        best = None
        for leg in self._exits.get(here, ()):
            there = leg.receive_asset
            if there in self._rates:
                onwards, legs = self._rates[there], ends
            elif hops > 1:
                onwards, legs = self.ways(there, hops - 1).best, others
            else:
                continue
            touch = None if onwards is None else _touch(leg, self._books)
            if touch is None or onwards is None:
                continue
            most = touch * self._keep * onwards
            legs.append((leg, most))
            if best is None or most > best:
                best = most
        return _Ways(ends + others, best)


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
    rate = rate_of(asset, in_asset, books, exits)
    return None if rate is None else _worth(asset, amount, in_asset, rate)


def _worth(asset: str, amount: Decimal, in_asset: str, rate: Decimal) -> Decimal:
    return amount if asset == in_asset else truncate(amount * rate, BOOKED_UNIT)


def rate_of(asset: str, in_asset: str, books: BookOf, exits: Exits) -> Decimal | None:
    """Tell what a unit of one asset is worth in another, as `value` does, and not cut; None without a way."""
    if asset == in_asset:
        return ONE
    for hops in range(1, HOPS_MAX + 1):
        rates = list(
            _rates(asset, in_asset, hops, books=books, exits=exits, seen=frozenset({asset}))
        )
        if rates:
            return max(rates)
    return None


def _rates(
    here: str, target: str, hops: int, *, books: BookOf, exits: Exits, seen: frozenset[str]
) -> Iterator[Decimal]:
    """Give the rate of every way of exactly this many hops."""
    for leg in exits.get(here, ()):
        there = leg.receive_asset
        if there in seen or (there == target) != (hops == 1):
            continue
        rate = _touch(leg, books)
        if rate is None:
            continue
        if hops == 1:
            yield rate
            continue
        for rest in _rates(there, target, hops - 1, books=books, exits=exits, seen=seen | {there}):
            yield rate * rest


def _touch(leg: LegRoute, books: BookOf) -> Decimal | None:
    """What a unit brings at the best price, without fees."""
    book = books(leg.market)
    levels = () if book is None else book.levels(leg.side)
    if not levels:
        return None
    return levels[0][0] if leg.side == "sell" else ONE / levels[0][0]


def _better(found: Liquidation, best: Liquidation) -> bool:
    if found.value != best.value:
        return found.value > best.value
    return len(found.hops) < len(best.hops)
