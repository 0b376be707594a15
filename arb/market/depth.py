"""Walk a book's depth: what an order would take, at which limit, and what it would bring."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import takewhile

from msgspec import Struct

from arb.market.book import Book, Level, MarketRules
from arb.market.booking import booked_cost, booked_fee
from arb.money import BPS, ONE, ZERO, ceil_to, floor_to, plain

HALTED = "halted"
NO_BOOK = "no_book"
NO_DEPTH = "no_depth"
BELOW_STEP = "below_step"
BELOW_AMOUNT_MIN = "below_amount_min"
BELOW_NOTIONAL_MIN = "below_notional_min"
BOOK_TWICE = "book_twice"


class Shortfall(Struct, frozen=True, gc=False):
    """Why an order cannot be placed: one of the reasons above, and the numbers behind it."""

    market: str
    reason: str
    detail: str


class Walk(Struct, frozen=True, gc=False):
    """An order that the visible depth would fill, and its outcome as the venue would book it."""

    market: str
    side: str  # "buy" | "sell"
    amount: Decimal  # base
    limit: Decimal  # on the tick grid: the worst price it needs, or its bound if that was asked for
    best: Decimal  # the touch
    used: Decimal  # of the spent asset; at most what was offered
    received: Decimal  # of the received asset, after the fee where the fee is taken there
    fee: Decimal  # in the received asset; only its value in it where the fee is taken elsewhere
    fee_in_received: bool


def bound(side: str, best: Decimal, slippage_bps: Decimal, tick: Decimal) -> Decimal:
    """Name the worst price allowed: `slippage_bps` from the touch, rounded towards the touch."""
    assert slippage_bps >= 0, slippage_bps
    if side == "buy":
        return floor_to(best * (1 + slippage_bps / BPS), tick)
    return max(ceil_to(best * (1 - slippage_bps / BPS), tick), tick)


def walk(  # noqa: PLR0917 -- an order, where it goes and what bounds it
    book: Book,
    side: str,
    spend: Decimal,
    rules: MarketRules,
    rate: Decimal,
    bound_price: Decimal,
    *,
    fee_in_received: bool = True,
    at_bound: bool = False,
    depth_share: Decimal = ONE,
) -> Walk | Shortfall:
    """Size an order that spends at most `spend` (sell: base, buy: quote) within `bound_price`.

    A venue locks amount x limit for a buy, so the amount is limited by spend / limit and not by
    spend / average. Depth within the bound and the market's largest amount limit it further: see
    `used`. `rate` is the fee's fraction of what is received. `at_bound` puts the limit at the bound,
    as an order of type market has it; the fills planned stay those of the visible depth.
    `depth_share`, above 0 and at most 1, is how much of each visible level may be taken.
    """
    if not rules.active:
        return Shortfall(book.market, HALTED, f"{book.market} is halted")
    levels = shared(book.levels(side), depth_share)
    if not levels:
        return Shortfall(book.market, NO_DEPTH, f"the book has nothing to {side} from")
    if side == "buy" and at_bound:
        reachable = _buyable_at_bound(levels, spend, bound_price)
    else:
        reachable = (_buyable if side == "buy" else _sellable)(levels, spend, rules, bound_price)
    amount = floor_to(min(reachable, rules.amount_max), rules.step_size)
    taken = list(take(levels, amount))
    best = levels[0][0]
    if not taken:
        return _out_of_reach(levels, side, spend, rules, bound_price)
    limit = bound_price if at_bound else limit_for(side, taken[-1][0], rules.tick_size)
    broken = _broken(rules, amount, limit)
    if broken is not None:
        return broken
    used = received = fee = ZERO
    for price, size in taken:
        cost = booked_cost(price, size)
        gained = size if side == "buy" else cost
        fee_here = booked_fee(gained, rate)
        used += cost if side == "buy" else size
        received += gained - fee_here if fee_in_received else gained
        fee += fee_here
    assert used <= spend, (used, spend)
    planned = Walk(
        market=book.market,
        side=side,
        amount=amount,
        limit=limit,
        best=best,
        used=used,
        received=received,
        fee=fee,
        fee_in_received=fee_in_received,
    )
    return booking_nothing(planned) or planned


def booking_nothing(planned: Walk) -> Shortfall | None:
    """Refuse an order that is so small that its cost books as nothing in the quote currency.

    A buy of that kind spends nothing: it could be made again and again. A sell brings nothing.
    """
    kept = planned.fee if planned.fee_in_received else ZERO
    cost = planned.used if planned.side == "buy" else planned.received + kept
    if cost > 0:
        return None
    detail = f"{plain(planned.amount)} at {plain(planned.best)} books as nothing"
    return Shortfall(planned.market, BELOW_NOTIONAL_MIN, detail)


def shared(levels: tuple[Level, ...], share: Decimal) -> tuple[Level, ...]:
    """Scale the sizes of levels: what of a visible depth may be counted on."""
    if share == 1:
        return levels
    assert 0 < share < 1, share
    return tuple((price, size * share) for price, size in levels)


def take(levels: tuple[Level, ...], amount: Decimal) -> Iterator[Level]:
    """Split an amount over levels, best first: one (price, size) for each level it touches."""
    left = amount
    for price, size in levels:
        if left <= 0:
            return
        taken = min(size, left)
        if taken > 0:
            yield price, taken
            left -= taken


def limit_for(side: str, price: Decimal, tick: Decimal) -> Decimal:
    """Name the tightest limit on the tick grid that takes a price: the price, if it is on the grid."""
    return ceil_to(price, tick) if side == "buy" else floor_to(price, tick)


def _buyable(
    levels: tuple[Level, ...], spend: Decimal, rules: MarketRules, bound_price: Decimal
) -> Decimal:
    """Count the base that `spend` buys: the whole order has to be payable at its worst price."""
    reached = ZERO
    for price, size in levels:
        limit = limit_for("buy", price, rules.tick_size)
        if limit > bound_price:
            break
        cap = floor_to(spend / limit, rules.step_size)
        if reached >= cap:
            break
        reached = min(reached + size, cap)
    return reached


def _buyable_at_bound(levels: tuple[Level, ...], spend: Decimal, bound_price: Decimal) -> Decimal:
    """Count the base that `spend` buys when all of the order is locked at the bound."""
    within = takewhile(lambda level: level[0] <= bound_price, levels)
    visible = sum((size for _, size in within), ZERO)
    return min(visible, spend / bound_price) if visible else ZERO


def _sellable(
    levels: tuple[Level, ...], spend: Decimal, rules: MarketRules, bound_price: Decimal
) -> Decimal:
    """Count the base that the bids within the bound take."""
    reached = ZERO
    for price, size in levels:
        if limit_for("sell", price, rules.tick_size) < bound_price or reached >= spend:
            break
        reached += size
    return min(reached, spend)


def _out_of_reach(
    levels: tuple[Level, ...], side: str, spend: Decimal, rules: MarketRules, bound_price: Decimal
) -> Shortfall:
    """Say why an order takes nothing: no price within the bound, no size there, or too little to spend."""
    best = levels[0][0]
    in_reach = [
        size
        for price, size in levels
        if (price <= bound_price if side == "buy" else price >= bound_price)
    ]
    if not in_reach:
        detail = f"best price {plain(best)} is beyond the bound {plain(bound_price)}"
        return Shortfall(rules.market, NO_DEPTH, detail)
    if not any(in_reach):
        detail = f"the book shows no size to {side} from within the bound {plain(bound_price)}"
        return Shortfall(rules.market, NO_DEPTH, detail)
    detail = f"{plain(spend)} to {side} at {plain(best)} is below one step {plain(rules.step_size)}"
    return Shortfall(rules.market, BELOW_STEP, detail)


def _broken(rules: MarketRules, amount: Decimal, limit: Decimal) -> Shortfall | None:
    """Say which minimum an order is below, with its numbers."""
    if amount < rules.amount_min:
        detail = f"amount {plain(amount)} is below the minimum {plain(rules.amount_min)}"
        return Shortfall(rules.market, BELOW_AMOUNT_MIN, detail)
    if amount * limit < rules.notional_min:
        detail = (
            f"notional {plain(amount * limit)} is below the minimum {plain(rules.notional_min)}"
        )
        return Shortfall(rules.market, BELOW_NOTIONAL_MIN, detail)
    return None
