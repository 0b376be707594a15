"""Documented keys that this engine does not act on: refused by name, never ignored.

A user who sets a limit and is not stopped by it is worse off than one whose file is refused.
"""

from typing import Final

_NOT_YET: Final = "not supported yet; remove it"
_IOC: Final = "every order is a limit IOC bounded by `max_slippage_bps`; remove it"
_ENVIRONMENT: Final = "credentials come from the environment or .env, never from a strategy file"

# Path of a key, or of a whole block, or `path=value` -> what to do instead.
REFUSED: Final[dict[str, str]] = {
    "enable_gnn_optimizer": "not supported; opportunities are computed exactly, remove it",
    "capital_allocation.mode=progressive": "not supported; use fixed_amount or fixed_fraction",
    "capital_allocation.mode=kelly": "not supported; use fixed_amount or fixed_fraction",
    "capital_allocation.mode=risk_parity": "not supported; use fixed_amount or fixed_fraction",
    "risk_controls.daily_loss_limit": "use `risk_controls.max_daily_loss`",
    "risk_controls.enable_latency_checks": "legs are timed where `max_leg_latency_ms` is set; remove it",
    "risk_controls.enable_slippage_checks": (
        "slippage is always bounded by `max_slippage_bps` before an order is sent; remove it"
    ),
    "risk_controls.duplicate_suppression_window": (
        "use `risk_controls.duplicate_suppression_window_seconds`"
    ),
    "order.type=limit_maker": "not supported: every order is an IOC; use limit or market",
    "order.type=stop": "not supported: every order is an IOC; use limit or market",
    "order.min_partial_fill_percentage": (
        "what a leg filled always goes on or is unwound; remove it"
    ),
    "order.monitoring": "orders are not polled by a user's timing; remove it",
    "panic_sell.use_market_orders": _IOC,
    "panic_sell.use_enhanced_routing": "every route within `max_hops` is compared; remove it",
    "panic_sell.preferred_intermediaries": "every route within `max_hops` is compared; remove it",
    "panic_sell.max_total_slippage_bps": "not supported yet; use `max_slippage_bps` per hop",
    "panic_sell.max_single_hop_slippage_bps": "use `max_slippage_bps`",
    "panic_sell.min_liquidity_usd": "routes are valued over the books' depth; remove it",
    "panic_sell.path_timeout_ms": "routes are computed, not searched over time; remove it",
    "panic_sell.max_paths_to_evaluate": "every route within `max_hops` is compared; remove it",
    "panic_sell.liquidity_weight": "the route with the best output wins; remove it",
    "panic_sell.slippage_weight": "the route with the best output wins; remove it",
    "panic_sell.hop_penalty_weight": "the route with the best output wins; remove it",
    "panic_sell.volatility_threshold_bps": _NOT_YET,
    "panic_sell.extreme_spread_bps": _NOT_YET,
    "panic_sell.retry_attempts": "an unwind is planned again after each hop; remove it",
    "panic_sell.retry_delay_ms": "an unwind is planned again after each hop; remove it",
    "panic_sell.partial_fill_threshold": "the rest is planned again after each hop; remove it",
    "panic_sell.cache_ttl_ms": "routes are computed from fresh books; remove it",
    "validation": "checks before a cycle cannot be switched off; remove it",
    "state_management": "the log is chosen by `--db` and is always durable; remove it",
    "monitoring": _NOT_YET,
    "simulation": "use `execution.paper` or `execution.backtest`",
    "logging": "use `--log-level` and `--json`",
    "observability": _NOT_YET,
    "reconciliation": "balances are always reconciled; remove it",
    "execution.parallel_cycles": "use `risk_controls.max_open_cycles`",
    "execution.smart_routing": "cycles are found by `max_hops`; remove it",
    "execution.iceberg_orders": "not supported; remove it",
    "execution.aggressive_mode": "not supported; remove it",
    "execution.paper.fee_bps": "use `fees.taker_bps` and `fees.maker_bps`",
    "execution.paper.partial_fill_model": "use `fill_ratio`; depth decides the rest",
    "execution.backtest.time_acceleration": "virtual time does not wait; remove it",
    "execution.backtest.fill_model": "use `fill_ratio`; depth decides the rest",
}

SECRET_WORDS: Final = (
    "apikey", "secret", "password", "passphrase", "privatekey", "token", "credential",
)  # fmt: skip


def is_secret(key: str) -> bool:
    """Tell whether a key's value is nobody's business, whichever way it is spelled."""
    squeezed = "".join(letter for letter in key.lower() if letter.isalnum())
    return any(word in squeezed for word in SECRET_WORDS)


def refusal(path: str, key: str) -> str | None:
    """Say what to do instead of a refused key; None for a key that nobody documented."""
    if is_secret(key):
        return _ENVIRONMENT
    return REFUSED.get(path)
