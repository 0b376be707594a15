"""Strategy files of a simulated account."""

from arb.simulation.world import loaded
from arb.strategy.loader import Loaded


def strategy(
    name: str = "demo",
    *,
    cycle: str = "[USDT, BTC, ETH]",
    extra: str = "",
    amount: str = "1000",
    min_profit: str = "-100",
    slippage: str = "20",
    retries: int = 3,
    capital: str = "",
    fees: str = "",
) -> Loaded:
    """A strategy of the account; `extra` is more of its YAML."""
    capital = capital or f"{{mode: fixed_amount, amount: {amount}}}"
    return loaded(
        f"name: {name}\nexchange: binance\ncycle: {cycle}\nmin_profit_bps: {min_profit}\n"
        f"max_slippage_bps: {slippage}\ncapital_allocation: {capital}\n"
        f"fees: {{taker_bps: 10, maker_bps: 10{fees}}}\n"
        f"order: {{retry_delay_ms: 100, max_retries: {retries}, timeout_seconds: 2}}\n{extra}"
    )
