"""Exact money: `Decimal` with enough digits that sums and products of venue amounts never round by accident.

Importing this module sets the decimal context of the process (60 digits, traps on): the usual 28 digits would round the
product of a 15-digit price and a 15-digit amount without a word.
"""

import decimal
import re
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_UP, Decimal
from typing import Final

from arb.errors import BadNumber

PRECISION_DIGITS: Final = 60
ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
BPS: Final = Decimal(10_000)

_TRAPS: Final = [
    decimal.InvalidOperation,
    decimal.DivisionByZero,
    decimal.Overflow,
    decimal.FloatOperation,
]
CONTEXT: Final = decimal.Context(
    prec=PRECISION_DIGITS, rounding=decimal.ROUND_HALF_EVEN, traps=_TRAPS
)

# A whole string that is such a number, of a size that money can have.
_EXPONENT: Final = re.compile(r'"(-?\d+(?:\.\d+)?E[+-]\d{1,2})"')

# New threads start from DefaultContext; this thread has its own already.
decimal.DefaultContext.prec = PRECISION_DIGITS
for _trap in _TRAPS:
    decimal.DefaultContext.traps[_trap] = True
decimal.setcontext(CONTEXT)


def parse(text: str, *, what: str = "amount") -> Decimal:
    """Read a finite decimal from text.

    Raises BadNumber for anything else: NaN, infinity, an empty string, a float that lost its text.
    """
    if not isinstance(text, str):
        raise BadNumber(f"{what}: expected text such as '0.25', found {text!r}")
    try:
        value = Decimal(text)
    except decimal.InvalidOperation:
        raise BadNumber(f"{what}: {text!r} is not a number") from None
    if not value.is_finite():
        raise BadNumber(f"{what}: {text!r} is not a finite number")
    return value


def plain(value: Decimal) -> str:
    """Write a decimal without an exponent and without trailing zeros: `0.00000001`, never `1E-8`."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def written_out(json_text: str) -> str:
    """Write out every number of a JSON text that stands there with an exponent, to its last zero.

    Not for the data of events, which keep the bytes that their hashes were made of.
    """
    if "E-" not in json_text and "E+" not in json_text:  # nearly always
        return json_text
    return _EXPONENT.sub(lambda found: f'"{Decimal(found[1]):f}"', json_text)


def floor_to(value: Decimal, unit: Decimal) -> Decimal:
    """Round down (towards minus infinity) to a whole number of units; a unit is a step or tick size above zero."""
    return (value / unit).to_integral_value(ROUND_FLOOR) * unit


def ceil_to(value: Decimal, unit: Decimal) -> Decimal:
    """Round up (towards plus infinity) to a whole number of units."""
    return (value / unit).to_integral_value(ROUND_CEILING) * unit


def is_multiple(value: Decimal, unit: Decimal) -> bool:
    """Tell whether a value is a whole number of units."""
    return value % unit == 0


def truncate(value: Decimal, unit: Decimal) -> Decimal:
    """Round towards zero at the unit's decimals, for example `Decimal('1E-8')`."""
    return value.quantize(unit, ROUND_DOWN)


def round_up(value: Decimal, unit: Decimal) -> Decimal:
    """Round away from zero at the unit's decimals."""
    return value.quantize(unit, ROUND_UP)
