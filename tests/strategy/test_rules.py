"""What keys must fulfil together."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from arb.limits import CREATE_TIMEOUT_S, PAPER_LATENCY_MS_MAX
from arb.strategy.canonical import from_canonical
from arb.strategy.loader import Loaded
from tests.strategy.conftest import MINIMAL

Loads = Callable[..., Loaded]
Refuses = Callable[..., str]
FRACTION = MINIMAL.replace("fixed_amount\n  amount: 1000", "fixed_fraction\n  fraction: 0.5")


def test_a_mode_needs_its_own_number(refuses: Refuses) -> None:
    message = refuses(MINIMAL.replace("fixed_amount", "fixed_fraction"))
    assert "demo.yaml:7:9: mode fixed_fraction needs the key `fraction`" in message
    assert "demo.yaml:8:11: amount has no effect with mode fixed_fraction; remove it" in message


def test_a_fee_currency_within_the_cycle_is_refused(refuses: Refuses) -> None:
    message = refuses(MINIMAL + "fees: {fee_currency: ETH}\n")
    assert "demo.yaml:9:22: fee_currency ETH is part of the cycle" in message


def test_a_live_strategy_may_not_ask_for_losses(loads: Loads, refuses: Refuses) -> None:
    text = MINIMAL.replace("min_profit_bps: 10", "min_profit_bps: -1")
    assert loads(text).strategy.min_profit_bps == -1
    assert loads(text, mode="backtest").strategy.min_profit_bps == -1
    message = refuses(text + "execution: {mode: live}\n")
    assert "demo.yaml:4:17: min_profit_bps must be at least 0 in live mode" in message
    assert "demo.yaml:4:17" in refuses(text, mode="live")


def test_no_row_of_a_live_file_may_ask_for_losses(
    loads: Loads, refuses: Refuses, tmp_path: Path
) -> None:
    rows = "base,inter,quote,min_profit_bps\nUSDT,BTC,ETH,0\nUSDT,ETH,BTC,-0.5\n"
    (tmp_path / "cycles.csv").write_text(rows)
    text = MINIMAL.replace("cycle: [USDT, BTC, ETH]\n", "") + "trading_pairs_file: cycles.csv\n"
    assert loads(text).cycle_file is not None
    message = refuses(text, mode="live")
    assert "cycles.csv:3: min_profit_bps must be at least 0 in live mode, was -0.5" in message
    sandbox = text.replace("exchange: binance", "exchange: {id: binance, sandbox: true}")
    assert loads(sandbox, mode="live").cycle_file is not None


def test_a_recording_beside_a_generated_feed_is_refused(refuses: Refuses, tmp_path: Path) -> None:
    (tmp_path / "books.csv").touch()
    message = refuses(MINIMAL + "execution:\n  paper: {data_file: books.csv}\n")
    assert "demo.yaml:10:22: data_file has no effect with feed generated" in message


def test_an_assumed_depth_of_nothing_is_refused(refuses: Refuses) -> None:
    message = refuses(MINIMAL + "execution:\n  backtest: {assumed_depth: {BTC: 1, USDT: 0}}\n")
    assert "demo.yaml:10:29: assumed_depth of USDT must be above 0, was 0" in message


@pytest.mark.parametrize("mode", ["paper", "backtest"])
def test_a_latency_at_which_no_order_is_answered_in_time_is_refused(
    mode: str, loads: Loads, refuses: Refuses
) -> None:
    assert PAPER_LATENCY_MS_MAX < CREATE_TIMEOUT_S * 1_000
    text = MINIMAL + f"execution:\n  {mode}: {{latency_sim_ms: 2000}}\n"
    canonical = loads(text).canonical
    message = refuses(text.replace("2000", "2001"))
    place = f"demo.yaml:10:{len(mode) + 22}"
    assert f"{place}: latency_sim_ms must be at most 2000, was 2001: an order" in message
    # A log that was written with one can be read, and its cycles recovered.
    recorded = canonical.replace('"latency_sim_ms":2000', '"latency_sim_ms":5000')
    assert getattr(from_canonical(recorded).execution, mode).latency_sim_ms == 5_000


@pytest.mark.parametrize("end", ["2021-04-17T12:00:00Z", "2021-04-17T13:00:00+02:00"])
def test_a_backtest_ends_after_it_starts(end: str, refuses: Refuses) -> None:
    times = f"{{start_time: 2021-04-17T12:00:00Z, end_time: {end}}}"
    message = refuses(MINIMAL + f"execution:\n  backtest: {times}\n")
    assert "demo.yaml:10:58: end_time must be after start_time" in message


def test_times_are_exact_to_the_nanosecond(loads: Loads) -> None:
    times = "{start_time: 2021-04-17T16:45:42.586266001Z, end_time: 1618677942.586266002}"
    backtest = loads(MINIMAL + f"execution: {{backtest: {times}}}\n").strategy.execution.backtest
    assert backtest.start_ns == 1_618_677_942_586_266_001
    assert backtest.end_ns == 1_618_677_942_586_266_002


@pytest.mark.parametrize(
    ("exchange", "taker", "maker"),
    [
        ("binance", 10, 10),
        ("kraken", 26, 16),
        ("coinbase", 60, 40),
        ("kucoin", 10, 10),
        ("okx", 10, 8),
        ("gemini", 40, 20),
    ],
)
def test_without_fees_the_venues_named_default_is_used_and_told(
    exchange: str, taker: int, maker: int, loads: Loads
) -> None:
    loaded = loads(MINIMAL.replace("binance", exchange))
    assert (loaded.strategy.fees.taker_bps, loaded.strategy.fees.maker_bps) == (taker, maker)
    assert f"fees: default of {exchange}: taker {taker} bps, maker {maker} bps" in loaded.notes


@pytest.mark.parametrize(
    ("exchange", "hint"),
    [("binanc", "; did you mean binance?"), ("okex", "; did you mean okx?"), ("bitstamp", "")],
)
def test_where_no_rates_of_a_venue_are_known_what_is_assumed_is_told(
    exchange: str, hint: str, loads: Loads
) -> None:
    loaded = loads(MINIMAL.replace("binance", exchange))
    assert (loaded.strategy.fees.taker_bps, loaded.strategy.fees.maker_bps) == (10, 10)
    told = f"no rates of {exchange} are known, 10 bps are assumed: taker 10 bps, maker 10 bps{hint}"
    assert f"fees: {told}" in loaded.notes


def test_one_fee_rate_alone_is_completed_and_told(loads: Loads) -> None:
    loaded = loads(MINIMAL + "fees: {taker_bps: 7.5}\n")
    assert "fees: default of binance: taker 7.5 bps, maker 10 bps" in loaded.notes


def test_what_was_given_is_not_told_as_a_default(loads: Loads) -> None:
    fees = "fees: {taker_bps: 1, maker_bps: 1}\n"
    loaded = loads(
        MINIMAL + fees + "execution: {mode: paper, paper: {initial_balances: {BTC: 1}}}\n"
    )
    assert loaded.notes == ("feed: generated",)


def test_the_six_key_strategy_tells_every_default_about_money(loads: Loads) -> None:
    assert loads(FRACTION).notes == (
        "fees: default of binance: taker 10 bps, maker 10 bps",
        "mode: paper",
        "feed: generated",
        "balances: paper default: 1 BTC, 10 ETH, 10000 USDT, 10000 USDC, 10000 USD, 100 SOL, 10 BNB",
    )


def test_given_balances_take_the_place_of_all_default_ones(loads: Loads) -> None:
    loaded = loads(MINIMAL + "execution: {paper: {initial_balances: {USDT: 5}}}\n")
    assert loaded.strategy.execution.paper.initial_balances == {"USDT": 5}


def test_a_limit_per_currency_names_the_start_currency(loads: Loads, refuses: Refuses) -> None:
    loaded = loads(MINIMAL + "risk_controls: {max_daily_loss: {USDT: 5, BTC: 1}}\n")
    assert loaded.strategy.risk_controls.max_daily_loss == {"USDT": 5, "BTC": 1}
    message = refuses(MINIMAL + "risk_controls: {max_position_size: {BTC: 1}}\n")
    assert "demo.yaml:9:36: max_position_size says nothing of USDT" in message


def test_a_fee_reserve_is_of_a_fee_currency(loads: Loads, refuses: Refuses) -> None:
    fees = loads(MINIMAL + "fees: {fee_currency: BNB, reserve: 0.5}\n").strategy.fees
    assert (fees.fee_currency, fees.reserve) == ("BNB", Decimal("0.5"))
    message = refuses(MINIMAL + "fees: {reserve: 0.5}\n")
    assert "demo.yaml:9:17: reserve is kept of `fees.fee_currency`" in message


def test_an_allocation_that_no_cycle_fits_in_is_refused(refuses: Refuses) -> None:
    message = refuses(MINIMAL + "  max_allocation: 999\n")
    assert "demo.yaml:9:19: max_allocation is below the amount 1000 of one cycle" in message


WITHOUT_CYCLE = MINIMAL.replace("cycle: [USDT, BTC, ETH]\n", "")
PAIRS = "trading_pairs_file: cycles.csv\n"
HEADER = "base,inter,quote\n"


def test_a_cycle_and_a_file_of_cycles_are_one_too_many(refuses: Refuses, tmp_path: Path) -> None:
    (tmp_path / "cycles.csv").write_text(HEADER + "USDT,BTC,ETH\n")
    message = refuses(MINIMAL + PAIRS)
    assert "demo.yaml:9:21: trading_pairs_file has no effect beside `cycle`" in message


@pytest.mark.parametrize("key", ["max_hops: 4", "start_currencies: [USDT]"])
def test_what_finds_cycles_is_refused_where_they_are_named(key: str, refuses: Refuses) -> None:
    assert f"{key.split(':', maxsplit=1)[0]} has no effect beside `cycle`" in refuses(
        MINIMAL + key + "\n"
    )


LIGHTNING = "lightning: {enabled: true}\n"


def test_lightning_looks_for_cycles_and_a_named_one_is_refused_beside_it(
    loads: Loads, refuses: Refuses
) -> None:
    starting = "lightning: {enabled: true, start_currencies: [USDT]}\n"
    assert "demo.yaml:9:22: lightning looks for cycles in the markets, and `cycle` names one" in (
        refuses(MINIMAL + starting)
    )
    loads(WITHOUT_CYCLE + starting)
    loads(MINIMAL + starting.replace("true", "false"))


@pytest.mark.parametrize("key", ["max_hops: 4", "start_currencies: [USDT]"])
def test_what_finds_cycles_is_refused_beside_lightning_which_has_its_own(
    key: str, refuses: Refuses
) -> None:
    name = key.split(":", maxsplit=1)[0]
    message = refuses(WITHOUT_CYCLE + LIGHTNING + key + "\n")
    assert f"{name} has no effect beside `lightning`; give `lightning.{name}`" in message


def test_a_number_of_money_needs_one_start_currency_of_lightning_too(
    loads: Loads, refuses: Refuses, tmp_path: Path
) -> None:
    assert "amount is a number, but cycles may begin with several" in refuses(
        WITHOUT_CYCLE + LIGHTNING
    )
    (tmp_path / "cycles.csv").write_text(HEADER + "USDT,BTC,ETH\nBTC,ETH,USDT\n")
    loads(WITHOUT_CYCLE + PAIRS + LIGHTNING.replace("true", "true, start_currencies: [USDT]"))


def test_a_file_of_cycles_is_read_with_the_strategy(loads: Loads, tmp_path: Path) -> None:
    (tmp_path / "cycles.csv").write_text(HEADER + "USDT,BTC,ETH\nUSDT,ETH,BTC\n")
    loaded = loads(WITHOUT_CYCLE + PAIRS)
    assert loaded.cycle_file is not None
    assert [row.currencies for row in loaded.cycle_file.rows] == [
        ("USDT", "BTC", "ETH"),
        ("USDT", "ETH", "BTC"),
    ]


def test_a_wrong_file_of_cycles_is_told_with_its_own_place(
    refuses: Refuses, tmp_path: Path
) -> None:
    (tmp_path / "cycles.csv").write_text(HEADER + "USDT,BTC,usdt\n")
    assert "cycles.csv:2:" in refuses(WITHOUT_CYCLE + PAIRS)


def test_a_number_of_money_needs_one_start_currency(
    loads: Loads, refuses: Refuses, tmp_path: Path
) -> None:
    message = refuses(WITHOUT_CYCLE)
    assert "demo.yaml:7:11: amount is a number, but cycles may begin with several" in message
    loads(WITHOUT_CYCLE + "start_currencies: [USDT]\n")
    loads(WITHOUT_CYCLE + "reference_currency: USDT\n")
    (tmp_path / "cycles.csv").write_text(HEADER + "USDT,BTC,ETH\nBTC,ETH,USDT\n")
    assert "amount is a number" in refuses(WITHOUT_CYCLE + PAIRS)
    (tmp_path / "cycles.csv").write_text(HEADER + "USDT,BTC,ETH\nUSDT,ETH,BTC\n")
    loads(WITHOUT_CYCLE + PAIRS)


def test_a_map_of_money_names_every_start_currency(loads: Loads, refuses: Refuses) -> None:
    text = WITHOUT_CYCLE.replace("amount: 1000", "amount: {USDT: 1000}")
    loads(text + "start_currencies: [USDT]\n")
    message = refuses(text + "start_currencies: [USDT, BTC]\n")
    assert "amount says nothing of BTC, which cycles begin with" in message
