"""What a venue may say about an order: honest ends, and words no honest venue would say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arb.ids import client_order_id
from arb.machine import commands as c
from arb.machine.order_fold import attested_trade_id
from tests.spec.given import D

if TYPE_CHECKING:
    from random import Random

    from arb.machine.state import Order

UNIT: Final = D("0.00000001")
STATUSES: Final = (None, None, "open", "closed", "closed", "canceled", "expired", "rejected", "odd")


def name_of(order: Order | None) -> str:
    return client_order_id("walk", 1, 1) if order is None else order.client_order_id


def a_fill(rng: Random, order: Order) -> c.Fill:
    """A trade: perhaps known, perhaps altered, perhaps of another order, perhaps too much."""
    price = order.limit * rng.choice([D(1), D("0.999"), D("1.002")])
    amount = (order.amount * rng.choice([D("0.2"), D("0.5"), D(1), D("1.5")])).quantize(UNIT)
    amount = max(amount, UNIT)
    gross = amount if order.side == "buy" else amount * price
    rate = rng.choice([D("0.001"), D("0.001"), D(0), D("-0.0001"), D("0.5")])
    return c.Fill(
        trade_id=f"t{rng.randrange(12)}",
        exchange_order_id=f"v{order.number}",
        price=price,
        amount=amount,
        cost=amount * price + rng.choice([D(0), D(0), UNIT]),
        fee=gross * rate,
        fee_asset=rng.choice([order.receive_asset] * 3 + ["BNB", "USDT", order.spend_asset]),
        venue_ns=rng.randrange(100),
    )


def known_fills(order: Order) -> list[c.Fill]:
    return [
        c.Fill(
            trade_id=trade.trade_id,
            exchange_order_id=f"v{order.number}",
            price=trade.price,
            amount=trade.amount,
            cost=trade.cost,
            fee=trade.fee,
            fee_asset=trade.fee_asset,
            venue_ns=0,
        )
        for trade in order.trades
        # What an operator stated is nothing that a venue could tell.
        if trade.trade_id != attested_trade_id(order.client_order_id)
    ]


def end(rng: Random, order: Order | None) -> c.Command:
    """An honest end: the rest fills, or a part of it, and the sums agree."""
    if order is None:
        return report(rng, None)
    share = rng.choice([D(1), D(1), D(1), D("0.3"), D(0)])
    rest = ((order.amount - order.filled) * share).quantize(UNIT)
    fills = known_fills(order)
    if rest > 0:
        cost = rest * order.limit
        gross = rest if order.side == "buy" else cost
        fills.append(
            c.Fill(
                trade_id=f"u{order.number}-{len(order.trades)}",
                exchange_order_id=f"v{order.number}",
                price=order.limit,
                amount=rest,
                cost=cost,
                fee=gross / 1000,
                fee_asset=rng.choice([order.receive_asset, "BNB"]),
                venue_ns=0,
            )
        )
    return c.ReportOrder(
        client_order_id=order.client_order_id,
        exchange_order_id=f"v{order.number}",
        status="closed",
        filled=sum((fill.amount for fill in fills), D(0)),
        fills=tuple(fills),
    )


def report(rng: Random, order: Order | None) -> c.Command:
    """What an adversarial venue tells: duplicated, reordered, altered, late, in part, wrong."""
    if order is None:
        return c.ReportOrder(
            client_order_id=name_of(None), exchange_order_id=None, status="open", filled=D(0)
        )
    fills = known_fills(order) if rng.random() < 0.5 else []
    fills += [a_fill(rng, order) for _ in range(rng.choice([0, 0, 1, 1, 2]))]
    if fills and rng.random() < 0.3:
        fills.append(rng.choice(fills))
    rng.shuffle(fills)
    told = order.filled + rng.choice([D(0), D(0), order.amount, -order.filled / 2])
    return c.ReportOrder(
        client_order_id=order.client_order_id,
        exchange_order_id=rng.choice([f"v{order.number}"] * 8 + [None, "v99"]),
        status=rng.choice(STATUSES),
        filled=rng.choice([told, told, told, None]),
        fills=tuple(fills),
    )
