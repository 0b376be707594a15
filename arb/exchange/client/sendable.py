"""What an order needs before it is sent: nothing that the client or the venue would change, and an end to its way. Pure."""

from datetime import UTC, datetime

from arb.clock import NS_PER_MS
from arb.exchange.dialects.shape import Dialect
from arb.exchange.port import OrderRequest
from arb.market.book import MarketRules
from arb.money import is_multiple


def unsendable(dialect: Dialect, rules: MarketRules | None, request: OrderRequest) -> str | None:
    """Say why an order is not sent; None lets it pass."""
    if rules is None:
        return f"{request.market} is not listed"
    if request.kind != "limit" or request.limit is None:
        return f"{request.kind} orders are not sent: what they mean differs from venue to venue"
    if request.time_in_force not in {"ioc", "fok"}:
        return f"{request.time_in_force} orders are not sent: they could rest"
    if request.side not in {"buy", "sell"}:
        return f"side is {request.side}"
    if not 0 < request.window_ns <= dialect.recv_window_ns:
        return f"a window of {request.window_ns} ns is none of the dialect's"
    for name, value, unit in (
        ("amount", request.amount, rules.step_size),
        ("limit", request.limit, rules.tick_size),
    ):
        if not value.is_finite() or value <= 0 or not is_multiple(value, unit):
            return f"{name} {value} is no multiple of {unit}"
    return None


def lateness(dialect: Dialect, request: OrderRequest) -> tuple[dict[str, object], dict[str, str]]:
    """What makes the venue refuse the order late: parameters and headers."""
    how = dialect.lateness
    dead_ms = (request.venue_time_ns + request.window_ns) // NS_PER_MS
    params: dict[str, object] = {}
    if how.window_param:
        params[how.window_param] = request.window_ns // NS_PER_MS
    if how.param:
        seconds, ms = divmod(dead_ms, 1_000)
        whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        params[how.param] = f"{whole}.{ms:03d}Z"
    return params, {how.header: str(dead_ms)} if how.header else {}
