"""Every venue's replies, spoilt anywhere: an answer that holds what was said, or an error of the port. Nothing else."""

import json
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb.exchange.client.gateway import Gateway
from arb.exchange.dialects.shape import Dialect
from arb.exchange.port import Balance, FillReport, OrderReport, VenueError
from arb.market.book import FeeRates
from tests.exchange import test_account_reads as account
from tests.exchange.captured import MARKET_IDS, Wire, order
from tests.exchange.loopback import ACCOUNT, EXCHANGE_INFO, NOW_MS, ORDER_ID, rested
from tests.exchange.told import okx
from tests.exchange.venue_bodies import BALANCES, body, listed, open_list, order_row, trade_row
from tests.spec.properties import examples
from tests.spec.spoiling import spoilt_anywhere

SINCE_NS = NOW_MS * 10**6 - 10**9
REQUESTS_MAX = 500  # the most pages that any reading asks for
STATUSES = st.sampled_from([200] * 9 + [400, 401, 403, 418, 429, 500, 503])
Ask = Callable[[Gateway], Awaitable[Any]]
Body = Callable[[Dialect], Any]

QUESTIONS: Mapping[str, tuple[Ask, Body]] = {
    "create": (
        lambda gateway: gateway.create(order()),
        lambda row: body(row, row.replies.created, order_row(row, created=True)),
    ),
    "order": (
        lambda gateway: gateway.order("BTC/USDT", ORDER_ID),
        lambda row: _one_order(row, row.query.by == "lists"),
    ),
    "order by the venue's id": (
        lambda gateway: gateway.order_by_exchange_id("BTC/USDT", "28"),
        lambda row: _one_order(row, row.replies.by_id),
    ),
    "open orders": (
        lambda gateway: gateway.open_orders(),
        lambda row: open_list(row, order_row(row, created=False)),
    ),
    "trades": (
        lambda gateway: gateway.trades("BTC/USDT", SINCE_NS),
        lambda row: body(row, row.replies.trades, listed(row, trade_row(row))),
    ),
    "balances": (lambda gateway: gateway.balances(), lambda row: BALANCES[row.venue]),
}  # fmt: skip
# What Binance and OKX alone tell in their own words.
OWN_QUESTIONS: Mapping[str, tuple[Ask, Mapping[str, Any]]] = {
    "fees": (
        lambda gateway: gateway.fees(),
        {
            "binance": {**ACCOUNT, **account.COMMISSION},
            "okx": okx({"taker": "-0.001", "maker": "0"}),
        },
    ),
    "changes": (
        lambda gateway: gateway.balance_changes(SINCE_NS),
        {
            "binance": [{**account.WITHDRAWAL, **account.DEPOSIT, "applyTime": NOW_MS}],
            "okx": okx(account.BILL),
        },
    ),
    "may withdraw": (
        lambda gateway: gateway.may_withdraw(),
        {"binance": {"enableWithdrawals": False}, "okx": okx({"perm": "read_only,trade"})},
    ),
    "time": (
        lambda gateway: gateway.time_ns(),
        {"binance": {"serverTime": NOW_MS}, "okx": okx({"ts": str(NOW_MS)})},
    ),
}


def _one_order(row: Dialect, listed_there: object) -> Any:
    told = order_row(row, created=False)
    if not listed_there:
        return body(row, row.replies.order, told)
    both = body(row, row.replies.open_orders, listed(row, told))
    return both if row.replies.open_orders else told


def heard(wire: Wire, ask: Ask, told: object, status: int = 200) -> Any:
    """The answer, or the error of the port that stands for it."""
    gateway, session = wire.gateway, wire.session
    rested(gateway)
    gateway._line._doubted = False
    session.asked.clear()
    session.status = status
    text = json.dumps(told)

    def answer(_: object) -> str:
        assert len(session.asked) < REQUESTS_MAX, "it asks for ever"
        return text

    session.answer = answer
    try:
        return wire.runner.run(ask(gateway))
    except VenueError as error:
        assert str(error).encode()  # noqa: PT017 -- both ends are right
        return error
    finally:
        session.status = 200


def amount(value: object) -> bool:
    """Whether it is an exact number that cannot be below zero, or not known."""
    return value is None or (isinstance(value, Decimal) and value.is_finite() and value >= 0)


def word(value: object) -> bool:
    return value is None or (isinstance(value, str) and value.isascii() and value != "")


def check(told: Any) -> None:
    """Whatever a field says, it says in its own type."""
    match told:
        case OrderReport():
            assert amount(told.amount)
            assert amount(told.filled)
            assert word(told.exchange_order_id)
            assert word(told.client_order_id)
            assert told.side in {None, "buy", "sell"}
            assert told.status in {None, "open", "closed", "canceled", "expired", "rejected"}
            assert told.venue_ns is None or type(told.venue_ns) is int
            for fill in told.fills or ():
                check(fill)
        case FillReport():
            assert all(map(amount, (told.price, told.amount, told.cost)))
            assert told.fee is None or told.fee.is_finite()
            assert word(told.trade_id)
            assert word(told.exchange_order_id)
            assert told.fee_asset != ""
        case Balance():
            assert told.free is not None
            assert told.locked is not None
            assert amount(told.free)
            assert amount(told.locked)
        case FeeRates():
            assert 0 <= told.maker < Decimal("0.5")
            assert 0 <= told.taker < Decimal("0.5")
        case dict():
            for one in told.values():
                check(one)
        case list() | tuple():
            for one in told:
                check(one)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("venue", MARKET_IDS)
def test_a_spoilt_reply_is_what_it_says_or_an_error_of_the_port(
    wires: dict[str, Wire], venue: str, question: str
) -> None:
    wire = wires[venue]
    ask, made = QUESTIONS[question]
    whole = made(wire.gateway._dialect)

    @examples(40)
    @given(spoilt_anywhere(whole), STATUSES)
    def spoil(told: object, status: int) -> None:
        check(heard(wire, ask, told, status))

    spoil()


@pytest.mark.parametrize("question", OWN_QUESTIONS)
@pytest.mark.parametrize("venue", ["binance", "okx"])
def test_a_spoilt_word_about_the_account_is_what_it_says_or_an_error(
    wires: dict[str, Wire], venue: str, question: str
) -> None:
    wire = wires[venue]
    ask, bodies = OWN_QUESTIONS[question]

    @examples(60)
    @given(spoilt_anywhere(bodies[venue]), STATUSES)
    def spoil(told: object, status: int) -> None:
        check(heard(wire, ask, told, status))

    spoil()
    assert not isinstance(heard(wire, ask, bodies[venue]), VenueError)


# Where a whole reply is no answer: what it would say cannot be known there by the means asked.
UNANSWERED = {
    ("coinbase", "order"): "it finds no order by our id",
    ("kraken", "order by the venue's id"): "it lists orders under their ids",
}


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("venue", MARKET_IDS)
def test_a_whole_reply_is_an_answer(wires: dict[str, Wire], venue: str, question: str) -> None:
    """Else the spoilt ones would prove nothing."""
    ask, made = QUESTIONS[question]
    told = heard(wires[venue], ask, made(wires[venue].gateway._dialect))
    assert isinstance(told, VenueError) == ((venue, question) in UNANSWERED), told


@examples(150)
@given(told=spoilt_anywhere(EXCHANGE_INFO))
def test_a_spoilt_list_of_markets_is_left_out_where_it_cannot_be_read(
    wires: dict[str, Wire], told: object
) -> None:
    wire = wires["binance"]
    kept = dict(wire.gateway._markets)
    found = heard(wire, lambda gateway: gateway.markets(), told)
    if isinstance(found, VenueError):
        assert wire.gateway._markets.keys() == kept.keys(), "what was known is kept"
        return
    assert found
    for market, rules in found.items():
        assert market == f"{rules.base}/{rules.quote}"
        assert all(map(amount, (rules.notional_min, rules.amount_max)))
        assert rules.tick_size > 0
        assert rules.step_size > 0
        assert rules.amount_min > 0
