"""Client order ids that every venue accepts and that a restart can compute again.

18 characters of `[a-z2-7]`: `x`, 4 of the log's instance, 9 of the cycle number, 2 of the order number in the cycle and 2 of
check. The first letter is fixed and is not "t", because one venue strips a leading "t-".
"""

import zlib
from typing import Final, NamedTuple, NewType

from arb.errors import BadOrderId

CycleId = NewType("CycleId", str)
ClientOrderId = NewType("ClientOrderId", str)

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
_VALUES: Final = {letter: value for value, letter in enumerate(_ALPHABET)}
_PREFIX: Final = "x"
_INSTANCE_CHARS: Final = 4
_CYCLE_CHARS: Final = 9
_ORDER_CHARS: Final = 2
_CHECK_CHARS: Final = 2
_ID_CHARS: Final = 18
INSTANCE_MAX: Final = 32**_INSTANCE_CHARS - 1
CYCLE_NUMBER_MAX: Final = 32**_CYCLE_CHARS - 1
ORDER_NUMBER_MAX: Final = 32**_ORDER_CHARS - 1


class OrderKey(NamedTuple):
    """What a client order id encodes."""

    instance: str
    cycle_number: int
    order_number: int


def _encode(value: int, chars: int) -> str:
    letters = []
    for _ in range(chars):
        value, rest = divmod(value, 32)
        letters.append(_ALPHABET[rest])
    return "".join(reversed(letters))


def _check(body: str) -> str:
    return _encode(zlib.crc32(body.encode()) % 1024, _CHECK_CHARS)


def instance_from(number: int) -> str:
    """Name a log's instance (4 letters) from a number, minted once per log: random, or from a backtest's seed."""
    return _encode(number % (INSTANCE_MAX + 1), _INSTANCE_CHARS)


def client_order_id(instance: str, cycle_number: int, order_number: int) -> ClientOrderId:
    """Compute the id of a cycle's n-th order; a pure function of the log, so recovery finds the same one."""
    if len(instance) != _INSTANCE_CHARS or not set(instance) <= set(_ALPHABET):
        raise BadOrderId(f"instance {instance!r} is not {_INSTANCE_CHARS} letters of {_ALPHABET}")
    if not 0 <= cycle_number <= CYCLE_NUMBER_MAX:
        raise BadOrderId(f"cycle number {cycle_number} is outside 0..{CYCLE_NUMBER_MAX}")
    if not 0 <= order_number <= ORDER_NUMBER_MAX:
        raise BadOrderId(f"order number {order_number} is outside 0..{ORDER_NUMBER_MAX}")
    body = (
        _PREFIX
        + instance
        + _encode(cycle_number, _CYCLE_CHARS)
        + _encode(order_number, _ORDER_CHARS)
    )
    return ClientOrderId(body + _check(body))


def parse_client_order_id(text: str) -> OrderKey:
    """Read back what an id encodes; raises BadOrderId for an id that is not of this engine."""
    if len(text) != _ID_CHARS or not text.startswith(_PREFIX) or not set(text) <= set(_ALPHABET):
        raise BadOrderId(f"{text!r} is not an order id of this engine")
    body, check = text[:-_CHECK_CHARS], text[-_CHECK_CHARS:]
    if _check(body) != check:
        raise BadOrderId(f"{text!r} has a wrong check")
    instance = body[1 : 1 + _INSTANCE_CHARS]
    numbers = body[1 + _INSTANCE_CHARS :]
    cycle_number = order_number = 0
    for letter in numbers[:_CYCLE_CHARS]:
        cycle_number = cycle_number * 32 + _VALUES[letter]
    for letter in numbers[_CYCLE_CHARS:]:
        order_number = order_number * 32 + _VALUES[letter]
    return OrderKey(instance, cycle_number, order_number)


def is_ours(text: str | None) -> bool:
    """Tell whether a venue's order carries an id this engine could have made."""
    if text is None:
        return False
    try:
        parse_client_order_id(text)
    except BadOrderId:
        return False
    return True


def cycle_id(strategy: str, number: int) -> CycleId:
    """Name a cycle: the strategy and the log's counter."""
    return CycleId(f"{strategy}-{number}")


def cycle_stream(cycle: str) -> str:
    """Name the stream of a cycle."""
    return f"cycle-{cycle}"


def account_stream(venue: str, fingerprint: str) -> str:
    """Name the stream of an account."""
    return f"account-{venue}-{fingerprint}"


def strategy_stream(name: str) -> str:
    """Name the stream of a strategy."""
    return f"strategy-{name}"


def run_stream(run: str) -> str:
    """Name the stream of one process life."""
    return f"run-{run}"
