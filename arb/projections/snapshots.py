"""A whole cycle, or the account, as one text and back.

A cycle's text is put together from parts, so that a writer can keep what did not change: what it
began with, its moving part (which `metadata_json` shows too), and its orders. Every field is
written, defaults too: leaving those out would depend on whether a zero is *the* zero of the class,
and a rebuilt row could differ from the live one.
"""

from operator import attrgetter
from typing import Any, Final

import msgspec
from msgspec.structs import fields

from arb.errors import LogDamaged
from arb.machine.account import Account
from arb.machine.state import Cycle

# Not changed after CycleOpened and CycleValidated.
_FIXED: Final = (
    *("id", "number", "strategy", "config", "legs", "start_asset", "start_amount", "edge_bps"),
    *("opened_ns", "expected", "floor", "cap", "max_slippage_bps", "max_retries"),
)
_TYPES: Final[dict[str, Any]] = {field.name: field.type for field in fields(Cycle)}
_MOVING: Final = tuple(name for name in _TYPES if name not in {*_FIXED, "recent", "filed"})
_Fixed: Final[Any] = msgspec.defstruct("Fixed", [(name, _TYPES[name]) for name in _FIXED])
_Moving: Final[Any] = msgspec.defstruct("Moving", [(name, _TYPES[name]) for name in _MOVING])
_Orders: Final[Any] = msgspec.defstruct(
    "Orders", [("recent", _TYPES["recent"]), ("filed", _TYPES["filed"])]
)
_fixed_values: Final = attrgetter(*_FIXED)
_moving_values: Final = attrgetter(*_MOVING)
# Sorted keys: a fact from the log has its amounts in another order than the one that was appended.
encode_json: Final = msgspec.json.Encoder(decimal_format="string", order="deterministic").encode
_decode_cycle: Final = msgspec.json.Decoder(Cycle).decode
_decode_account: Final = msgspec.json.Decoder(Account).decode


def fixed_text(cycle: Cycle) -> str:
    """What a cycle began with, as a JSON object; it changes once more, when the cycle is validated."""
    return encode_json(_Fixed(*_fixed_values(cycle))).decode()


def moving_text(cycle: Cycle) -> str:
    """Everything else but its orders, as a JSON object."""
    return encode_json(_Moving(*_moving_values(cycle))).decode()


def snapshot_text(fixed: str, moving: str, cycle: Cycle) -> str:
    """Put a cycle's parts together."""
    orders = encode_json(_Orders(cycle.recent, cycle.filed)).decode()
    return f"{fixed[:-1]},{moving[1:-1]},{orders[1:]}"


def encode_cycle(cycle: Cycle) -> str:
    """Write a whole cycle."""
    return snapshot_text(fixed_text(cycle), moving_text(cycle), cycle)


def decode_cycle(text: str | bytes, shared: dict[Any, Any] | None = None) -> Cycle:
    """Read a whole cycle back; raises LogDamaged for a text that is not one.

    Cycles that are read with one `shared` dictionary share equal paths and names in memory.
    """
    try:
        cycle = _decode_cycle(text)
    except msgspec.DecodeError as error:
        raise LogDamaged(f"a cycle's snapshot cannot be read: {error}") from error
    if shared is not None:
        # Never numbers: 0 and Decimal("0.00") are equal, and not the same.
        cycle.legs = shared.setdefault(cycle.legs, cycle.legs)
        cycle.config = shared.setdefault(cycle.config, cycle.config)
        cycle.strategy = shared.setdefault(cycle.strategy, cycle.strategy)
    return cycle


def encode_account(account: Account) -> str:
    """Write the account."""
    return encode_json(account).decode()


def decode_account(text: str | bytes) -> Account:
    """Read the account back; raises LogDamaged for a text that is not one."""
    try:
        return _decode_account(text)
    except msgspec.DecodeError as error:
        raise LogDamaged(f"the account's snapshot cannot be read: {error}") from error
