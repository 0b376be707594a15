"""The requests that go out on nine venues are the ones that the venues document."""

import contextlib
import re
from typing import Any, Final

import pytest

from arb.exchange.dialects import table as dialects
from arb.exchange.port import NotSent, VenueError
from tests.exchange.captured import Wire, one, order
from tests.exchange.loopback import NOW_MS, NOW_NS, ORDER_ID
from tests.exchange.wire_tables import (
    CANCELS,
    CREATES,
    NOT_THERE,
    NOTHING,
    QUERIES,
    SIGNED,
    SINCE_NS,
    TRADES,
)


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


@pytest.mark.parametrize("venue", CREATES)
@pytest.mark.parametrize("force", ["ioc", "fok"])
def test_nothing_is_sent_that_is_another_order(
    monkeypatch: pytest.MonkeyPatch, venue: str, force: str
) -> None:
    """The client is made to think of another side, another market or another way to end."""
    wire, dialect = Wire(venue), dialects.DIALECTS[venue]
    send(wire, wire.gateway.create(order(time_in_force=force)), {})
    (asked,) = wire.session.asked
    for key, sent in (
        (dialect.sent_market, "ETHUSDT"),
        (dialect.sent_side, "sell"),
        (dialect.sent_force, "GTC"),
    ):
        if not key:
            continue
        assert key in asked.params, venue
        spoil(wire, monkeypatch, key, sent)
        with pytest.raises(NotSent, match=f"as {key}"):
            wire.run(wire.gateway.create(order(time_in_force=force)))
        assert wire.session.asked == []
        monkeypatch.undo()
    wire.close()


def spoil(wire: Wire, monkeypatch: pytest.MonkeyPatch, key: str, sent: str) -> None:
    """Let the client put something else into what it signs."""
    sign = wire.gateway.ccxt.sign

    def spoilt(*asked: Any, **more: Any) -> Any:
        made = sign(*asked, **more)
        for part in ("url", "body"):
            if isinstance(made[part], str):
                made[part] = re.sub(rf'(\b{key}(?:=|":\s*"))[^&"]+', rf"\g<1>{sent}", made[part])
        return made

    monkeypatch.setattr(wire.gateway.ccxt, "sign", spoilt)


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
    send(wire, wire.gateway.trades("BTC/USDT", SINCE_NS), {})
    assert one(wire.session.asked).without(*SIGNED) == TRADES[venue]


def test_older_trades_of_okx_are_in_its_history(wires: dict[str, Wire]) -> None:
    """The quick list knows three days."""
    wire = wires["okx"]
    send(wire, wire.gateway.trades("BTC/USDT", NOW_NS - 4 * 86_400 * 10**9), {})
    assert one(wire.session.asked).place == "www.okx.com/api/v5/trade/fills-history"


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
def test_an_order_that_waited_here_is_signed_with_its_intents_time(venue: str) -> None:
    wire = Wire(venue)
    wire.clock.advance_to(NOW_NS + 2 * 10**9)
    send(wire, wire.gateway.create(order()), {})
    wire.close()
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
