"""One text per strategy, however its YAML was written; what a cycle began with can be read back."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from arb.errors import ConfigInvalid
from arb.strategy.canonical import canonical_json, config_hash, from_canonical, hash_of
from arb.strategy.loader import Loaded
from arb.strategy.schema import (
    Backtest,
    CapitalAllocation,
    Execution,
    Faults,
    Fees,
    Order,
    PanicSell,
    Paper,
    RiskControls,
    Strategy,
)
from tests.strategy.conftest import MINIMAL

Loads = Callable[..., Loaded]
SAME = """\
# the same strategy, written by somebody else
exchange: "binance"
capital_allocation: {amount: 1000.00, mode: 'fixed_amount'}
max_slippage_bps: 2e1
name: demo
min_profit_bps: 10.0
fees: {maker_bps: 10, taker_bps: 10}
cycle:
  - USDT
  - BTC
  - ETH
"""


def test_the_hash_does_not_depend_on_how_the_yaml_is_written(loads: Loads) -> None:
    one, other = loads(MINIMAL), loads(SAME)
    assert one.canonical == other.canonical
    assert one.config_hash == other.config_hash == hash_of(one.canonical)


def test_the_hash_changes_with_every_value(loads: Loads) -> None:
    assert loads(MINIMAL).config_hash != loads(MINIMAL.replace("1000", "1000.01")).config_hash


def test_defaults_are_written_out_and_decimals_are_plain(loads: Loads) -> None:
    text = loads(MINIMAL.replace("amount: 1000", "amount: 1e-8")).canonical
    assert '"amount":"0.00000001"' in text
    assert '"window_seconds":"60"' in text
    assert "null" not in text


def test_a_text_that_a_past_version_wrote_is_read_for_ever(loads: Loads) -> None:
    for path in sorted(Path(__file__).parent.glob("golden/*.json")):
        assert from_canonical(path.read_text().strip()) == loads(MINIMAL).strategy, path.name


amounts = st.decimals(min_value=0, max_value=10**12, places=12, allow_nan=False)
rates = st.decimals(min_value=0, max_value=1, places=6)
strategies = st.builds(
    Strategy,
    name=st.from_regex(r"[A-Za-z0-9_.-]{1,64}", fullmatch=True),
    exchange=st.from_regex(r"[a-z0-9_]{1,40}", fullmatch=True),
    cycle=st.lists(st.sampled_from("ABCDEFGHIJKL"), min_size=2, max_size=8, unique=True).map(tuple),
    min_profit_bps=st.decimals(min_value=-9999, max_value=10000, places=4),
    max_slippage_bps=st.decimals(min_value="0.0001", max_value=1000, places=4),
    capital_allocation=st.builds(
        CapitalAllocation,
        mode=st.just("fixed_amount"),
        amount=st.decimals(min_value="0.00000001", max_value=10**12, places=8),
        fraction=st.none(),
    ),
    fees=st.builds(
        Fees, taker_bps=rates, maker_bps=rates, fee_currency=st.sampled_from([None, "Z"])
    ),
    risk_controls=st.builds(
        RiskControls,
        max_daily_loss=st.one_of(
            st.none(),
            st.decimals(min_value="0.0001", max_value=10**12, places=4),
            st.just({letter: Decimal("0.5") for letter in "ABCDEFGHIJKL"}),
        ),
    ),
    order=st.builds(Order, max_retries=st.integers(0, 8)),
    panic_sell=st.builds(PanicSell, enabled=st.booleans()),
    execution=st.builds(
        Execution,
        mode=st.sampled_from(["paper", "backtest"]),
        paper=st.builds(
            Paper,
            feed=st.just("recorded"),
            data_file=st.sampled_from([None, "a/b.csv", "ä.csv"]),
            initial_balances=st.dictionaries(st.sampled_from(["A", "B", "Ä"]), amounts),
            faults=st.builds(Faults, reply_lost=rates, garbage=rates),
        ),
        backtest=st.builds(Backtest, random_seed=st.integers(0, 2**63 - 1)),
    ),
)


@given(strategies)
def test_every_strategy_comes_back_as_it_was(strategy: Strategy) -> None:
    text = canonical_json(strategy)
    assert from_canonical(text) == strategy
    assert canonical_json(from_canonical(text)) == text
    assert config_hash(strategy) == hash_of(text)


def test_a_text_from_before_a_key_existed_gets_the_keys_default(loads: Loads) -> None:
    text = loads(MINIMAL).canonical
    older = text.replace('"max_retries":3,', "")
    assert older != text
    assert from_canonical(older) == from_canonical(text)


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        ('"max_retries":3', '"max_retries":99', "max_retries must be at most 8, was 99"),
        ('"max_retries":3', '"max_retrys":3', "unknown field `max_retrys`"),
        ('"mode":"paper"', '"mode":"other"', "cannot be read"),
        ('"name":"demo"', '"name":"a b"', "name must be 1 to 64 letters"),
        ('"amount":"1000"', '"amount":"NaN"', "amount must be a finite number, was NaN"),
        ('"amount":"1000"', '"amount":true', "cannot be read"),
        ('"BNB":"10"', '"BNB":"-Infinity"', "amount of BNB must be at least 0"),
        ('"random_seed":42', '"start_time":"sNaN"', "start_time must be between 1970 and 2262"),
        ('"amount":"1000",', "", "mode fixed_amount needs the key `amount`"),
        ("{", "[", "cannot be read"),
    ],
)
def test_a_recorded_text_that_is_wrong_is_refused(
    was: str, now: str, expected: str, loads: Loads
) -> None:
    text = loads(MINIMAL).canonical
    assert was in text
    with pytest.raises(ConfigInvalid, match=expected):
        from_canonical(text.replace(was, now, 1))


def test_a_copy_with_another_value_is_another_strategy(loads: Loads) -> None:
    strategy = loads(MINIMAL).strategy
    changed = structs.replace(strategy, min_profit_bps=Decimal(11))
    assert config_hash(changed) != config_hash(strategy)
