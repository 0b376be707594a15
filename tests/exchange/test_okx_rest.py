"""The real client trades over REST at the practice exchange that speaks OKX."""

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt
import pytest

from arb.clock import NS_PER_MS, NS_PER_S, VirtualClock
from arb.exchange.practice.windows import OKX_FORGETS_NS
from tests.exchange.practising import lived
from tests.exchange.practising_okx import Practising, practising
from tests.exchange.scripted import START_NS, at
from tests.market.examples import book
from tests.spec.shared_data import shared_data

D = Decimal
ORDER: dict[str, str] = {
    "instId": "ETH-USDT",
    "tdMode": "cash",
    "side": "buy",
    "ordType": "ioc",
    "sz": "0.1",
    "px": "2000",
    "clOrdId": "xwrong",
}


def test_the_real_client_reads_markets_with_their_exact_filters(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            markets = await there.client.load_markets()
            assert sorted(markets) == ["BNB/USDT", "BTC/USDT", "ETH/BTC", "ETH/USDT"]
            found = markets["ETH/USDT"]
            assert (found["active"], found["base"], found["quote"]) == (True, "ETH", "USDT")
            assert D(found["precision"]["price"]) == D("0.01")
            assert D(found["precision"]["amount"]) == D("0.0001")
            assert found["limits"]["cost"]["min"] is None
            there.hall.halt("ETH/USDT", halted=True)
            there.hall.delist("ETH/BTC")
            again = await there.client.load_markets(reload=True)
            assert again["ETH/USDT"]["active"] is False
            assert "ETH/BTC" not in again

    lived(story())


def test_a_market_is_described_with_the_fields_that_were_recorded(tmp_path: Path) -> None:
    async def story() -> None:
        with gzip.open(shared_data("markets", "okx_20220513.json.gz")) as file:
            real = json.load(file)["payload"]["data"][0]
        async with practising(tmp_path) as there:
            _, ours = await there.asked("GET", "public/instruments", {"instType": "SPOT"})
        assert set(real) - set(ours["data"][0]) == set()
        assert all(type(ours["data"][0][name]) is type(value) for name, value in real.items())

    lived(story())


def test_a_create_names_the_order_and_says_no_more_of_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            told = await there.bought("xpart", amount="0.8")
            assert (told["id"], told["clientOrderId"]) == ("1", "xpart")
            assert (told["status"], told["filled"], told["amount"]) == (None, None, None)
            seen = await there.seen("xpart")
            assert (seen["status"], D(seen["filled"]), seen["id"]) == ("canceled", D("0.5"), "1")
            assert seen["timeInForce"] == "IOC"
            assert (await there.client.fetch_order("1", "ETH/USDT"))["clientOrderId"] == "xpart"

    lived(story())


def test_trades_carry_the_fee_in_what_was_received_and_no_quote_amount(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            await there.bought("xbuy", amount="0.8")
            await there.bought("xsell", amount="0.3", price="1999", side="sell")
            sold, bought = sorted(
                await there.client.fetch_my_trades("ETH/USDT"), key=lambda one: one["side"] == "buy"
            )
            assert (D(bought["fee"]["cost"]), bought["fee"]["currency"]) == (D("0.0005"), "ETH")
            assert (D(sold["fee"]["cost"]), sold["fee"]["currency"]) == (D("0.5997"), "USDT")
            assert not [name for name in bought["info"] if "otional" in name or "quoteQty" in name]
            held = await there.client.fetch_balance()
            assert D(held["USDT"]["free"]) == 10_000 - 1_000 + D("599.7") - D("0.5997")
            assert D(held["ETH"]["total"]) == 5 + D("0.4995") - D("0.3")

    lived(story())


def test_a_trade_costs_price_times_size_to_the_last_digit(tmp_path: Path) -> None:
    async def story() -> None:
        fine = at(-1, book("ETH/BTC", [("0.04", "10")], [("0.04001", "10")]))
        async with practising(tmp_path, [fine]) as there:
            # Below what the market's least value would be: amounts alone bound an order here.
            await there.bought("xfine", "0.0003", "0.04001", market="ETH/BTC")
            (trade,) = await there.client.fetch_my_trades("ETH/BTC")
            assert D(trade["price"]) * D(trade["amount"]) == D("0.000012003")
            held = await there.client.fetch_balance()
            assert D(held["BTC"]["free"]) == 1 - D("0.000012003")

    lived(story())


def test_a_fok_takes_all_or_nothing_and_a_gtc_rests_until_it_is_cancelled(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            await there.bought("xall", amount="0.8", time_in_force="FOK")
            nothing = await there.seen("xall")
            assert (nothing["status"], D(nothing["filled"])) == ("canceled", 0)
            await there.bought("xfok", amount="0.5", time_in_force="FOK")
            assert (await there.seen("xfok"))["status"] == "closed"
            await there.bought("xgtc", price="1990", time_in_force="GTC")
            held = await there.client.fetch_balance()
            assert (D(held["USDT"]["used"]), D(held["USDT"]["total"])) == (D(199), D(9000))
            (listed,) = await there.client.fetch_open_orders()
            assert (listed["clientOrderId"], listed["status"]) == ("xgtc", "open")
            params = {"clOrdId": "xgtc"}
            told = await there.client.cancel_order(None, "ETH/USDT", params)
            assert (told["id"], told["status"]) == ("3", None)
            with pytest.raises(ccxt.OrderNotFound, match="51401"):
                await there.client.cancel_order(None, "ETH/USDT", params)
            with pytest.raises(ccxt.OrderNotFound, match="51402"):
                await there.client.cancel_order("2", "ETH/USDT")
            with pytest.raises(ccxt.OrderNotFound, match="51400"):
                await there.client.cancel_order("77", "ETH/USDT")
            assert await there.client.fetch_open_orders() == []
            ended = await there.client.fetch_closed_orders("ETH/USDT")
            assert [one["clientOrderId"] for one in ended] == ["xfok"]

    lived(story())


def test_a_market_order_buys_base_or_spends_quote_as_it_is_told_to(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            await there.client.create_order(
                "ETH/USDT", "market", "buy", "0.6", None, {"clOrdId": "xm"}
            )
            assert D((await there.seen("xm"))["filled"]) == D("0.6")
            await there.client.create_market_buy_order_with_cost(
                "BTC/USDT", "5001", {"clOrdId": "xc"}
            )
            assert D((await there.seen("xc", "BTC/USDT"))["filled"]) == D("0.1")

    lived(story())


def test_an_id_is_never_taken_twice(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            await there.bought("xonce")
            await there.bought("xopen", price="1990", time_in_force="GTC")
            for name in ("xonce", "xopen"):
                with pytest.raises(ccxt.InvalidOrder, match="51016"):
                    await there.bought(name)
            assert there.orders == 2
            assert there.running.grounds.posts.counts == {"xonce": 2, "xopen": 2}

    lived(story())


WRONG: list[tuple[dict[str, str], str]] = [
    ({"instId": "ETH-DOGE"}, "51001"),
    ({"instId": ""}, "50014"),
    ({"px": "2000.001"}, "51000"),
    ({"px": "1e3"}, "51000"),
    ({"px": ""}, "50014"),
    ({"px": "2300"}, "51006"),
    ({"sz": "0.10001"}, "51121"),
    ({"sz": "0.00001"}, "51121"),
    ({"sz": "0"}, "51000"),
    ({"sz": "99999999"}, "51005"),
    ({"sz": "8"}, "51008"),
    ({"side": "hold"}, "51000"),
    ({"ordType": "stop"}, "51000"),
    ({"tdMode": "cross"}, "51000"),
    ({"clOrdId": "x-y"}, "51000"),
    ({"clOrdId": "x" * 33}, "51000"),
]


def test_a_wrong_order_is_refused_with_the_venues_own_code(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            for changed, code in WRONG:
                status, told = await there.asked("POST", "trade/order", {**ORDER, **changed})
                (row,) = told["data"]
                assert (status, told["code"], row["sCode"]) == (200, "1", code), changed
                assert row["ordId"] == ""
            there.hall.halt("ETH/USDT", halted=True)
            _, told = await there.asked("POST", "trade/order", ORDER)
            assert told["data"][0]["sCode"] == "51022"
            assert there.orders == 0

    lived(story())


def test_orders_of_a_batch_are_taken_or_refused_one_by_one(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            orders = [{**ORDER, "clOrdId": name} for name in ("xa", "xb", "xa")]
            _, told = await there.asked("POST", "trade/batch-orders", orders)
            assert told["code"] == "2"
            assert [row["sCode"] for row in told["data"]] == ["0", "0", "51016"]
            names = [{"instId": "ETH-USDT", "clOrdId": name} for name in ("xa", "xnone")]
            _, told = await there.asked("POST", "trade/cancel-batch-orders", names)
            assert (told["code"], [row["sCode"] for row in told["data"]]) == (
                "1",
                ["51402", "51400"],
            )
            _, told = await there.asked("POST", "trade/batch-orders", orders * 7)
            assert (told["code"], there.orders) == ("51111", 2)

    lived(story())


def test_a_request_that_is_not_ours_is_refused_with_the_venues_own_code(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:

            async def code(late_ms: int = 0, **changed: str) -> tuple[int, str]:
                named = {name.replace("_", "-"): value for name, value in changed.items()}
                path = "account/balance"
                status, told = await there.asked("GET", path, late_ms=late_ms, changed=named)
                return status, told["code"]

            assert await code() == (200, "0")
            assert await code(OK_ACCESS_KEY="") == (401, "50103")
            assert await code(OK_ACCESS_PASSPHRASE="") == (401, "50104")
            assert await code(OK_ACCESS_SIGN="") == (401, "50106")
            assert await code(OK_ACCESS_TIMESTAMP="") == (401, "50107")
            assert await code(OK_ACCESS_KEY="other") == (401, "50111")
            assert await code(OK_ACCESS_PASSPHRASE="other") == (401, "50105")
            assert await code(OK_ACCESS_SIGN="b3RoZXI=") == (401, "50113")
            assert await code(OK_ACCESS_TIMESTAMP="1700000000") == (401, "50112")
            assert await code(2_100) == (401, "50102")
            assert await code(-1_100) == (401, "50102")
            assert await code(1_500) == (200, "0")
            there.running.grounds.key_revoked = True
            assert await code() == (401, "50111")
            with pytest.raises(ccxt.AuthenticationError):
                await there.bought("xrevoked")

    lived(story())


def test_a_body_that_is_none_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            for body, code in (("", "50000"), ("{", "50002"), ("7", "50002"), ("[[{}]]", "50002")):
                status, told = await there.asked("POST", "trade/order", body)
                assert (status, told["code"]) == (400, code), body
            plain = {"Content-Type": "text/plain"}
            _, told = await there.asked("POST", "trade/order", ORDER, changed=plain)
            assert told["code"] == "50006"

    lived(story())


def test_each_endpoint_has_a_limit_of_its_own(tmp_path: Path) -> None:
    async def story() -> None:
        clock = VirtualClock(START_NS)
        async with practising(tmp_path, clock=clock) as there:
            for _ in range(5):
                assert (await there.asked("GET", "account/config"))[0] == 200
            status, told = await there.asked("GET", "account/config")
            assert (status, told["code"]) == (429, "50011")
            assert (await there.asked("GET", "account/balance"))[0] == 200
            clock.advance_to(START_NS + 2 * NS_PER_S)
            assert (await there.asked("GET", "account/config"))[0] == 200

    lived(story())


async def _bills(there: Practising, path: str = "trade/fills", **params: Any) -> list[int]:
    params = {"instType": "SPOT", "instId": "ETH-USDT", **params}
    _, told = await there.asked("GET", path, params)
    assert told["code"] == "0", told
    return [int(row["billId"]) % 1_000 for row in told["data"]]


def test_trades_are_listed_newest_first_and_paged_by_their_bills(tmp_path: Path) -> None:
    async def story() -> None:
        clock = VirtualClock(START_NS)
        async with practising(tmp_path, clock=clock) as there:
            for number in range(5):
                clock.advance_to(START_NS + number * NS_PER_S)
                await there.bought(f"x{number}", amount="0.01")
            first = 700_000_000_000_000_000
            assert await _bills(there) == [5, 4, 3, 2, 1]
            assert await _bills(there, "trade/fills-history") == [5, 4, 3, 2, 1]
            assert await _bills(there, limit=2) == [5, 4]
            assert await _bills(there, limit=2, after=first + 4) == [3, 2]
            assert await _bills(there, limit=2, before=first + 2) == [4, 3]
            begin = (START_NS + NS_PER_S) // NS_PER_MS
            assert await _bills(there, begin=begin, end=begin + 2_000) == [4, 3, 2]
            assert await _bills(there, ordId=3) == [3]
            since = await there.client.fetch_my_trades("ETH/USDT", begin)
            assert [one["id"] for one in since] == ["2", "3", "4", "5"]
            _, told = await there.asked(
                "GET", "trade/orders-history", {"instType": "SPOT", "after": 3}
            )
            assert [row["ordId"] for row in told["data"]] == ["2", "1"]

    lived(story())


def test_an_order_that_filled_nothing_is_forgotten_and_its_id_is_not(tmp_path: Path) -> None:
    async def story() -> None:
        clock = VirtualClock(START_NS)
        async with practising(tmp_path, clock=clock) as there:
            await there.bought("xnothing", price="1990")
            await there.bought("xfilled")
            clock.advance_to(START_NS + OKX_FORGETS_NS)
            assert (await there.seen("xnothing"))["status"] == "canceled"
            clock.advance_to(START_NS + OKX_FORGETS_NS + 1)
            with pytest.raises(ccxt.OrderNotFound, match="51603"):
                await there.seen("xnothing")
            assert (await there.seen("xfilled"))["status"] == "closed"
            with pytest.raises(ccxt.InvalidOrder, match="51016"):
                await there.bought("xnothing")
            _, told = await there.asked("GET", "trade/orders-history", {"instType": "SPOT"})
            assert [row["clOrdId"] for row in told["data"]] == ["xfilled"]

    lived(story())


def test_what_others_do_is_told_as_the_venue_tells_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path, may_withdraw=True) as there:
            there.hall.change("BTC", D("0.25"))
            there.hall.change("USDT", D(-40))
            there.hall.change("ETH", D(1), reported=False)
            (came,) = await there.client.fetch_deposits(None, 1)
            assert (came["currency"], D(came["amount"]), came["status"]) == ("BTC", D("0.25"), "ok")
            (went,) = await there.client.fetch_withdrawals(None, 1)
            assert (went["currency"], D(went["amount"]), went["status"]) == ("USDT", D(40), "ok")
            assert D(went["fee"]["cost"]) == 0
            later = came["timestamp"] + 1
            assert await there.client.fetch_deposits(None, later) == []
            _, told = await there.asked("GET", "account/bills", {"type": "1"})
            assert [row["balChg"] for row in told["data"]] == ["-40", "0.25"]
            fees = await there.client.fetch_trading_fee("ETH/USDT")
            assert (D(fees["taker"]), D(fees["maker"])) == (D("0.001"), D("0.0005"))
            _, told = await there.asked("GET", "account/config")
            assert told["data"][0]["perm"] == "read_only,trade,withdraw"
            assert told["data"][0]["uid"] == there.hall.account.uid

    lived(story())


def test_orders_by_hand_have_no_id_of_a_client(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            by_hand = {name: value for name, value in ORDER.items() if name != "clOrdId"}
            _, told = await there.asked("POST", "trade/order", {**by_hand, "ordType": "limit"})
            assert told["data"][0]["clOrdId"] == ""
            (trade,) = await there.client.fetch_my_trades("ETH/USDT")
            assert trade["info"]["clOrdId"] == ""
            assert (await there.client.fetch_order("1", "ETH/USDT"))["clientOrderId"] is None

    lived(story())


def test_books_and_best_prices_are_those_of_the_market(tmp_path: Path) -> None:
    async def story() -> None:
        async with practising(tmp_path) as there:
            told = await there.client.fetch_order_book("ETH/USDT", 1)
            assert (told["asks"], told["bids"]) == ([[2000.0, 0.5, 0.0]], [[1999.0, 0.5, 0.0]])
            await there.bought("xtake", amount="0.2")
            best = (await there.client.fetch_tickers())["ETH/USDT"]
            assert (D(best["ask"]), D(best["askVolume"])) == (2_000, D("0.3"))
            one = await there.client.fetch_ticker("ETH/USDT")
            assert D(one["bid"]) == 1_999
            assert abs(await there.client.fetch_time() - there.hall.now_ns() // NS_PER_MS) < 2_000

    lived(story())
