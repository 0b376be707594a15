"""What one reading of a market's trades says: which trades can be booked, and why others cannot. Pure."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from arb.events import facts as f
from arb.exchange.port import FillReport
from arb.execution.orders.vetting import unreadable
from arb.machine.invariants import postings
from arb.market.book import MarketRules
from arb.money import plain


class Doubt(Struct, frozen=True, gc=False):
    """A trade that cannot be booked as it was told; it is looked at again in the next reading."""

    trade: FillReport
    why: str
    other: FillReport | None = None  # the first copy, where a later one differs


class Reading(Struct, frozen=True, gc=False):
    """Trades by the venue's id of their order, in the order told, and what is in doubt."""

    orders: dict[str, list[FillReport]]
    doubts: tuple[Doubt, ...]


def sort_trades(told: Iterable[FillReport]) -> Reading:
    """Put the trades of each order together; one whose copies differ is left out with all of them.

    Which of two different copies is true cannot be seen in one reading.
    """
    first: dict[str, FillReport] = {}
    readable: list[FillReport] = []
    doubts: list[Doubt] = []
    differing: set[str] = set()
    for trade in told:
        why = unreadable(trade)
        if why is None and not _says_whose(trade):
            why = f"trade {trade.trade_id}: no order id or no side"
        if why is not None:
            doubts.append(Doubt(trade, why))
            continue
        assert trade.trade_id is not None
        known = first.setdefault(trade.trade_id, trade)
        if _numbers(known) == _numbers(trade):
            readable.append(trade)
        else:
            differing.add(trade.trade_id)
            doubts.append(Doubt(trade, f"trade {trade.trade_id}: its copies differ", known))
    orders: dict[str, list[FillReport]] = {}
    for trade in readable:
        if trade.trade_id not in differing:
            orders.setdefault(str(trade.exchange_order_id), []).append(trade)
    return Reading(orders, tuple(doubts))


def _says_whose(trade: FillReport) -> bool:
    named = isinstance(trade.exchange_order_id, str) and bool(trade.exchange_order_id)
    return named and trade.side in {"buy", "sell"}


def _numbers(trade: FillReport) -> tuple[object, ...]:
    numbers = (trade.price, trade.amount, trade.cost, trade.fee)
    return (*numbers, trade.fee_asset, trade.exchange_order_id, trade.side)


def said(trade: FillReport) -> str:
    """Put what a readable trade moved, and for which order, into one line."""
    told = _numbers(trade)
    return "|".join(plain(one) if isinstance(one, Decimal) else str(one) for one in told)


def foreign_facts(rules: MarketRules, trade: FillReport, owner: str) -> Sequence[f.Fact]:
    """Say what a readable trade of another client changed; without a name its owner is empty."""
    assert trade.trade_id is not None
    assert trade.exchange_order_id is not None
    assert trade.side is not None
    assert trade.price is not None
    assert trade.amount is not None
    assert trade.cost is not None
    assert trade.fee is not None
    assert trade.fee_asset is not None
    assert trade.venue_ns is not None
    fill = f.OrderFilled(
        client_order_id=owner,
        exchange_order_id=trade.exchange_order_id,
        trade_id=trade.trade_id,
        market=rules.market,
        base=rules.base,
        quote=rules.quote,
        side=trade.side,
        price=trade.price,
        amount=trade.amount,
        cost=trade.cost,
        fee=trade.fee,
        fee_asset=trade.fee_asset,
        venue_ns=trade.venue_ns,
    )
    seen = f.ForeignTradeSeen(
        market=rules.market,
        trade_id=trade.trade_id,
        exchange_order_id=trade.exchange_order_id,
        client_order_id=owner or None,
    )
    changes = [
        f.ExternalChangeFound(
            asset=asset,
            amount=amount,
            explained=True,
            source="foreign trade",
            detail=f"{rules.market} {trade.trade_id}",
        )
        for _kind, asset, amount in postings(fill)
        if amount
    ]
    return (seen, *changes)
