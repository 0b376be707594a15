"""Each fault of the practice exchange, as the real client meets it: what was executed, and what was said."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Final

import ccxt
import pytest

from arb.clock import NS_PER_S, VirtualClock
from arb.errors import ConfigInvalid
from arb.exchange.practice.fault_table import AFTER, BEFORE, FAULTS, GROUPS
from arb.exchange.practice.faults import read_rates
from arb.exchange.practice.windows import VISIBILITY_NS
from arb.exchange.practice.world import HALT_NS, World
from tests.exchange.practising import Practising, lived, practising, until
from tests.exchange.scripted import START_NS

D = Decimal
CREATE: Final = "order.create"

# fault -> whether the order is executed, and the class that the client raises: None is no error,
# and an order without an id.
CREATES: Final[dict[str, tuple[bool, type[Exception] | None]]] = {
    "request_dropped": (False, ccxt.ExchangeNotAvailable),
    "http_429": (False, ccxt.DDoSProtection),
    "http_418": (False, ccxt.DDoSProtection),
    "http_503_overloaded": (False, ccxt.OperationFailed),
    "waf_403": (False, ccxt.ExchangeNotAvailable),
    "maintenance": (False, ccxt.OnMaintenance),
    "clock_skew": (False, ccxt.InvalidNonce),
    "reply_dropped": (True, ccxt.ExchangeNotAvailable),
    "reply_never": (True, ccxt.RequestTimeout),
    "reply_truncated": (True, ccxt.ExchangeError),
    "reply_503_html": (True, ccxt.ExchangeNotAvailable),
    "reply_502_text": (True, ccxt.ExchangeNotAvailable),
    "reply_503_unknown": (True, ccxt.OperationFailed),
    "reply_500_unknown": (True, ccxt.OperationFailed),
    "reply_504_timeout": (True, ccxt.RequestTimeout),
    "reply_200_html": (True, None),
    "reply_200_empty": (True, None),
    "reply_200_object": (True, None),
}


def test_each_fault_of_a_create_is_what_the_real_client_is_known_to_make_of_it(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            await there.client.load_markets()
            there.client.timeout = 700
            for number, (fault, (executed, kind)) in enumerate(CREATES.items()):
                before = there.orders
                there.faults.arm(fault, CREATE)
                name = f"x{number}"
                if kind is None:
                    told = await there.bought(name, amount="0.01")
                    assert (told["id"], told["status"], D(told["filled"])) == (None, None, 0), fault
                else:
                    with pytest.raises(kind) as caught:
                        await there.bought(name, amount="0.01")
                    assert type(caught.value) is kind, fault
                there.faults.closed_until_ns = 0
                assert there.orders - before == executed, fault
                if executed:
                    assert (await there.seen(name))["status"] == "closed"
            assert dict(there.faults.struck) == dict.fromkeys(CREATES, 1)

    lived(story())


def test_every_fault_of_a_request_is_tried_here() -> None:
    tried = {*CREATES, "reply_late", "reply_200_nulls", "trades_twice", "trades_shuffled"}
    assert tried == BEFORE | AFTER


def test_late_replies_and_late_executions_come_all_the_same(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            there.client.timeout = 10_000
            for fault in ("execution_late", "reply_late"):
                there.faults.arm(fault, CREATE)
                assert (await there.bought(f"x{len(fault)}", amount="0.01"))["status"] == "closed"

    lived(story())


def test_an_order_inside_is_executed_though_its_sender_gave_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            await there.client.load_markets()
            there.faults.some = lambda number: number - 1  # type: ignore[method-assign] -- as late as can be
            there.faults.arm("execution_late", CREATE)
            sending = asyncio.ensure_future(there.bought("xleft"))
            await until(lambda: bool(there.faults.struck))
            sending.cancel()
            assert there.orders == 0
            await until(lambda: there.orders == 1)
            assert (await there.seen("xleft"))["status"] == "closed"

    lived(story())


def test_replies_with_null_fields_are_replies_all_the_same(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            for number in range(10):
                there.faults.arm("reply_200_nulls")
                name = f"x{number}"
                order = {
                    "symbol": "ETHUSDT",
                    "side": "BUY",
                    "type": "LIMIT",
                    "timeInForce": "IOC",
                    "quantity": "0.01",
                    "price": "2000",
                    "newClientOrderId": name,
                }
                status, told, _ = await there.asked("POST", "/api/v3/order", **order)
                assert status == 200
                assert None in told.values()

    lived(story())


def test_trades_are_told_twice_or_in_any_order_and_none_is_missing(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            for number in range(6):
                await there.bought(f"x{number}", amount="0.01")

            async def ids(fault: str) -> list[int]:
                there.faults.arm(fault)
                _, told, _ = await there.asked("GET", "/api/v3/myTrades", symbol="ETHUSDT")
                return [trade["id"] for trade in told]

            twice, shuffled = await ids("trades_twice"), await ids("trades_shuffled")
            assert (sorted(set(twice)), len(twice)) == ([1, 2, 3, 4, 5, 6], 7)
            assert sorted(shuffled) == [1, 2, 3, 4, 5, 6]

    lived(story())


def test_a_ban_lasts_its_time_for_every_request_and_says_so(tmp_path: Path) -> None:
    async def story() -> None:
        clock = VirtualClock(START_NS)
        async with practising(tmp_path, clock=clock) as there:
            there.faults.arm("http_418", "account")
            status, told, headers = await there.asked("GET", "/api/v3/account")
            assert (status, told["code"], headers["Retry-After"]) == (418, -1003, "2")
            assert "IP banned until" in told["msg"]
            for path in ("/api/v3/time", "/api/v3/openOrders"):
                assert (await there.asked("GET", path))[0] == 418
            with pytest.raises(Exception, match="418"):
                async with there.session.ws_connect("wss://stream.binance.com:9443/ws/0"):
                    pass
            assert there.faults.closed_until_ns == START_NS + 2 * NS_PER_S
            clock.advance_to(START_NS + 2 * NS_PER_S - 1)
            assert (await there.asked("GET", "/api/v3/time", signed=False))[0] == 418
            clock.advance_to(START_NS + 2 * NS_PER_S)
            assert (await there.asked("GET", "/api/v3/time", signed=False))[0] == 200
            assert (await there.controlled("state"))["while_closed"]["orders.open"] == 1

    lived(story())


def test_an_order_is_hidden_from_every_read_until_its_window_ends(tmp_path: Path) -> None:
    async def story() -> None:
        clock = VirtualClock(START_NS)
        async with practising(tmp_path, clock=clock) as there:
            await there.client.load_markets()
            await there.controlled("fault", {"fault": "order_hidden"})
            told = await there.bought("xhidden", time_in_force="GTC", amount="0.6")
            assert told["status"] == "open"  # its own reply shows it
            with pytest.raises(ccxt.OrderNotFound, match="-2013"):
                await there.seen("xhidden")
            assert await there.client.fetch_open_orders() == []
            assert await there.client.fetch_my_trades("ETH/USDT") == []
            held = await there.client.fetch_balance()
            assert (D(held["USDT"]["free"]), D(held["USDT"]["used"])) == (10_000, 0)
            assert (await there.bought("xseen", price="2001"))["status"] == "closed"
            until_ns = there.faults.until_ns("order_hidden", there.hall.account.all_orders()[0])
            assert START_NS < until_ns <= START_NS + VISIBILITY_NS
            clock.advance_to(until_ns - 1)
            with pytest.raises(ccxt.OrderNotFound):
                await there.seen("xhidden")
            clock.advance_to(until_ns)
            assert (await there.seen("xhidden"))["status"] == "open"
            assert len(await there.client.fetch_my_trades("ETH/USDT")) == 2
            assert there.faults.struck["order_hidden"] == 1

    lived(story())


def test_what_is_hidden_is_a_function_of_seed_and_id_whatever_restarts(tmp_path: Path) -> None:
    async def hidden(seed: int, *, send: bool) -> set[str]:
        found = set()
        async with practising(tmp_path, rates={"order_hidden": 0.5}, seed=seed) as there:
            for number in range(20):
                name = f"xsame{number}"
                if send:
                    await there.bought(name, amount="0.003")
                order = there.hall.account.order_of_client(name)
                assert order is not None
                until_ns = there.faults.until_ns("order_hidden", order)
                assert order.created_ns <= until_ns <= order.created_ns + VISIBILITY_NS
                if until_ns > order.created_ns:
                    found.add(name)
        return found

    async def story() -> None:
        first = await hidden(3, send=True)
        assert first == await hidden(3, send=False)
        assert first != await hidden(4, send=False)
        assert 0 < len(first) < 20

    lived(story())


def test_a_late_fill_is_missing_from_an_ended_order_and_appears(tmp_path: Path) -> None:
    async def story() -> None:
        clock = VirtualClock(START_NS)
        async with practising(tmp_path, clock=clock) as there:
            there.faults.arm("late_fill")
            await there.bought("xlate", amount="1", price="2001")  # two levels, two trades
            early = await there.seen("xlate")
            assert (early["status"], D(early["filled"])) == ("expired", D("0.5"))
            assert len(await there.client.fetch_my_trades("ETH/USDT")) == 1
            held = await there.client.fetch_balance()
            assert D(held["USDT"]["free"]) == 9_000
            order = there.hall.account.all_orders()[0]
            clock.advance_to(there.faults.until_ns("late_fill", order))
            seen = there.hall.order(order.market, order.number)
            assert (seen.order.status, seen.order.filled, len(seen.fills)) == ("closed", 1, 2)
            assert there.hall.balances()["USDT"].free == D("7999.5")

    lived(story())


@pytest.mark.parametrize(
    "fault", ["user_withdrawal", "user_deposit", "user_order", "market_halt", "market_delisted"]
)
def test_what_others_do_is_real(tmp_path: Path, fault: str) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            before = there.hall.account.totals()
            markets = len(there.hall.markets())
            World(there.running.grounds).strike(fault)
            changed = there.hall.account.totals() != before
            assert changed == fault.startswith("user_")
            active = [rules for rules in there.hall.markets().values() if rules.active]
            assert len(active) == markets - fault.startswith("market_")
            if fault == "user_order":
                (order,) = there.hall.account.all_orders()
                assert (order.client_order_id or "").startswith("web_")
            if fault.endswith(("withdrawal", "deposit")):
                assert len(there.hall.changes(0)) == 1

    lived(story())


def test_a_halt_ends_and_a_delisting_does_not_whatever_restarts(tmp_path: Path) -> None:
    async def story() -> None:
        clock = VirtualClock(START_NS)
        async with practising(tmp_path, clock=clock) as there:
            there.hall.delist("ETH/BTC")
            there.hall.halt("ETH/USDT", halted=True)
        async with practising(tmp_path, clock=clock) as there:
            assert "ETH/BTC" not in there.hall.markets()
            assert there.hall.halted() == {"ETH/USDT"}
            world = World(there.running.grounds)
            clock.advance_to(START_NS + HALT_NS - 1)
            world.tick()
            assert there.hall.halted() == {"ETH/USDT"}
            clock.advance_to(START_NS + HALT_NS)
            world.tick()
            assert there.hall.halted() == frozenset()
            assert "ETH/BTC" not in there.hall.markets()

    lived(story())


def test_a_clock_that_jumps_refuses_requests_of_the_time_before(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            for jump_ms in (2_300, -1_700):
                await there.controlled("act", {"act": "jump", "ms": jump_ms})
                with pytest.raises(ccxt.InvalidNonce, match="-1021"):
                    await there.client.fetch_balance()
                await there.client.load_time_difference()
                await there.client.fetch_balance()
            assert there.orders == 0

    lived(story())


def test_a_fault_can_wait_for_the_nth_call(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            await there.controlled("fault", {"fault": "reply_dropped", "on": CREATE, "nth": 2})
            assert (await there.bought("xfirst"))["status"] == "closed"
            with pytest.raises(ccxt.ExchangeNotAvailable):
                await there.bought("xsecond")
            assert (await there.bought("xthird"))["status"] == "closed"
            told = await there.controlled("state")
            assert (len(told["orders"]), told["struck"]) == (3, {"reply_dropped": 1})

    lived(story())


def test_a_storm_of_everything_leaves_every_unit_accounted_for(tmp_path: Path) -> None:
    async def story() -> None:
        rates = {**read_rates("all=0.5"), "reply_never": 0.0}
        async with practising(tmp_path, rates=rates, seed=5) as there:
            for number in range(60):
                await _tried(there, number)
            account = there.hall.account
            owned = dict(account.opening())
            for change in account.changes(0, reported_only=False):
                owned[change.asset] = owned.get(change.asset, D(0)) + change.amount
            for fill in account.all_fills():
                base, quote = fill.market.split("/")
                sign = 1 if fill.side == "buy" else -1
                owned[base] = owned.get(base, D(0)) + sign * fill.amount
                owned[quote] = owned.get(quote, D(0)) - sign * fill.cost
                owned[fill.fee_asset] -= fill.fee
            assert {asset: total for asset, total in owned.items() if total} == {
                asset: total for asset, total in account.totals().items() if total
            }
            assert len(there.faults.struck) > 10

    lived(story())


async def _tried(there: Practising, number: int) -> None:
    there.faults.closed_until_ns = 0  # no time to wait for bans here
    there.client.timeout = 500
    try:
        await there.bought(f"xstorm{number}", amount="0.003", price="2001")
        await there.client.fetch_balance()
    except (ccxt.BaseError, TypeError, AttributeError, ValueError):
        return  # nulls where the client expects text are no concern of the exchange


def test_rates_are_read_strictly() -> None:
    assert read_rates("") == {}
    assert read_rates("reply_dropped=0.05, http_418=0.01") == {
        "reply_dropped": 0.05,
        "http_418": 0.01,
    }
    everything = read_rates("all=0.1,late_fill=0")
    assert "late_fill" not in everything
    assert sum(everything[fault.name] for fault in GROUPS[0]) == pytest.approx(0.1)
    assert not any(name in everything for name, fault in FAULTS.items() if not fault.lived_through)
    for wrong in ("all", "all=", "all=2", "all=-1", "all=nan", "earthquake=0.1", "all=0,1"):
        with pytest.raises(ConfigInvalid):
            read_rates(wrong)
