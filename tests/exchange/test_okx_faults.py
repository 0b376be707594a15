"""Each fault as the real client meets it where OKX is spoken: what was executed, and what was said."""

from decimal import Decimal
from pathlib import Path
from typing import Final

import ccxt
import pytest

from arb.clock import NS_PER_S, VirtualClock
from arb.exchange.practice.fault_table import AFTER, BEFORE
from arb.exchange.practice.faults import read_rates
from tests.exchange.practising import lived
from tests.exchange.practising_okx import Practising, practising
from tests.exchange.scripted import START_NS

D = Decimal
CREATE: Final = "order.create"

# fault -> whether the order is executed, and the class that the client raises: None is no error,
# and an order without an id.
CREATES: Final[dict[str, tuple[bool, type[Exception] | None]]] = {
    "request_dropped": (False, ccxt.ExchangeNotAvailable),
    "http_429": (False, ccxt.RateLimitExceeded),
    "http_418": (False, ccxt.ExchangeNotAvailable),
    "http_503_overloaded": (False, ccxt.ExchangeNotAvailable),
    "waf_403": (False, ccxt.ExchangeNotAvailable),
    "maintenance": (False, ccxt.OnMaintenance),
    "clock_skew": (False, ccxt.InvalidNonce),
    "reply_dropped": (True, ccxt.ExchangeNotAvailable),
    "reply_never": (True, ccxt.RequestTimeout),
    "reply_truncated": (True, ccxt.ExchangeError),
    "reply_503_html": (True, ccxt.ExchangeNotAvailable),
    "reply_502_text": (True, ccxt.ExchangeNotAvailable),
    "reply_503_unknown": (True, ccxt.ExchangeNotAvailable),
    "reply_500_unknown": (True, ccxt.ExchangeNotAvailable),
    "reply_504_timeout": (True, ccxt.RequestTimeout),
    "reply_200_html": (True, None),
    "reply_200_empty": (True, None),
    "reply_200_object": (True, ccxt.ExchangeError),
}


def test_each_fault_of_a_create_is_what_the_real_client_makes_of_it(tmp_path: Path) -> None:
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
                    assert (told["id"], told["status"]) == (None, None), fault
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
            there.faults.some = lambda number: number // 20  # type: ignore[method-assign] -- soon
            for fault in ("execution_late", "reply_late"):
                there.faults.arm(fault, CREATE)
                name = f"x{len(fault)}"
                assert (await there.bought(name, amount="0.01"))["clientOrderId"] == name
                assert (await there.seen(name))["status"] == "closed"

    lived(story())


def test_nulls_are_in_the_envelope_or_in_what_it_holds(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            where = set()
            for number in range(20):
                there.faults.arm("reply_200_nulls")
                order = {
                    "instId": "ETH-USDT",
                    "tdMode": "cash",
                    "side": "buy",
                    "ordType": "ioc",
                    "sz": "0.01",
                    "px": "2000",
                    "clOrdId": f"x{number}",
                }
                status, told = await there.asked("POST", "trade/batch-orders", [order])
                assert status == 200
                where.add("without" if None in told.values() else "within")
                assert None in told.values() or None in told["data"][0].values()
            assert where == {"within", "without"}
            assert there.orders == 20

    lived(story())


def test_trades_are_told_twice_or_in_any_order_and_none_is_missing(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            for number in range(6):
                await there.bought(f"x{number}", amount="0.01")

            async def ids(fault: str) -> list[int]:
                there.faults.arm(fault)
                _, told = await there.asked("GET", "trade/fills", {"instType": "SPOT"})
                return [int(trade["tradeId"]) for trade in told["data"]]

            twice, shuffled = await ids("trades_twice"), await ids("trades_shuffled")
            assert (sorted(set(twice)), len(twice)) == ([1, 2, 3, 4, 5, 6], 7)
            assert sorted(shuffled) == [1, 2, 3, 4, 5, 6]

    lived(story())


def test_a_ban_lasts_its_time_for_every_request_and_for_new_connections(tmp_path: Path) -> None:
    async def story() -> None:
        clock = VirtualClock(START_NS)
        async with practising(tmp_path, clock=clock) as there:
            there.faults.arm("http_418", "account")
            url = "https://www.okx.com/api/v5/"

            async def status(path: str) -> tuple[int, str | None]:
                async with there.session.get(url + path) as got:
                    return got.status, got.headers.get("Retry-After")

            assert await status("account/balance") == (429, "2")
            assert await status("public/time") == (429, "2")
            with pytest.raises(Exception, match="429"):
                async with there.session.ws_connect("wss://ws.okx.com:8443/ws/v5/public"):
                    pass
            clock.advance_to(START_NS + 2 * NS_PER_S - 1)
            assert await status("public/time") == (429, "1")
            clock.advance_to(START_NS + 2 * NS_PER_S)
            assert await status("public/time") == (200, None)

    lived(story())


def test_a_hidden_order_is_in_no_read_and_its_id_is_taken_all_the_same(tmp_path: Path) -> None:
    async def story() -> None:
        clock = VirtualClock(START_NS)
        async with practising(tmp_path, clock=clock) as there:
            await there.client.load_markets()
            there.faults.arm("order_hidden")
            await there.bought("xhidden", time_in_force="GTC", amount="0.6")
            with pytest.raises(ccxt.OrderNotFound, match="51603"):
                await there.seen("xhidden")
            assert await there.client.fetch_open_orders() == []
            assert await there.client.fetch_my_trades("ETH/USDT") == []
            held = await there.client.fetch_balance()
            assert (D(held["USDT"]["free"]), D(held["USDT"]["used"])) == (10_000, 0)
            with pytest.raises(ccxt.InvalidOrder, match="51016"):
                await there.bought("xhidden")
            clock.advance_to(
                there.faults.until_ns("order_hidden", there.hall.account.all_orders()[0])
            )
            assert (await there.seen("xhidden"))["status"] == "open"
            assert len(await there.client.fetch_my_trades("ETH/USDT")) == 1

    lived(story())


def test_a_late_fill_is_missing_from_an_ended_order_and_appears(tmp_path: Path) -> None:
    async def story() -> None:
        clock = VirtualClock(START_NS)
        async with practising(tmp_path, clock=clock) as there:
            there.faults.arm("late_fill")
            await there.bought("xlate", amount="1", price="2001")  # two levels, two trades
            early = await there.seen("xlate")
            assert (early["status"], D(early["filled"])) == ("canceled", D("0.5"))
            assert len(await there.client.fetch_my_trades("ETH/USDT")) == 1
            order = there.hall.account.all_orders()[0]
            clock.advance_to(there.faults.until_ns("late_fill", order))
            late = await there.seen("xlate")
            assert (late["status"], D(late["filled"])) == ("closed", 1)
            assert len(await there.client.fetch_my_trades("ETH/USDT")) == 2

    lived(story())


def test_a_clock_that_jumps_refuses_requests_of_the_time_before(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            for jump_ms in (2_300, -1_700):
                there.hall.skew_ns = jump_ms * 1_000_000
                with pytest.raises(ccxt.InvalidNonce, match="50102"):
                    await there.bought("xjump")
            assert there.orders == 0

    lived(story())


def test_a_storm_of_everything_leaves_every_unit_accounted_for(tmp_path: Path) -> None:
    async def story() -> None:
        rates = {**read_rates("all=0.5"), "reply_never": 0.0, "reply_late": 0.0}
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
                owned[quote] = owned.get(quote, D(0)) - sign * fill.price * fill.amount
                owned[fill.fee_asset] -= fill.fee
            assert {asset: total for asset, total in owned.items() if total} == {
                asset: total for asset, total in account.totals().items() if total
            }
            assert len(there.faults.struck) > 10
            assert set(account.orders_by_client_id(2)) == set()

    lived(story())


async def _tried(there: Practising, number: int) -> None:
    there.faults.closed_until_ns = 0  # no time to wait for bans here
    there.client.timeout = 500
    try:
        await there.bought(f"xstorm{number}", amount="0.003", price="2001")
        await there.client.fetch_balance()
    except (ccxt.BaseError, TypeError, AttributeError, ValueError):
        return  # nulls where the client expects text are no concern of the exchange
