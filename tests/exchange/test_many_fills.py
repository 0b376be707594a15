"""An order that meets hundreds of others at one moment is read whole: the list goes on by id where it cannot by time."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arb.exchange.client.pacing import RATIONS, Ration
from arb.exchange.port import FillReport, OrderRequest, Unreachable
from tests.exchange.captured import Asked, Wire, heard
from tests.exchange.loopback import NOW_MS, NOW_NS, ORDER_ID
from tests.exchange.practising import lived
from tests.exchange.practising_gateway import trading
from tests.market.examples import book

SINCE_NS = NOW_NS - 5 * 10**9
LEVELS = 120


def okx_row(n: int) -> dict[str, Any]:
    fields = {"instType": "SPOT", "instId": "BTC-USDT", "ordId": "777", "clOrdId": ORDER_ID}
    paid = {"fillPx": "50000", "fillSz": "0.00001", "side": "buy", "fee": "0", "feeCcy": "BTC"}
    return {**fields, **paid, "tradeId": str(n), "billId": str(9_000 + n), "ts": str(NOW_MS)}


def okx(rows: list[dict[str, Any]]) -> Callable[[Asked], object]:
    """The newest first, a hundred at a time, older than `after`, within the span."""

    def answer(asked: Asked) -> object:
        params = asked.params
        within = [
            row
            for row in reversed(rows)
            if int(params["begin"]) <= int(row["ts"]) <= int(params["end"])
            and ("after" not in params or int(row["billId"]) < int(params["after"]))
        ]
        return {"code": "0", "msg": "", "data": within[:100]}

    return answer


def binance_row(n: int, at_ms: int = NOW_MS) -> dict[str, Any]:
    fields = {"symbol": "BTCUSDT", "id": n, "orderId": 28, "time": at_ms, "isBuyer": True}
    paid = {"price": "50000", "qty": "0.00001", "quoteQty": "0.5", "commission": "0"}
    return {**fields, **paid, "commissionAsset": "BTC"}


def binance(rows: list[dict[str, Any]]) -> Callable[[Asked], object]:
    """The oldest first, within a span or from an id on; never both."""

    def answer(asked: Asked) -> object:
        params = asked.params
        if "fromId" in params:
            assert not {"startTime", "endTime"} & params.keys(), "the venue refuses both at once"
            within = [row for row in rows if row["id"] >= int(params["fromId"])]
        else:
            start, end = int(params["startTime"]), int(params["endTime"])
            within = [row for row in rows if start <= row["time"] <= end]
        return within[: int(params["limit"])]

    return answer


@pytest.fixture
def wire(request: pytest.FixtureRequest) -> Iterator[Wire]:
    made = Wire(request.param)
    yield made
    made.close()


def told(wire: Wire) -> list[FillReport]:
    found = wire.runner.run(wire.gateway.trades("BTC/USDT", SINCE_NS))
    assert len({one.trade_id for one in found}) == len(found)
    return list(found)


@pytest.mark.parametrize("wire", ["okx"], indirect=True)
@pytest.mark.parametrize("fills", [99, 100, 101, 250])
def test_okx_is_asked_on_by_bill(wire: Wire, fills: int) -> None:
    wire.session.answer = okx([okx_row(n) for n in range(1, fills + 1)])
    assert len(told(wire)) == fills


@pytest.mark.parametrize("wire", ["binance"], indirect=True)
@pytest.mark.parametrize("fills", [999, 1_000, 1_001, 2_500])
def test_binance_is_asked_on_from_an_id(wire: Wire, fills: int) -> None:
    same_moment = [binance_row(n) for n in range(1, fills + 1)]
    later = [binance_row(fills + n, NOW_MS + 10 * n) for n in range(1, 2_000)]
    wire.session.answer = binance([*same_moment, *later])
    assert len(told(wire)) == fills + 1_999


@pytest.mark.parametrize("wire", ["binance"], indirect=True)
def test_a_list_that_goes_on_to_the_present_ends_with_its_span(wire: Wire) -> None:
    rows = [binance_row(n) for n in range(1, 1_501)]
    rows += [binance_row(n, NOW_MS + 90_000) for n in range(1_501, 9_000)]  # not asked for
    wire.session.answer = binance(rows)
    assert len(told(wire)) == 1_500
    # Once for each span that holds the moment: beside it, and twice where two spans share a border.
    assert sum("fromId" in asked.params for asked in wire.session.asked) <= 6


@pytest.mark.parametrize("wire", ["mexc"], indirect=True)
def test_a_venue_whose_row_names_no_id_to_go_on_by_says_so(wire: Wire) -> None:
    wire.session.answer = lambda _: [binance_row(n) for n in range(100)]
    with pytest.raises(Unreachable, match=r"more than 100 rows .* within 1 ms.* by time alone"):
        told(wire)


@pytest.mark.parametrize("wire", ["okx"], indirect=True)
@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda row: row.pop("billId"), "without the id by which the list goes on"),
        (lambda row: row.update(billId="a7"), "without the id by which the list goes on"),
        (lambda row: row.update(billId="1"), "repeats its page"),
    ],
)
def test_a_list_that_does_not_go_on_is_an_error_and_no_end(
    wire: Wire, spoil: Callable[[dict[str, Any]], object], why: str
) -> None:
    rows = [okx_row(n) for n in range(100)]
    spoil(rows[-1])
    found = heard(wire, wire.gateway.trades("BTC/USDT", SINCE_NS), *[okx_page(rows)] * 400)
    assert isinstance(found, Unreachable)
    assert why in str(found)


def okx_page(rows: list[dict[str, Any]]) -> dict[str, object]:
    return {"code": "0", "msg": "", "data": rows}


@pytest.mark.parametrize(("venue", "page"), [("okx", 100), ("binance", 50)])
def test_the_practice_exchange_goes_on_as_the_venue_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, venue: str, page: int
) -> None:
    monkeypatch.setitem(RATIONS, venue, Ration(100_000, 2))
    asks = [(f"{2_000 + n / 100:.2f}", "0.01") for n in range(LEVELS)]
    books = [book("ETH/USDT", [("1999", "1")], asks)]

    async def story() -> None:
        async with trading(tmp_path, venue, books, trades_page=page) as (_, gateway):
            began_ns = await gateway.time_ns()
            await gateway.create(
                OrderRequest(
                    client_order_id=ORDER_ID,
                    market="ETH/USDT",
                    side="buy",
                    kind="limit",
                    time_in_force="ioc",
                    amount=Decimal("1.2"),
                    limit=Decimal(2_002),
                    venue_time_ns=began_ns,
                    window_ns=2 * 10**9,
                )
            )
            fills = await gateway.trades("ETH/USDT", began_ns)
            assert len(fills) == LEVELS == len({one.trade_id for one in fills})

    lived(story())
