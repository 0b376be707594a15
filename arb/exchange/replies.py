"""From what ccxt makes of a venue's answers to records of the port: every field may be missing or wrong.

What cannot be read is None, never a default. Numbers are read from text; a float is trusted only
where ccxt gives nothing else, in order books, whose 15 digits survive it.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

from arb.clock import NS_PER_MS
from arb.exchange.dialects import Dialect
from arb.exchange.port import Balance, BalanceChange, FillReport, OrderReport, Unreachable
from arb.market.book import MarketRules
from arb.money import ZERO

Json = Mapping[str, object]

DIGITS_MAX: Final = 40
_STATUSES: Final = frozenset({"open", "closed", "canceled", "expired", "rejected"})
_SIDES: Final = frozenset({"buy", "sell"})
_UNBOUNDED: Final = Decimal(10) ** 18
_BINANCE_ENDS: Final = {
    "NEW": "open",
    "PENDING_NEW": "open",
    "PARTIALLY_FILLED": "open",
    "FILLED": "closed",
    "CANCELED": "canceled",
    "PENDING_CANCEL": "open",
    "REJECTED": "rejected",
    "EXPIRED": "expired",
    "EXPIRED_IN_MATCH": "expired",
}


def number(value: object) -> Decimal | None:
    """Read a finite decimal of text or a whole number; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if not isinstance(value, str) or len(value) > DIGITS_MAX or not value.isascii():
        return None
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def text(value: object) -> str | None:
    """Read a name; None for anything that is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value else None


def ns_of_ms(value: object) -> int | None:
    """Read a venue's time in milliseconds."""
    found = number(value)
    return None if found is None or found < 0 else int(found * NS_PER_MS)


def inner(value: object) -> Json:
    """Read an object; an empty one stands for anything that is none."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> Sequence[Json]:
    """Read a list of objects; raises Unreachable where the answer is none."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Unreachable(f"the answer is no list of objects: {str(value)[:100]}")
    return value


# --- orders and trades


def order_report(dialect: Dialect, order: Json) -> OrderReport:
    """Read an order, without its fills."""
    info = inner(order.get("info"))
    name = text(order.get("clientOrderId"))
    status = text(order.get("status"))
    filled = number(order.get("filled"))
    amount = number(order.get("amount"))
    if dialect.venue == "binance":  # ccxt guesses what is missing; the venue's own words do not
        status = _BINANCE_ENDS.get(text(info.get("status")) or "")
        filled, amount = number(info.get("executedQty")), number(info.get("origQty"))
        name = text(info.get("clientOrderId"))
    elif dialect.venue == "okx":
        filled, amount = number(info.get("accFillSz")), number(info.get("sz"))
    exchange_id = text(order.get("id"))
    side = text(order.get("side"))
    return OrderReport(
        exchange_order_id=exchange_id,
        client_order_id=own_id(dialect, name),
        market=text(order.get("symbol")),
        side=side if side in _SIDES else None,
        status=status if status in _STATUSES else None,
        amount=amount,
        filled=filled,
        fills=None,
        venue_ns=ns_of_ms(order.get("timestamp")),
    )


def own_id(dialect: Dialect, name: str | None) -> str | None:
    """Take off what the venue puts before our id."""
    return None if name is None else name.removeprefix(dialect.id_prefix) or None


def fill_report(dialect: Dialect, trade: Json) -> FillReport:
    """Read a trade. Its cost is what the venue booked; only where it tells none, price x amount."""
    info = inner(trade.get("info"))
    fee = inner(trade.get("fee"))
    price, amount = number(trade.get("price")), number(trade.get("amount"))
    cost = number(trade.get("cost"))
    if dialect.venue in {"binance", "mexc"}:
        cost = number(info.get("quoteQty"))
    elif not dialect.cost_is_told:
        cost = None if price is None or amount is None else price * amount
    side = text(trade.get("side"))
    name = text(info.get("clOrdId")) if dialect.venue == "okx" else None
    return FillReport(
        trade_id=text(trade.get("id")),
        exchange_order_id=text(trade.get("order")),
        client_order_id=own_id(dialect, name),
        market=text(trade.get("symbol")),
        side=side if side in _SIDES else None,
        price=price,
        amount=amount,
        cost=cost,
        fee=number(fee.get("cost")),
        fee_asset=text(fee.get("currency")),
        venue_ns=ns_of_ms(trade.get("timestamp")),
    )


def fill_of_full_reply(order: Json, report: OrderReport) -> tuple[FillReport, ...] | None:
    """Read the fills of Binance's FULL reply to a create.

    It names each fill's price and amount and the whole order's quote amount: with one fill that is
    the fill's, with several it says nothing of each, and the trades have to be read.
    """
    info = inner(order.get("info"))
    fills = info.get("fills")
    if report.filled == 0 and fills == []:
        return ()
    if not isinstance(fills, list) or len(fills) != 1 or not isinstance(fills[0], dict):
        return None
    one = fills[0]
    return (
        FillReport(
            trade_id=text(one.get("tradeId")),
            exchange_order_id=report.exchange_order_id,
            client_order_id=report.client_order_id,
            market=report.market,
            side=report.side,
            price=number(one.get("price")),
            amount=number(one.get("qty")),
            cost=number(info.get("cummulativeQuoteQty")),
            fee=number(one.get("commission")),
            fee_asset=text(one.get("commissionAsset")),
            venue_ns=ns_of_ms(info.get("transactTime")),
        ),
    )


# --- the account


def balances_of(answer: object) -> dict[str, Balance]:
    """Read every balance; raises Unreachable where one of them is no number."""
    free, used = inner(inner(answer).get("free")), inner(inner(answer).get("used"))
    if not free:
        raise Unreachable("the answer holds no balances")
    found: dict[str, Balance] = {}
    for asset in sorted({*free, *used}):
        has, locked = number(free.get(asset)), number(used.get(asset, "0"))
        if has is None or locked is None:
            raise Unreachable(f"unreadable balance of {asset}")
        found[asset] = Balance(has, locked)
    return found


def change_of(transfer: Json, *, sign: int) -> BalanceChange | None:
    """Read a deposit (sign 1) or a withdrawal (sign -1); None while it has not happened.

    What a withdrawal costs is taken beside its amount. Raises Unreachable where it cannot be read.
    """
    if transfer.get("status") not in {"ok", "pending"} or (
        sign > 0 and transfer.get("status") != "ok"
    ):
        return None
    amount, asset = number(transfer.get("amount")), text(transfer.get("currency"))
    name, at_ns = text(transfer.get("id")), ns_of_ms(transfer.get("timestamp"))
    if amount is None or asset is None or name is None or at_ns is None:
        raise Unreachable("a deposit or withdrawal cannot be read")
    fee = inner(transfer.get("fee"))
    cost = number(fee.get("cost")) or ZERO
    if sign < 0 and fee.get("currency") in {asset, None}:
        amount += cost
    kind = "deposit" if sign > 0 else "withdrawal"
    return BalanceChange(f"{kind}-{name}", asset, sign * amount, at_ns)


# --- markets


def rules_of(market: Json) -> MarketRules | None:
    """Read a spot market's filters exactly; None for another kind, and for what cannot be read."""
    if market.get("spot") is not True:
        return None
    name, base, quote = (text(market.get(key)) for key in ("symbol", "base", "quote"))
    precision, limits = inner(market.get("precision")), inner(market.get("limits"))
    tick, step = number(precision.get("price")), number(precision.get("amount"))
    if name is None or base is None or quote is None or base == quote:
        return None
    if name != f"{base}/{quote}" or tick is None or step is None or tick <= 0 or step <= 0:
        return None
    amounts, costs = inner(limits.get("amount")), inner(limits.get("cost"))
    least, most = number(amounts.get("min")), number(amounts.get("max"))
    return MarketRules(
        market=name,
        base=base,
        quote=quote,
        tick_size=tick,
        step_size=step,
        amount_min=max(least or step, step),
        amount_max=most if most is not None and most > 0 else _UNBOUNDED,
        notional_min=number(costs.get("min")) or ZERO,
        active=market.get("active") is not False,
    )
