"""Plan orders from books and a cycle. No I/O: the same desk and cycle give the same plan."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from arb import ids
from arb.events.facts import Amounts
from arb.exchange.port import Balance
from arb.execution.account.desk import Desk, targets_of
from arb.limits import HOPS_MAX
from arb.machine import commands as c
from arb.machine.net import fees_beside
from arb.machine.state import Cycle
from arb.market.book import MarketRules
from arb.market.booking import booked_cost, booked_fee
from arb.market.chain import Quote, price_leg, quote_path
from arb.market.depth import Shortfall, Walk
from arb.market.liquidation import Liquidation, best_liquidation, one_order_sells, price_hop, value
from arb.money import BPS, ONE, ZERO, floor_to


class GoingOn(Struct, frozen=True, gc=False):
    """What going on with the path would give now."""

    partly: bool  # the current leg has a rest worth an order; else the next leg's order is next
    walk: Walk | None  # the next order; None: nothing is left to trade
    output: Decimal  # of the start asset, from what is in hand of the path


class Way(Struct, frozen=True, gc=False):
    """The best way out of one asset. One that no order can be sent on is none."""

    asset: str
    amount: Decimal
    liquidation: Liquidation | None
    walk: Walk | None  # the first order of it; None without a way


class Exposure(Struct, frozen=True, gc=False):
    """What a cycle holds that is neither a target currency nor dust, and how to get out of it."""

    ways: tuple[Way, ...]
    dust: tuple[str, ...]
    short: Amounts  # held by the cycle, but not there to sell

    @property
    def is_none(self) -> bool:
        """Whether nothing is left to sell."""
        return not self.ways and not self.short

    @property
    def value(self) -> Decimal | None:
        """What liquidating everything gives, in the start asset; None without a way for some."""
        total = ZERO
        for way in self.ways:
            if way.liquidation is None:
                return None
            total += way.liquidation.value
        return total


def go_on(desk: Desk, cycle: Cycle) -> GoingOn | Shortfall:
    """Price the rest of the path from what the cycle has in hand."""
    slippage = cycle.max_slippage_bps
    legs = cycle.legs[cycle.leg :]
    if not legs:
        return GoingOn(partly=False, walk=None, output=ZERO)
    leg, rest = legs[0], legs[1:]
    carried, walk, partly = ZERO, None, False
    if cycle.leg_received > 0:
        carried = cycle.holding(leg.receive_asset) if rest else ZERO
    # What is not spent of the start currency is not at risk, it just stays.
    if cycle.leg > 0 or cycle.leg_received <= 0:
        priced = _price(desk, cycle, cycle.holding(leg.spend_asset))
        if isinstance(priced, Walk):
            walk, partly = priced, cycle.leg_received > 0
            carried += priced.received
        elif cycle.leg_received <= 0:
            return priced
    if not rest:
        return GoingOn(partly=partly, walk=walk, output=carried)
    onwards = quote_path(
        rest,
        carried,
        desk.book,
        desk.markets,
        desk.fees,
        slippage,
        at_bound=_at_bound(desk, cycle),
    )
    if isinstance(onwards, Shortfall):
        return onwards
    return GoingOn(partly=partly, walk=walk or onwards.walks[0], output=onwards.output)


def _price(desk: Desk, cycle: Cycle, amount: Decimal) -> Walk | Shortfall:
    return price_leg(
        cycle.legs[cycle.leg],
        amount,
        desk.book,
        desk.markets,
        desk.fees.taker,
        cycle.max_slippage_bps,
        at_bound=_at_bound(desk, cycle),
    )


def _at_bound(desk: Desk, cycle: Cycle) -> bool:
    """Whether orders of the path go to the slippage bound: what the strategy calls `market`."""
    return desk.strategy(cycle.config).order.type == "market"


def floor_now(cycle: Cycle) -> Decimal:
    """The least that going on must bring: the floor of what was spent, less what the last leg has brought."""
    back = cycle.leg_received if cycle.leg == len(cycle.legs) - 1 else ZERO
    return max(ZERO, (cycle.spent_start() + back) * cycle.floor / cycle.start_amount - back)


def threshold_bps(cycle: Cycle) -> Decimal:
    """The edge above which the cycle was opened: its strategy's, or that of its row in a file."""
    return (cycle.floor / cycle.start_amount - ONE) * BPS + cycle.max_slippage_bps


def quote_cycle(desk: Desk, cycle: Cycle) -> Quote | Shortfall:
    """Price the whole path anew from the start amount."""
    return quote_path(
        cycle.legs,
        cycle.start_amount,
        desk.book,
        desk.markets,
        desk.fees,
        cycle.max_slippage_bps,
        at_bound=_at_bound(desk, cycle),
    )


def is_dust(desk: Desk, asset: str, amount: Decimal, targets: Sequence[str] | None = None) -> bool:
    """Whether the amount is below the minimum of every market; an asset without any is not dust.

    With `targets`: below the minimum of some hop of every route to one of them, at the touch, or
    worth nothing in the first of them. A book that is torn apart tells no price.
    """
    listed = desk.markets_of(asset)
    if targets is None:
        return bool(listed) and not any(_takes(desk, rules, asset, amount) for rules in listed)
    if _told_value(desk, asset, amount, targets[0]) == 0:
        return True
    barred = desk.barred(targets)
    return bool(listed) and not _arrives(desk, asset, amount, targets, HOPS_MAX, {asset, *barred})


def _arrives(  # noqa: PLR0917 -- a holding, where it goes, and how far it may go
    desk: Desk, asset: str, amount: Decimal, targets: Collection[str], hops: int, seen: set[str]
) -> bool:
    """Whether some route might bring the amount to a target, as far as minimums go."""
    for rules in desk.markets_of(asset):
        there = rules.quote if rules.base == asset else rules.base
        if there in seen or not _takes(desk, rules, asset, amount):
            continue
        kept = _kept(desk, rules, asset, amount)
        if kept is None or there in targets:
            return True
        if hops > 1 and _arrives(desk, there, kept, targets, hops - 1, {*seen, there}):
            return True
    return False


def _kept(desk: Desk, rules: MarketRules, asset: str, amount: Decimal) -> Decimal | None:
    """What is left of an amount after one hop at the touch; None without a price now."""
    side = "sell" if rules.base == asset else "buy"
    price = _told_price(desk, rules.market, side)
    if price is None:
        return None
    if side == "buy":
        gained = floor_to(amount / price, rules.step_size)
    else:
        gained = booked_cost(price, floor_to(amount, rules.step_size))
    return gained - booked_fee(gained, desk.fees.taker)


def _told_price(desk: Desk, market: str, side: str) -> Decimal | None:
    book = desk.telling_book(market)
    levels = () if book is None else book.levels(side)
    return levels[0][0] if levels else None


def fits(desk: Desk, market: str, asset: str, amount: Decimal) -> bool:
    """Whether a market's step and minimums let an amount through; one that is not listed might."""
    rules = desk.markets.get(market)
    return rules is None or _takes(desk, rules, asset, amount)


def _takes(desk: Desk, rules: MarketRules, asset: str, amount: Decimal) -> bool:
    """Whether a market's minimums let the amount through for anything; one without a price now might."""
    side = "sell" if rules.base == asset else "buy"
    price = _told_price(desk, rules.market, side)
    if side == "buy":
        if price is None:
            return amount >= rules.notional_min
        amount = floor_to(amount / price, rules.step_size)
    base = floor_to(amount, rules.step_size)
    if base <= 0 or base < rules.amount_min:
        return False
    if price is not None:
        kept = _kept(desk, rules, asset, base * price if side == "buy" else base)
        # What books as nothing in the quote is no trade, whichever way it goes.
        traded = kept is not None and kept > 0 and booked_cost(price, base) > 0
        return traded and base * price >= rules.notional_min
    worth = _told_value(desk, asset, amount, rules.quote)
    return worth is None or worth >= rules.notional_min


def _told_value(desk: Desk, asset: str, amount: Decimal, in_asset: str) -> Decimal | None:
    return value(asset, amount, in_asset, desk.telling_book, desk.markets, desk.exits)


def exposure(
    desk: Desk, cycle: Cycle, balances: Mapping[str, Balance], targets: tuple[str, ...]
) -> Exposure:
    """Find what must be sold, and the best way out of each asset over at most the allowed hops."""
    ways: list[Way] = []
    dust: list[str] = []
    short: Amounts = {}
    for asset, amount in sorted(cycle.holdings.items()):
        if asset in targets or amount <= 0:
            continue
        if is_dust(desk, asset, amount, targets):
            dust.append(asset)
            continue
        sellable = min(amount, desk.arbiter.sellable(cycle.id, asset, balances))
        if sellable < amount:
            short[asset] = amount - sellable
        if sellable <= 0 or is_dust(desk, asset, sellable, targets):
            continue
        found = _way_out(desk, cycle, asset, sellable, targets)
        walk = None if found is None else first_hop(desk, cycle, asset, sellable, found, targets)
        ways.append(Way(asset, sellable, None if walk is None else found, walk))
    # What is worth most is sold first: the orders of an unwind are counted.
    ways.sort(key=_worth, reverse=True)
    return Exposure(tuple(ways), tuple(dust), short)


def _worth(way: Way) -> Decimal:
    return ZERO if way.liquidation is None else way.liquidation.value


def _way_out(  # noqa: PLR0917 -- a holding, where it goes, and how far it may go
    desk: Desk,
    cycle: Cycle,
    asset: str,
    amount: Decimal,
    targets: tuple[str, ...],
    hops_max: int | None = None,
) -> Liquidation | None:
    panic = desk.strategy(cycle.config).panic_sell
    return best_liquidation(
        asset,
        amount,
        targets,
        desk.whole_book,
        desk.markets,
        desk.fees,
        panic.max_slippage_bps,
        panic.max_hops if hops_max is None else hops_max,
        value_in=cycle.start_asset,
        exits=desk.exits,
        ways=desk.ways_out(targets),
    )


def first_hop(  # noqa: PLR0917 -- a holding, its way out and where that goes
    desk: Desk,
    cycle: Cycle,
    asset: str,
    amount: Decimal,
    way_out: Liquidation,
    targets: tuple[str, ...],
) -> Walk | None:
    """Plan the first order of a way out, no larger than the cycle's notional cap; None where no market takes so little."""
    found: Liquidation | None = way_out
    worth = desk.value_at_any(asset, amount, cycle.start_asset)
    if worth is not None and cycle.cap and worth > cycle.cap:
        amount = amount * cycle.cap / worth
        found = _way_out(desk, cycle, asset, amount, targets)
    if found is None or not cycle.missed_unwinding():
        return None if found is None else found.hops[0].walk
    # The market runs away from the touch: take what is there, as far as the bound.
    route, fees = found.hops[0].route, desk.fees
    slippage = desk.strategy(cycle.config).panic_sell.max_slippage_bps
    priced = price_hop(route, amount, desk.whole_book, desk.markets, fees, slippage, at_bound=True)
    return priced if isinstance(priced, Walk) else found.hops[0].walk


def is_above_cap(desk: Desk, cycle: Cycle, walk: Walk) -> bool:
    """Whether a leg's order would be worth more than the cycle's notional cap: no gate lets it pass."""
    rules = desk.markets[walk.market]
    asset, needs = rules.base, walk.amount
    if walk.side == "buy":
        asset, needs = rules.quote, walk.amount * walk.limit
    worth = desk.value_at_any(asset, needs, cycle.start_asset)
    return worth is not None and cycle.cap > 0 and worth > cycle.cap


def exits_missing(desk: Desk, cycle: Cycle, quote: Quote) -> str | None:
    """Name a currency of the path that could not be sold again now; None when all could."""
    targets = targets_of(desk.strategy(cycle.config), cycle.start_asset)
    for leg, walked in zip(cycle.legs[:-1], quote.walks[:-1], strict=True):
        asset = leg.receive_asset
        if asset in targets:
            continue
        if not _has_way_out(desk, cycle, asset, walked.received, targets):
            return asset
    return None


def _has_way_out(
    desk: Desk, cycle: Cycle, asset: str, amount: Decimal, targets: tuple[str, ...]
) -> bool:
    """Whether there is a way out at all: short ones are quick to find, and one is enough."""
    panic = desk.strategy(cycle.config).panic_sell
    return one_order_sells(
        asset,
        amount,
        cycle.start_asset,
        desk.whole_book,
        desk.markets,
        desk.fees,
        panic.max_slippage_bps,
        desk.exits,
    ) or any(
        _way_out(desk, cycle, asset, amount, targets, hops) is not None
        for hops in range(1, panic.max_hops + 1)
    )


def is_change(cycle: Cycle, asset: str, share: int) -> bool:
    """Whether what is held of an asset is at most one of so many parts of what its orders brought."""
    brought = sum((one.received for one in cycle.orders if one.receive_asset == asset), ZERO)
    return cycle.holding(asset) * share <= brought


def fee_value(desk: Desk, cycle: Cycle) -> Decimal | None:
    """Value the fees of a cycle that are not in its P/L, in the start asset, at the touch.

    None when a book is missing: the fees themselves stand in the fact by asset all the same.
    """
    total = ZERO
    for asset, fee in fees_beside(cycle).items():
        worth = desk.value(asset, fee, cycle.start_asset)
        if worth is None:
            return None
        total += worth
    return total


def value_of_others(desk: Desk, cycle: Cycle, targets: tuple[str, ...]) -> Decimal | None:
    """Value what is held in target currencies other than the start's; None if a book is missing."""
    total = ZERO
    for asset in targets:  # what went back at an earlier close keeps the value it had then
        amount = cycle.holding(asset)
        if asset == cycle.start_asset or amount == 0:
            continue
        worth = desk.value(asset, amount, cycle.start_asset)
        if worth is None:
            return None
        total += worth
    return total


def intend(desk: Desk, cycle: Cycle, walk: Walk, purpose: str, venue_ns: int) -> c.IntendOrder:
    """Make the order of a walk: limit IOC at the worst level it needed.

    Without partial fills the first leg is all or nothing: there nothing is at risk yet.
    """
    order = desk.strategy(cycle.config).order
    whole = purpose == "leg" and cycle.leg == 0 and not order.allow_partial_fills
    rules = desk.markets[walk.market]
    venue = desk.rules
    number = len(cycle.orders) + 1
    return c.IntendOrder(
        client_order_id=ids.client_order_id(desk.journal.account.instance, cycle.number, number),
        purpose=purpose,
        market=walk.market,
        base=rules.base,
        quote=rules.quote,
        side=walk.side,
        amount=walk.amount,
        limit=walk.limit,
        best=walk.best,
        expected=walk.received,
        venue_time_ns=venue_ns,
        window_ns=venue.recv_window_ns,
        dead_ns=venue.dead_ns(venue_ns),
        time_in_force="fok" if whole else "ioc",
    )
