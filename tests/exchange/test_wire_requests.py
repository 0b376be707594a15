"""The requests that go out on nine venues, typed by hand from what the venues document."""

import contextlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import pytest

from arb.exchange import dialects
from arb.exchange.port import NotSent, OrderRequest, VenueError
from tests.exchange.captured import Wire, one
from tests.exchange.loopback import NOW_MS, NOW_NS, ORDER_ID

SINCE_NS: Final = NOW_NS - 3_600 * 10**9
SINCE_MS: Final = SINCE_NS // 10**6
UNTIL_MS: Final = (NOW_NS + 60 * 10**9) // 10**6
T_ID: Final = f"t-{ORDER_ID}"
# What is different in every request.
SIGNED: Final = ("signature", "timestamp", "nonce", "recvWindow")
NOT_THERE: Final = {"code": -2013, "msg": "Order does not exist."}

CREATES: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "binance": (
        "POST",
        "api.binance.com/api/v3/order",
        {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "IOC",
            "quantity": "0.0123",
            "price": "50000.1",
            "newClientOrderId": ORDER_ID,
            "newOrderRespType": "FULL",
        },
    ),
    "okx": (
        "POST",
        "www.okx.com/api/v5/trade/batch-orders",
        {
            "instId": "BTC-USDT",
            "tdMode": "cash",
            "side": "buy",
            "ordType": "ioc",
            "sz": "0.0123",
            "px": "50000.1",
            "tgtCcy": "base_ccy",
            "clOrdId": ORDER_ID,
        },
    ),
    "bybit": (
        "POST",
        "api.bybit.com/v5/order/create",
        {
            "category": "spot",
            "symbol": "BTCUSDT",
            "side": "Buy",
            "orderType": "Limit",
            "timeInForce": "IOC",
            "qty": "0.0123",
            "price": "50000.1",
            "orderLinkId": ORDER_ID,
        },
    ),
    "kraken": (
        "POST",
        "api.kraken.com/0/private/AddOrder",
        {
            "pair": "XBTUSDT",
            "type": "buy",
            "ordertype": "limit",
            "timeinforce": "IOC",
            "volume": "0.0123",
            "price": "50000.1",
            "cl_ord_id": ORDER_ID,
            "deadline": "2023-11-14T22:13:25.123Z",
        },
    ),
    "coinbase": (
        "POST",
        "api.coinbase.com/api/v3/brokerage/orders",
        {
            "client_order_id": ORDER_ID,
            "product_id": "BTC-USDT",
            "side": "BUY",
            "order_configuration": {
                "sor_limit_ioc": {"base_size": "0.0123", "limit_price": "50000.1"}
            },
        },
    ),
    "kucoin": (
        "POST",
        "api.kucoin.com/api/v1/hf/orders",
        {
            "clientOid": ORDER_ID,
            "symbol": "BTC-USDT",
            "side": "buy",
            "type": "limit",
            "timeInForce": "IOC",
            "size": "0.0123",
            "price": "50000.1",
        },
    ),
    "gate": (
        "POST",
        "api.gateio.ws/api/v4/spot/orders",
        {
            "text": T_ID,
            "currency_pair": "BTC_USDT",
            "account": "spot",
            "side": "buy",
            "type": "limit",
            "time_in_force": "ioc",
            "amount": "0.0123",
            "price": "50000.1",
        },
    ),
    "bitget": (
        "POST",
        "api.bitget.com/api/v2/spot/trade/place-order",
        {
            "symbol": "BTCUSDT",
            "side": "buy",
            "orderType": "limit",
            "force": "IOC",
            "size": "0.0123",
            "price": "50000.1",
            "clientOid": ORDER_ID,
        },
    ),
    "mexc": (
        "POST",
        "api.mexc.com/api/v3/order",
        {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "IMMEDIATE_OR_CANCEL",
            "quantity": "0.0123",
            "price": "50000.1",
            "newClientOrderId": ORDER_ID,
        },
    ),
}

QUERIES: Final[dict[str, list[tuple[str, str, dict[str, Any]]]]] = {
    "binance": [
        (
            "GET",
            "api.binance.com/api/v3/order",
            {"symbol": "BTCUSDT", "origClientOrderId": ORDER_ID},
        )
    ],
    "okx": [("GET", "www.okx.com/api/v5/trade/order", {"instId": "BTC-USDT", "clOrdId": ORDER_ID})],
    "bybit": [
        (
            "GET",
            "api.bybit.com/v5/order/realtime",
            {"category": "spot", "symbol": "BTCUSDT", "orderLinkId": ORDER_ID},
        ),
        (
            "GET",
            "api.bybit.com/v5/order/history",
            {"category": "spot", "symbol": "BTCUSDT", "orderLinkId": ORDER_ID},
        ),
    ],
    "kraken": [
        ("POST", "api.kraken.com/0/private/OpenOrders", {"cl_ord_id": ORDER_ID}),
        ("POST", "api.kraken.com/0/private/ClosedOrders", {"cl_ord_id": ORDER_ID}),
    ],
    "kucoin": [
        (
            "GET",
            f"api.kucoin.com/api/v1/hf/orders/client-order/{ORDER_ID}",
            {"symbol": "BTC-USDT"},
        )
    ],
    "gate": [
        (
            "GET",
            f"api.gateio.ws/api/v4/spot/orders/{T_ID}",
            {"account": "spot", "currency_pair": "BTC_USDT"},
        )
    ],
    "bitget": [("GET", "api.bitget.com/api/v2/spot/trade/orderInfo", {"clientOid": ORDER_ID})],
    "mexc": [
        ("GET", "api.mexc.com/api/v3/order", {"symbol": "BTCUSDT", "origClientOrderId": ORDER_ID})
    ],
}

CANCELS: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "binance": (
        "DELETE",
        "api.binance.com/api/v3/order",
        {"symbol": "BTCUSDT", "origClientOrderId": ORDER_ID},
    ),
    "okx": (
        "POST",
        "www.okx.com/api/v5/trade/cancel-order",
        {"instId": "BTC-USDT", "clOrdId": ORDER_ID},
    ),
    "bybit": (
        "POST",
        "api.bybit.com/v5/order/cancel",
        {"category": "spot", "symbol": "BTCUSDT", "orderFilter": "Order", "orderLinkId": ORDER_ID},
    ),
    "kraken": ("POST", "api.kraken.com/0/private/CancelOrder", {"cl_ord_id": ORDER_ID}),
    "kucoin": (
        "DELETE",
        f"api.kucoin.com/api/v1/hf/orders/client-order/{ORDER_ID}",
        {"symbol": "BTC-USDT"},
    ),
    "gate": (
        "DELETE",
        f"api.gateio.ws/api/v4/spot/orders/{T_ID}",
        {"account": "spot", "currency_pair": "BTC_USDT"},
    ),
    "bitget": (
        "POST",
        "api.bitget.com/api/v2/spot/trade/cancel-order",
        {"symbol": "BTCUSDT", "clientOid": ORDER_ID},
    ),
    "mexc": (
        "DELETE",
        "api.mexc.com/api/v3/order",
        # The client sends our id once more under a name that the venue does not know.
        {"symbol": "BTCUSDT", "origClientOrderId": ORDER_ID, "clientOrderId": ORDER_ID},
    ),
}

# A millisecond more on each side, because whether a border is counted in is not told everywhere.
FROM_MS, TO_MS = str(SINCE_MS - 1), str(UNTIL_MS + 1)
FROM_S = (SINCE_NS // 10**9 * 1_000 - 1) // 1_000
TRADES: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "binance": (
        "GET",
        "api.binance.com/api/v3/myTrades",
        {"symbol": "BTCUSDT", "startTime": FROM_MS, "endTime": TO_MS, "limit": "1000"},
    ),
    "okx": (
        "GET",
        "www.okx.com/api/v5/trade/fills-history",
        {"instType": "SPOT", "instId": "BTC-USDT", "begin": FROM_MS, "end": TO_MS},
    ),
    "bybit": (
        "GET",
        "api.bybit.com/v5/execution/list",
        {
            "category": "spot",
            "symbol": "BTCUSDT",
            "execType": "Trade",
            "startTime": FROM_MS,
            "endTime": TO_MS,
            "limit": "100",
        },
    ),
    "kraken": (
        "POST",
        "api.kraken.com/0/private/TradesHistory",
        {"start": str(FROM_S), "end": str(UNTIL_MS // 1_000 + 1)},
    ),
    "coinbase": (
        "GET",
        "api.coinbase.com/api/v3/brokerage/orders/historical/fills",
        {
            "product_id": "BTC-USDT",
            "start_sequence_timestamp": "2023-11-14T21:13:20.122Z",
            "end_sequence_timestamp": "2023-11-14T22:14:20.124Z",
            "limit": "250",
        },
    ),
    "kucoin": (
        "GET",
        "api.kucoin.com/api/v1/hf/fills",
        {"symbol": "BTC-USDT", "startAt": FROM_MS, "endAt": TO_MS, "limit": "100"},
    ),
    "gate": (
        "GET",
        "api.gateio.ws/api/v4/spot/my_trades",
        {
            "currency_pair": "BTC_USDT",
            "account": "spot",
            "from": str(FROM_S),
            "to": str(UNTIL_MS // 1_000),
            "limit": "1000",
        },
    ),
    "bitget": (
        "GET",
        "api.bitget.com/api/v2/spot/trade/fills",
        {"symbol": "BTCUSDT", "startTime": FROM_MS, "endTime": TO_MS, "limit": "100"},
    ),
    "mexc": (
        "GET",
        "api.mexc.com/api/v3/myTrades",
        {"symbol": "BTCUSDT", "startTime": FROM_MS, "endTime": TO_MS, "limit": "100"},
    ),
}

# Answers that say "there is nothing", so that every list of a recipe is asked for.
NOTHING: Final[dict[str, object]] = {
    "bybit": {"retCode": 0, "retMsg": "OK", "result": {"list": [], "category": "spot"}},
    "kraken": {"error": [], "result": {"open": {}, "closed": {}, "trades": {}}},
}


@pytest.fixture(scope="module")
def wires() -> Iterator[dict[str, Wire]]:
    made = {venue: Wire(venue) for venue in CREATES}
    yield made
    for wire in made.values():
        wire.close()


def order(**changes: Any) -> OrderRequest:
    fields: dict[str, Any] = {
        "client_order_id": ORDER_ID,
        "market": "BTC/USDT",
        "side": "buy",
        "kind": "limit",
        "time_in_force": "ioc",
        "amount": Decimal("0.0123"),
        "limit": Decimal("50000.10"),
        "venue_time_ns": NOW_NS,
        "window_ns": 5 * 10**9,
    }
    return OrderRequest(**{**fields, **changes})


def send(wire: Wire, work: Any, answer: object) -> None:
    """Let it fail as it will: what went out is looked at."""
    wire.session.answer = lambda _: answer
    with contextlib.suppress(VenueError):
        wire.run(work)


@pytest.mark.parametrize("venue", CREATES)
def test_a_create_is_one_request_with_our_id_and_our_numbers(
    wires: dict[str, Wire], venue: str
) -> None:
    wire = wires[venue]
    send(wire, wire.gateway.create(order()), {})
    assert one(wire.session.asked).without(*SIGNED) == CREATES[venue]


@pytest.mark.parametrize("venue", QUERIES)
def test_an_order_is_asked_for_by_our_id(wires: dict[str, Wire], venue: str) -> None:
    wire = wires[venue]
    send(wire, wire.gateway.order("BTC/USDT", ORDER_ID), NOTHING.get(venue, NOT_THERE))
    assert [asked.without(*SIGNED) for asked in wire.session.asked] == QUERIES[venue]


@pytest.mark.parametrize("venue", CANCELS)
def test_an_order_is_cancelled_by_our_id(wires: dict[str, Wire], venue: str) -> None:
    wire = wires[venue]
    send(wire, wire.gateway.cancel("BTC/USDT", ORDER_ID), {})
    assert one(wire.session.asked).without(*SIGNED) == CANCELS[venue]


@pytest.mark.parametrize("venue", TRADES)
def test_trades_are_asked_for_in_the_venues_own_window(wires: dict[str, Wire], venue: str) -> None:
    wire = wires[venue]
    wire.clock.advance_to(NOW_NS)
    send(wire, wire.gateway.trades("BTC/USDT", SINCE_NS), {})
    assert one(wire.session.asked).without(*SIGNED) == TRADES[venue]


# Where the time stands that the venue compares with its own clock, and what makes it refuse us late.
DEAD_MS: Final = str(NOW_MS + 5_000)
LATENESS: Final[dict[str, dict[str, str]]] = {
    "binance": {"timestamp": str(NOW_MS), "recvWindow": "5000"},
    "okx": {"OK-ACCESS-TIMESTAMP": "2023-11-14T22:13:20.123Z", "expTime": DEAD_MS},
    "bybit": {"X-BAPI-TIMESTAMP": str(NOW_MS), "X-BAPI-RECV-WINDOW": "5000"},
    "kraken": {"deadline": "2023-11-14T22:13:25.123Z"},
    "kucoin": {"KC-API-TIMESTAMP": str(NOW_MS)},
    "gate": {"x-gate-exptime": DEAD_MS},
    "bitget": {"ACCESS-TIMESTAMP": str(NOW_MS)},
    "mexc": {"timestamp": str(NOW_MS), "recvWindow": "5000"},
}


@pytest.mark.parametrize("venue", LATENESS)
def test_an_order_that_waited_here_is_signed_with_its_intents_time(
    wires: dict[str, Wire], venue: str
) -> None:
    wire = wires[venue]
    wire.clock.advance_to(NOW_NS + 2 * 10**9)
    send(wire, wire.gateway.create(order()), {})
    asked = one(wire.session.asked)
    told = {**asked.headers, **asked.params}
    assert {name: told[name] for name in LATENESS[venue]} == LATENESS[venue]


def test_a_window_of_our_own_goes_out_where_the_venue_takes_one(wires: dict[str, Wire]) -> None:
    wire = wires["binance"]
    send(wire, wire.gateway.create(order(window_ns=1_500_000_000)), {})
    assert one(wire.session.asked).params["recvWindow"] == "1500"


def test_fill_or_kill_is_said_as_the_venue_says_it(wires: dict[str, Wire]) -> None:
    told = {
        "binance": ("timeInForce", "FOK"),
        "okx": ("ordType", "fok"),
        "gate": ("time_in_force", "fok"),
    }
    for venue, (name, value) in told.items():
        wire = wires[venue]
        send(wire, wire.gateway.create(order(time_in_force="fok")), {})
        assert one(wire.session.asked).params[name] == value


def test_a_venue_that_knows_no_order_by_our_id_is_not_asked(wires: dict[str, Wire]) -> None:
    wire = wires["coinbase"]
    for work in (wire.gateway.order("BTC/USDT", "x"), wire.gateway.cancel("BTC/USDT", "x")):
        with pytest.raises(NotSent):
            wire.run(work)
        assert wire.session.asked == []


@pytest.mark.parametrize("venue", CREATES)
def test_a_venues_own_order_id_can_be_asked_for(wires: dict[str, Wire], venue: str) -> None:
    wire = wires[venue]
    send(wire, wire.gateway.order_by_exchange_id("BTC/USDT", "4711"), {})
    asked = one(wire.session.asked)
    assert "4711" in {*asked.params.values(), *asked.place.split("/")}


@pytest.mark.parametrize("venue", CREATES)
def test_the_practice_row_asks_as_the_venue_does(venue: str) -> None:
    row = dialects.PRACTICE.get(venue)
    assert (row is not None) == (venue in {"binance", "okx"})
    if row is not None:
        assert (row.query, row.cancel, row.create_key) == (
            dialects.DIALECTS[venue].query,
            dialects.DIALECTS[venue].cancel,
            dialects.DIALECTS[venue].create_key,
        )
