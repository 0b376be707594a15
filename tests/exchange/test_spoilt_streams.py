"""Binance's streams, spoilt anywhere: a book that can be, or none. Nothing is raised at who hears it."""

import json
from decimal import Decimal
from typing import Any, Final

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from arb.clock import VirtualClock
from arb.exchange.client.binance_carrier import Carried, Carrier, Group
from arb.feeds.live import LiveBooks
from tests.feeds.books import check_book
from tests.spec.properties import examples
from tests.spec.spoiling import scratched, spoilt_anywhere

MARKET: Final = "BTC/USDT"
BEST: Final = {
    "stream": "btcusdt@bookTicker",
    "data": {
        "u": 400900217,
        "s": "BTCUSDT",
        "b": "50000.10",
        "B": "31.21",
        "a": "50000.20",
        "A": "40.66",
    },
}
LEVELS: Final = {
    "stream": "btcusdt@depth20@100ms",
    "data": {
        "lastUpdateId": 400900210,
        "bids": [["50000.00", "4.31"], ["49999.90", "1"]],
        "asks": [["50000.30", "12"], ["50000.40", "0.5"]],
    },
}
ANSWER: Final = {"result": None, "id": 1}
ROWS: Final = [
    {"symbol": "BTCUSDT", "bidPrice": "5", "bidQty": "1", "askPrice": "6", "askQty": "2"},
]
MESSAGES: Final = st.sampled_from([BEST, LEVELS, ANSWER])


class Line:
    """A socket that takes everything."""

    def __init__(self) -> None:
        self.ended = False

    def send(self, text: bytes) -> None:
        json.loads(text)

    def ping(self) -> None:
        pass

    def end(self) -> None:
        self.ended = True


def carried() -> tuple[Carrier, LiveBooks, Line]:
    clock = VirtualClock(1_700_000_000 * 10**9)
    books = LiveBooks(clock)
    carrier = Carrier(Group("books 0", [Carried(MARKET, "BTCUSDT")], clock), books, clock)
    carrier.socket = line = Line()
    carrier.ask(100)
    return carrier, books, line


def survives(*payloads: bytes) -> None:
    carrier, books, line = carried()
    for payload in payloads:
        carrier.text(memoryview(payload))
        book = books.book(MARKET)
        assert book is None or not line.ended, "a book stands on a connection that is over"
        if book is not None:
            check_book(book)
    assert line.ended == bool(carrier.why)


@examples(400)
@given(MESSAGES.flatmap(spoilt_anywhere), MESSAGES.flatmap(spoilt_anywhere))
@example({**BEST, "data": {**BEST["data"], "a": "NaN"}}, LEVELS)
@example({**BEST, "data": {**BEST["data"], "a": "1e999"}}, LEVELS)
@example({**BEST, "data": {**BEST["data"], "u": 10**30}}, LEVELS)
@example(LEVELS, {**LEVELS, "data": {**LEVELS["data"], "bids": [["50000.00", "-1"]]}})
def test_a_spoilt_message_makes_a_book_that_can_be_or_none(first: Any, second: Any) -> None:
    survives(json.dumps(first).encode(), json.dumps(second).encode(), json.dumps(BEST).encode())


@examples(300)
@given(
    MESSAGES.map(json.dumps).flatmap(scratched).map(lambda text: text.encode(errors="replace"))
    | st.binary(max_size=60)
)
def test_a_scratched_message_makes_a_book_that_can_be_or_none(payload: bytes) -> None:
    survives(json.dumps(LEVELS).encode(), payload, json.dumps(BEST).encode())


@examples(200)
@given(spoilt_anywhere(ROWS))
def test_best_prices_that_are_asked_for_are_books_that_can_be_or_an_error(told: object) -> None:
    carrier, books, _ = carried()
    try:
        carrier.fill(told)
    except msgspec.MsgspecError:
        return
    book = books.book(MARKET)
    if book is not None:
        check_book(book)


def test_whole_messages_make_a_book() -> None:
    carrier, books, _ = carried()
    for one in (ANSWER, LEVELS, BEST):
        carrier.text(memoryview(json.dumps(one).encode()))
    book = books.book(MARKET)
    assert book is not None
    assert [price for price, _ in book.bids][:2] == [Decimal("50000.1"), Decimal(50_000)]
