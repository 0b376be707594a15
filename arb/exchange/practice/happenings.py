"""What happens on the account, told to whoever subscribed: found by comparing with what was told last."""

from decimal import Decimal

from msgspec import Struct, structs

from arb.exchange.paper.account import PaperAccount
from arb.exchange.paper.records import PaperFill, PaperOrder
from arb.exchange.port import Balance, BalanceChange
from arb.money import ZERO


class OrderHappening(Struct, frozen=True):
    """An order as it stood right after something happened to it."""

    what: str  # "new" | "trade" | "end"; an order whose last trade closes it has no end beside that
    order: PaperOrder
    fill: PaperFill | None  # of a trade
    cost: Decimal  # of all its trades so far
    at_ns: int


class BalancesHappening(Struct, frozen=True):
    """Balances that may have changed, as they are now."""

    balances: dict[str, Balance]
    at_ns: int


class ChangeHappening(Struct, frozen=True):
    """A deposit or a withdrawal."""

    change: BalanceChange


Happening = OrderHappening | BalancesHappening | ChangeHappening


class _Running(Struct):
    """An order that was open when it was last told."""

    order: PaperOrder
    filled: Decimal
    cost: Decimal


class Notices:
    """Remembers what was told. A venue that starts again tells nothing of its earlier life."""

    def __init__(self, account: PaperAccount) -> None:
        self._account = account
        self._order = account.next_order_number() - 1
        self._fill = account.next_fill_number() - 1
        self._change = account.last_change_number()
        self._running: dict[int, _Running] = {}
        for order in account.open_orders():
            cost = sum((fill.cost for fill in account.fills_of(order.number)), ZERO)
            self._running[order.number] = _Running(order, order.filled, cost)

    def look(self, now_ns: int) -> list[Happening]:
        """List what happened since the last look, in order."""
        account = self._account
        told: list[Happening] = []
        touched: set[str] = set()
        for change in account.changes_after(self._change):
            self._change = int(change.change_id.removeprefix("c"))
            touched.add(change.asset)
            told.append(ChangeHappening(change))
        for order in account.orders_after(self._order):
            self._order = order.number
            touched.add(order.spent_asset)
            begun = structs.replace(order, status="open", filled=ZERO, closed_ns=None)
            self._running[order.number] = _Running(begun, ZERO, ZERO)
            told.append(OrderHappening("new", begun, None, ZERO, order.created_ns))
        for fill in account.fills_after(self._fill):
            self._fill = fill.number
            running = self._running[fill.order]
            touched |= {running.order.spent_asset, running.order.received_asset, fill.fee_asset}
            told.append(self._traded(running, fill))
        for number, running in list(self._running.items()):
            now = account.order(number)
            assert now is not None, number
            if now.status == "open":
                continue
            del self._running[number]
            touched.add(now.spent_asset)
            if now.status != "closed":
                told.append(OrderHappening("end", now, None, running.cost, now.closed_ns or now_ns))
        if touched:
            balances = account.balances()
            none = Balance(ZERO, ZERO)
            shown = {asset: balances.get(asset, none) for asset in sorted(touched)}
            told.append(BalancesHappening(shown, now_ns))
        return told

    def _traded(self, running: _Running, fill: PaperFill) -> OrderHappening:
        running.filled += fill.amount
        running.cost += fill.cost
        whole = running.filled == running.order.amount
        order = structs.replace(
            running.order,
            filled=running.filled,
            status="closed" if whole else "open",
            closed_ns=fill.at_ns if whole else None,
        )
        running.order = order
        return OrderHappening("trade", order, fill, running.cost, fill.at_ns)
