"""A venue lists its markets for everybody; those that an account may not trade on are closed to it."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from arb.exchange.dialects.refusals import MARKET_NOT_ALLOWED
from arb.exchange.port import Refused
from arb.market.book import MarketRules
from tests.exchange.captured import Wire, heard, listed, order
from tests.exchange.loopback import (
    ACCOUNT,
    EXCHANGE_INFO,
    Answer,
    binance_open,
    gateway_to,
    listening,
    symbol,
)
from tests.exchange.told import OKX_CREATED, okx

EVERYBODY = ["SPOT", "MARGIN", "TRD_GRP_004", "TRD_GRP_049"]


def told_of(folder: Path, sets: object, permissions: object) -> Mapping[str, MarketRules]:
    """The markets at the start and after a reload, of which ETH/USDT has these sets."""

    async def story() -> Mapping[str, MarketRules]:
        async with listening(folder) as server:
            binance_open(server)
            symbols = [
                symbol("BTC", "USDT", "0.01", "0.00001", permissionSets=[EVERYBODY]),
                symbol("ETH", "USDT", "0.01", "0.0001", permissionSets=sets),
            ]
            info = Answer({**EXCHANGE_INFO, "symbols": symbols})
            server.says("GET", "/api/v3/exchangeInfo", info)
            account = Answer({**ACCOUNT, "permissions": permissions})
            server.says("GET", "/api/v3/account", account)
            gateway = gateway_to(server)
            try:
                await gateway.start()
                known = dict(gateway.known_markets)
                assert known == await gateway.markets()
                return known
            finally:
                await gateway.close()

    return asyncio.run(story())


@pytest.mark.parametrize(
    ("sets", "permissions", "may"),
    [
        ([EVERYBODY], ["TRD_GRP_049"], True),
        ([["SPOT", "MARGIN", "TRD_GRP_004"]], ["TRD_GRP_049"], False),
        ([["SPOT", "MARGIN", "TRD_GRP_004"]], ["TRD_GRP_049", "TRD_GRP_004"], True),
        # One of each set is needed.
        ([EVERYBODY, ["PRE_MARKET"]], ["SPOT"], False),
        ([EVERYBODY, ["PRE_MARKET"]], ["SPOT", "PRE_MARKET"], True),
        # What is not told forbids nothing.
        ([], ["TRD_GRP_049"], True),
        ([[]], ["TRD_GRP_049"], True),
        (None, ["TRD_GRP_049"], True),
        ("SPOT", ["TRD_GRP_049"], True),
        ([["SPOT"], "PRE_MARKET"], ["SPOT"], True),
        ([["SPOT"]], [], True),
        ([["SPOT"]], None, True),
        ([["SPOT"]], "TRD_GRP_049", True),
        ([["SPOT"]], [49], True),
    ],
)
def test_a_market_is_open_where_the_account_has_one_of_each_of_its_sets(
    tmp_path: Path, sets: object, permissions: object, *, may: bool
) -> None:
    told = told_of(tmp_path, sets, permissions)
    assert told["BTC/USDT"].active
    assert told["ETH/USDT"].active == may


@pytest.fixture(params=["binance", "okx", "mexc"])
def wire(request: pytest.FixtureRequest) -> Iterator[Wire]:
    made = Wire(request.param)
    yield made
    made.close()


def said(text: str, code: int = -2010) -> Any:
    return {"code": code, "msg": text}


REFUSALS: Mapping[str, list[Any]] = {
    "binance": [
        said("This symbol is not permitted for this account."),
        said("This symbol is restricted for this account."),
        said("Symbol not whitelisted for API key."),
    ],
    "okx": [
        {
            **okx({**OKX_CREATED, "ordId": "", "sCode": "51155", "sMsg": "You can't trade this"}),
            "code": "1",
        }
    ],
    "mexc": [
        said("symbol not support api", 10007),
        said("no permission for the symbol", 30020),
    ],
}


def test_a_market_that_refuses_this_account_is_closed_to_it_from_then_on(wire: Wire) -> None:
    """The list goes on calling it open: a cycle would buy, find no way on, and sell at a loss, again and again."""
    gateway, venue = wire.gateway, wire.gateway.rules.venue
    wire.session.status = 200 if venue == "okx" else 400
    for body in REFUSALS[venue]:
        gateway._refused_here.clear()
        gateway._take_markets()
        assert gateway.known_markets["BTC/USDT"].active
        fate = heard(wire, gateway.create(order()), body)
        assert isinstance(fate, Refused), fate
        assert fate.reason == MARKET_NOT_ALLOWED
        assert not gateway.known_markets["BTC/USDT"].active
        gateway._take_markets()  # as after each reading of the list
        assert not gateway.known_markets["BTC/USDT"].active


def test_any_other_refusal_closes_nothing(wire: Wire) -> None:
    gateway = wire.gateway
    wire.session.status = 400
    heard(wire, gateway.create(order()), said("Account has insufficient balance."))
    gateway._take_markets()
    assert gateway.known_markets["BTC/USDT"].active
    assert listed(gateway.rules.venue)["active"]


def test_a_refusal_for_a_market_that_is_dropped_meanwhile_is_one(wire: Wire) -> None:
    """Proven is proven: what stumbled here made an order of unknown fate of it."""
    gateway = wire.gateway
    wire.session.status = 200 if gateway.rules.venue == "okx" else 400

    def dropped(_: object) -> Any:
        gateway._markets = {}
        return wire.session.script.popleft()

    gateway._take_markets()
    wire.session.answer = dropped
    with pytest.raises(Refused):
        wire.run(gateway.create(order()), REFUSALS[gateway.rules.venue][0])
