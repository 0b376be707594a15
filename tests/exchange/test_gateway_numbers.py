"""A price and an amount go out as the text they are, markets come in exactly, and nobody's arithmetic changes."""

import decimal
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arb.exchange.client.ccxt_calls import WrongRequest
from arb.exchange.client.listed_markets import AMOUNT_MAX, market_rules
from arb.exchange.port import NotSent, Unreachable, VenueError
from arb.money import CONTEXT, plain
from tests.exchange.captured import MARKET_IDS, Wire, heard, listed, order
from tests.exchange.loopback import EXCHANGE_INFO, symbol

NAMES = {
    "binance": ("quantity", "price"),
    "okx": ("sz", "px"),
    "bybit": ("qty", "price"),
    "kraken": ("volume", "price"),
    "kucoin": ("size", "price"),
    "gate": ("amount", "price"),
    "bitget": ("size", "price"),
    "mexc": ("quantity", "price"),
}


@settings(max_examples=40, deadline=None)
@given(steps=st.integers(1, 10**12), ticks=st.integers(1, 10**12))
@pytest.mark.parametrize("venue", NAMES)
def test_numbers_go_out_as_the_same_text(
    wires: Mapping[str, Wire], venue: str, steps: int, ticks: int
) -> None:
    """Up to every digit: the client's own rounding would lose some, and round a bound away."""
    wire = wires[venue]
    amount, limit = steps * Decimal("0.00001"), ticks * Decimal("0.01")
    wire.gateway._line._pacing._ban._until_ns = 0
    wire.session.answer = lambda _: {}
    with pytest.raises(VenueError):
        wire.run(wire.gateway.create(order(amount=amount, limit=limit)))
    (asked,) = wire.session.asked
    names = NAMES[venue]
    assert (asked.params[names[0]], asked.params[names[1]]) == (plain(amount), plain(limit))


@given(amount=st.decimals(0, 10, places=7), limit=st.decimals(0, 10, places=4))
@settings(max_examples=60, deadline=None)
def test_what_is_no_multiple_is_not_rounded_but_refused(
    wires: Mapping[str, Wire], amount: Decimal, limit: Decimal
) -> None:
    wire = wires["binance"]
    fits = amount > 0 and limit > 0 and amount % Decimal("0.00001") == 0 == limit % Decimal("0.01")
    told = heard(wire, wire.gateway.create(order(amount=amount, limit=limit)), {})
    assert isinstance(told, Unreachable if fits else NotSent)
    assert len(wire.session.asked) == fits


def test_the_client_changes_nobodys_arithmetic(wires: Mapping[str, Wire]) -> None:
    """By itself its rounding sets how the whole process rounds."""
    before = decimal.getcontext().copy()
    client = wires["binance"].gateway.ccxt
    assert client.decimal_to_precision("0.25", 1, "0.1", 4, 5) == "0.3"
    after = decimal.getcontext()
    assert (after.rounding, after.prec) == (before.rounding, before.prec)
    assert after.traps == before.traps
    assert before.rounding == CONTEXT.rounding


def test_a_request_that_is_not_what_was_asked_is_stopped_before_it_leaves(
    wires: Mapping[str, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = wires["okx"]
    for name in ("price_to_precision", "amount_to_precision"):
        with monkeypatch.context() as patch:
            patch.setattr(wire.gateway.ccxt, name, lambda *_: "0.99")
            told = heard(wire, wire.gateway.create(order()), {})
        assert isinstance(told, NotSent)
        assert "0.99" in str(told)
        assert wire.session.asked == []
    assert issubclass(WrongRequest, Exception)


# --- markets


def test_markets_are_exact(wires: Mapping[str, Wire]) -> None:
    wire = wires["binance"]
    found = heard(wire, wire.gateway.markets(), EXCHANGE_INFO)
    eth = found["ETH/USDT"]
    assert (eth.base, eth.quote, eth.active) == ("ETH", "USDT", True)
    assert (eth.tick_size, eth.step_size) == (Decimal("0.01"), Decimal("0.0001"))
    assert (eth.amount_min, eth.amount_max) == (Decimal("0.0001"), Decimal(9_000))
    assert eth.notional_min == 5
    assert found["LTC/BTC"].active is False
    assert wire.gateway.left_out == 0


@pytest.mark.parametrize("body", [{}, {"symbols": []}, {"symbols": None}, "<html>", "[]"])
def test_an_answer_without_markets_is_none_and_the_known_ones_stay(body: object) -> None:
    wire = Wire("binance")
    assert isinstance(heard(wire, wire.gateway.markets(), body), Unreachable)
    told = heard(wire, wire.gateway.create(order()), {})
    wire.close()
    assert isinstance(told, Unreachable), "it was sent"


def test_a_market_that_cannot_be_read_is_left_out_and_counted() -> None:
    good = listed("binance")
    spoilt: list[dict[str, Any]] = [
        {"base": None},
        {"quote": ""},
        {"symbol": "BTC/USD"},
        {"precision": {"price": None, "amount": "0.1"}},
        {"precision": {"price": "0.01"}},
        {"precision": {"price": "0", "amount": "0.1"}},
        {"precision": {"price": 0.01, "amount": "0.1"}},
        {"precision": {"price": "-0.01", "amount": "0.1"}},
    ]
    markets = {str(n): {**good, **one} for n, one in enumerate(spoilt)}
    markets["good"] = good
    markets["swap"] = {**good, "spot": False}
    found, left_out = market_rules(markets)
    assert (list(found), left_out) == (["BTC/USDT"], len(spoilt))


def test_what_a_venue_does_not_bound_has_the_widest_bounds() -> None:
    found, _ = market_rules({"x": {**listed("kraken"), "limits": {}, "active": None}})
    rules = found["BTC/USDT"]
    assert (rules.amount_min, rules.amount_max) == (rules.step_size, AMOUNT_MAX)
    assert (rules.notional_min, rules.active) == (0, False)


def test_the_example_is_a_symbol_of_every_venue() -> None:
    assert set(NAMES) == set(MARKET_IDS) - {"coinbase"}
    assert symbol("BTC", "USDT", "0.01", "0.00001")["symbol"] == MARKET_IDS["binance"]


@pytest.mark.parametrize("digits", ["30000000", 30_000_000, 10**30, "-30000000", "x", None, 1.5])
def test_a_number_of_digits_that_no_venue_has_is_none_at_once(
    wires: Mapping[str, Wire], digits: object
) -> None:
    """The client would write them out one by one, and nothing else could happen meanwhile."""
    client = wires["binance"].gateway.ccxt
    assert client.parse_precision(digits) is None
    assert client.parse_precision("8") == "0.00000001"
