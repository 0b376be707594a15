"""Live mode, through the real client, on the practice exchange: cycles run, and every unit is accounted for."""

import asyncio
import gc
from decimal import Decimal
from pathlib import Path

import pytest
import structlog

from arb import limits
from arb.errors import ConfigInvalid, WrongLog
from arb.events import facts as f
from arb.exchange.paper.desk import Placement
from arb.exchange.port import Banned, KeyRevoked, Unreachable
from arb.exchange.practice.server import Practice
from arb.execution.runs.assembling import Run
from tests.live.trading import accounted_for, traded, until


@pytest.mark.parametrize(
    ("venue", "fee_asset"), [("binance", None), ("binance", "BNB"), ("okx", None)]
)
def test_cycles_run_through_the_real_client_and_the_ledger_is_the_balance(
    folder: Path, venue: str, fee_asset: str | None
) -> None:
    ended = traded(folder, cycles=5, at_once=2, venue=venue, fee_asset=fee_asset)
    assert (ended.code, ended.fatal) == (0, None)
    accounted_for(ended)
    assert ended.of(f.OrderUnknown) == []
    fees = {fact.fee_asset for fact in ended.of(f.OrderFilled)}
    assert fees == {"BNB"} if fee_asset else fees >= {"BTC", "ETH"}


def test_what_stays_is_left_alone_by_the_collector_while_it_trades(folder: Path) -> None:
    frozen = []

    async def act(_: Practice, run: Run) -> None:
        frozen.append(gc.get_freeze_count())
        await until(lambda: run.parts.trader.taken >= 1)
        frozen.append(gc.get_freeze_count())

    assert traded(folder, act=act).code == 0
    before, trading = frozen
    assert trading > before
    assert gc.get_freeze_count() == 0


def test_the_fee_asset_may_run_out_in_the_middle(folder: Path) -> None:
    ended = traded(
        folder,
        cycles=4,
        fee_asset="BNB",
        balances={"USDT": Decimal(10_000), "BNB": Decimal("0.0007")},
    )
    assert ended.code == 0
    accounted_for(ended)
    assert {fact.fee_asset for fact in ended.of(f.OrderFilled)} > {"BNB"}


def test_a_log_belongs_to_one_account(folder: Path) -> None:
    assert traded(folder).code == 0
    (folder / "practice" / "binance.db").unlink()  # the exchange makes another account
    for left in (folder / "practice").glob("binance.db-*"):
        left.unlink()
    ended = traded(folder)
    assert isinstance(ended.fatal, WrongLog)
    assert "is a log of account" in str(ended.fatal)
    assert ended.code == 3


# --- what others do meanwhile


def test_a_withdrawal_and_a_deposit_of_the_user_are_recorded_and_lived_with(folder: Path) -> None:
    async def act(there: Practice, run: Run) -> None:
        await until(lambda: run.parts.trader.taken >= 1)
        await asyncio.sleep(1.1)  # the venue tells withdrawals to the second
        there.hall.change("USDT", Decimal(-500))
        there.hall.change("ETH", Decimal(1))

    ended = traded(folder, cycles=12, act=act)
    assert ended.code == 0
    accounted_for(ended)
    seen = {(one.asset, one.amount, one.explained) for one in ended.of(f.ExternalChangeFound)}
    assert seen == {("USDT", Decimal(-500), True), ("ETH", Decimal(1), True)}


def test_orders_of_the_user_are_foreign_and_stay_untouched(folder: Path) -> None:
    async def act(there: Practice, run: Run) -> None:
        await until(lambda: run.parts.trader.taken >= 1)
        there.hall.place(
            Placement("web_1", "BTC/USDT", "buy", "limit", "gtc", Decimal("0.001"), Decimal(10_000))
        )
        there.hall.place(
            Placement("web_2", "ETH/USDT", "sell", "market", "ioc", Decimal("0.5"), None)
        )

    ended = traded(folder, cycles=6, act=act)
    assert ended.code == 0
    accounted_for(ended)
    assert [one.status for one in ended.truth.orders if one.client_order_id == "web_1"] == ["open"]
    assert {one.market for one in ended.of(f.ForeignTradeSeen)} == {"ETH/USDT"}


@pytest.mark.parametrize("jump_ms", [-2_000, 2_000])
def test_a_clock_that_jumps_refuses_orders_and_loses_none(folder: Path, jump_ms: int) -> None:
    async def act(there: Practice, run: Run) -> None:
        await until(lambda: run.parts.trader.taken >= 1)
        there.hall.skew_ns = jump_ms * 1_000_000

    ended = traded(folder, cycles=4, act=act)
    assert ended.code == 0
    accounted_for(ended)


def test_a_clock_that_is_wrong_from_the_start_is_the_venues_business(folder: Path) -> None:
    async def act(there: Practice, _run: Run) -> None:
        there.hall.skew_ns = 3_600 * 10**9

    ended = traded(folder, cycles=2, act=act)
    assert ended.code == 0
    accounted_for(ended)


def test_a_ban_is_waited_out_and_nothing_is_sent_meanwhile(folder: Path) -> None:
    strikes = [{"fault": "http_418", "on": "order.create", "nth": 2}]
    ended = traded(folder, cycles=2, strikes=strikes)
    assert ended.code == 0
    accounted_for(ended)
    assert "banned" in {fact.reason for fact in ended.of(f.OrderRefused)}


def test_maintenance_in_the_middle_of_a_cycle_is_waited_out(folder: Path) -> None:
    strikes = [{"fault": "maintenance", "on": "order.create", "nth": 2}]
    ended = traded(folder, cycles=2, strikes=strikes)
    assert ended.code == 0
    accounted_for(ended)


def test_a_revoked_key_halts_for_good_with_the_money_on_the_record(folder: Path) -> None:
    async def act(there: Practice, run: Run) -> None:
        await until(lambda: run.parts.trader.taken >= 1)
        there.grounds.key_revoked = True

    ended = traded(folder, cycles=50, act=act)
    assert isinstance(ended.fatal, KeyRevoked)
    assert ended.code == 4
    assert "does not accept our key" in ended.of(f.EngineHalted)[-1].reason
    assert ended.truth.sent_twice() == []


def test_a_market_that_halts_in_the_middle_is_routed_around(folder: Path) -> None:
    async def act(there: Practice, run: Run) -> None:
        await until(lambda: run.parts.trader.taken >= 1)
        there.hall.halt("ETH/BTC", halted=True)

    ended = traded(folder, cycles=1, act=act)
    assert ended.code == 0
    accounted_for(ended)


# --- streams


def test_without_a_word_of_the_private_stream_orders_are_found_all_the_same(folder: Path) -> None:
    rates = {"stream_lost": 0.3, "stream_closed": 0.02, "stream_twice": 0.2, "stream_swapped": 0.2}
    ended = traded(folder, cycles=4, rates=rates)
    assert ended.code == 0
    accounted_for(ended)


# --- what is refused before anything is sent


def test_keys_that_may_withdraw_are_refused_unless_a_flag_says_otherwise(folder: Path) -> None:
    ended = traded(folder, may_withdraw=True)
    assert isinstance(ended.fatal, ConfigInvalid)
    assert "--allow-withdrawing-key" in str(ended.fatal)
    assert (ended.code, ended.truth.orders) == (3, ())
    again = traded(folder, may_withdraw=True, options={"withdrawing_key": True})
    assert again.code == 0
    accounted_for(again)


@pytest.mark.parametrize("wrong", ["API_KEY", "SECRET"])
def test_keys_that_the_venue_does_not_know_are_told_in_one_line(folder: Path, wrong: str) -> None:
    def strategy(text: str) -> str:
        file = folder / "practice" / "keys.env"
        keys = file.read_text().splitlines()
        file.unlink()
        kept = [line for line in keys if line.startswith("ARB_BINANCE") and wrong not in line]
        (folder / ".env").write_text("\n".join([*kept, f"ARB_BINANCE_{wrong}={'x' * 64}"]))
        return text

    with pytest.raises(ConfigInvalid, match=r"binance does not accept the keys from \.env"):
        traded(folder, strategy=strategy)
    assert not (folder / "log.db").exists()


@pytest.mark.parametrize(
    ("venue", "says"),
    [
        ("coinbase", "never be proven absent|could never"),
        ("kraken", "--unproven-venue"),
        ("nowhere", "its protocol is not known"),
    ],
)
def test_a_venue_that_is_not_proven_is_refused(folder: Path, venue: str, says: str) -> None:
    def strategy(text: str) -> str:
        keys = f"ARB_{venue.upper()}"
        (folder / ".env").write_text(f"{keys}_API_KEY=k\n{keys}_SECRET=s\n")
        return text.replace("id: binance", f"id: {venue}").replace(", dialect: practice", "")

    with pytest.raises(ConfigInvalid, match=says):
        traded(folder, strategy=strategy)


@pytest.mark.parametrize("fault", ["maintenance", "http_418", "reply_500_unknown"])
def test_a_venue_that_does_not_answer_at_the_start_is_given_up_in_one_line(
    folder: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "START_PATIENCE_S", 0.5)
    with pytest.raises((Unreachable, Banned)) as told:
        traded(folder, rates={fault: 1.0})
    assert told.value.exit_code == 1
    assert "\n" not in str(told.value)
    assert not (folder / "log.db").exists()


def test_orders_that_rest_by_hand_are_told_at_the_start(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async def act(there: Practice, _run: Run) -> None:
        there.hall.place(
            Placement("web_1", "BTC/USDT", "buy", "limit", "gtc", Decimal("0.001"), Decimal(10_000))
        )

    assert traded(folder, act=act).code == 0
    loud = traded(folder, log_to=structlog.PrintLoggerFactory())
    assert loud.code == 0
    assert "orders.foreign" in capfd.readouterr().out
    accounted_for(loud)
    assert [one.status for one in loud.truth.orders if one.client_order_id == "web_1"] == ["open"]


def test_a_market_that_does_not_exist_is_named(folder: Path) -> None:
    with pytest.raises(ConfigInvalid, match="no market joins USDT and XRP"):
        traded(folder, strategy=lambda text: text.replace("[USDT, BTC, ETH]", "[USDT, XRP, ETH]"))
    assert not (folder / "log.db").exists()
