"""What an answer to a read means: not found is the venue's own word, and everything else is no answer."""

import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from arb.exchange.port import (
    Banned,
    KeyRevoked,
    Maintenance,
    NotSent,
    OrderNotFound,
    Unreachable,
    VenueError,
)
from tests.exchange.captured import Asked, Wire, heard, order
from tests.exchange.loopback import NOW_MS, NOW_NS, ORDER_ID
from tests.exchange.told import BINANCE_ORDER, OKX_ORDER, okx

SAID: list[tuple[str, int, object, type[VenueError]]] = [
    ("binance", 400, {"code": -2013, "msg": "Order does not exist."}, OrderNotFound),
    ("binance", 400, {"code": -2011, "msg": "Unknown order sent."}, OrderNotFound),
    ("binance", 400, {"code": -2026, "msg": "Order was archived."}, Unreachable),
    ("binance", 404, "<html>no such page</html>", Unreachable),
    ("binance", 404, {"code": -2013, "msg": "Order does not exist."}, OrderNotFound),
    ("binance", 503, {"code": -2013, "msg": "Order does not exist."}, Unreachable),
    ("binance", 401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions."}, KeyRevoked),
    ("binance", 401, {"code": -2014, "msg": "API-key format invalid."}, KeyRevoked),
    ("binance", 400, {"code": -2008, "msg": "Invalid Api-Key ID."}, KeyRevoked),
    ("binance", 429, {"code": -1003, "msg": "Too much request weight used."}, Banned),
    ("binance", 418, "", Banned),
    ("binance", 503, {"code": 1, "msg": "System is under maintenance."}, Maintenance),
    ("okx", 200, {"code": "51603", "data": [], "msg": "Order does not exist"}, OrderNotFound),
    ("okx", 200, {"code": "50011", "data": [], "msg": "Too Many Requests"}, Banned),
    ("okx", 200, {"code": "50004", "data": [], "msg": "API endpoint request timeout"}, Unreachable),
    (
        "okx",
        503,
        {"code": "50001", "data": [], "msg": "Service temporarily unavailable"},
        Maintenance,
    ),
    ("okx", 401, {"code": "50111", "data": [], "msg": "Invalid OK-ACCESS-KEY"}, KeyRevoked),
    ("okx", 200, okx(), Unreachable),
    ("kraken", 200, {"error": ["EAPI:Invalid key"]}, KeyRevoked),
    ("kraken", 200, {"error": ["EService:Busy"]}, Unreachable),
    ("bybit", 200, {"retCode": 10016, "retMsg": "System error", "result": {}}, Unreachable),
    ("gate", 404, {"label": "ORDER_NOT_FOUND", "message": "Order not found"}, OrderNotFound),
    ("bitget", 400, {"code": "40768", "msg": "Order does not exist"}, OrderNotFound),
    ("kucoin", 200, {"code": "400100", "msg": "order not exist"}, Unreachable),
]


@pytest.mark.parametrize(("venue", "status", "body", "kind"), SAID)
def test_a_read_that_is_refused_says_why(
    venue: str, status: int, body: object, kind: type[VenueError]
) -> None:
    wire = Wire(venue)
    wire.session.status = status
    told = heard(wire, wire.gateway.order("BTC/USDT", ORDER_ID), body)
    wire.close()
    assert type(told) is kind, told


# What a create of each venue must not be believed about, and what is proof.
CREATES_SAID: list[tuple[str, object, str | None]] = [
    (
        "okx",
        {"code": "1", "data": [{"sCode": "51016", "sMsg": "", "ordId": "", "clOrdId": ORDER_ID}]},
        "duplicate_order_id",
    ),
    # Of another order, and of none: whose reply it is cannot be told.
    (
        "okx",
        {"code": "1", "data": [{"sCode": "51008", "sMsg": "", "ordId": "", "clOrdId": "x1"}]},
        None,
    ),
    ("okx", {"code": "1", "data": [{"sCode": "51008", "sMsg": "", "ordId": ""}]}, None),
    ("okx", {"code": "1", "data": [{"sCode": "51008", "sMsg": "", "ordId": "7"}]}, None),
    ("okx", {"code": "50004", "data": [], "msg": "does not indicate success or failure"}, None),
    ("okx", {"code": "50026", "data": [], "msg": "System error"}, None),
    (
        "okx",
        {"code": "50102", "data": [], "msg": "Timestamp request expired"},
        "outside_recv_window",
    ),
    ("bybit", {"retCode": 10016, "retMsg": "System error", "result": {}}, None),
    (
        "bybit",
        {"retCode": 170141, "retMsg": "Duplicate clientOrderId", "result": {}},
        "duplicate_order_id",
    ),
    (
        "bybit",
        {"retCode": 170131, "retMsg": "Insufficient balance.", "result": {}},
        "insufficient_balance",
    ),
    ("kraken", {"error": ["EService:Unavailable"]}, None),
    ("kraken", {"error": ["EGeneral:Internal error"]}, None),
    ("kraken", {"error": ["EOrder:Insufficient funds"]}, "insufficient_balance"),
    ("kraken", {"error": ["EService:Deadline elapsed"]}, "outside_recv_window"),
    ("kucoin", {"code": "126044", "msg": "clientOid duplicated"}, "duplicate_order_id"),
    ("kucoin", {"code": "200004", "msg": "Balance insufficient!"}, "insufficient_balance"),
    (
        "gate",
        {"label": "BALANCE_NOT_ENOUGH", "message": "Not enough balance"},
        "insufficient_balance",
    ),
    ("gate", {"label": "SERVER_ERROR", "message": "Internal"}, None),
    ("bitget", {"code": "30008", "msg": "Request timestamp expired"}, "outside_recv_window"),
    ("bitget", {"code": "43012", "msg": "Insufficient balance"}, "insufficient_balance"),
    ("bitget", {"code": "40725", "msg": "service return an error"}, None),
    ("mexc", {"code": 10101, "msg": "Insufficient balance"}, "insufficient_balance"),
    ("mexc", {"code": 500, "msg": "unknown"}, None),
]


@pytest.mark.parametrize(("venue", "body", "reason"), CREATES_SAID)
def test_each_venue_has_a_list_of_its_own(venue: str, body: object, reason: str | None) -> None:
    """The client calls some of these final that are not, and some a timeout that are."""
    wire = Wire(venue)
    fate = heard(wire, wire.gateway.create(order()), body)
    wire.close()
    assert isinstance(fate, VenueError), fate
    assert getattr(fate, "reason", None) == reason, fate
    assert reason is not None or isinstance(fate, Unreachable)


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire("binance")
    yield made
    made.close()


LATE = {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}


def test_a_read_for_another_time_is_made_again_by_the_venues_clock(wire: Wire) -> None:
    def answer(asked: Asked) -> object:
        wire.session.status = 400 if len(wire.session.asked) == 1 else 200
        if asked.place.endswith("/time"):
            return {"serverTime": NOW_MS + 7_000}
        return LATE if wire.session.status == 400 else BINANCE_ORDER

    wire.session.answer = answer
    report = wire.run(wire.gateway.order("BTC/USDT", ORDER_ID))
    assert report.client_order_id == ORDER_ID
    places = [asked.place.rsplit("/", 1)[1] for asked in wire.session.asked]
    assert places == ["order", "time", "order"]
    assert wire.session.asked[2].params["timestamp"] == str(NOW_MS + 7_000)


def test_a_read_that_is_late_twice_is_no_answer(wire: Wire) -> None:
    def answer(asked: Asked) -> object:
        timed = asked.place.endswith("/time")
        wire.session.status = 200 if timed else 400
        return {"serverTime": NOW_MS} if timed else LATE

    wire.session.answer = answer
    with pytest.raises(Unreachable):
        wire.run(wire.gateway.order("BTC/USDT", ORDER_ID))
    assert len(wire.session.asked) == 3


def test_an_order_never_waits_for_a_clock(wire: Wire) -> None:
    """It is signed with its intent's time, which was estimated before it was written down."""
    wire.gateway._line._doubted = True
    wire.session.answer = lambda _: {}
    with pytest.raises(Unreachable):
        wire.run(wire.gateway.create(order()))
    assert [asked.method for asked in wire.session.asked] == ["POST"]


def test_a_ban_silences_every_lane_until_it_ends(wire: Wire) -> None:
    wire.session.status, wire.session.told = 418, {"Retry-After": "60"}
    assert isinstance(heard(wire, wire.gateway.balances(), ""), Banned)
    wire.session.status = 200
    for work in (wire.gateway.create(order()), wire.gateway.order("BTC/USDT", ORDER_ID)):
        assert isinstance(heard(wire, work, BINANCE_ORDER), Banned)
        assert wire.session.asked == []


def test_a_cancel_of_an_ended_order_is_not_found(wires: Mapping[str, Wire]) -> None:
    wire = wires["okx"]
    ended = {
        "code": "1",
        "data": [{"clOrdId": ORDER_ID, "ordId": "1", "sCode": "51402", "sMsg": ""}],
    }
    told = heard(wire, wire.gateway.cancel("BTC/USDT", ORDER_ID), ended)
    assert isinstance(told, OrderNotFound)


def test_open_orders_are_read_page_by_page(wires: Mapping[str, Wire]) -> None:
    wire = wires["okx"]
    pages = [[{**OKX_ORDER, "ordId": str(1_000 + n)} for n in range(100)], [OKX_ORDER]]
    wire.session.answer = lambda asked: okx(*pages["after" in asked.params])
    told = wire.run(wire.gateway.open_orders())
    assert len(told) == 101
    assert [asked.params.get("after") for asked in wire.session.asked] == [None, "1099"]


def test_a_list_of_open_orders_that_cannot_be_followed_is_an_error(
    wires: Mapping[str, Wire],
) -> None:
    wire = wires["bybit"]
    wire.session.answer = lambda _: {"retCode": 0, "result": {"list": [{"orderId": "1"}] * 50}}
    with pytest.raises(Unreachable, match="does not end"):
        wire.run(wire.gateway.open_orders())


def test_what_the_client_refuses_by_itself_was_not_sent(wire: Wire) -> None:
    wire.gateway.ccxt.set_markets([])
    assert isinstance(heard(wire, wire.gateway.create(order()), {}), NotSent)
    assert wire.session.asked == []


PLACE = ConnectionKey(
    "api.binance.com",
    443,
    is_ssl=True,
    ssl=True,
    proxy=None,
    proxy_auth=None,
    proxy_headers_hash=None,
)


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (OSError(), "OSError"),
        (ssl.SSLError(1, "wrong version number (_ssl.c:1006)"), "wrong version number"),
    ],
)
def test_what_could_not_be_connected_to_is_told_and_nothing_of_the_request(
    wires: Mapping[str, Wire], cause: OSError, words: str
) -> None:
    def refuse(_: Asked) -> object:
        raise aiohttp.ClientConnectorError(PLACE, cause)

    wire = wires["binance"]
    wire.session.answer = refuse
    with pytest.raises(NotSent) as told:
        wire.run(wire.gateway.balances())
    assert str(told.value) == f"binance: no connection to api.binance.com:443 ({words})"


def test_a_certificate_that_is_not_trusted_is_told_as_that(wires: Mapping[str, Wire]) -> None:
    def refuse(_: Asked) -> object:
        raise aiohttp.ClientConnectorCertificateError(PLACE, untrusted)

    said = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: no issuer (_ssl.c:1006)"
    untrusted = ssl.SSLCertVerificationError(1, said)
    untrusted.verify_message = "no issuer"
    wire = wires["binance"]
    wire.session.answer = refuse
    with pytest.raises(VenueError) as told:
        wire.run(wire.gateway.balances())
    words = "its certificate is not trusted, see `ca_file`: no issuer"
    assert str(told.value) == f"binance: no connection to api.binance.com:443 ({words})"


@pytest.mark.parametrize(
    "ask",
    [
        lambda gateway: gateway.trades("BTC/USDT", NOW_NS - 10**9),
        lambda gateway: gateway.balance_changes(NOW_NS - 10**9),
        lambda gateway: gateway.open_orders(),
        lambda gateway: gateway.balances(),
        lambda gateway: gateway.time_ns(),
        lambda gateway: gateway.markets(),
        lambda gateway: gateway.fees(),
    ],
)
def test_only_an_order_that_was_asked_for_is_not_found(wire: Wire, ask: Any) -> None:
    """Elsewhere it is another request's answer, and an empty list would be proof of something."""
    wire.session.status = 400
    told = heard(wire, ask(wire.gateway), {"code": -2013, "msg": "Order does not exist."})
    assert isinstance(told, Unreachable), told
