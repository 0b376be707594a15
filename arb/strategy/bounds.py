"""What a key accepts, said beside its type in the schema: ranges, patterns, currency codes.

A bound's `complaint` completes a sentence that begins with the key: "must be at most 1, was 1.5".
None means that the value is fine.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from arb.money import plain

NUMBER_DIGITS_MAX: Final = 36  # before and after the point, each: sums and products stay exact
CODE_CHARS_MAX: Final = 20
TEXT_CHARS_MAX: Final = 4_096
PORT_MAX: Final = 65_535
# Each of them changes how orders are sent, read, or counted, which is proven for one value alone.
OPTIONS_OF_THE_ENGINE: Final = frozenset(
    {
        "adjustForTimeDifference",
        "broker",
        "brokerId",
        "createMarketBuyOrderRequiresPrice",
        "createOrder",
        "defaultType",
        "fetchBalance",
        "fetchCurrencies",
        "fetchMarkets",
        "fetchMyTrades",
        "maxRetriesOnFailure",
        "maxRetriesOnFailureDelay",
        "newOrderRespType",
        "recvWindow",
        "sandboxMode",
        "timeDifference",
        "unifiedAccount",
        "uta",
    }
)
_OPTION: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}", re.ASCII)
_CODE: Final = re.compile(r"[^\s/:,@'\"`\\]+")


def shown(text: str, chars_max: int = 60) -> str:
    """Quote a found text for a message: on one line, printable, and not longer than needed."""
    return repr(text if len(text) <= chars_max else text[:chars_max] + "...")


def digits_complaint(value: Decimal) -> str | None:
    """Say that a number has more digits than anything has; `1e400` has them all."""
    _, digits, exponent = value.as_tuple()
    power = int(exponent)
    if max(len(digits) + power, -power, len(digits)) > NUMBER_DIGITS_MAX:
        return f"must have at most {NUMBER_DIGITS_MAX} digits"
    return None


def asset_complaint(code: str) -> str | None:
    """Say what is wrong with a currency code as venues write it, some in small letters."""
    fits = len(code) <= CODE_CHARS_MAX and _CODE.fullmatch(code) and code.isprintable()
    return None if fits else f"must be a currency code such as BTC, was {shown(code)}"


def currency_complaint(code: str) -> str | None:
    """Say what is wrong with a currency code."""
    complaint = asset_complaint(code)
    if complaint is not None:
        return complaint
    if not any(char.isalnum() for char in code):
        return f"must be a currency code such as BTC, was {shown(code)}"
    if code != code.upper():
        return f"must be a currency code in upper case, was {shown(code)}"
    return None


@dataclass(frozen=True)
class Number:
    """An exact decimal, or a whole number, within a range."""

    at_least: Decimal | int | None = None
    above: Decimal | int | None = None
    at_most: Decimal | int | None = None

    def complaint(self, value: Decimal | int) -> str | None:
        """Say which end of the range the value is beyond."""
        if isinstance(value, Decimal) and not value.is_finite():
            return f"must be a finite number, was {value}"
        found = plain(Decimal(value))
        if self.above is not None and not value > self.above:
            return f"must be above {self.above}, was {found}"
        if self.at_least is not None and value < self.at_least:
            return f"must be at least {self.at_least}, was {found}"
        if self.at_most is not None and value > self.at_most:
            return f"must be at most {self.at_most}, was {found}"
        return None


@dataclass(frozen=True)
class Text:
    """A text that matches a pattern as a whole."""

    pattern: str
    means: str  # completes "must be ..."

    def complaint(self, value: str) -> str | None:
        """Say what the text should have been."""
        if re.fullmatch(self.pattern, value) is None:
            return f"must be {self.means}, was {shown(value)}"
        return None


@dataclass(frozen=True)
class Code:
    """One currency code."""

    def complaint(self, value: str) -> str | None:
        """Say what is wrong with the code."""
        return currency_complaint(value)


@dataclass(frozen=True)
class Codes:
    """A list of different currency codes."""

    count_min: int
    count_max: int
    closes: bool = False  # a cycle: the first one is reached again by itself

    def complaint(self, value: Sequence[str]) -> str | None:
        """Say which code is wrong, doubled, or that there are too few or too many."""
        if self.closes and len(value) > 1 and value[0] == value[-1]:
            return f"must not repeat {value[0]} at the end: the loop closes by itself"
        for position, code in enumerate(value):
            complaint = currency_complaint(code)
            if complaint is not None:
                return f"item {position + 1} {complaint}"
            if code in value[:position]:
                return f"must name each currency once, but {code} stands there twice"
        if len(value) < self.count_min:
            return f"must name at least {self.count_min} currencies, was {len(value)}"
        if len(value) > self.count_max:
            return f"must name at most {self.count_max} currencies, was {len(value)}"
        return None


@dataclass(frozen=True)
class Amounts:
    """Amounts by currency code, none below zero."""

    count_max: int

    def complaint(self, value: Mapping[str, Decimal]) -> str | None:
        """Say which code or amount is wrong."""
        if len(value) > self.count_max:
            return f"must name at most {self.count_max} currencies, was {len(value)}"
        for code, amount in value.items():
            complaint = currency_complaint(code)
            if complaint is not None:
                return f"key {complaint}"
            if not amount.is_finite() or amount < 0:
                return f"amount of {code} must be at least 0, was {amount:f}"
        return None


@dataclass(frozen=True)
class PerCurrency:
    """A limit above zero: one number, in the start currency, or amounts by start currency."""

    count_max: int

    def complaint(self, value: Decimal | Mapping[str, Decimal]) -> str | None:
        """Say which code or amount is wrong."""
        if isinstance(value, Decimal):
            return Number(above=0).complaint(value)
        if not value:
            return "must name at least 1 currency, was empty"
        for code, amount in value.items():
            if amount.is_finite() and amount <= 0:
                return f"amount of {code} must be above 0, was {amount:f}"
        return Amounts(self.count_max).complaint(value)


@dataclass(frozen=True)
class FilePath:
    """A path of a file, relative to the strategy file's folder or to the working directory."""

    def complaint(self, value: str) -> str | None:
        """Say that it cannot be a path; the loader asks whether the file is there."""
        if not value or not value.isprintable() or len(value) > TEXT_CHARS_MAX:
            return f"must be the path of a file, was {shown(value)}"
        return None


@dataclass(frozen=True)
class Instant:
    """A moment: seconds since the Unix epoch, or an ISO 8601 time; UTC where it names no zone."""

    seconds_max: int

    def complaint(self, value: Decimal) -> str | None:
        """Say that the moment is outside of what the engine's clock can hold."""
        if not value.is_finite() or not 0 <= value <= self.seconds_max:
            return f"must be between 1970 and 2262, was {value:f}"
        return None


@dataclass(frozen=True)
class Loopback:
    """An address of this machine, `host:port`: nothing that leaves it is ever meant."""

    def complaint(self, value: str) -> str | None:
        """Say that it is no address, or one of another machine."""
        host, _, port = value.rpartition(":")
        if not host or not port.isascii() or not port.isdecimal() or not 0 < int(port) <= PORT_MAX:
            return f"must be an address such as 127.0.0.1:8443, was {shown(value)}"
        bare = host.removeprefix("[").removesuffix("]")
        try:
            local = bare == "localhost" or ipaddress.ip_address(bare).is_loopback
        except ValueError:
            local = False
        if not local:
            return f"must be an address of this machine, such as 127.0.0.1:8443, was {shown(value)}"
        return None


@dataclass(frozen=True)
class Options:
    """Options of a venue's class by name: texts, whole numbers and yes/no values."""

    count_max: int

    def complaint(self, value: Mapping[str, str | int | bool]) -> str | None:
        """Say which option is not the user's to set, or that there are too many."""
        if len(value) > self.count_max:
            return f"must name at most {self.count_max} options, was {len(value)}"
        for name in value:
            if _OPTION.fullmatch(name) is None:
                return f"key must be the name of an option, was {shown(name)}"
            if name in OPTIONS_OF_THE_ENGINE:
                return f"key {name} is decided by the engine; remove it"
        return None


Bound = (
    Number | Text | Code | Codes | Amounts | PerCurrency | FilePath | Instant | Loopback | Options
)
