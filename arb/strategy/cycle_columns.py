"""The header of a cycles file: which of its columns tell a row's path and numbers."""

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from arb.strategy.bounds import shown
from arb.strategy.source import Place, Problem

FEE: Final = "fee_bps"
PROFIT: Final = "min_profit_bps"
_LEGACY: Final = ("base", "inter", "quote")
_PATH: Final = "path"
_NUMBERED: Final = re.compile(r"currency([1-9]\d?)", re.ASCII)
_PAIR: Final = re.compile(r"pair[1-9]\d?", re.ASCII)
_WAYS: Final = "base, inter, quote; or currency1, currency2 and so on; or path"


class Field(NamedTuple):
    """A field of a line without the blanks around it, and the column it begins in, from 1."""

    column: int
    text: str


class Columns(NamedTuple):
    """Where a row's values stand among its fields; the pairs of the legacy format are ignored."""

    line: int  # of the header
    width: int  # fields of every row
    currencies: tuple[int, ...]  # in the order of the path; none where one field tells it
    fixed: bool  # every one of the currencies must be told
    path: int | None  # of a field such as BTC>ETH>USDT
    fee_bps: int | None
    min_profit_bps: int | None


def split_fields(text: str, separator: str = ",", column: int = 1) -> list[Field]:
    """Split a text whose first character stands in a column."""
    fields = []
    for part in text.split(separator):
        lead = len(part) - len(part.lstrip())
        fields.append(Field(column + lead, part.strip()))
        column += len(part) + len(separator)
    return fields


def is_header(fields: Sequence[Field]) -> bool:
    """Tell whether a first row names any known column; no currency code is in lower case."""
    return any(_is_known(field.text) for field in fields)


def read_header(line: int, fields: Sequence[Field]) -> Columns | list[Problem]:
    """Find the columns by name, in any order; or tell all that is wrong with the header."""
    names = [field.text for field in fields]
    problems = [
        Problem(Place(line, field.column), complaint)
        for position, field in enumerate(fields)
        for complaint in _complaints(field.text, names[:position])
    ]
    path = _path_names(names)
    if isinstance(path, str):
        problems.append(Problem(Place(line, fields[0].column), path))
    if problems or isinstance(path, str):
        return problems
    place = {name: position for position, name in enumerate(names)}
    return Columns(
        line=line,
        width=len(names),
        currencies=tuple(place[name] for name in path),
        fixed="base" in path,
        path=place.get(_PATH),
        fee_bps=place.get(FEE),
        min_profit_bps=place.get(PROFIT),
    )


def _is_known(name: str) -> bool:
    known = name in {*_LEGACY, _PATH, FEE, PROFIT}
    return known or bool(_NUMBERED.fullmatch(name) or _PAIR.fullmatch(name))


def _complaints(name: str, before: Sequence[str]) -> Iterator[str]:
    if not name:
        yield "a column of the header has no name"
    elif not _is_known(name):
        choices = [*_LEGACY, _PATH, "currency1", FEE, PROFIT]
        near = difflib.get_close_matches(name, choices, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"known are {_WAYS}; {FEE} and {PROFIT}"
        yield f"unknown column {shown(name)}; {hint}"
    elif name in before:
        yield f"column `{name}` stands there twice"


def _path_names(names: Sequence[str]) -> list[str] | str:
    """Name the columns of the currencies, none where `path` tells them; or say what is wrong."""
    legacy = [name for name in _LEGACY if name in names]
    numbers = sorted({int(found[1]) for found in map(_NUMBERED.fullmatch, names) if found})
    ways = [bool(legacy), bool(numbers), _PATH in names]
    if sum(ways) != 1:
        return f"a header tells the path in one way: {_WAYS}"
    wanted = (
        list(_LEGACY) if legacy else [f"currency{n + 1}" for n in range(max(numbers, default=0))]
    )
    if numbers and len(wanted) < 2:  # noqa: PLR2004 -- a walk needs somewhere to go
        wanted.append("currency2")
    missing = [name for name in wanted if name not in names]
    if missing:
        return f"column `{missing[0]}` is missing"
    return wanted
