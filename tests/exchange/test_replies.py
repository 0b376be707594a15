"""What venues say becomes what they said, or nothing: never another number, never an empty list that is none."""

from decimal import Decimal
from typing import Any

import pytest

from arb.exchange.port import FillReport, OrderNotFound, OrderReport, Unreachable
from tests.exchange.captured import Wire, heard, order
from tests.exchange.loopback import NOW_MS, NOW_NS, ORDER_ID
from tests.exchange.told import (
    BINANCE_ORDER,
    BINANCE_TRADE,
    OKX_CREATED,
    OKX_ORDER,
    OKX_TRADE,
    okx,
)
from tests.exchange.venue_bodies import trade_row

MS_NS = NOW_MS * 10**6
NOT_JSON = ["", "<html>busy</html>", "{", "null", "17", '"text"', "NaN"]


def test_an_order_of_binance_is_what_it_says(wires: dict[str, Wire]) -> None:
    wire = wires["binance"]
    assert heard(wire, wire.gateway.order("BTC/USDT", ORDER_ID), BINANCE_ORDER) == OrderReport(
        exchange_order_id="28",
        client_order_id=ORDER_ID,
        market="BTC/USDT",
        side="buy",
        status="expired",
        amount=Decimal("0.0123"),
        filled=Decimal("0.0045"),
        fills=None,
        venue_ns=MS_NS,
    )


def test_an_order_of_okx_is_what_it_says(wires: dict[str, Wire]) -> None:
    wire = wires["okx"]
    assert heard(wire, wire.gateway.order("BTC/USDT", ORDER_ID), okx(OKX_ORDER)) == OrderReport(
        exchange_order_id="312269865356374016",
        client_order_id=ORDER_ID,
        market="BTC/USDT",
        side="buy",
        status="canceled",
        amount=Decimal("0.0123"),
        filled=Decimal("0.0045"),
        fills=None,
        venue_ns=MS_NS,
    )


def test_a_trade_of_binance_has_the_cost_that_was_booked(wires: dict[str, Wire]) -> None:
    wire = wires["binance"]
    told = heard(wire, wire.gateway.trades("BTC/USDT", MS_NS), [BINANCE_TRADE])
    assert told == [
        FillReport(
            trade_id="56",
            exchange_order_id="28",
            client_order_id=None,
            market="BTC/USDT",
            side="buy",
            price=Decimal("49999.9"),
            amount=Decimal("0.0123"),
            cost=Decimal("614.99877"),
            fee=Decimal("0.0000123"),
            fee_asset="BTC",
            venue_ns=MS_NS,
        )
    ]


@pytest.mark.parametrize(("fee", "asset"), [("0", "USDT"), ("0.00000000", "USDT"), ("0.1", None)])
def test_nothing_charged_is_nothing_of_any_currency(
    wires: dict[str, Wire], fee: str, asset: str | None
) -> None:
    """On markets without a fee some venues leave its currency empty: such a fill is one all the same."""
    wire = wires["binance"]
    row = {**BINANCE_TRADE, "commission": fee, "commissionAsset": ""}
    told, *_ = heard(wire, wire.gateway.trades("BTC/USDT", MS_NS), [row])
    assert (told.fee, told.fee_asset) == (Decimal(fee), asset)


def test_a_trade_of_okx_costs_its_price_and_its_fee_is_a_charge(wires: dict[str, Wire]) -> None:
    """The venue tells no quote amount, and what it charges is below zero."""
    wire = wires["okx"]
    (told,) = heard(wire, wire.gateway.trades("BTC/USDT", MS_NS), okx(OKX_TRADE))
    assert (told.cost, told.fee, told.fee_asset) == (
        Decimal("49999.9") * Decimal("0.0123"),
        Decimal("0.0000123"),
        "BTC",
    )
    assert told.client_order_id == ORDER_ID


def test_okx_takes_an_order_and_says_no_more(wires: dict[str, Wire]) -> None:
    wire = wires["okx"]
    report = heard(wire, wire.gateway.create(order()), okx(OKX_CREATED))
    assert isinstance(report, OrderReport), report
    assert (report.status, report.filled, report.fills) == ("open", None, None)
    assert report.client_order_id == ORDER_ID


@pytest.mark.parametrize(
    "body",
    [
        okx({**OKX_CREATED, "sCode": "51008", "sMsg": "Insufficient balance", "ordId": ""}),
        {**okx({**OKX_CREATED, "sCode": "51008", "ordId": ""}), "code": "1"},
        {**okx({**OKX_CREATED, "sCode": "51008", "ordId": ""}), "code": "2"},
    ],
)
def test_an_orders_own_code_counts_whatever_stands_around_it(
    wires: dict[str, Wire], body: object
) -> None:
    wire = wires["okx"]
    fate = heard(wire, wire.gateway.create(order()), body)
    assert getattr(fate, "reason", None) == "insufficient_balance", fate


def test_a_bulk_answer_without_an_own_code_proves_nothing(wires: dict[str, Wire]) -> None:
    wire = wires["okx"]
    for body in ({"code": "1", "data": [], "msg": "All operations failed"}, okx(), okx(None)):
        assert isinstance(heard(wire, wire.gateway.create(order()), body), Unreachable)


@pytest.mark.parametrize("body", [*NOT_JSON, "[]", "{}", '{"code": "0"}', '{"data": []}'])
@pytest.mark.parametrize("venue", ["binance", "okx"])
def test_what_is_no_list_is_no_empty_list(wires: dict[str, Wire], venue: str, body: str) -> None:
    """An order's absence is proven by lists: an answer that is none must not look like one."""
    wire = wires[venue]
    gateway = wire.gateway
    for ask in (lambda: gateway.trades("BTC/USDT", MS_NS), gateway.open_orders, gateway.balances):
        told = heard(wire, ask(), body)
        empty = venue == "binance" and body == "[]" and told in ((), [])
        assert empty or isinstance(told, Unreachable), told


def test_an_order_that_the_lists_do_not_show_is_not_found(wires: dict[str, Wire]) -> None:
    kraken, bybit = wires["kraken"], wires["bybit"]
    nothing: dict[str, Any] = {"error": [], "result": {"open": {}, "closed": {}}}
    told = heard(kraken, kraken.gateway.order("BTC/USDT", ORDER_ID), nothing, nothing)
    assert isinstance(told, OrderNotFound)
    half: dict[str, Any] = {"error": [], "result": {"open": {}}}
    told = heard(kraken, kraken.gateway.order("BTC/USDT", ORDER_ID), half, half)
    assert isinstance(told, Unreachable), "one of two lists is not both"
    empty = {"retCode": 0, "retMsg": "OK", "result": {"list": []}}
    told = heard(bybit, bybit.gateway.order("BTC/USDT", ORDER_ID), empty, empty)
    assert isinstance(told, OrderNotFound)


def test_kraken_names_its_rows_by_their_ids(wires: dict[str, Wire]) -> None:
    wire = wires["kraken"]
    row = {
        "status": "canceled",
        "cl_ord_id": ORDER_ID,
        "vol": "0.0123",
        "vol_exec": "0.0045",
        "opentm": 1700000000.1234,
        "descr": {"pair": "XBTUSDT", "type": "buy"},
    }
    closed = {"error": [], "result": {"closed": {"OQCLML-BW3P3-BUCMWZ": row}, "open": {}}}
    report = heard(wire, wire.gateway.order("BTC/USDT", ORDER_ID), closed, closed)
    assert isinstance(report, OrderReport), report
    assert report.exchange_order_id == "OQCLML-BW3P3-BUCMWZ"
    assert (report.market, report.side, report.filled) == ("BTC/USDT", "buy", Decimal("0.0045"))
    assert report.venue_ns == 1_700_000_000_123_400_000


ASSETS: dict[str, Any] = {
    name: {"aclass": "currency", "altname": short, "decimals": 10, "status": "enabled"}
    for name, short in (("XXBT", "XBT"), ("ZUSD", "USD"))
}
PAIR: dict[str, Any] = {
    "altname": "XBTUSD",
    "wsname": "XBT/USD",
    "aclass_base": "currency",
    "base": "XXBT",
    "aclass_quote": "currency",
    "quote": "ZUSD",
    "cost_decimals": 5,
    "pair_decimals": 1,
    "lot_decimals": 8,
    "lot_multiplier": 1,
    "leverage_buy": [],
    "leverage_sell": [],
    "fees": [[0, 0.4]],
    "fees_maker": [[0, 0.25]],
    "fee_volume_currency": "ZUSD",
    "ordermin": "0.00005",
    "costmin": "0.5",
    "tick_size": "0.1",
    "status": "online",
}


def test_kraken_calls_a_market_otherwise_in_its_orders() -> None:
    """Taken for another market, an order of it never was ours: it stayed of unknown fate for good."""
    wire = Wire("kraken")
    pairs = {"Assets": ASSETS, "AssetPairs": {"XXBTZUSD": PAIR}}
    wire.session.answer = lambda asked: {
        "error": [],
        "result": pairs[asked.place.rsplit("/", 1)[1]],
    }
    markets = wire.run(wire.gateway.markets())
    assert markets["BTC/USD"].active
    row = {
        "status": "closed",
        "cl_ord_id": ORDER_ID,
        "vol": "0.0123",
        "vol_exec": "0.0123",
        "opentm": 1700000000.1234,
        "descr": {"pair": "XBTUSD", "type": "buy"},
    }
    told = {"error": [], "result": {"closed": {"OQCLML-BW3P3-BUCMWZ": row}, "open": {}}}
    report = heard(wire, wire.gateway.order("BTC/USD", ORDER_ID), told, told)
    wire.close()
    assert report.market == "BTC/USD"


def test_a_number_in_json_keeps_its_digits(wires: dict[str, Wire]) -> None:
    """As a float it would come out as another one."""
    wire = wires["binance"]
    body = '[{"symbol":"BTCUSDT","id":1,"orderId":2,"price":50000.123456789012345678,"qty":0.1,"quoteQty":1e-7,"commission":0.30000000000000004441,"commissionAsset":"BTC","time":1700000000123,"isBuyer":true}]'
    (told,) = heard(wire, wire.gateway.trades("BTC/USDT", MS_NS), body)
    assert told.price == Decimal("50000.123456789012345678")
    assert told.fee == Decimal("0.30000000000000004441")
    assert told.cost == Decimal("0.0000001")


def test_a_trade_of_another_market_is_left_out_and_one_of_no_known_one_stays(
    wires: dict[str, Wire],
) -> None:
    wire = wires["binance"]
    odd = {**BINANCE_TRADE, "symbol": "WHATUSDT", "id": 57}
    told = heard(wire, wire.gateway.trades("BTC/USDT", MS_NS), [BINANCE_TRADE, odd])
    assert [one.market for one in told] == ["BTC/USDT", "WHATUSDT"]


def test_gate_lists_open_orders_market_by_market(wires: dict[str, Wire]) -> None:
    """Taken for an order, such a row has no id, and whose it is could not be seen."""
    wire = wires["gate"]
    wire.gateway._seen = {"BTC/USDT"}
    row = {"id": "155", "text": f"t-{ORDER_ID}", "currency_pair": "BTC_USDT", "status": "open"}
    others = {"currency_pair": "ETH_USDT", "total": 1, "orders": [{"id": "156", "text": "apiv4"}]}
    body = [{"currency_pair": "BTC_USDT", "total": 1, "orders": [row]}, others]
    told = heard(wire, wire.gateway.open_orders(), body)
    assert [one.client_order_id for one in told] == [ORDER_ID, "apiv4"]
    full = [{"currency_pair": "BTC_USDT", "total": 200, "orders": [row] * 100}]
    assert isinstance(heard(wire, wire.gateway.open_orders(), full), Unreachable)
    assert isinstance(heard(wire, wire.gateway.open_orders(), [{"orders": None}]), Unreachable)


@pytest.mark.parametrize(
    ("fee", "gt_fee", "point_fee", "told"),
    [
        ("0.00003", "0", "0", ("0.00003", "BTC")),
        ("0.00003", None, "", ("0.00003", "BTC")),
        ("0", "0.0021", "0", ("0.0021", "GT")),
        ("0", "0", "1.5", ("1.5", "GATEPOINT")),
        ("0", "0", "0", ("0", "BTC")),
        # What was paid in two currencies, or cannot be read, is not known.
        ("0.00003", "0.0021", "0", None),
        ("0", "0.0021", "1.5", None),
        ("0", "much", "0", None),
        ("0", {}, "0", None),
    ],
)
def test_gate_may_take_its_fee_from_another_currency(
    wires: dict[str, Wire], fee: str, gt_fee: object, point_fee: object, told: Any
) -> None:
    """Then it tells a fee of nothing beside it: what was paid was missing in the result."""
    wire = wires["gate"]
    row = {**trade_row(wire.gateway._dialect), "fee": fee, "fee_currency": "BTC"}
    row |= {"gt_fee": gt_fee, "point_fee": point_fee}
    (fill,) = heard(wire, wire.gateway.trades("BTC/USDT", NOW_NS - 10**9), [row])
    if told is None:
        assert fill.fee is None
    else:
        assert (fill.fee, fill.fee_asset) == (Decimal(told[0]), told[1])


BALANCE = {"asset": "BTC", "free": "1.50000000", "locked": "0.25000000"}


def test_two_balances_of_one_asset_are_none(wires: dict[str, Wire]) -> None:
    wire = wires["binance"]
    told = heard(wire, wire.gateway.balances(), {"balances": [BALANCE, BALANCE]})
    assert isinstance(told, Unreachable)


def test_the_time_is_now(wires: dict[str, Wire]) -> None:
    """The examples above are of the moment that the clock of this file stands at."""
    assert NOW_NS // 10**6 == NOW_MS
    assert wires["binance"].clock.now_ns() >= NOW_NS


def test_a_markets_first_trade_is_number_0(wires: dict[str, Wire]) -> None:
    wire = wires["binance"]
    (trade,) = heard(wire, wire.gateway.trades("BTC/USDT", MS_NS), [{**BINANCE_TRADE, "id": 0}])
    assert trade.trade_id == "0"
