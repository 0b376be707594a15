"""A venue in trouble: closed, banning, halted, quiet, of another time (cases 11 to 17, 24, 31, 34)."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from arb import crashpoints
from arb.clock import NS_PER_S
from arb.events import facts as f
from arb.machine import table as t
from tests.market.examples import rules
from tests.spec.world import World

LEGS = [1, 2, 3]


def waits(world: World) -> list[str]:
    return [fact.reason for fact in world.facts(f.RecoveryWaiting)]


@pytest.mark.parametrize("bnb", ["0", "0.0005", "0.0012", "0.0021", "10"])
def test_case_11_the_fee_currency_may_run_out_in_mid_order(
    worlds: Callable[..., World], bnb: str
) -> None:
    world = worlds(fee_asset="BNB", bnb=bnb)
    assert world.run(cycles=2) == 0
    world.check()
    assert {cycle.outcome for cycle in world.cycles().values()} == {"completed"}


def test_case_11_one_order_pays_in_two_currencies(worlds: Callable[..., World]) -> None:
    world = worlds(fee_asset="BNB", bnb="0.0015")
    assert world.run() == 0
    world.check()
    first = world.cycle().orders[0].client_order_id
    paid = [fill.fee_asset for fill in world.facts(f.OrderFilled) if fill.client_order_id == first]
    assert set(paid) == {"BNB", "BTC"}


def test_case_12_what_no_market_takes_stays_as_dust(world: World) -> None:
    assert world.run() == 0
    world.check()
    dust = world.cycle().dust
    assert dust
    account = world.account()
    assert account.owned_closed == dust


def test_case_12_a_market_that_was_never_seen_does_not_make_dust_an_exposure(
    world: World,
) -> None:
    world.stage.hide(world.now_ns(), "BTC/USDC")
    world.stage.hide(world.now_ns(), "USDC/USDT")
    assert world.run() == 0
    world.check()
    assert world.cycle().outcome == "completed"
    assert waits(world) == []


@pytest.mark.parametrize("leg", LEGS)
def test_case_13_an_order_that_breaks_a_new_rule_is_planned_by_the_new_rules(
    world: World, leg: int
) -> None:
    market = ("BTC/USDT", "ETH/BTC", "ETH/USDT")[leg - 1]
    coarse = world.stage.markets[market]
    changed = rules(
        market, str(coarse.tick_size), str(coarse.step_size * 10), str(coarse.notional_min)
    )
    world.on(f.OrderIntended, leg, lambda: world.stage.markets.update({market: changed}))
    assert world.run() == 0
    world.check()
    assert [fact.reason for fact in world.facts(f.OrderRefused)] == ["filter"]
    assert world.cycle().outcome == "completed"


def test_case_14_nothing_is_planned_on_a_book_whose_connection_is_silent(world: World) -> None:
    world.venue.heard_ns = lambda _market: world.now_ns() - 6 * NS_PER_S  # type: ignore[method-assign]
    assert world.run(duration_s=3) == 0
    world.check()
    assert world.cycles() == {}


def test_case_19_a_gap_in_a_book_stops_trading_on_it_until_it_is_whole_again(
    world: World,
) -> None:
    whole = world.stage.book_at("ETH/BTC", world.now_ns())
    assert whole is not None
    world.stage.hide(world.now_ns(), "ETH/BTC")
    begin = world.now_ns()
    world.stage.put(begin + 10 * NS_PER_S, whole)
    assert world.run() == 0
    world.check()
    (opened,) = [one.at_ns for one in world.records() if isinstance(one.fact, f.CycleOpened)]
    assert opened - begin >= 10 * NS_PER_S


def test_case_19_what_happened_while_nothing_was_heard_is_swept_when_it_is_heard_again(
    worlds: Callable[..., World],
) -> None:
    """A late fill shows, and others trade, while the venue does not answer for a minute."""
    world = worlds(plan={"late_fill_ns": 30 * NS_PER_S, "maintenance_ns": 60 * NS_PER_S})
    world.strategies = [world.strategy(extra="risk_controls: {max_open_cycles: 1}\n")]
    world.fault("late_fill", call=None, order=3)
    world.on(f.CycleCompleted, 1, lambda: world.fault("maintenance", call="trades", times=1))
    world.at(20, lambda _life: world.venue.foreign_order("BTC/USDT", "sell", Decimal("0.1")))
    assert world.run(cycles=None, duration_s=100) == 0
    world.check()
    assert len(world.facts(f.LateFillFound)) >= 1
    by_hand = [one.client_order_id is None for one in world.venue.account.all_fills()]
    assert len(world.facts(f.ForeignTradeSeen)) == by_hand.count(True) > 0
    assert len(world.facts(f.OrderFilled)) == by_hand.count(False)
    assert world.facts(f.EngineHalted) == []


@pytest.mark.parametrize("leg", [2, 3])
@pytest.mark.parametrize("fault", ["maintenance", "banned"])
def test_cases_15_17_a_closed_venue_is_waited_for(
    worlds: Callable[..., World], fault: str, leg: int
) -> None:
    closed_ns = 40 * NS_PER_S
    world = worlds(plan={"ban_ns": closed_ns, "maintenance_ns": closed_ns})
    world.fault(fault, number=leg)
    assert world.run() == 0
    world.check()
    assert world.now_ns() - world.records()[0].at_ns > closed_ns


def test_case_17_while_a_ban_runs_nobody_asks(worlds: Callable[..., World]) -> None:
    world = worlds(plan={"ban_ns": 60 * NS_PER_S})
    world.fault("banned", number=2, times=1)
    asked: list[int] = []

    def count() -> None:
        asked.append(sum(world.faulty._calls.values()))

    for second in (5, 20, 40, 55):
        world.at(second, lambda _life: count())
    assert world.run() == 0
    world.check()
    assert len(set(asked)) == 1


@pytest.mark.parametrize("skew_s", [-3, 3])
@pytest.mark.parametrize("leg", LEGS)
def test_case_16_a_clock_that_went_away_is_read_again(world: World, leg: int, skew_s: int) -> None:
    def skew() -> None:
        world.venue._skew_ns = skew_s * NS_PER_S

    world.on(f.OrderIntended, leg, skew)
    assert world.run() == 0
    world.check()
    assert [fact.reason for fact in world.facts(f.OrderRefused)] == ["outside_recv_window"]
    assert world.cycle().outcome == "completed"


def test_case_16_failed_readings_of_the_clock_do_not_shift_it(world: World) -> None:
    world.fault("read_fails", call="time_ns", times=4)
    assert world.run() == 0
    world.check()
    for one in world.records():
        if isinstance(one.fact, f.OrderIntended):
            assert abs(one.fact.venue_time_ns - one.at_ns) < NS_PER_S // 100


def test_case_24_a_halted_market_is_gone_around(world: World) -> None:
    world.on(f.OrderClosed, 2, lambda: world.venue.halt_market("ETH/USDT", halted=True))
    assert world.run() == 0
    world.check()
    assert world.cycle().outcome in {"liquidated", "completed"}
    assert {order.market for order in world.orders()[2:]} == {"ETH/BTC", "BTC/USDT"}


def test_case_24_what_no_market_takes_for_good_is_parked(world: World) -> None:
    def halt() -> None:
        for market in ("ETH/USDT", "ETH/BTC"):
            world.venue.halt_market(market, halted=True)

    world.on(f.OrderClosed, 2, halt)
    assert world.run() == 1
    world.check()
    cycle = world.cycle()
    assert cycle.outcome == "parked"
    assert cycle.parked == {"ETH": world.venue.account.totals()["ETH"] - 10}
    assert world.account().owned_closed["ETH"] == cycle.parked["ETH"]


def test_case_24_a_delisted_currency_is_parked_and_not_called_dust(world: World) -> None:
    def delist() -> None:
        for market in ("ETH/USDT", "ETH/BTC"):
            del world.stage.markets[market]
            world.stage.hide(world.now_ns(), market)

    world.on(f.OrderIntended, 3, delist)
    world.fault("refused", number=3)  # after a refusal the markets are read again
    assert world.run() == 1
    world.check()
    assert "ETH" in world.cycle().parked


def test_case_24_a_market_that_opens_again_in_time_is_used(world: World) -> None:
    def halt(halted: bool) -> None:  # noqa: FBT001 -- a switch
        for market in ("ETH/USDT", "ETH/BTC"):
            world.venue.halt_market(market, halted=halted)

    world.on(f.OrderClosed, 2, lambda: halt(True))  # noqa: FBT003 -- the same
    world.at(10, lambda _life: halt(False))  # noqa: FBT003 -- the same
    assert world.run() == 0
    world.check()
    assert world.cycle().outcome == "completed"


@pytest.mark.parametrize("comes_back", [True, False])
def test_waiting_for_something_else_does_not_count_as_waiting_for_a_market(
    worlds: Callable[..., World],
    comes_back: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    """Minutes without an answer, then a book that is missing for a second: nothing is parked."""
    world = worlds(plan={"maintenance_ns": 600 * NS_PER_S})
    world.fault("maintenance", number=3)

    def hide() -> None:
        for market in ("ETH/USDT", "ETH/BTC"):
            world.stage.hide(world.now_ns(), market)

    def show() -> None:
        if comes_back:
            world.show("ETH/USDT", [("2010", "90")], [("2011", "90")])

    world.at(500, lambda _life: hide())
    no_market = "no market takes what is held now"
    world.on(f.RecoveryWaiting, 1, lambda: world.loop.call_later(2, show), reason=no_market)
    assert world.run() == (0 if comes_back else 1)
    world.check()
    assert (world.cycle().outcome == "parked") is not comes_back
    since = [one.at_ns for one in world.records() if getattr(one.fact, "reason", "") == no_market]
    assert world.now_ns() - since[0] > (1 if comes_back else 20) * NS_PER_S


def test_case_31_nothing_is_hedged_while_an_order_is_unknown(world: World) -> None:
    """The price falls by a tenth; nothing is sold before the order's fate is known."""
    world.fault("reply_lost", number=1)
    world.fault("read_fails", call="order", times=30)
    world.on(f.OrderUnknown, 1, lambda: world.show("BTC/USDT", [("45000", "9")], [("45010", "9")]))
    assert world.run() == 0
    world.check()
    kinds = [type(fact) for fact in world.facts()]
    assert kinds.index(f.OrderClosed) < len(kinds) - 1 - kinds[::-1].index(f.OrderIntended)


@pytest.mark.parametrize("bid", ["2010", "1500"])
def test_case_34_after_a_day_of_downtime_todays_books_decide(world: World, bid: str) -> None:
    world.kill_at(crashpoints.EXECUTED_NOT_TOLD, 2)
    assert world.run() is None
    world.wait(86_400 - 100)
    world.show("ETH/USDT", [(bid, "90")], [(str(Decimal(bid) + 1), "90")])
    assert world.recover() == 0
    world.check()
    last = world.orders()[-1]
    assert last.market == ("ETH/USDT" if bid == "2010" else "BTC/USDT")


def test_an_order_older_than_the_venues_history_waits_for_an_operator(
    worlds: Callable[..., World],
) -> None:
    world = worlds(rules={"history_ns": 3_600 * NS_PER_S})
    world.fault("request_lost", number=1)
    world.kill_after(lambda fact: isinstance(fact, f.OrderUnknown))
    assert world.run() is None
    world.heal()
    world.wait(7_200)
    order = world.facts(f.OrderIntended)[0].client_order_id
    world.at(120, lambda life: life.ask("attest", order, verdict="absent", reason="statement"))
    assert world.recover() == 0
    world.check()
    assert world.cycle().orders[0].state == t.ABSENT
    assert any("attest" in reason for reason in waits(world))
