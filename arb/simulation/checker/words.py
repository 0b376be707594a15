"""What a log is made of, as its documentation says it: rows of JSON, read with the standard library."""

import json
import sqlite3
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

Amounts = dict[str, Decimal]
ZERO = Decimal(0)


class NotALog(Exception):
    """The file is not what the documentation calls a log."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One promise that was not kept: the rule's name, and what was found."""

    rule: str
    what: str


@dataclass(frozen=True, slots=True)
class Event:
    """One row, as it is stored, with its JSON read."""

    position: int
    stream: str
    version: int
    type: str
    shape: int
    at_ns: int
    text: str
    meta: str
    command: str | None
    hash: bytes
    data: dict[str, Any]


def connect(db: Path) -> sqlite3.Connection:
    """Open a log to read it."""
    return sqlite3.connect(f"{db.absolute().as_uri()}?mode=ro", uri=True)


def read_log(db: Path) -> list[Event]:
    """Read every event, in order of position."""
    connection = connect(db)
    try:
        rows = connection.execute(
            "SELECT position, stream, version, type, shape, at_ns, data, meta, command, hash"
            " FROM events ORDER BY position"
        ).fetchall()
    finally:
        connection.close()
    return [Event(*(*row, _facts(row[0], row[6]))) for row in rows]


def _facts(position: int, text: str) -> dict[str, Any]:
    def float_found(number: str) -> object:
        raise NotALog(f"position {position} holds the float {number}")

    try:
        data = json.loads(text, parse_float=float_found, parse_constant=float_found)
    except ValueError as error:
        raise NotALog(f"position {position} holds no JSON: {error}") from error
    if not isinstance(data, dict):
        raise NotALog(f"position {position} holds no object")
    return data


def dec(value: object) -> Decimal:
    """Read an amount: a text of digits, never a number of JSON."""
    if not isinstance(value, str):
        raise NotALog(f"an amount is {value!r}, not a text")
    try:
        return Decimal(value)
    except InvalidOperation as error:
        raise NotALog(f"an amount is {value!r}") from error


def amounts(value: dict[str, object]) -> Amounts:
    """Read amounts by asset; zeros are left out."""
    return {asset: number for asset, text in value.items() if (number := dec(text))}


def add(total: Amounts, asset: str, amount: Decimal) -> None:
    """Add in place; what comes to nothing is dropped."""
    result = total.get(asset, ZERO) + amount
    if result:
        total[asset] = result
    else:
        total.pop(asset, None)


def joined(*parts: Amounts) -> Amounts:
    """Sum amounts by asset."""
    total: Amounts = {}
    for part in parts:
        for asset, amount in part.items():
            add(total, asset, amount)
    return total


def shown(some: Amounts) -> str:
    """Write amounts for a reader."""
    return ", ".join(f"{amount:f} {asset}" for asset, amount in sorted(some.items())) or "nothing"
