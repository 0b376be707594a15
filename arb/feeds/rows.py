"""Check one row of a recorded feed; nothing in it is believed before it is checked."""

import re
from decimal import Decimal
from typing import Final

from arb.clock import NS_PER_S
from arb.errors import BadNumber
from arb.feeds.columns import Layout
from arb.limits import FEED_NUMBERS_MAX
from arb.money import parse

NUMBER_CHARS_MAX: Final = 40
DIGITS_MAX: Final = 18  # before or behind the decimal point
TIME_NS_MAX: Final = (1 << 63) - 1  # a time in milliseconds, taken for seconds, is beyond it

FIELD_COUNT: Final = "field_count"
BAD_NAME: Final = "bad_name"
NOT_A_NUMBER: Final = "not_a_number"  # unreadable, NaN, infinite, or of too many digits
NOT_POSITIVE: Final = "not_positive"
CROSSED: Final = "crossed"
BAD_TIME: Final = "bad_time"
OUT_OF_ORDER: Final = "out_of_order"
NOT_LISTED: Final = "not_listed"

_CURRENCY: Final = re.compile(r"[A-Za-z0-9._-]{1,20}")
_USUAL_CHARS: Final = 19  # a number of digits and a point that is no longer has no more than 18
_SECONDS_DIGITS: Final = 10
_NS_DIGITS: Final = 9
_NS_ZEROS: Final = "0" * _NS_DIGITS


class RowRefused(Exception):
    """One row is not taken; where it stands is added by the reader."""

    def __init__(self, reason: str, what: str) -> None:
        super().__init__(what)
        self.reason = reason


# When, which market, bid, ask, and the sizes at both where the format has them; all of it checked.
Row = tuple[int, str, Decimal, Decimal, tuple[Decimal, Decimal] | None]


class RowParser:
    """Parses the rows of one file. Prices and names repeat, so what was checked is remembered."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._positive: dict[str, Decimal] = {}
        self._symbols: dict[tuple[str, str], str] = {}

    def parse(self, line: str) -> Row:
        """Parse a line; raises RowRefused with the first thing that is wrong with it."""
        layout = self._layout
        fields = line.split(",")
        if len(fields) != layout.width:
            what = f"expected {layout.width} columns, found {len(fields)}"
            raise RowRefused(FIELD_COUNT, what)
        time, base, quote, bid_text, ask_text, more, most = layout.pick(fields)
        symbol = self._symbols.get((base, quote)) or self._learn(base, quote)
        known, positive = self._positive.get, self._positive_number
        # A number that is known is above 0, so `or` asks for those alone that are not known.
        bid = known(bid_text) or positive(bid_text, "bid")
        ask = known(ask_text) or positive(ask_text, "ask")
        sizes = None
        if layout.sized:
            bid_size = known(more) or positive(more, "bid_size")
            sizes = (bid_size, known(most) or positive(most, "ask_size"))
        else:
            self._check_unused(more, most)
        if bid > ask:
            raise RowRefused(CROSSED, f"crossed: bid {bid_text} is above ask {ask_text}")
        return self._nanoseconds(time), symbol, bid, ask, sizes

    def _learn(self, base: str, quote: str) -> str:
        """Check a market's name the first time that it is seen."""
        symbol = f"{base}/{quote}" if self._layout.sized else base
        names = symbol.split("/")
        if len(names) != 2:  # noqa: PLR2004 -- a base and a quote
            raise RowRefused(BAD_NAME, f"symbol: {symbol!r} is not BASE/QUOTE")
        for name, what in zip(names, ("base", "quote"), strict=True):
            if not _CURRENCY.fullmatch(name):
                raise RowRefused(BAD_NAME, f"{what}: {name!r} is not a currency's name")
        if names[0] == names[1]:
            raise RowRefused(BAD_NAME, f"base and quote are both {names[0]}")
        self._symbols[base, quote] = symbol
        return symbol

    def _check_unused(self, last: str, volume: str) -> None:
        """Nothing is made of these columns, but a row that is wrong in them is a wrong row."""
        if last not in self._positive:
            self._positive_number(last, "last")
        if volume == "0" or volume in self._positive or not self._layout.voluminous:
            return
        if _number(volume, "volume", NOT_A_NUMBER) < 0:
            raise RowRefused(NOT_POSITIVE, f"volume: {volume} is below 0")

    def _positive_number(self, text: str, what: str) -> Decimal:
        if len(text) <= _USUAL_CHARS and text.replace(".", "", 1).isdigit():
            value = Decimal(text)
        else:
            value = _number(text, what, NOT_A_NUMBER)
        if value <= 0:
            raise RowRefused(NOT_POSITIVE, f"{what}: {text} is not above 0")
        if len(self._positive) >= FEED_NUMBERS_MAX:
            self._positive.clear()
        self._positive[text] = value
        return value

    def _nanoseconds(self, text: str) -> int:
        seconds, _, part = text.partition(".")
        digits = seconds + part
        if len(seconds) <= _SECONDS_DIGITS and len(part) <= _NS_DIGITS and digits.isdigit():
            at_ns = int(digits + _NS_ZEROS[len(part) :])
        else:
            value = _number(text, self._layout.time_name, BAD_TIME) * NS_PER_S
            if value < 0 or value != value.to_integral_value():
                raise self._no_time(text, "whole nanoseconds")
            at_ns = int(value)
        if at_ns > TIME_NS_MAX:
            raise self._no_time(text, "seconds")
        return at_ns

    def _no_time(self, text: str, unit: str) -> RowRefused:
        what = f"{self._layout.time_name}: {text} is not a time in {unit} since 1970"
        return RowRefused(BAD_TIME, what)


def _number(text: str, what: str, reason: str) -> Decimal:
    if len(text) > NUMBER_CHARS_MAX:
        raise RowRefused(reason, f"{what}: a number of more than {NUMBER_CHARS_MAX} characters")
    try:
        value = parse(text, what=what)
    except BadNumber as error:
        raise RowRefused(reason, str(error)) from None
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int), value
    if value.adjusted() > DIGITS_MAX or -exponent > DIGITS_MAX:
        text = f"{what}: {text} has more than {DIGITS_MAX} digits beside the point"
        raise RowRefused(reason, text)
    return value
