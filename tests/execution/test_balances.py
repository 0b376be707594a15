"""Balances that do not fit, and trades that nobody of ours made (cases 25, 26, 32)."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from arb import crashpoints, ids, limits
from arb.clock import NS_PER_S
from arb.events import facts as f
from arb.exchange.port import Balance, Refused
from arb.execution.reconciling.reconcile import try_judge
from arb.machine import table as t
from tests.spec.world import World


def changes(world: World) -> list[tuple[str, Decimal, bool]]:
    return [
        (fact.asset, fact.amount, fact.explained) for fact in world.facts(f.ExternalChangeFound)
    ]


@pytest.mark.parametrize("when", [0.2, 3.0])
def test_case_25_a_withdrawal_that_the_venue_reports_is_recorded_and_lived_with(
    world: World, when: float
) -> None:
    world.at(when, lambda _life: world.venue.withdraw("USDT", Decimal(2_000)))
    assert world.run(cycles=None, duration_s=12) == 0
    world.check()
    assert changes(world) == [("USDT", Decimal(-2_000), True)]
    assert world.facts(f.EngineHalted) == []


def test_case_25_a_deposit_is_recorded_once_over_restarts(world: World) -> None:
    assert world.run() == 0
    world.venue.deposit("USDT", Decimal(5))
    for _ in range(3):
        assert world.run() == 0
    world.check()
    assert changes(world) == [("USDT", Decimal(5), True)]


def test_case_25_what_came_before_the_log_explains_nothing(world: World) -> None:
    """A deposit of the past is part of the opening; it must not be taken for today's loss."""
    world.venue.deposit("USDT", Decimal(500))
    world.wait(60)
    assert world.run() == 0
    world.venue.withdraw("USDT", Decimal(70), reported=False)
    assert world.run() == 4
    world.check()
    assert changes(world) == [("USDT", Decimal(-70), False)]


def test_case_25_a_change_while_we_look_is_judged_the_next_time(world: World) -> None:
    """The second deposit falls between the balances and the list of deposits."""
    assert world.run() == 0
    world.venue.withdraw("USDT", Decimal(100))
    real, left = world.venue.balance_changes, [1]

    async def balance_changes(since_ns: int) -> Any:
        if left and left.pop():
            world.venue.deposit("USDT", Decimal(30))
        return await real(since_ns)

    world.venue.balance_changes = balance_changes  # type: ignore[method-assign]
    assert world.run(cycles=None, duration_s=12) == 0
    world.check()
    assert sorted(changes(world)) == [("USDT", Decimal(-100), True), ("USDT", Decimal(30), True)]


def test_case_32_a_difference_that_nothing_explains_halts_its_asset(world: World) -> None:
    """A trade that the venue took back looks like this."""
    world.at(3.0, lambda _life: world.venue.deposit("BTC", Decimal("0.3"), reported=False))
    assert world.run(cycles=None, duration_s=30) == 4
    world.check()
    assert [fact.scope for fact in world.facts(f.EngineHalted)] == ["BTC"]
    assert changes(world) == [("BTC", Decimal("0.3"), False)]


def test_case_32_an_asset_outside_the_path_does_not_stop_it(worlds: Callable[..., World]) -> None:
    world = worlds(bnb="5")
    world.at(3.0, lambda _life: world.venue.withdraw("BNB", Decimal(1), reported=False))
    assert world.run(cycles=None, duration_s=12) == 0
    world.check()
    assert [fact.scope for fact in world.facts(f.EngineHalted)] == ["BNB"]


@pytest.mark.parametrize(
    ("market", "name"),
    [
        ("BTC/USDT", None),
        ("ETH/BTC", "by-hand"),
        ("ETH/USDT", ids.client_order_id("bbbb", 9, 9)),
        ("BTC/USDC", None),
    ],
)
def test_case_26_a_trade_of_another_client_is_external(
    world: World, market: str, name: str | None
) -> None:
    """Also on a market that no strategy trades, and of an earlier log's instance."""

    def trade(_life: object) -> None:
        world.venue.foreign_order(market, "sell", Decimal("0.1"), client_order_id=name)

    world.at(4.0, trade)
    assert world.run(cycles=None, duration_s=15) == 0
    world.check()
    seen = world.facts(f.ForeignTradeSeen)
    assert len(seen) == len({fact.trade_id for fact in seen}) >= 1
    assert world.facts(f.EngineHalted) == []


def test_case_26_a_rebate_on_a_trade_of_another_client_is_booked(world: World) -> None:
    """Who rests with orders of their own is paid for it by some venues: the fee is below zero."""
    real = world.faulty.trades

    async def trades(*asked: Any) -> Any:
        told = await real(*asked)
        return [one if one.client_order_id else replace(one, fee=-one.fee) for one in told]

    def trade(_life: object) -> None:
        world.venue.foreign_order("ETH/BTC", "sell", Decimal("0.1"))
        (fill,) = world.venue.account.fills_since(0)[-1:]
        world.venue.deposit(fill.fee_asset, 2 * fill.fee, reported=False)

    world.faulty.trades = trades  # type: ignore[method-assign]
    world.at(4.0, trade)
    assert world.run(cycles=None, duration_s=15) == 0
    assert world.facts(f.ForeignTradeSeen)
    assert world.facts(f.EngineHalted) == []
    assert world.recover() == 0
    assert world.facts(f.EngineHalted) == []


@pytest.mark.parametrize("what", ["deposit", "trade", "silent deposit"])
def test_two_judges_at_once_record_a_change_once(world: World, what: str) -> None:
    def change(_life: object) -> None:
        if what == "trade":
            world.venue.foreign_order("ETH/USDT", "sell", Decimal("0.5"))
        else:
            world.venue.deposit("USDT", Decimal(100), reported=what == "deposit")

    async def judge(life: Any) -> None:
        await asyncio.gather(*(try_judge(life.parts.reconciler) for _ in range(3)))

    assert world.run() == 0  # then nothing of ours moves any more
    assert world.ask("pause").ok
    world.at(2.0, change)
    world.at(3.0, judge)
    world.run(cycles=None, duration_s=8)
    world.check()
    assert len(world.facts(f.EngineHalted)) == (what == "silent deposit")


def test_case_26_foreign_trades_are_counted_once_over_restarts(world: World) -> None:
    for _ in range(3):
        assert world.run() == 0
        world.venue.foreign_order("ETH/USDT", "sell", Decimal("0.5"))
    world.venue.withdraw("ETH", Decimal(1))
    assert world.run() == 0
    world.check()


def test_case_26_foreign_trades_are_counted_once_however_many(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arb.machine.account.FOREIGN_KEPT", 2)
    assert world.run() == 0
    for _ in range(6):
        world.venue.foreign_order("ETH/USDT", "sell", Decimal("0.1"))
    for _ in range(2):
        assert world.run() == 0
        world.venue.withdraw("ETH", Decimal("0.2"))  # a difference makes the sweep go deep
    assert world.run() == 0
    world.check()


def test_case_26_a_foreign_trade_of_the_same_size_leaves_an_order_in_doubt(world: World) -> None:
    """The venue does not say whose it is: it could be ours, so absence is not declared."""
    world.fault("request_lost", number=1)
    world.kill_at(crashpoints.TOLD_NOT_APPENDED)
    assert world.run() is None
    intended = world.facts(f.OrderIntended)[0]
    world.venue.foreign_order("BTC/USDT", "buy", intended.amount, limit=intended.limit)
    world.at(30, lambda life: life.engine.interrupt())
    assert world.recover() == 130
    assert world.facts(f.OrderAbsent) == []
    attested = world.ask("attest", intended.client_order_id, verdict="absent", reason="mine")
    assert attested.ok
    assert world.recover() == 0
    world.check()


@pytest.mark.parametrize(
    ("market", "side", "same_amount"),
    [
        ("BNB/USDT", "buy", False),
        ("ETH/BTC", "sell", True),
        ("ETH/BTC", "buy", False),
    ],
)
def test_case_26_an_order_that_rests_by_hand_and_cannot_be_ours_leaves_no_doubt(
    world: World,
    market: str,
    side: str,
    same_amount: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    world.on(f.OrderIntended, 2, lambda: rest_by_hand(world, market, side, same_amount=same_amount))
    world.fault("request_lost", number=2)
    world.at(60, lambda life: life.engine.interrupt())
    assert world.run() == 0
    assert len(world.facts(f.OrderAbsent)) == 1
    assert {order.status for order in world.orders() if order.client_order_id is None} == {"open"}


def test_case_26_an_order_that_rests_by_hand_and_could_be_ours_forbids_absence(
    world: World,
) -> None:
    world.on(f.OrderIntended, 2, lambda: rest_by_hand(world, "ETH/BTC", "buy", same_amount=True))
    world.fault("request_lost", number=2)
    world.at(60, lambda life: life.engine.interrupt())
    assert world.run() == 130
    assert world.facts(f.OrderAbsent) == []


def rest_by_hand(world: World, market: str, side: str, *, same_amount: bool) -> None:
    """Let the account's owner place an order that rests far from the market."""
    amount = world.facts(f.OrderIntended)[1].amount if same_amount else Decimal("0.4")
    mid = {"BNB/USDT": 500, "ETH/BTC": Decimal("0.04")}[market]
    limit = mid * (Decimal("0.8") if side == "buy" else Decimal("1.2"))
    world.venue.foreign_order(market, side, amount, limit=limit, time_in_force="gtc")


def test_case_26_a_nameless_trade_may_be_ours_while_an_order_is_unknown(world: World) -> None:
    """The venue leaves out our id for a while: the trade must not be booked as foreign."""
    real_trades, real_order = world.venue.trades, world.venue.order_by_exchange_id
    until = world.now_ns() + 12 * NS_PER_S
    swept: list[str] = []

    def nameless(report: Any) -> Any:
        if world.now_ns() > until:
            return report
        fields = {key: getattr(report, key) for key in report.__struct_fields__}
        return type(report)(**{**fields, "client_order_id": None})

    async def trades(market: str, since_ns: int) -> Any:
        return [nameless(one) for one in await real_trades(market, since_ns)]

    async def order(market: str, exchange_order_id: str) -> Any:
        swept.append(exchange_order_id)
        return nameless(await real_order(market, exchange_order_id))

    world.venue.trades = trades  # type: ignore[method-assign]
    world.venue.order_by_exchange_id = order  # type: ignore[method-assign]
    world.fault("reply_lost", number=2)
    world.fault("read_fails", call="order", times=50)
    assert world.run() == 0
    world.check()
    assert len(swept) > 0
    assert world.facts(f.ForeignTradeSeen) == []


def _nameless(world: World, until_s: float) -> None:
    """Let the venue leave our id out of what it tells of trades and of orders by its own id."""
    real_trades, real_order = world.venue.trades, world.venue.order_by_exchange_id
    until = world.now_ns() + round(until_s * NS_PER_S)

    def nameless(report: Any) -> Any:
        if world.now_ns() > until:
            return report
        return replace(report, client_order_id=None)

    async def trades(market: str, since_ns: int) -> Any:
        return [nameless(one) for one in await real_trades(market, since_ns)]

    async def order(market: str, exchange_order_id: str) -> Any:
        return nameless(await real_order(market, exchange_order_id))

    world.venue.trades = trades  # type: ignore[method-assign]
    world.venue.order_by_exchange_id = order  # type: ignore[method-assign]


def test_case_26_a_nameless_trade_may_be_of_an_order_that_the_venue_refused(world: World) -> None:
    """It took the order and said that it had not: its trade must not be booked as foreign."""
    world.strategies = [world.strategy(retries=0)]
    real = world.faulty.create

    async def create(request: Any) -> Any:
        await real(request)
        raise Refused("filter", "it lies")

    world.faulty.create = create  # type: ignore[method-assign]
    _nameless(world, until_s=20)
    world.run()
    assert world.cycle().outcome == "refused"
    assert world.facts(f.ForeignTradeSeen) == []
    world.faulty.create = real  # type: ignore[method-assign]
    world.wait(30)
    assert world.recover() == 0
    assert world.facts(f.ForeignTradeSeen) == []
    assert [one.client_order_id for one in world.facts(f.OrderReappeared)] == [
        world.orders()[0].client_order_id
    ]
    assert len(world.facts(f.OrderFilled)) == len(world.venue.account.all_fills())


def test_case_25_sell_what_is_there_and_say_who_bears_the_rest(world: World) -> None:
    """The user takes away what the cycle holds, and all else of it."""

    def take() -> None:
        held = world.venue.account.balances()["ETH"].free
        world.venue.withdraw("ETH", held - Decimal("0.1"))
        world.show("ETH/USDT", [("1900", "90")], [("1901", "90")])

    world.on(f.LegSettled, 2, lambda: world.loop.call_soon(take))
    world.fault("refused", number=3)
    code = world.run()
    assert code == 1
    world.check()
    cycle = world.cycle()
    assert cycle.outcome == "parked"
    (short,) = world.facts(f.ShortfallFound)
    assert short.borne_by == cycle.id
    assert short.owned - short.actual == cycle.parked["ETH"]
    sold = [order for order in world.orders() if (order.base, order.side) == ("ETH", "sell")]
    assert [order.filled for order in sold] == [Decimal("0.1")]


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
def test_a_balance_that_is_no_number_is_no_answer(world: World, number: str) -> None:
    real, left = world.faulty.balances, [3]

    async def balances() -> Any:
        told = dict(await real())
        if left[0]:
            left[0] -= 1
            told["BTC"] = Balance(Decimal(number), Decimal(0))
        return told

    world.faulty.balances = balances  # type: ignore[method-assign]
    assert world.run() == 0
    world.check()


@pytest.mark.parametrize("error", [RuntimeError("a bug of the gateway"), KeyError("total")])
def test_whatever_a_read_raises_is_no_answer(world: World, error: Exception) -> None:
    real, left = world.venue.order, [2]

    async def order(market: str, client_order_id: str) -> Any:
        if left[0]:
            left[0] -= 1
            raise error
        return await real(market, client_order_id)

    world.venue.order = order  # type: ignore[method-assign]
    world.fault("reply_lost", number=2)
    assert world.run() == 0
    world.check()


def test_balances_that_lag_behind_the_trades_halt_nothing(world: World) -> None:
    """For a moment the venue shows the balances of before a trade that it reported already."""
    real = world.faulty.balances
    before = world.venue.account.balances()

    async def balances() -> Any:
        told = await real()
        orders = world.orders()
        fresh = orders and world.now_ns() - orders[-1].created_ns < NS_PER_S // 4
        return before if fresh else told

    world.faulty.balances = balances  # type: ignore[method-assign]
    assert world.run() == 0
    world.check()
    assert world.facts(f.EngineHalted) == []
    assert world.cycle().state == t.COMPLETED


def test_the_more_markets_are_own_the_less_often_they_are_swept(world: World) -> None:
    waits: list[float] = []

    def ask(life: Any) -> None:
        reconciler = life.parts.reconciler
        waits.append(reconciler.interval_s())
        own = reconciler._sweeper.own_markets
        reconciler._sweeper.own_markets = lambda _deep: ["ETH/USDT"] * 100
        waits.append(reconciler.interval_s())
        reconciler._sweeper.own_markets = own

    world.at(1, ask)
    world.run(cycles=None, duration_s=2)
    assert waits == [limits.SWEEP_INTERVAL_S, 100 / limits.SWEEP_MARKETS_PER_S_MAX]
