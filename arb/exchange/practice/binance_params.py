"""Parameters of a request, read as strictly as Binance reads them."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from arb.exchange.practice.binance_words import lacking, refused
from arb.money import ZERO

MS_MAX: Final = 10**14
_ALWAYS: Final = frozenset({"timestamp", "recvWindow", "signature", "apiKey", "returnRateLimits"})
_CLIENT_ID: Final = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
_NUMBER: Final = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_WHOLE: Final = r"^[0-9]{1,20}$"
_SYMBOL: Final = r"^[A-Z0-9-_.]{1,20}$"


class Params:
    """The parameters of one request."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def allow(self, known: frozenset[str]) -> None:
        """Refuse parameters that the endpoint does not read."""
        unread = set(self._values) - known - _ALWAYS
        if unread:
            sent = len(self._values)
            text = f"Not all sent parameters were read; read '{sent - len(unread)}' parameter(s) "
            raise refused(-1104, f"{text}but was sent '{sent}'.")

    def text(self, name: str) -> str | None:
        """Read a parameter; None where it was not sent."""
        value = self._values.get(name)
        if value is not None and not value:
            raise refused(-1105, f"Parameter '{name}' was empty.")
        return value

    def need(self, name: str) -> str:
        """Read a parameter that has to be there."""
        value = self._values.get(name)
        if not value:
            raise lacking(name)
        return value

    def legal(self, name: str, value: str, pattern: str) -> str:
        """Refuse characters that do not belong there."""
        if re.fullmatch(pattern, value) is None:
            text = f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'."
            raise refused(-1100, text)
        return value

    def client_id(self, name: str) -> str | None:
        """Read a client's order id."""
        value = self.text(name)
        return None if value is None else self.legal(name, value, _CLIENT_ID)

    def symbol(self) -> str:
        """Read the symbol that has to be there."""
        return self.legal("symbol", self.need("symbol"), _SYMBOL)

    def number(self, name: str, decimals: int) -> Decimal:
        """Read an amount above 0 with at most so many decimals."""
        value = Decimal(self.legal(name, self.need(name), _NUMBER))
        exponent = value.normalize().as_tuple().exponent
        assert isinstance(exponent, int), value
        if -exponent > decimals:
            raise refused(-1111, f"Parameter '{name}' has too much precision.")
        if value <= ZERO:
            raise refused(-1013, f"Invalid {name}.")
        return value

    def whole(self, name: str) -> int | None:
        """Read a whole number; None where it was not sent."""
        value = self.text(name)
        return None if value is None else int(self.legal(name, value, _WHOLE))

    def limit(self, usual: int, most: int) -> int:
        """Read how many rows are asked for."""
        found = self.whole("limit")
        if found is None:
            return usual
        if found < 1:
            raise refused(-1130, "Data sent for parameter 'limit' is not valid.")
        return min(found, most)

    def one_of(self, name: str, allowed: tuple[str, ...], code: int, text: str) -> str:
        """Read a word out of several."""
        value = self.need(name)
        if value not in allowed:
            raise refused(code, text)
        return value

    def without(self, name: str) -> None:
        """Refuse a parameter that does not go with the others."""
        if name in self._values:
            raise refused(-1106, f"Parameter '{name}' sent when not required.")

    def flag(self, name: str) -> bool:
        """Read a switch; off where it was not sent."""
        return self._values.get(name, "false").lower() == "true"

    def span_ms(self, longest_ms: int) -> tuple[int, int]:
        """Read `startTime` and `endTime`, both inclusive; one alone spans the longest time."""
        start, end = self.whole("startTime"), self.whole("endTime")
        if start is None and end is None:
            return 0, MS_MAX
        if start is None:
            assert end is not None
            return max(end - longest_ms, 0), end
        if end is None:
            return start, start + longest_ms
        if end - start > longest_ms:
            hours = longest_ms // 3_600_000
            raise refused(-1127, f"More than {hours} hours between startTime and endTime.")
        return start, end
