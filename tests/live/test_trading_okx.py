"""Live mode where OKX is spoken: an answer to a create names the order only, and trades tell no quote amount."""

from pathlib import Path

import pytest

from arb.events import facts as f
from arb.exchange.practice.faults import read_rates
from tests.live.test_fault_matrix import FAULTS_OF_A_CREATE, PROVEN
from tests.live.trading import accounted_for, traded


def test_cycles_run_and_the_ledger_is_the_balance(folder: Path) -> None:
    ended = traded(folder, cycles=3, venue="okx")
    assert (ended.code, ended.fatal) == (0, None)
    accounted_for(ended)
    assert ended.of(f.OrderUnknown) == []
    # In what is received; what a cycle that missed a leg is sold for is the market's to say.
    fees = {one.fee_asset for one in ended.of(f.OrderFilled)}
    assert {"BTC"} <= fees <= {"BTC", "ETH", "USDT", "USDC"}


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS_OF_A_CREATE)
def test_every_fault_of_an_order_is_lived_through(folder: Path, fault: str) -> None:
    strikes = [{"fault": fault, "on": "order.create", "nth": 2}]
    ended = traded(folder, cycles=2, venue="okx", strikes=strikes)
    assert ended.fatal is None
    accounted_for(ended)
    if fault in PROVEN:
        assert ended.of(f.OrderUnknown) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_a_storm_is_lived_through(folder: Path, seed: int) -> None:
    ended = traded(folder, cycles=3, venue="okx", seed=seed, rates=read_rates("all=0.05"))
    assert ended.fatal is None
    accounted_for(ended)
