"""Replies that are wrong in the ways replies are wrong: twice, shuffled, altered, empty, nonsense."""

import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

from msgspec import structs

from arb.exchange.port import FillReport, OrderReport
from arb.money import ZERO

Strikes = Callable[[str], bool]  # whether a fault of this name strikes now

_NONSENSE_ORDER: Final = (
    OrderReport(
        exchange_order_id=None,
        client_order_id=None,
        market=None,
        side=None,
        status=None,
        amount=None,
        filled=None,
        fills=None,
    ),
    OrderReport(
        exchange_order_id="",
        client_order_id="",
        market="",
        side="hold",
        status="banana",
        amount=Decimal(-1),
        filled=Decimal("NaN"),
        fills=(),
    ),
)
_NONSENSE_FILL: Final = FillReport(
    trade_id=None,
    exchange_order_id="",
    client_order_id=None,
    market=None,
    side="hold",
    price=Decimal(-1),
    amount=Decimal("NaN"),
    cost=None,
    fee=None,
    fee_asset=None,
    venue_ns=-1,
)
_ORDER_FIELDS: Final = ("exchange_order_id", "client_order_id", "status", "amount", "filled")
_FILL_FIELDS: Final = ("trade_id", "exchange_order_id", "price", "amount", "cost", "fee")


def mangled_order(report: OrderReport, strikes: Strikes, rng: random.Random) -> OrderReport:
    """Tell an order badly, by the faults that strike."""
    if strikes("garbage"):
        return rng.choice(_NONSENSE_ORDER)
    if strikes("reordered_reports"):
        none = None if report.fills is None else ()
        report = structs.replace(report, status="open", filled=ZERO, fills=none)
    if strikes("none_fields"):
        field = rng.choice(_ORDER_FIELDS)
        if report.fills and rng.random() < 0.5:  # noqa: PLR2004 -- as often here as there
            first, *rest = report.fills
            report = structs.replace(report, fills=(_without_a_field(first, rng), *rest))
        else:
            report = structs.replace(report, **{field: None})
    if report.fills:
        report = structs.replace(report, fills=_repeated(report.fills, strikes, rng))
    return report


def mangled_trades(
    trades: Sequence[FillReport], strikes: Strikes, rng: random.Random
) -> tuple[FillReport, ...]:
    """Tell trades badly, by the faults that strike; nothing is left out."""
    told = list(trades)
    if strikes("garbage"):
        told.append(_NONSENSE_FILL)
    if told and strikes("reordered_reports"):
        rng.shuffle(told)
    if told and strikes("none_fields"):
        number = rng.randrange(len(told))
        told[number] = _without_a_field(told[number], rng)
    return _repeated(tuple(told), strikes, rng)


def _repeated(
    fills: tuple[FillReport, ...], strikes: Strikes, rng: random.Random
) -> tuple[FillReport, ...]:
    """Tell a fill twice; an altered copy always comes behind the true one."""
    if fills and strikes("duplicated_reports"):
        fills = (*fills, rng.choice(fills))
    if fills and strikes("altered_reports"):
        true = rng.choice(fills)
        if true.price is not None and true.cost is not None:
            fills = (*fills, structs.replace(true, price=true.price * 2, cost=true.cost * 2))
    return fills


def _without_a_field(fill: FillReport, rng: random.Random) -> FillReport:
    return structs.replace(fill, **{rng.choice(_FILL_FIELDS): None})
