"""What every kind of reply to a create means, through the real client and real sockets."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from arb.exchange.client.gateway import Gateway
from arb.exchange.port import (
    DUPLICATE_ORDER_ID,
    KEY_REVOKED,
    Banned,
    Maintenance,
    NotSent,
    OrderReport,
    Refused,
    Unreachable,
    VenueError,
)
from tests.exchange.captured import Asked, Wire, order
from tests.exchange.loopback import (
    NOW_MS,
    ORDER_ID,
    SECRET,
    Answer,
    Loopback,
    Nowhere,
    binance_gateway,
    gateway_to,
    request,
    rested,
)

ORDER = ("POST", "/api/v3/order")
FILLED: dict[str, Any] = {
    "symbol": "ETHUSDT",
    "orderId": 28,
    "orderListId": -1,
    "clientOrderId": ORDER_ID,
    "transactTime": NOW_MS,
    "price": "2000.10000000",
    "origQty": "0.01000000",
    "executedQty": "0.01000000",
    "origQuoteOrderQty": "0.00000000",
    "cummulativeQuoteQty": "20.00090000",
    "status": "FILLED",
    "timeInForce": "IOC",
    "type": "LIMIT",
    "side": "BUY",
    "fills": [
        {
            "price": "2000.09000000",
            "qty": "0.01000000",
            "commission": "0.00001000",
            "commissionAsset": "ETH",
            "tradeId": 56,
        }
    ],
}


class Stage:
    """One server, one client and one event loop for all of this file: the rows differ in one answer."""

    def __init__(self, folder: Path) -> None:
        self.runner = asyncio.Runner()
        self._ways = binance_gateway(folder)
        self.server, self.gateway = self.runner.run(self._ways.__aenter__())

    def create(self, answer: Answer, **changes: Any) -> OrderReport | VenueError:
        rested(self.gateway)
        self.server.asked.clear()
        self.server.then(*ORDER, answer)
        try:
            return self.runner.run(self.gateway.create(request(**changes)))
        except VenueError as error:
            return error

    def close(self) -> None:
        self.runner.run(self._ways.__aexit__(None, None, None))
        self.runner.close()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("venue"))
    yield made
    made.close()


def said(code: int, msg: str) -> dict[str, object]:
    return {"code": code, "msg": msg}


UNKNOWN_FATES = {
    "executed, connection dropped before the answer": Answer(FILLED, manner="dropped"),
    "executed, answer body truncated": Answer(FILLED, manner="cut"),
    "executed, 503 html": Answer("<html>503 Service Unavailable</html>", 503),
    "executed, 502 text": Answer("Bad Gateway", 502),
    "executed, 503 with -1000": Answer(
        said(-1000, "An unknown error occured while processing the request."), 503
    ),
    "executed, 500 with -1006": Answer(said(-1006, "Execution status unknown."), 500),
    "executed, 504 with -1007": Answer(
        said(-1007, "Timeout waiting for response from backend server."), 504
    ),
    "executed, 200 with html": Answer("<html>welcome</html>"),
    "executed, 200 with nothing": Answer(""),
    "executed, 200 with an empty object": Answer({}),
    "executed, 200 with null fields": Answer(dict.fromkeys(FILLED)),
    "not executed, 503 with -1008": Answer(said(-1008, "Server is currently overloaded."), 503),
    "not executed, WAF 403 html": Answer("<html>403 Forbidden</html>", 403),
    "a code that is on no list": Answer(said(-1010, "ERROR_MSG_RECEIVED."), 400),
    "a duplicate beside an order id": Answer({**said(-2010, "rejected"), "orderId": 28}, 400),
    "a listed code from a server that failed": Answer(said(-1013, "Filter failure: LOT_SIZE"), 500),
    "a code of another type": Answer({"code": [-2010], "msg": "no"}, 400),
    "a listed code without 429": Answer(said(-1003, "Too many requests."), 400),
    "a redirect to elsewhere": Answer(
        "", 307, {"Location": "https://api.binance.com/api/v3/order"}
    ),
    "another order's id": Answer({**FILLED, "clientOrderId": "xabcdaaaaaaaac2abb"}),
    "a status that nobody knows": Answer({**FILLED, "status": "DREAMING"}),
    "not JSON though it begins so": Answer('{"orderId": 28, "status": "FILLED"'),
    "a number that is none": Answer('{"orderId": NaN, "clientOrderId": "' + ORDER_ID + '"}'),
}


@pytest.mark.parametrize("name", UNKNOWN_FATES)
def test_what_proves_nothing_leaves_the_fate_unknown(stage: Stage, name: str) -> None:
    fate = stage.create(UNKNOWN_FATES[name])
    assert isinstance(fate, Unreachable), fate
    assert stage.server.count(*ORDER) == 1


PROVEN_REFUSALS = {
    "insufficient_balance": Answer(
        said(-2010, "Account has insufficient balance for requested action."), 400
    ),
    "market_halted": Answer(said(-2010, "Market is closed."), 400),
    "rejected": Answer(said(-2010, "This action is disabled on this account."), 400),
    "filter": Answer(said(-1013, "Filter failure: NOTIONAL"), 400),
    "outside_recv_window": Answer(
        said(-1021, "Timestamp for this request is outside of the recvWindow."), 400
    ),
    "bad_signature": Answer(said(-1022, "Signature for this request is not valid."), 400),
    "unknown_market": Answer(said(-1121, "Invalid symbol."), 400),
    "bad_order": Answer(said(-1111, "Precision is over the maximum defined for this asset."), 400),
    KEY_REVOKED: Answer(said(-2015, "Invalid API-key, IP, or permissions for action."), 401),
    DUPLICATE_ORDER_ID: Answer(said(-2010, "Duplicate order sent."), 400),
}


@pytest.mark.parametrize("reason", PROVEN_REFUSALS)
def test_a_code_on_the_list_is_a_refusal_with_its_reason(stage: Stage, reason: str) -> None:
    fate = stage.create(PROVEN_REFUSALS[reason])
    assert isinstance(fate, Refused), fate
    assert fate.reason == reason
    assert stage.server.count(*ORDER) == 1


@pytest.mark.parametrize("code", range(-1151, -1099))
def test_every_code_about_the_request_itself_is_a_refusal(stage: Stage, code: int) -> None:
    fate = stage.create(Answer(said(code, "whatever"), 400))
    assert isinstance(fate, Refused), fate


@pytest.mark.parametrize("code", [-2008, -2014, -2015])
def test_a_revoked_key_is_told_whatever_the_client_believes_of_it(stage: Stage, code: int) -> None:
    """After one signed success the client calls it a flood protection."""
    assert stage.gateway.ccxt.options["hasAlreadyAuthenticatedSuccessfully"]
    fate = stage.create(Answer(said(code, "API-key format invalid."), 401))
    assert isinstance(fate, Refused), fate
    assert fate.reason == KEY_REVOKED


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry-After": "3"}, 3),
        (418, {"Retry-After": "120"}, 120),
        (418, {"retry-after": "0.5"}, 0.5),
        (429, {}, 30),
        (418, {}, 120),
        (429, {"Retry-After": "soon"}, 30),
        (418, {"Retry-After": "-5"}, 120),
        (418, {"Retry-After": "1e99"}, 3 * 86_400),
    ],
)
@pytest.mark.parametrize("body", [said(-1003, "Too much request weight used."), "<html>"])
def test_a_ban_lasts_as_long_as_the_venue_says(
    stage: Stage, status: int, headers: dict[str, str], seconds: float, body: object
) -> None:
    fate = stage.create(Answer(body, status, headers))
    assert isinstance(fate, Banned), fate
    assert fate.retry_after_ns == round(seconds * 10**9)


@pytest.mark.parametrize("status", [418, 429])
@pytest.mark.parametrize("body", [FILLED, {**FILLED, **said(-1015, "Too many new orders.")}])
def test_a_ban_beside_an_order_proves_no_refusal(
    stage: Stage, status: int, body: dict[str, Any]
) -> None:
    fate = stage.create(Answer(body, status))
    assert isinstance(fate, Unreachable), fate


def test_maintenance_is_said_and_proves_nothing(stage: Stage) -> None:
    fate = stage.create(Answer({"code": 1, "msg": "System is under maintenance."}, 503))
    assert isinstance(fate, Maintenance), fate


async def _unreachable(stage: Stage, why: str) -> Gateway:
    """The same gateway, with nothing at the other end."""
    there = Loopback(stage.server.ca_file)
    there.port = 1
    knows_no_name = why == "no name is known"
    session = (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Nowhere()))
        if knows_no_name
        else None
    )
    other = gateway_to(there, session=session)
    other._markets = stage.gateway._markets
    other.ccxt.set_markets(stage.gateway.ccxt.markets)
    return other


@pytest.mark.parametrize("why", ["nothing listens", "no name is known"])
def test_a_connection_that_was_never_made_is_not_sent(stage: Stage, why: str) -> None:
    other = stage.runner.run(_unreachable(stage, why))
    try:
        with pytest.raises(NotSent):
            stage.runner.run(other.create(request()))
    finally:
        stage.runner.run(other.close())


def test_our_own_cancellation_passes_through(stage: Stage) -> None:
    """An answer that never comes: the engine's time limit ends the call, and the fate is unknown."""

    async def impatient() -> None:
        async with asyncio.timeout(0.2):
            await stage.gateway.create(request())

    stage.server.asked.clear()
    stage.server.then(*ORDER, Answer(manner="never"))
    with pytest.raises(TimeoutError):
        stage.runner.run(impatient())
    assert stage.server.count(*ORDER) == 1


def test_the_clients_own_time_limit_leaves_the_fate_unknown(stage: Stage) -> None:
    limit, stage.gateway.ccxt.timeout = stage.gateway.ccxt.timeout, 100
    try:
        fate = stage.create(Answer(manner="never"))
    finally:
        stage.gateway.ccxt.timeout = limit
    assert isinstance(fate, Unreachable), fate


def test_an_order_that_was_taken_is_told_with_its_trade(stage: Stage) -> None:
    report = stage.create(Answer(FILLED))
    assert isinstance(report, OrderReport), report
    assert (report.exchange_order_id, report.client_order_id) == ("28", ORDER_ID)
    assert (report.market, report.side, report.status) == ("ETH/USDT", "buy", "closed")
    assert (report.amount, report.filled) == (Decimal("0.01"), Decimal("0.01"))
    assert report.fills is not None
    (fill,) = report.fills
    assert (fill.trade_id, fill.cost) == ("56", Decimal("20.0009"))
    assert (fill.fee, fill.fee_asset) == (Decimal("0.00001"), "ETH")
    assert fill.venue_ns == NOW_MS * 10**6


def test_several_trades_in_one_reply_are_read_from_the_trades(stage: Stage) -> None:
    """Each has no quote amount of its own, and none is made up."""
    report = stage.create(Answer({**FILLED, "fills": FILLED["fills"] * 2}))
    assert isinstance(report, OrderReport), report
    assert report.fills is None


def test_an_order_that_took_nothing_has_no_trades(stage: Stage) -> None:
    missed = {**FILLED, "executedQty": "0.00000000", "status": "EXPIRED", "fills": []}
    report = stage.create(Answer(missed))
    assert isinstance(report, OrderReport), report
    assert (report.status, report.filled, report.fills) == ("expired", Decimal(0), ())


UNSENDABLE = [
    {"market": "XRP/USDT"},
    {"kind": "market", "limit": None},
    {"time_in_force": "gtc"},
    {"side": "hold"},
    {"amount": Decimal("0.00011")},
    {"amount": Decimal(0)},
    {"amount": Decimal("NaN")},
    {"limit": Decimal("2000.101")},
    {"limit": Decimal(-1)},
    {"window_ns": 60 * 10**9},
    {"window_ns": 0},
]


@pytest.mark.parametrize("changes", UNSENDABLE)
def test_what_would_go_out_changed_is_not_sent(stage: Stage, changes: dict[str, Any]) -> None:
    fate = stage.create(Answer(FILLED), **changes)
    stage.server.next.clear()
    assert isinstance(fate, NotSent), fate
    assert stage.server.asked == []


def test_a_client_that_would_send_something_else_is_stopped(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage.gateway.ccxt, "price_to_precision", lambda *_: "2000.11")
    fate = stage.create(Answer(FILLED))
    stage.server.next.clear()
    assert isinstance(fate, NotSent), fate
    assert stage.server.asked == []


def test_concurrent_orders_never_read_each_others_replies(stage: Stage) -> None:
    async def both() -> list[object]:
        slow = stage.gateway.create(request())
        fast = stage.gateway.create(request())
        return await asyncio.gather(slow, fast, return_exceptions=True)

    stage.server.then(
        *ORDER,
        Answer(said(-2010, "Account has insufficient balance for requested action."), 400),
        Answer(FILLED),
    )
    fates = stage.runner.run(both())
    assert sorted(type(fate).__name__ for fate in fates) == ["OrderReport", "Refused"]


def test_secrets_stand_in_no_error(stage: Stage) -> None:
    fate = stage.create(Answer({"code": -2015, "msg": f"the key {SECRET} is wrong"}, 401))
    assert isinstance(fate, Refused)
    assert SECRET not in str(fate)
    assert fate.__cause__ is None
    assert fate.__context__ is None


def test_the_servers_script_is_played_to_its_end(stage: Stage) -> None:
    assert isinstance(stage.server, Loopback)
    assert not any(stage.server.next.values())


@pytest.mark.parametrize("error", [NotSent("late"), Banned(10**9), Maintenance("closed")])
def test_what_our_own_way_says_once_an_order_left_proves_nothing(error: VenueError) -> None:
    """An order that is on its way may be taken, whatever stops the rest of the call."""

    def fail(_: Asked) -> object:
        raise error

    wire = Wire("binance")
    wire.session.answer = fail
    with pytest.raises(Unreachable, match=type(error).__name__):
        wire.run(wire.gateway.create(order()))
    wire.close()
