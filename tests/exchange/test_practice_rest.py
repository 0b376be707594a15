"""The real client trades at the practice exchange over REST."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt
import pytest

from arb.clock import NS_PER_MS, VirtualClock
from tests.exchange.practising import Practising, lived, practising
from tests.exchange.scripted import START_NS

D = Decimal


def test_the_real_client_reads_markets_with_their_exact_filters(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            markets = await there.client.load_markets()
            assert sorted(markets) == ["BNB/USDT", "BTC/USDT", "ETH/BTC", "ETH/USDT"]
            found = markets["ETH/USDT"]
            assert (found["active"], found["base"], found["quote"]) == (True, "ETH", "USDT")
            assert D(found["precision"]["price"]) == D("0.01")
            assert D(found["precision"]["amount"]) == D("0.0001")
            assert D(found["limits"]["cost"]["min"]) == D(5)
            there.hall.halt("ETH/USDT", halted=True)
            there.hall.delist("ETH/BTC")
            again = await there.client.load_markets(reload=True)
            assert again["ETH/USDT"]["active"] is False
            assert "ETH/BTC" not in again

    lived(story())


def test_an_ioc_takes_what_there_is_and_its_trades_add_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            told = await there.bought("xpart", amount="0.8")
            assert (told["status"], told["id"], told["clientOrderId"]) == ("expired", "1", "xpart")
            assert (D(told["filled"]), D(told["cost"])) == (D("0.5"), D(1000))
            trades = await there.client.fetch_my_trades("ETH/USDT", params={"orderId": "1"})
            (trade,) = trades
            assert (D(trade["amount"]), D(trade["info"]["quoteQty"])) == (D("0.5"), D(1000))
            assert (D(trade["fee"]["cost"]), trade["fee"]["currency"]) == (D("0.0005"), "ETH")
            seen = await there.seen("xpart")
            assert (seen["status"], D(seen["filled"]), seen["id"]) == ("expired", D("0.5"), "1")
            held = await there.client.fetch_balance()
            assert (D(held["USDT"]["free"]), D(held["ETH"]["free"])) == (D(9000), D("5.4995"))

    lived(story())


def test_a_fok_takes_all_or_nothing_and_a_gtc_rests_until_it_is_cancelled(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            nothing = await there.bought("xall", amount="0.8", time_in_force="FOK")
            assert (nothing["status"], D(nothing["filled"])) == ("expired", 0)
            whole = await there.bought("xfok", amount="0.5", time_in_force="FOK")
            assert (whole["status"], D(whole["filled"])) == ("closed", D("0.5"))
            resting = await there.bought("xgtc", price="1990", time_in_force="GTC")
            assert resting["status"] == "open"
            held = await there.client.fetch_balance()
            assert D(held["USDT"]["used"]) == D(199)
            (listed,) = await there.client.fetch_open_orders()
            assert listed["clientOrderId"] == "xgtc"
            params = {"clientOrderId": "xgtc"}
            ended = await there.client.cancel_order(None, "ETH/USDT", params)
            assert ended["status"] == "canceled"
            assert ended["info"]["origClientOrderId"] == "xgtc"
            assert ended["info"]["clientOrderId"] != "xgtc"
            with pytest.raises(ccxt.OrderNotFound, match="-2011"):
                await there.client.cancel_order(None, "ETH/USDT", params)
            assert await there.client.fetch_open_orders() == []

    lived(story())


def test_an_id_is_taken_again_once_its_order_is_finished_and_not_before(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            await there.bought("xopen", price="1990", time_in_force="GTC")
            with pytest.raises(ccxt.InvalidOrder, match=r"-2010.*Duplicate order sent\."):
                await there.bought("xopen", price="1990", time_in_force="GTC")
            first = await there.bought("xioc")
            second = await there.bought("xioc")
            assert (first["id"], second["id"]) == ("2", "3")
            assert (await there.seen("xioc"))["id"] == "3"
            state = await there.controlled("state")
            assert state["orders_per_client_id_max"] == 2
            assert state["orders_with_a_repeated_client_id"] == {"xioc": 2}
            assert state["creates_seen"] == {"total": 4, "most_per_client_id": 2}

    lived(story())


WRONG = [
    ({"price": "2000.001"}, -1013, "Filter failure: PRICE_FILTER"),
    ({"quantity": "0.10001"}, -1013, "Filter failure: LOT_SIZE"),
    ({"quantity": "10000"}, -1013, "Filter failure: LOT_SIZE"),
    ({"quantity": "0.0001"}, -1013, "Filter failure: NOTIONAL"),
    ({"price": "100"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    ({"quantity": "8"}, -2010, "Account has insufficient balance for requested action."),
    ({"symbol": "ETHDOGE"}, -1121, "Invalid symbol."),
    ({"price": "2000.000000001"}, -1111, "Parameter 'price' has too much precision."),
    ({"side": "HOLD"}, -1117, "Invalid side."),
    ({"type": "STOP"}, -1116, "Invalid orderType."),
    ({"timeInForce": "GTX"}, -1115, "Invalid timeInForce."),
    ({"quantity": ""}, -1102, None),
    ({"price": "1e3"}, -1100, None),
    ({"newClientOrderId": "a" * 37}, -1100, None),
    ({"colour": "red"}, -1104, None),
    ({"quoteOrderQty": "5"}, -1106, None),
    ({"recvWindow": "70000"}, -1131, None),
]


def test_a_wrong_order_is_refused_with_the_venues_own_code(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            for changed, code, text in WRONG:
                order = {
                    "symbol": "ETHUSDT",
                    "side": "BUY",
                    "type": "LIMIT",
                    "timeInForce": "IOC",
                    "quantity": "0.1",
                    "price": "2000",
                    **changed,
                }
                told = await there.refused("POST", "/api/v3/order", **order)
                assert told[:2] == (400, code), (changed, told)
                assert text in {None, told[2]}
            assert there.orders == 0

    lived(story())


def test_a_market_is_pushed_off_its_price_for_a_while(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            before = there.hall.mid("ETH/USDT")
            act = {"act": "dislocate", "market": "ETH/USDT", "amount": "500", "ms": 60_000}
            await there.controlled("act", act)
            after = there.hall.mid("ETH/USDT")
            assert before is not None
            assert after is not None
            assert after > before * Decimal("1.04")
            refused = await there.controlled("act", {**act, "market": "NO/NO"})
            assert refused == {"error": "no market 'NO/NO'"}

    lived(story())


def test_a_halted_market_is_closed_and_lets_orders_be_cancelled(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            await there.bought("xrest", price="1990", time_in_force="GTC")
            await there.controlled("act", {"act": "halt", "market": "ETH/USDT"})
            with pytest.raises(ccxt.MarketClosed, match="Market is closed"):
                await there.bought("xno")
            await there.client.cancel_order(None, "ETH/USDT", {"clientOrderId": "xrest"})
            await there.controlled("act", {"act": "halt", "market": "ETH/USDT", "on": False})
            assert (await there.bought("xyes"))["status"] == "closed"

    lived(story())


def test_keys_times_and_signatures_are_checked_with_the_venues_own_codes(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:

            async def code(**more: Any) -> tuple[int, int]:
                return (await there.refused("GET", "/api/v3/account", **more))[:2]

            assert await code(key="short") == (401, -2014)
            assert await code(key="A" * 64) == (401, -2015)
            assert await code(secret="wrong") == (400, -1022)
            assert await code(late_ms=2_500) == (400, -1021)
            assert await code(late_ms=-1_500) == (400, -1021)
            assert await code(late_ms=300, recvWindow="200") == (400, -1021)
            assert (await there.asked("GET", "/api/v3/account", late_ms=500))[0] == 200
            await there.controlled("act", {"act": "revoke"})
            assert await code() == (401, -2015)

    lived(story())


def test_a_fee_is_paid_in_bnb_at_its_own_rate_while_it_lasts(tmp_path: Path) -> None:
    async def story() -> None:
        opening = {"USDT": D(10_000), "BNB": D("0.0001")}
        bnb = {"fee_asset": "BNB", "third_share": D("0.75"), "balances": opening}
        async with practising(tmp_path, **bnb) as there:
            small = await there.bought("xsmall", amount="0.005", price="2000")
            # 0.005 ETH x 0.00075, sold at 1999 for USDT that buy BNB at its bid of 500
            assert small["fees"] == [{"currency": "BNB", "cost": "0.00001500"}]
            large = await there.bought("xlarge", amount="0.1", price="2000")
            assert large["fees"] == [{"currency": "ETH", "cost": "0.00010000"}]
            _, told, _ = await there.asked("GET", "/api/v3/account/commission", symbol="ETHUSDT")
            assert told["discount"] == {
                "enabledForAccount": True,
                "enabledForSymbol": True,
                "discountAsset": "BNB",
                "discount": "0.75000000",
            }
            assert told["standardCommission"]["taker"] == "0.00100000"

    lived(story())


def test_trades_are_told_in_pages_of_a_day_from_the_oldest_on(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            for number in range(4):
                await there.bought(f"x{number}", amount="0.01")
            now_ms = there.hall.now_ns() // NS_PER_MS

            async def ids(**params: str) -> list[int]:
                _, told, _ = await there.asked(
                    "GET", "/api/v3/myTrades", symbol="ETHUSDT", **params
                )
                return [trade["id"] for trade in told]

            day = 86_400_000
            assert await ids() == [1, 2, 3, 4]
            assert await ids(limit="2") == [3, 4]
            assert await ids(fromId="2", limit="2") == [2, 3]
            assert await ids(orderId="3") == [3]
            assert await ids(startTime=str(now_ms - 5_000), limit="3") == [1, 2, 3]
            assert await ids(startTime=str(now_ms - 2 * day), endTime=str(now_ms - day)) == []
            told = await there.refused(
                "GET",
                "/api/v3/myTrades",
                symbol="ETHUSDT",
                startTime=str(now_ms - 2 * day),
                endTime=str(now_ms),
            )
            assert told[:2] == (400, -1127)
            listed = await there.client.fetch_orders("ETH/USDT")
            assert [one["clientOrderId"] for one in listed] == ["x0", "x1", "x2", "x3"]

    lived(story())


def test_deposits_and_withdrawals_are_told_unless_they_are_not(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            for act, asset, amount, reported in (
                ("deposit", "BTC", "0.5", True),
                ("withdraw", "USDT", "12.5", True),
                ("withdraw", "USDT", "1", False),
            ):
                told = {"act": act, "asset": asset, "amount": amount, "reported": reported}
                assert await there.controlled("act", told) == {"done": act}
            (came,) = await there.client.fetch_deposits()
            (went,) = await there.client.fetch_withdrawals()
            assert (came["currency"], D(came["amount"]), came["status"]) == ("BTC", D("0.5"), "ok")
            assert (went["currency"], D(went["amount"]), went["status"]) == (
                "USDT",
                D("12.5"),
                "ok",
            )
            held = await there.client.fetch_balance()
            assert (D(held["BTC"]["free"]), D(held["USDT"]["free"])) == (D("1.5"), D("9986.5"))
            asked = {"act": "withdraw", "asset": "BTC", "amount": "2"}
            assert "insufficient" in (await there.controlled("act", asked))["error"]

    lived(story())


def test_what_a_key_may_do_is_told(tmp_path: Path) -> None:
    async def story(*, may: bool) -> None:
        async with practising(tmp_path, may_withdraw=may) as there:
            told = await there.client.sapiGetAccountApiRestrictions()
            assert told["enableWithdrawals"] is may
            assert told["enableSpotAndMarginTrading"] is True

    lived(story(may=False))
    lived(story(may=True))


def test_a_market_order_may_name_what_it_spends(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            told = await there.client.create_market_buy_order_with_cost("ETH/USDT", "1100.50")
            # 0.5 for 1000, and of the rest what 2001 buys in whole steps
            assert D(told["filled"]) == D("0.5502")
            assert D(told["cost"]) == D("1100.4502")

    lived(story())


def test_weights_are_counted_and_too_many_are_refused_until_the_minute_ends(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path, clock=VirtualClock(START_NS)) as there:
            _, _, before = await there.asked("GET", "/api/v3/account")
            _, _, after = await there.asked("GET", "/api/v3/openOrders", symbol="ETHUSDT")
            used = [int(one["X-MBX-USED-WEIGHT-1M"]) for one in (before, after)]
            assert used == [20, 26]
            status, told, headers = 200, {}, {}
            for _ in range(80):
                status, told, headers = await there.asked("GET", "/api/v3/openOrders")
                if status != 200:
                    break
            assert (status, told["code"]) == (429, -1003)
            assert headers["Retry-After"] == str(60 - START_NS // 10**9 % 60)
            assert (await there.refused("GET", "/api/v3/time", signed=False))[0] == 429
            assert (await there.controlled("state"))["while_closed"] == {"time": 1}

    lived(story())


def test_too_many_orders_in_ten_seconds_are_refused_without_a_ban(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path, clock=VirtualClock(START_NS)) as there:
            order = {"symbol": "ETHUSDT", "side": "BUY", "type": "HOLD"}
            for _ in range(100):
                assert (await there.refused("POST", "/api/v3/order", **order))[1] == -1116
            status, told, headers = await there.asked("POST", "/api/v3/order", **order)
            assert (status, told["code"], headers["Retry-After"]) == (429, -1015, "10")
            assert headers["X-MBX-ORDER-COUNT-10S"] == "101"
            assert (await there.asked("GET", "/api/v3/account"))[0] == 200

    lived(story())


def test_the_control_door_is_for_this_machines_user_alone(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            url = f"http://127.0.0.1:{there.running.control_port}/control/state"
            for headers in ({"Host": "evil.example:80"}, {"Origin": "https://evil.example"}):
                async with there.session.get(url, headers=headers) as got:
                    assert got.status == 403
            assert "error" in await there.controlled("fault", {"fault": "earthquake"})
            assert "error" in await there.controlled("fault", {"fault": "late_fill", "on": "time"})
            assert "error" in await there.controlled("act", {"act": "dance"})

    lived(story())


def test_balances_have_eight_decimals_also_while_an_order_locks_more(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            await there.bought(
                "xfine", amount="0.0031", price="0.03999", time_in_force="GTC", market="ETH/BTC"
            )
            _, told, _ = await there.asked("GET", "/api/v3/account")
            btc = next(row for row in told["balances"] if row["asset"] == "BTC")
            # 0.0031 x 0.03999 = 0.000123969
            assert btc == {"asset": "BTC", "free": "0.99987603", "locked": "0.00012397"}

    lived(story())


async def _rests(there: Practising) -> None:
    await there.bought("xkept", price="1990", time_in_force="GTC")
    await there.bought("xdone")


def test_a_restart_keeps_account_keys_and_certificates(tmp_path: Path) -> None:
    async def first() -> dict[str, Any]:
        async with practising(tmp_path) as there:
            await _rests(there)
            return {
                **await there.controlled("state"),
                "keys": there.running.keys_file.read_text(),
                "ca": there.running.ca.read_text(),
            }

    async def second(before: dict[str, Any]) -> None:
        async with practising(tmp_path, balances={"USDT": D(1)}) as there:
            after = await there.controlled("state")
            for same in ("uid", "opening", "balances", "orders", "trades"):
                assert after[same] == before[same]
            assert there.running.keys_file.read_text() == before["keys"]
            assert there.running.ca.read_text() == before["ca"]
            assert (await there.seen("xdone"))["status"] == "closed"

    async def story() -> None:
        await second(await first())

    lived(story())
