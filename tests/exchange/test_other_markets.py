"""An answer about other markets than the one that was asked about is no answer, and no empty list."""

from collections.abc import Iterator

import pytest

from arb.exchange.client.listed_markets import market_rules
from arb.exchange.dialects import table as dialects
from arb.exchange.port import FillReport, Unreachable
from tests.exchange.captured import MARKET_IDS, Wire, heard, listed
from tests.exchange.loopback import NOW_NS
from tests.exchange.venue_bodies import body, put, trade_row
from tests.exchange.venue_bodies import listed as rows_of

SINCE_NS = NOW_NS - 10**9


@pytest.fixture(params=sorted(MARKET_IDS))
def wire(request: pytest.FixtureRequest) -> Iterator[Wire]:
    made = Wire(request.param)
    ours = listed(request.param)
    other = {**ours, "id": "OTHER", "symbol": "ETH/USDT", "base": "ETH", "baseId": "ETH"}
    made.gateway.ccxt.set_markets([ours, other])
    made.gateway._markets, _ = market_rules(made.gateway.ccxt.markets)
    yield made
    made.close()


def told(wire: Wire, market_id: str) -> list[FillReport] | Unreachable:
    row = dialects.DIALECTS[wire.gateway.rules.venue]
    trade = trade_row(row)
    put(trade, row.trade.market, market_id)
    answer = body(row, row.replies.trades, rows_of(row, trade))
    found = heard(wire, wire.gateway.trades("BTC/USDT", SINCE_NS), answer)
    return found if isinstance(found, Unreachable) else list(found)


def test_trades_of_another_market_are_no_answer_but_where_those_of_all_are_told(wire: Wire) -> None:
    found = told(wire, "OTHER")
    if wire.gateway.rules.venue == "kraken":
        assert found == []
    else:
        assert isinstance(found, Unreachable)
        assert "asked for trades of BTC/USDT, the venue told those of ETH/USDT" in str(found)


def test_trades_of_the_market_that_was_asked_about_are_told(wire: Wire) -> None:
    found = told(wire, MARKET_IDS[wire.gateway.rules.venue])
    assert isinstance(found, list)
    assert [one.market for one in found] == ["BTC/USDT"]


def test_a_market_that_nobody_knows_stays_in_the_list_and_fits_no_order(wire: Wire) -> None:
    found = told(wire, "GONE")
    assert isinstance(found, list)
    assert [one.market for one in found] == ["GONE"]
