"""Take values from the JSON of a market listing; nothing in it is believed before it is checked."""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, NoReturn

from arb.market.book import MarketRules
from arb.money import ONE, ZERO, parse, plain
from arb.strategy.bounds import asset_complaint, shown

DIGITS_MAX: Final = 18  # before or behind the decimal point
AMOUNT_UNLIMITED: Final = Decimal(10**15)  # where a listing tells no largest amount
_NUMBER: Final = re.compile(r"(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_NUMBER_CHARS_MAX: Final = 50


class BadListing(Exception):
    """What is wrong with a listing; the file's name is added by the reader."""


def parse_json(data: bytes) -> object:
    """Read JSON whose numbers keep their text, so that none of them ever is a float.

    Raises BadListing for what is not JSON, holds NaN, names a key twice or is too deep.
    """
    try:
        return json.loads(
            data.decode("utf-8-sig"),
            object_pairs_hook=_each_once,
            parse_float=str,
            parse_int=str,
            parse_constant=_no_number,
        )
    except UnicodeDecodeError as error:
        raise BadListing(f"is not UTF-8 text: byte 0x{data[error.start]:02x}") from None
    except json.JSONDecodeError as error:
        message = f"line {error.lineno} column {error.colno}: is not JSON: {error.msg}"
        raise BadListing(message) from None
    except RecursionError:
        raise BadListing("expected a market listing, found JSON nested too deeply") from None


def _each_once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise BadListing(f"the key {shown(name)} stands twice in one object")
        found[name] = value
    return found


def _no_number(text: str) -> NoReturn:
    raise BadListing(f"expected a number, found {text}")


class Item:
    """One market of a listing: a JSON object, and how messages call it."""

    def __init__(self, name: str, value: object) -> None:
        self.name = name
        if not isinstance(value, dict):
            raise BadListing(
                f"{name}: expected an object with a market's rules, found {told(value)}"
            )
        self._values: Mapping[str, object] = value

    def called(self, key: str) -> "Item":
        """Call the market by one of its values from now on; its place stays in the name."""
        return Item(f"{self.name} {shown(self.text(key))}", self._values)

    def allow(self, keys: Sequence[str]) -> None:
        """Refuse any other key, and null, which is not a way to leave a key out."""
        for key in self._values:
            if key not in keys:
                what = f"unknown key {shown(key)}; known are {', '.join(keys)}"
                raise BadListing(f"{self.name}: {what}")
            self.get(key)

    def has(self, key: str) -> bool:
        """Tell whether there is a value, null not being one."""
        return self._values.get(key) is not None

    def get(self, key: str) -> object:
        """Give a value that must be there."""
        if not self.has(key):
            what = "is null" if key in self._values else "is missing"
            raise BadListing(f"{self.name}: `{key}` {what}")
        return self._values[key]

    def text(self, key: str) -> str:
        """Give a text."""
        value = self.get(key)
        return value if isinstance(value, str) else self.refuse(key, "expected a text", value)

    def flag(self, key: str) -> bool:
        """Give a yes or no."""
        value = self.get(key)
        return (
            value if isinstance(value, bool) else self.refuse(key, "expected true or false", value)
        )

    def asset(self, key: str) -> str:
        """Give a currency as the venue writes it."""
        value = self.text(key)
        complaint = asset_complaint(value)
        if complaint is not None:
            raise BadListing(f"{self.name}: `{key}` {complaint}")
        return value

    def number(self, key: str) -> Decimal:
        """Give a number that is not below zero, exactly as it is written."""
        value = self.get(key)
        fits = isinstance(value, str) and len(value) <= _NUMBER_CHARS_MAX
        if not isinstance(value, str) or not fits or not _NUMBER.fullmatch(value):
            self.refuse(key, 'expected a number such as "0.01"', value)
        number = parse(value, what=key)
        exponent = number.as_tuple().exponent
        assert isinstance(exponent, int), number
        if number.adjusted() >= DIGITS_MAX or -exponent > DIGITS_MAX:
            self.refuse(key, f"expected at most {DIGITS_MAX} digits beside the point", value)
        return Decimal(plain(number))  # without the zeros behind it that say nothing

    def number_or(self, key: str, default: Decimal) -> Decimal:
        """Give a number, or the default where the listing tells none."""
        return self.number(key) if self.has(key) else default

    def unit(self, key: str) -> Decimal:
        """Give a tick or a step, which is above zero."""
        number = self.number(key)
        if number <= 0:
            self.refuse(key, "expected a number above 0", self.get(key))
        return number

    def place(self, key: str) -> Decimal:
        """Give the unit of so many decimals: 0.01 for 2."""
        decimals = self.number(key)
        if decimals != decimals.to_integral_value() or decimals > DIGITS_MAX:
            self.refuse(key, f"expected a whole number up to {DIGITS_MAX}", self.get(key))
        return ONE.scaleb(-int(decimals))

    def choice(self, key: str, known: frozenset[str]) -> str:
        """Give one of the words that the venue is known to use here."""
        value = self.text(key)
        if value not in known:
            self.refuse(key, f"expected one of {', '.join(sorted(known))}", value)
        return value

    def items(self, key: str) -> "list[Item]":
        """Give a list of objects."""
        value = self.get(key)
        if not isinstance(value, list):
            self.refuse(key, "expected a list", value)
        return [Item(f"{self.name}: `{key}` {n}", item) for n, item in enumerate(value, start=1)]

    def refuse(self, key: str, expected: str, value: object) -> NoReturn:
        """Say what a value should have been."""
        raise BadListing(f"{self.name}: `{key}`: {expected}, found {told(value)}")

    def rules(
        self,
        *,
        base: str,
        quote: str,
        tick_size: Decimal,
        step_size: Decimal,
        amount_min: Decimal = ZERO,
        amount_max: Decimal = AMOUNT_UNLIMITED,
        notional_min: Decimal = ZERO,
        active: bool,
    ) -> MarketRules:
        """Put a market together; its name is BASE/QUOTE, and its smallest amount a step or more."""
        if base == quote:
            raise BadListing(f"{self.name}: base and quote are both {base}")
        amount_min = max(amount_min, step_size)
        if amount_max < amount_min:
            what = f"the largest amount {amount_max} is below the smallest, {amount_min}"
            raise BadListing(f"{self.name}: {what}")
        return MarketRules(
            market=f"{base}/{quote}",
            base=base,
            quote=quote,
            tick_size=tick_size,
            step_size=step_size,
            amount_min=amount_min,
            amount_max=amount_max,
            notional_min=notional_min,
            active=active,
        )


def told(value: object) -> str:
    """Say what stands there, for a message."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return shown(value)
        case list():
            return f"a list of {len(value)}"
        case dict():
            keys = ", ".join(shown(str(key), 20) for key in list(value)[:6])
            return f"an object with the keys {keys}" if keys else "an empty object"
        case _:
            return type(value).__name__
