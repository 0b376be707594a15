"""Read the rows of a best-bid-ask recording; nothing in the file is believed before it is checked."""

import gzip
import re
import zlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

from msgspec import Struct

from arb.clock import NS_PER_S
from arb.errors import BadNumber, FeedInvalid
from arb.limits import FEED_FILE_BYTES_MAX
from arb.money import parse

COLUMNS: Final = ("recv_ts", "base", "quote", "bid", "bid_size", "ask", "ask_size")
LINE_BYTES_MAX: Final = 1_000
NUMBER_CHARS_MAX: Final = 40
DIGITS_MAX: Final = 18  # before or behind the decimal point
_CURRENCY: Final = re.compile(r"[A-Za-z0-9._-]{1,20}")


class Row(Struct, frozen=True, gc=False):
    """One change of a market's best bid and ask."""

    number: int  # from 1; the header is not counted
    at_ns: int
    market: str
    base: str
    quote: str
    bid: Decimal
    bid_size: Decimal
    ask: Decimal
    ask_size: Decimal


class _BadRow(Exception):
    """What is wrong with one row; where it stands is added by the reader."""


def read_rows(path: Path) -> Iterator[Row]:
    """Read a plain or `.gz` file; raises FeedInvalid as `file:line: what` at the first bad row."""
    before_ns = 0
    number = 0
    for number, line in _lines(path):
        try:
            if number == 0:
                _check_header(line)
                continue
            row = _row(number, line, before_ns)
        except _BadRow as error:
            raise FeedInvalid(f"{path}:{number + 1}: {error}") from None
        before_ns = row.at_ns
        yield row
    if number == 0:
        raise FeedInvalid(f"{path}:1: the file has no rows")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    number = -1
    read = 0
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            while raw := file.readline(LINE_BYTES_MAX + 1):
                number += 1
                read += len(raw)
                if len(raw) > LINE_BYTES_MAX:
                    raise FeedInvalid(f"{path}:{number + 1}: a line above {LINE_BYTES_MAX} bytes")
                if read > FEED_FILE_BYTES_MAX:
                    raise FeedInvalid(f"{path}:{number + 1}: above {FEED_FILE_BYTES_MAX} bytes")
                yield number, raw.decode("ascii").rstrip("\r\n")
    except UnicodeDecodeError:
        raise FeedInvalid(f"{path}:{number + 1}: a byte that is not ASCII") from None
    except EOFError:
        message = f"{path}:{number + 2}: the compressed data ends in the middle: fetch it again"
        raise FeedInvalid(message) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise FeedInvalid(f"{path}:{number + 2}: not readable as gzip: {error}") from None
    except OSError as error:
        raise FeedInvalid(f"{path}: cannot be read: {error.strerror or error}") from None


def _check_header(line: str) -> None:
    if tuple(line.split(",")) != COLUMNS:
        raise _BadRow(f"expected the columns {','.join(COLUMNS)}, found {line!r}")


def _row(number: int, line: str, before_ns: int) -> Row:
    fields = line.split(",")
    if len(fields) != len(COLUMNS):
        raise _BadRow(f"expected {len(COLUMNS)} columns, found {len(fields)}")
    base, quote = fields[1], fields[2]
    for name, what in ((base, "base"), (quote, "quote")):
        if not _CURRENCY.fullmatch(name):
            raise _BadRow(f"{what}: {name!r} is not a currency's name")
    if base == quote:
        raise _BadRow(f"base and quote are both {base}")
    bid, bid_size, ask, ask_size = (
        _positive(text, what) for text, what in zip(fields[3:], COLUMNS[3:], strict=True)
    )
    if bid > ask:
        raise _BadRow(f"crossed: bid {fields[3]} is above ask {fields[5]}")
    at_ns = _nanoseconds(fields[0])
    if at_ns < before_ns:
        raise _BadRow(f"the row is {before_ns - at_ns} ns older than the one before")
    market = f"{base}/{quote}"
    return Row(number, at_ns, market, base, quote, bid, bid_size, ask, ask_size)


def _positive(text: str, what: str) -> Decimal:
    value = _number(text, what)
    if value <= 0:
        raise _BadRow(f"{what}: {text} is not above 0")
    return value


def _nanoseconds(text: str) -> int:
    value = _number(text, "recv_ts") * NS_PER_S
    if value < 0 or value != value.to_integral_value():
        raise _BadRow(f"recv_ts: {text} is not a time in whole nanoseconds since 1970")
    return int(value)


def _number(text: str, what: str) -> Decimal:
    if len(text) > NUMBER_CHARS_MAX:
        raise _BadRow(f"{what}: a number of more than {NUMBER_CHARS_MAX} characters")
    try:
        value = parse(text, what=what)
    except BadNumber as error:
        raise _BadRow(str(error)) from None
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int), value
    if value.adjusted() > DIGITS_MAX or -exponent > DIGITS_MAX:
        raise _BadRow(f"{what}: {text} has more than {DIGITS_MAX} digits beside the point")
    return value
