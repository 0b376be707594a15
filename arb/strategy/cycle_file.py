"""Read a file of cycles: comma-separated rows of currencies, each with a fee and a threshold or none.

base,inter,quote,pair1,pair2,pair3,fee_bps,min_profit_bps
BTC,ETH,USDT,BTC/ETH,ETH/USDT,USDT/BTC,10,7
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Final

from msgspec import Struct

from arb.limits import CYCLE_FILE_BYTES_MAX, CYCLE_LINE_CHARS_MAX, CYCLE_ROWS_MAX
from arb.market.listed import CycleRow
from arb.strategy.bounds import Number, currency_complaint, shown
from arb.strategy.cycle_columns import (
    FEE,
    PROFIT,
    Columns,
    Field,
    is_header,
    read_header,
    split_fields,
)
from arb.strategy.schema import FEE_BPS_MAX, LEGS_MAX, PROFIT_BPS_MAX, PROFIT_BPS_MIN
from arb.strategy.source import Place, Problem, Source, read_source, split_lines

_BYTE_ORDER_MARK: Final = "\ufeff"  # spreadsheets begin a file with it
_NUMBER: Final = re.compile(r"[+-]?\d{1,18}(?:\.\d{1,18})?", re.ASCII)
_ODD_NUMBER: Final = re.compile(
    r"[+-]?(?:[\d.]+e[+-]?\d+|s?nan\d*|inf(?:inity)?)", re.IGNORECASE
)  # not a number of ours, and certainly not a currency
_BOUNDS: Final = {
    FEE: Number(at_least=0, at_most=FEE_BPS_MAX),
    PROFIT: Number(at_least=PROFIT_BPS_MIN, at_most=PROFIT_BPS_MAX),
}


class CycleFile(Struct, frozen=True):
    """The rows of a file in its order, one or more."""

    path: Path
    rows: tuple[CycleRow, ...]


def read_cycle_file(path: Path) -> CycleFile:
    """Read and check a whole file, plain or `.gz`.

    A first row that names a known column is a header: columns go by name, in any order. They are
    `base, inter, quote`, or `currency1` and so on (the last ones of a row may be empty), or `path`
    with rows such as BTC>ETH>USDT; then `fee_bps` and `min_profit_bps`, which may be empty; what
    stands in `pair1` and so on is ignored. Without a header a row's currency codes come first, then
    both numbers, in this order; fields such as BTC/ETH are ignored. Empty rows are left out.

    Raises ConfigInvalid with the place of every problem: an unreadable or empty file, an unknown
    column, a wrong code or number, a currency twice, fewer than two or too many of them.
    """
    source = read_source(path, CYCLE_FILE_BYTES_MAX)
    if source.text.startswith(_BYTE_ORDER_MARK):
        source = Source(source.name, source.text[1:])
    reader = _Reader()
    reader.read(split_lines(source.text))
    if reader.problems:
        raise source.invalid(reader.problems)
    return CycleFile(path, tuple(reader.rows))


class _Reader:
    def __init__(self) -> None:
        self.rows: list[CycleRow] = []
        self.problems: list[Problem] = []
        self._columns: Columns | None = None

    def read(self, lines: Sequence[str]) -> None:
        """Read all lines, or up to where nothing more can be said about them."""
        filled = self._filled(lines)
        first = next(filled, None)
        if first is not None and is_header(first[1]):
            columns = read_header(*first)
            if not isinstance(columns, Columns):
                self.problems += columns
                return
            self._columns = columns
        elif first is not None:
            filled = chain([first], filled)
        for count, (line, fields) in enumerate(filled, start=1):
            if count > CYCLE_ROWS_MAX:
                self._complain(line, 1, f"a file has at most {CYCLE_ROWS_MAX} rows")
                return
            self._row(line, fields)
        if not self.rows and not self.problems:
            self.problems.append(Problem(None, "names no cycle; give rows such as BTC,ETH,USDT"))

    def _filled(self, lines: Sequence[str]) -> Iterator[tuple[int, list[Field]]]:
        for line, text in enumerate(lines, start=1):
            if len(text) > CYCLE_LINE_CHARS_MAX:
                message = f"a line has at most {CYCLE_LINE_CHARS_MAX} characters"
                self._complain(line, CYCLE_LINE_CHARS_MAX + 1, message)
            elif text.strip(", \t"):
                yield line, split_fields(text)

    def _row(self, line: int, fields: list[Field]) -> None:
        known = len(self.problems)
        if self._columns is None:
            currencies, numbers = self._by_position(line, fields)
        elif len(fields) != self._columns.width:
            found, wanted = len(fields), self._columns.width
            column = fields[min(found, wanted + 1) - 1].column
            where = f"as the header in line {self._columns.line} has"
            self._complain(line, column, f"must have {wanted} fields, {where}, was {found}")
            return
        else:
            currencies, numbers = _by_name(self._columns, fields)
        self._check_path(line, currencies, fields[0])
        fee_bps, min_profit_bps = (
            self._number(line, name, field)
            for name, field in zip((FEE, PROFIT), numbers, strict=True)
        )
        if len(self.problems) == known:
            codes = tuple(code.text for code in currencies)
            self.rows.append(CycleRow(line, codes, fee_bps, min_profit_bps))

    def _by_position(
        self, line: int, fields: Sequence[Field]
    ) -> tuple[list[Field], list[Field | None]]:
        told = [field for field in fields if not _is_pair(field.text)]
        end = next((n for n, field in enumerate(told) if _ends_path(field.text)), len(told))
        numbers: list[Field | None] = [*told[end : end + 2]]
        if len(told) > end + len(numbers):
            message = f"a row without a header ends with {FEE} and {PROFIT}; what is this?"
            self._complain(line, told[end + 2].column, message)
        return told[:end], numbers + [None] * (2 - len(numbers))

    def _check_path(self, line: int, currencies: Sequence[Field], first: Field) -> None:
        seen: list[str] = []
        for position, (column, code) in enumerate(currencies, start=1):
            complaint = currency_complaint(code)
            if complaint is not None:
                self._complain(line, column, f"currency {position} {complaint}")
            elif code in seen:
                closes = position == len(currencies) > 2 and code == seen[0]  # noqa: PLR2004
                again = "again at the end: the loop closes by itself" if closes else "twice"
                self._complain(line, column, f"a row must not name {code} {again}")
            seen.append(code)
        found = f"was {len(currencies)}"
        if len(currencies) < 2:  # noqa: PLR2004 -- a walk needs somewhere to go
            message = f"a row must name at least 2 currencies, with commas between them, {found}"
            self._complain(line, first.column, message)
        if len(currencies) > LEGS_MAX:
            message = f"a row must name at most {LEGS_MAX} currencies, {found}"
            self._complain(line, currencies[LEGS_MAX].column, message)

    def _number(self, line: int, name: str, field: Field | None) -> Decimal | None:
        if field is None or not field.text:
            return None
        if not _NUMBER.fullmatch(field.text):
            message = f"{name} must be a number such as 7.5, was {shown(field.text)}"
            self._complain(line, field.column, message)
            return None
        value = Decimal(field.text)
        complaint = _BOUNDS[name].complaint(value)
        if complaint is not None:
            self._complain(line, field.column, f"{name} {complaint}")
        return value

    def _complain(self, line: int, column: int, message: str) -> None:
        self.problems.append(Problem(Place(line, column), message))


def _by_name(columns: Columns, fields: Sequence[Field]) -> tuple[list[Field], list[Field | None]]:
    if columns.path is not None:
        column, text = fields[columns.path]
        currencies = split_fields(text, ">", column)
    else:
        currencies = [fields[place] for place in columns.currencies]
        while not columns.fixed and currencies and not currencies[-1].text:
            currencies.pop()  # a shorter path than the longest of the file
    places = (columns.fee_bps, columns.min_profit_bps)
    return currencies, [None if place is None else fields[place] for place in places]


def _is_pair(text: str) -> bool:
    codes = text.split("/")
    return len(codes) == 2 and not any(  # noqa: PLR2004 -- a pair
        currency_complaint(code) or _ends_path(code) for code in codes
    )


def _ends_path(text: str) -> bool:
    """Tell whether a field is meant as a number, NaN among them, or as one that is not told."""
    return not any(map(str.isalpha, text)) or bool(_ODD_NUMBER.fullmatch(text))
