"""Parameters of a request, of its query or of its JSON: text, each of them."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeVar

import msgspec

from arb.exchange.practice.okx_words import Rejected, blank, wrong

Row = TypeVar("Row")

ROWS_MAX: Final = 100
MS_MAX: Final = 10**14
ID_MAX: Final = 10**20
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9]{1,32}")
_NUMBER: Final = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_WHOLE: Final = re.compile(r"[0-9]{1,20}")


class Params:
    """The parameters of one request. `rows` are those of a list, one for each order."""

    def __init__(self, values: Mapping[str, str], rows: Sequence["Params"] = ()) -> None:
        self._values = values
        self.rows = rows
        self.until_ns: int | None = None  # then it is not to be executed any more

    def __contains__(self, name: str) -> bool:
        return bool(self._values.get(name))

    def text(self, name: str) -> str | None:
        """Read a parameter; None where it was not sent, or sent empty."""
        return self._values.get(name) or None

    def need(self, name: str) -> str:
        """Read a parameter that has to be there."""
        found = self.text(name)
        if found is None:
            raise blank(name)
        return found

    def one_of(self, name: str, allowed: Sequence[str]) -> str:
        """Read a word out of several."""
        found = self.need(name)
        if found not in allowed:
            raise wrong(name)
        return found

    def client_id(self) -> str | None:
        """Read a client's order id."""
        found = self.text("clOrdId")
        if found is not None and _CLIENT_ID.fullmatch(found) is None:
            raise wrong("clOrdId")
        return found

    def number(self, name: str) -> Decimal:
        """Read an amount above 0."""
        found = self.need(name)
        if _NUMBER.fullmatch(found) is None or Decimal(found) == 0:
            raise wrong(name)
        return Decimal(found)

    def whole(self, name: str) -> int | None:
        """Read a whole number; None where it was not sent."""
        found = self.text(name)
        if found is None:
            return None
        if _WHOLE.fullmatch(found) is None:
            raise wrong(name)
        return int(found)

    def limit(self, name: str = "limit", usual: int = ROWS_MAX, most: int = ROWS_MAX) -> int:
        """Read how many rows are asked for."""
        found = self.whole(name)
        if found is None:
            return usual
        if not 1 <= found <= most:
            raise wrong(name)
        return found

    def span_ms(self) -> tuple[int, int]:
        """Read `begin` and `end`, both inclusive."""
        begin, end = self.whole("begin"), self.whole("end")
        return 0 if begin is None else begin, MS_MAX if end is None else end

    def page(self) -> tuple[int, int, int]:
        """Read what ids are asked for: older than `after`, newer than `before`, and how many."""
        after, before = self.whole("after"), self.whole("before")
        return ID_MAX if after is None else after, -1 if before is None else before, self.limit()


def paged(params: Params, found: Sequence[Row], number_of: Callable[[Row], int]) -> Sequence[Row]:
    """Newest first; of those newer than an id, the ones right after it, as the venue pages."""
    after, before, most = params.page()
    shown = sorted(
        (one for one in found if before < number_of(one) < after), key=number_of, reverse=True
    )
    return shown[-most:] if "before" in params and "after" not in params else shown[:most]


def is_client_id(name: str) -> bool:
    """Tell whether a name can be a client's order id."""
    return _CLIENT_ID.fullmatch(name) is not None


def params_of_json(body: bytes) -> Params:
    """Read a request's JSON, an object or a list of them; raises Rejected."""
    if not body:
        raise Rejected("50000", "Body for POST request cannot be empty.")
    try:
        told = msgspec.json.decode(body)
    except msgspec.DecodeError:
        raise Rejected("50002", "JSON syntax error") from None
    return params_of(told)


def params_of(told: object) -> Params:
    """Read parameters out of what was decoded; raises Rejected."""
    if isinstance(told, list):
        rows = [params_of(one) for one in told]
        if any(row.rows for row in rows):
            raise Rejected("50002", "JSON syntax error")
        return Params({}, rows)
    if not isinstance(told, dict):
        raise Rejected("50002", "JSON syntax error")
    return Params({name: _text(name, value) for name, value in told.items()})


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, str | int | float):
        return str(value)
    raise wrong(name)
