"""Bodies of the practice exchange against recorded ones, field by field and type by type."""

import gzip
import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from tests.exchange.practising import Practising, lived, practising
from tests.spec.shared_data import shared_data

RECORDED: Final = ("fixtures", "gocryptotrader_mit_http_recordings.json.gz")
_AMOUNT: Final = re.compile(r"\d+\.\d{8}")
# Recorded from an older venue, or written by hand: fields that are texts with eight decimals now.
_HANDMADE: Final = re.compile(r"\d+\.\d+")


def recorded(call: str) -> Any:
    with gzip.open(shared_data(*RECORDED)) as file:
        return json.load(file)["binance"][call][0]["data"]


def shape(value: Any) -> Any:
    """The type of a value, with amounts apart from other texts."""
    match value:
        case bool():
            return "bool"
        case int():
            return "int"
        case str() if _AMOUNT.fullmatch(value) or _HANDMADE.fullmatch(value):
            return "amount"
        case str():
            return "text"
        case list():
            return [shape(value[0])] if value else []
        case dict():
            return {name: shape(one) for name, one in value.items()}
    return type(value).__name__


def within(recorded_shape: Any, ours: Any, where: str) -> None:
    """Everything that was recorded is in ours, with the same type."""
    if isinstance(recorded_shape, dict):
        assert isinstance(ours, dict), where
        missing = set(recorded_shape) - set(ours)
        assert missing == set(), f"{where} lacks {missing}"
        for name, one in recorded_shape.items():
            within(one, ours[name], f"{where}.{name}")
    elif isinstance(recorded_shape, list) and recorded_shape:
        assert isinstance(ours, list), where
        assert ours, where
        within(recorded_shape[0], ours[0], f"{where}[]")
    elif not isinstance(recorded_shape, list):
        assert ours == recorded_shape, where


async def told(there: Practising, call: str) -> Any:
    method, path = call.split()
    params = {
        "GET /api/v3/account": {},
        "GET /api/v3/allOrders": {"symbol": "ETHUSDT"},
        "GET /api/v3/depth": {"symbol": "ETHUSDT"},
        "GET /api/v3/exchangeInfo": {},
        "GET /api/v3/openOrders": {},
        "DELETE /api/v3/order": {"symbol": "ETHUSDT", "origClientOrderId": "xtwo"},
        "GET /api/v3/order": {"symbol": "ETHUSDT", "origClientOrderId": "xone"},
        "GET /api/v3/ticker/bookTicker": {"symbol": "ETHUSDT"},
    }[call]
    public = path.rpartition("/")[2] in {"depth", "exchangeInfo", "bookTicker"}
    status, body, _ = await there.asked(method, path, signed=not public, **params)
    assert status == 200, body
    return body


@pytest.mark.parametrize(
    "call",
    [
        "GET /api/v3/account",
        "GET /api/v3/allOrders",
        "GET /api/v3/depth",
        "GET /api/v3/openOrders",
        "DELETE /api/v3/order",
        "GET /api/v3/order",
        "GET /api/v3/ticker/bookTicker",
    ],
)
def test_a_body_has_every_recorded_field_with_its_type(tmp_path: Path, call: str) -> None:
    async def story() -> None:
        real = recorded(call)
        async with practising(tmp_path) as there:
            await there.bought("xone")
            await there.bought("xtwo", price="1990", time_in_force="GTC")
            within(shape(real), shape(await told(there, call)), call)

    lived(story())


def test_exchange_info_has_the_recorded_fields_and_filters_and_no_other(tmp_path: Path) -> None:
    async def story() -> None:
        real = recorded("GET /api/v3/exchangeInfo")
        async with practising(tmp_path) as there:
            ours = await told(there, "GET /api/v3/exchangeInfo")
        assert set(ours) == set(real)
        assert ours["rateLimits"] == real["rateLimits"]
        symbol, known = ours["symbols"][0], real["symbols"][0]
        assert set(symbol) == set(known)
        filters = {one["filterType"]: shape(one) for one in known["filters"]}
        for one in symbol["filters"]:
            name = one["filterType"]
            # Multipliers are short texts: "5", "0.2".
            words = {
                key: "text" if "Multiplier" in key else kind for key, kind in shape(one).items()
            }
            assert words == {
                key: "text" if "Multiplier" in key else kind for key, kind in filters[name].items()
            }
        for name, kind in shape(known).items():
            if name not in {"filters", "permissionSets"}:
                assert shape(symbol)[name] == kind or name.endswith("Types"), name

    lived(story())


def test_an_orders_reply_and_its_trades_have_the_documented_fields(tmp_path: Path) -> None:
    """These were not recorded; the names are those of the venue's own examples, typed by hand."""
    reply = {
        "symbol": "text",
        "orderId": "int",
        "orderListId": "int",
        "clientOrderId": "text",
        "transactTime": "int",
        "price": "amount",
        "origQty": "amount",
        "executedQty": "amount",
        "origQuoteOrderQty": "amount",
        "cummulativeQuoteQty": "amount",
        "status": "text",
        "timeInForce": "text",
        "type": "text",
        "side": "text",
        "workingTime": "int",
        "selfTradePreventionMode": "text",
        "fills": [
            {
                "price": "amount",
                "qty": "amount",
                "commission": "amount",
                "commissionAsset": "text",
                "tradeId": "int",
            }
        ],
    }
    trade = {
        "symbol": "text",
        "id": "int",
        "orderId": "int",
        "orderListId": "int",
        "price": "amount",
        "qty": "amount",
        "quoteQty": "amount",
        "commission": "amount",
        "commissionAsset": "text",
        "time": "int",
        "isBuyer": "bool",
        "isMaker": "bool",
        "isBestMatch": "bool",
    }

    async def story() -> None:
        async with practising(tmp_path) as there:
            assert shape((await there.bought("xone"))["info"]) == reply
            _, trades, _ = await there.asked("GET", "/api/v3/myTrades", symbol="ETHUSDT")
            assert shape(trades) == [trade]

    lived(story())
