"""Every key that users of the documented configuration may have is acted on or refused by name."""

from collections.abc import Callable

import pytest

from arb.strategy.reading import ALL_KEYS
from arb.strategy.refused import REFUSED
from tests.strategy.key_table import KEYS
from tests.strategy.test_keys import with_key

DOCUMENTED = [
    "name",
    "exchange",
    "trading_pairs_file",
    "min_profit_bps",
    "max_slippage_bps",
    "max_leg_latency_ms",
    "enable_gnn_optimizer",
    "capital_allocation.mode",
    "capital_allocation.fraction",
    "capital_allocation.amount",
    "capital_allocation.max_allocation",
    "risk_controls.max_open_cycles",
    "risk_controls.stop_after_consecutive_losses",
    "risk_controls.max_daily_loss",
    "risk_controls.daily_loss_limit",
    "risk_controls.max_position_size",
    "risk_controls.slippage_cooldown_seconds",
    "risk_controls.enable_latency_checks",
    "risk_controls.enable_slippage_checks",
    "risk_controls.duplicate_suppression_window_seconds",
    "fees.taker_bps",
    "fees.maker_bps",
    "order.type",
    "order.allow_partial_fills",
    "order.max_retries",
    "order.retry_delay_ms",
    "order.timeout_seconds",
    "order.min_partial_fill_percentage",
    "order.monitoring.initial_delay_ms",
    "order.monitoring.max_delay_ms",
    "order.monitoring.backoff_multiplier",
    "order.monitoring.jitter_factor",
    "order.monitoring.rapid_check_threshold_ms",
    "order.monitoring.rapid_check_interval_ms",
    "order.monitoring.rate_limit_buffer",
    "order.monitoring.min_request_interval_ms",
    "order.monitoring.cache_ttl_ms",
    "panic_sell.enabled",
    "panic_sell.base_currencies",
    "panic_sell.max_slippage_bps",
    "panic_sell.use_market_orders",
    "panic_sell.use_enhanced_routing",
    "panic_sell.preferred_intermediaries",
    "panic_sell.max_total_slippage_bps",
    "panic_sell.max_single_hop_slippage_bps",
    "panic_sell.max_hops",
    "panic_sell.min_liquidity_usd",
    "panic_sell.path_timeout_ms",
    "panic_sell.max_paths_to_evaluate",
    "panic_sell.liquidity_weight",
    "panic_sell.slippage_weight",
    "panic_sell.hop_penalty_weight",
    "panic_sell.volatility_threshold_bps",
    "panic_sell.extreme_spread_bps",
    "panic_sell.retry_attempts",
    "panic_sell.retry_delay_ms",
    "panic_sell.partial_fill_threshold",
    "panic_sell.cache_ttl_ms",
    "validation.min_balance",
    "state_management.database_path",
    "state_management.backup_enabled",
    "execution.parallel_cycles",
    "execution.smart_routing",
    "execution.iceberg_orders",
    "execution.aggressive_mode",
    "monitoring.webhook_url",
    "monitoring.alert_on_failure",
    "simulation.enabled",
    "logging.level",
    "logging.trade_csv",
    "logging.telegram_token",
    "execution.mode",
    "execution.paper.fee_bps",
    "execution.paper.fill_ratio",
    "execution.paper.spread_padding_bps",
    "execution.paper.random_seed",
    "execution.paper.latency_sim_ms",
    "execution.paper.initial_balances",
    "execution.paper.slippage_model",
    "execution.paper.market_impact",
    "execution.paper.partial_fill_model",
    "execution.backtest.data_file",
    "execution.backtest.start_time",
    "execution.backtest.end_time",
    "execution.backtest.time_acceleration",
    "execution.backtest.random_seed",
    "execution.backtest.initial_balances",
    "execution.backtest.slippage_model",
    "execution.backtest.fill_model",
    "observability.metrics",
    "reconciliation.hedge_threshold",
]


def _prefixes(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


@pytest.mark.parametrize("path", DOCUMENTED)
def test_a_documented_key_is_acted_on_or_refused_by_name(
    path: str, refuses: Callable[..., str]
) -> None:
    if path in KEYS:
        return  # key_table.py says how it is checked
    blamed = [prefix for prefix in _prefixes(path) if prefix in REFUSED]
    assert len(blamed) == 1, path
    message = refuses(with_key(path, "1")[0])
    key = blamed[0].rpartition(".")[2]
    assert f"key `{key}` is refused: {REFUSED[blamed[0]]}" in message
    assert "unknown key" not in message


def test_no_key_is_both_acted_on_and_refused() -> None:
    refused = {path.partition("=")[0] for path in REFUSED if "=" not in path}
    assert refused.isdisjoint(".".join(path) for path in ALL_KEYS)


def test_every_refusal_says_what_to_do() -> None:
    todo = ("use ", "remove it", "give ", "bounds ", "bound it", "chosen by", "path is")
    assert [path for path, text in REFUSED.items() if not any(word in text for word in todo)] == []
