"""Where a life ends: at any step of its loop, at any append, on either side of any request, or at a named point."""

from random import Random
from typing import Final

from msgspec import Struct

from arb import crashpoints
from arb.simulation.disk import FAULTS, FULL, SYNC, WRITE
from arb.simulation.life import AFTER, APPEND, BEFORE
from arb.simulation.world import STEP

CREATE: Final = "create"
ANY_CALL: Final = "call"
CALLS: Final = frozenset(
    {
        CREATE,
        "cancel",
        "order",
        "order_by_exchange_id",
        "open_orders",
        "trades",
        "balances",
        "balance_changes",
        "markets",
        "fees",
        "time_ns",
    }
)
STEPS_MAX: Final = 800
WRITES_MAX: Final = 200
SYNCS_MAX: Final = 40
APPENDS_MAX: Final = 30
CREATES_MAX: Final = 6
CALLS_MAX: Final = 60
POINTS_MAX: Final = 3


class Fate(Struct, frozen=True):
    """Strike where a life passes a point for the n-th time."""

    point: str
    side: str
    number: int
    power: bool = False  # the machine dies with it, and what was not synced may be gone

    @property
    def kind(self) -> str:
        """The point and its side, to count by."""
        return f"{self.point} {self.side}".strip()

    def is_at(self, point: str, side: str) -> bool:
        """Whether a point is of this kind."""
        if side != self.side:
            return False
        return point == self.point or (self.point == ANY_CALL and point in CALLS)


class Trouble(Struct, frozen=True):
    """From the n-th operation of a kind on, the disk does not work."""

    fault: str
    what: str
    number: int


KINDS: Final = (
    (STEP, "", STEPS_MAX),
    (WRITE, "", WRITES_MAX),
    (SYNC, "", SYNCS_MAX),
    (APPEND, BEFORE, APPENDS_MAX),
    (APPEND, AFTER, APPENDS_MAX),
    (CREATE, BEFORE, CREATES_MAX),
    (CREATE, AFTER, CREATES_MAX),
    (ANY_CALL, BEFORE, CALLS_MAX),
    (ANY_CALL, AFTER, CALLS_MAX),
    *((point, "", POINTS_MAX) for point in crashpoints.ALL),
)


def draw_fate(rng: Random) -> Fate | None:
    """Draw where the next life ends; None: where it likes."""
    if rng.random() < 0.1:  # noqa: PLR2004 -- a share of the lives
        return None
    point, side, most = rng.choice(KINDS)
    # Small numbers are likelier: most of what a start does is done early.
    power = rng.random() < 0.4  # noqa: PLR2004 -- the same
    return Fate(point, side, 1 + int(most * rng.random() ** 2), power)


def draw_trouble(rng: Random) -> Trouble | None:
    """Draw what the next life's disk does; None: it works."""
    if rng.random() >= 0.08:  # noqa: PLR2004 -- a share of the lives
        return None
    fault = rng.choice(FAULTS)
    most = WRITES_MAX if fault == FULL else SYNCS_MAX
    return Trouble(fault, WRITE if fault == FULL else SYNC, 1 + int(most * rng.random() ** 2))
