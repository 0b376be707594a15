"""What a lagging venue shows: orders that are not visible yet, last trades that are late. Pure.

Orders, trades and balances are shown as of the same world: what is hidden in one is hidden in all, but for
trades that are not told of and stand in the balances at once.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal

from msgspec import Struct, structs

from arb.exchange.paper.records import PaperFill, PaperOrder, Statement
from arb.exchange.port import Balance
from arb.money import ZERO

Until = Callable[[PaperOrder], int]  # venue time until which something of the order is not shown


class View(Struct, frozen=True):
    """What is left out of an account at one instant, and the balances that fit the rest."""

    orders: frozenset[str]  # exchange ids that are not shown
    trades: frozenset[str]  # trade ids that are not shown
    late: dict[str, Decimal]  # exchange id -> amount that the order does not show as filled yet
    balances: dict[str, Balance]


class _Veiled(Struct, frozen=True):
    """Trades that appear together, later than they happened."""

    order: PaperOrder
    fills: tuple[PaperFill, ...]
    until_ns: int
    whole: bool  # the order is not shown either
    held: bool = True  # back from the balances too


def _at_once(order: PaperOrder) -> int:
    return order.created_ns


def view_of(
    statement: Statement,
    hidden_until: Until,
    late_until: Until,
    untold_until: Until = _at_once,
) -> View:
    """Work out what the venue shows at the statement's time.

    What somebody has built on is shown: where leaving a trade out would have made a balance
    negative at any moment since, it is not left out.
    """
    veiled = list(_veils(statement, hidden_until, late_until, untold_until))
    while (exposed := _exposed(statement, veiled)) is not None:
        kept = [one for one in veiled if not _brings(one, exposed)]
        if len(kept) == len(veiled):  # the venue's clock went back: nothing of ours to show
            break
        veiled = kept
    now = [one for one in veiled if one.until_ns > statement.at_ns]
    balances = dict(statement.balances)
    for one in now:
        if one.whole:
            _shift(balances, one.order.spent_asset, free=one.order.locked, locked=-one.order.locked)
        for fill in one.fills if one.held else ():
            for asset, amount in _effects(one.order, fill):
                _shift(balances, asset, free=-amount)
    return View(
        orders=frozenset(one.order.exchange_order_id for one in now if one.whole),
        trades=frozenset(fill.trade_id for one in now for fill in one.fills),
        late={
            one.order.exchange_order_id: sum((fill.amount for fill in one.fills), ZERO)
            for one in now
            if not one.whole
        },
        balances={asset: _whole(balance) for asset, balance in balances.items()},
    )


def _veils(
    statement: Statement, hidden_until: Until, late_until: Until, untold_until: Until
) -> Iterable[_Veiled]:
    for order in statement.orders:
        fills = tuple(fill for fill in statement.fills if fill.order == order.number)
        hidden_ns = hidden_until(order)
        if hidden_ns > order.created_ns:
            yield _Veiled(order, fills, hidden_ns, whole=True)
            continue
        if order.closed_ns != order.created_ns or not fills:
            continue
        late_ns = late_until(order)
        if late_ns > order.created_ns:
            yield _Veiled(order, fills[-1:], late_ns, whole=False)
            continue
        untold_ns = untold_until(order)
        if untold_ns > order.created_ns:
            yield _Veiled(order, fills[-1:], untold_ns, whole=False, held=False)


def _exposed(statement: Statement, veiled: list[_Veiled]) -> str | None:
    """Name an asset that would have been shown below 0 at some moment; None when none would."""
    orders = {order.number: order for order in statement.orders}
    covered = {fill.trade_id: one.until_ns for one in veiled if one.held for fill in one.fills}
    steps: list[tuple[int, str, Decimal]] = []  # shown at, asset, amount
    shown = {asset: balance.total for asset, balance in statement.balances.items()}
    for fill in statement.fills:
        for asset, amount in _effects(orders[fill.order], fill):
            shown[asset] -= amount
            steps.append((covered.get(fill.trade_id, fill.at_ns), asset, amount))
    for change in statement.changes:
        shown[change.asset] -= change.amount
        steps.append((change.venue_ns, change.asset, change.amount))
    # What happens in one instant counts together: first what comes in.
    for _, asset, amount in sorted(steps, key=lambda step: (step[0], step[2] < 0)):
        shown[asset] += amount
        if shown[asset] < 0:
            return asset
    return None


def _brings(one: _Veiled, asset: str) -> bool:
    return one.held and one.order.received_asset == asset and bool(one.fills)


def _effects(order: PaperOrder, fill: PaperFill) -> tuple[tuple[str, Decimal], ...]:
    """What a trade did to balances, per asset."""
    buys = fill.side == "buy"
    return (
        (order.received_asset, fill.amount if buys else fill.cost),
        (order.spent_asset, -(fill.cost if buys else fill.amount)),
        (fill.fee_asset, -fill.fee),
    )


def _shift(
    balances: dict[str, Balance], asset: str, *, free: Decimal, locked: Decimal = ZERO
) -> None:
    was = balances[asset]
    balances[asset] = structs.replace(was, free=was.free + free, locked=was.locked + locked)


def _whole(balance: Balance) -> Balance:
    """Show what is free from 0 up: of a total that fits, the rest is locked."""
    if balance.free >= 0:
        return balance
    return Balance(ZERO, balance.locked + balance.free)
