"""Orders held against the venue's own trades: what the balances show as gone is not given again."""

from dataclasses import dataclass
from decimal import Decimal

from arb.simulation.checker.cycles import Order
from arb.simulation.checker.truth import Truth, VenueFill
from arb.simulation.checker.words import ZERO, Amounts, dec, joined

MARGIN_NS = 200_000_000  # by which the clock of an intent may be behind the venue's


@dataclass(frozen=True, slots=True)
class Intent:
    """An order as it is intended, and what its cycle had by the log then."""

    position: int
    cycle_id: str
    order: Order
    venue_ns: int
    held: Decimal  # of what it spends
    ended: frozenset[str]  # orders of its cycle that were over
    booked: frozenset[tuple[str, str]]  # (venue's order id, trade id) of its cycle
    least: (
        Decimal  # that the log expected at the venue of what it spends, since an order of it ended
    )


def check(intents: list[Intent], really: Truth) -> list[str]:
    """Name orders that gave what their cycle had given already, as the balances had said all the time."""
    if not really.candid:
        return []
    return [what for intent in intents if (what := _oversold(intent, really)) is not None]


def _oversold(intent: Intent, really: Truth) -> str | None:
    order = intent.order
    untold = [
        fill
        for fill in really.fills
        if fill.client_order_id in intent.ended
        and (fill.order_id, fill.trade_id) not in intent.booked
        and fill.at_ns <= intent.venue_ns
        and moved_by(fill).get(order.spends, ZERO) < 0
    ]
    gone = -sum((moved_by(fill)[order.spends] for fill in untold), ZERO)
    if not untold or order.need <= intent.held - gone:
        return None
    most = _most_shown(really, order.spends, untold[-1].at_ns, intent.venue_ns + MARGIN_NS)
    if most >= intent.least:
        return None  # somebody moved money: no balance said that something was missing
    return (
        f"position {intent.position}: order {order.id} gives {order.need} {order.spends} of"
        f" {intent.cycle_id}, which has {intent.held - gone} left: {gone} were gone, and the balance"
        f" was at most {most} where the log expected {intent.least}"
    )


def _most_shown(really: Truth, asset: str, since_ns: int, until_ns: int) -> Decimal:
    """The most that the venue held of an asset at any moment between two."""
    steps: list[tuple[int, Decimal]] = [
        *((fill.at_ns, moved_by(fill).get(asset, ZERO)) for fill in really.fills),
        *((one.at_ns, dec(one.amount)) for one in really.changes if one.asset == asset),
    ]
    total, most = really.opening.get(asset, ZERO), None
    for at_ns, amount in sorted(steps):
        if at_ns > until_ns:
            break
        if at_ns > since_ns and most is None:
            most = total
        total += amount
        if most is not None:
            most = max(most, total)
    return total if most is None else most


def moved_by(fill: VenueFill) -> Amounts:
    """What a trade changed."""
    base, _, quote = fill.market.partition("/")
    sign = 1 if fill.side == "buy" else -1
    return joined(
        {base: sign * dec(fill.amount)},
        {quote: -sign * dec(fill.cost)},
        {fill.fee_asset: -dec(fill.fee)},
    )
