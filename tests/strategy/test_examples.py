"""Every strategy that ships loads, and says what its comments say."""

from decimal import Decimal
from pathlib import Path

import pytest

from arb.feeds.recorded import RecordedMarket
from arb.strategy.loader import load

FOLDER = Path(__file__).parents[2] / "strategies"
NAMES = [
    "demo",
    "demo_bnb",
    "discovery",
    "gemini_forward",
    "gemini_reverse",
    "legacy_backtest",
    "lightning_paper",
    "lightning_practice",
    "live_binance",
    "minimal",
    "practice_binance",
    "practice_okx",
    "strategy_1",
    "strategy_robust_example",
]


def test_every_file_is_in_the_list() -> None:
    stems = (path.stem for path in FOLDER.glob("*.yaml"))
    assert sorted(stems) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_loads_under_its_own_name(name: str) -> None:
    assert load(FOLDER / f"{name}.yaml").strategy.name == name


def test_the_demo_trades_on_the_generated_market() -> None:
    strategy = load(FOLDER / "demo.yaml").strategy
    assert strategy.cycle == ("USDT", "BTC", "ETH")
    assert (strategy.execution.mode, strategy.execution.paper.feed) == ("paper", "generated")
    assert strategy.capital_allocation.amount == 1000
    assert strategy.fees.fee_currency is None


def test_the_demo_with_a_third_currency_holds_some_of_it() -> None:
    strategy = load(FOLDER / "demo_bnb.yaml").strategy
    assert strategy.fees.fee_currency == "BNB"
    assert strategy.fees.taker_bps == Decimal("7.5")
    assert strategy.execution.paper.initial_balances["BNB"] > 0


def test_the_two_recorded_strategies_are_each_others_reverse() -> None:
    forward = load(FOLDER / "gemini_forward.yaml").strategy
    reverse = load(FOLDER / "gemini_reverse.yaml").strategy
    assert forward.cycle == ("USD", "BTC", "ETH")
    assert reverse.cycle == ("USD", "ETH", "BTC")
    assert forward.execution == reverse.execution
    assert forward.min_profit_bps == -200


def test_the_live_example_is_the_sandbox_within_limits() -> None:
    strategy = load(FOLDER / "live_binance.yaml").strategy
    assert strategy.execution.mode == "live"
    assert (strategy.venue.id, strategy.venue.sandbox) == ("binance", True)
    assert strategy.risk_controls.max_daily_loss == 5
    assert strategy.risk_controls.max_position_size == strategy.capital_allocation.amount


@pytest.mark.parametrize("venue", ["binance", "okx"])
def test_the_practice_example_goes_to_this_machine(venue: str) -> None:
    strategy = load(FOLDER / f"practice_{venue}.yaml").strategy
    assert strategy.venue.id == venue
    assert strategy.execution.mode == "live"
    assert (strategy.venue.connect_to, strategy.venue.dialect) == ("127.0.0.1:8443", "practice")


def test_the_smallest_strategy_has_the_six_keys() -> None:
    loaded = load(FOLDER / "minimal.yaml")
    keys = [
        line.split(":")[0] for line in loaded.path.read_text().splitlines() if line[:1].isalpha()
    ]
    assert keys == [
        "name",
        "exchange",
        "trading_pairs_file",
        "min_profit_bps",
        "max_slippage_bps",
        "capital_allocation",
    ]


def test_the_sample_recording_has_the_markets_of_the_recorded_strategies() -> None:
    market = RecordedMarket(FOLDER / "sample_feed.csv")
    assert set(market.markets) == {"BTC/USD", "ETH/USD", "ETH/BTC"}
