"""A recorded event: a fact with its place in the log."""

from typing import Final

from msgspec import Struct

from arb.events.facts import Fact

GENESIS: Final = bytes(32)


class Meta(Struct, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """Who wrote an event and why."""

    run: str = ""
    cause: str = ""
    # Set by the log on the first event of an append with a command id: how many events were appended, so that the
    # same command can be told its first result after a restart.
    batch: int = 1


class Recorded(Struct, frozen=True, gc=False):
    """One row of the log, decoded. `data` and `meta` are kept as stored: the chain is over those bytes."""

    position: int
    stream: str
    version: int
    type: str
    shape: int
    at_ns: int
    data: str
    meta: str
    command: str | None
    hash: bytes
    fact: Fact


class Head(Struct, frozen=True, gc=False):
    """The last event of a log: position 0 with the genesis hash when it is empty."""

    position: int
    hash: bytes


EMPTY: Final = Head(0, GENESIS)
