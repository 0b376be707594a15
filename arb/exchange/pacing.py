"""Our own rationing of requests: by the venue's weights, with room that only orders may use.

ccxt's limiter is one queue whose debt is repaid only while somebody waits; an order behind a poll
waits for it, and three legs in a row wait for nothing that the venue asks for.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Literal

from msgspec import Struct

from arb.clock import NS_PER_S, Clock
from arb.exchange.port import Banned

Lane = Literal["order", "resolve", "read"]

WAITING_MAX: Final = 1_000
_LANE: Final[ContextVar[Lane]] = ContextVar("lane", default="read")
# Of the ration in a window, what each lane leaves to those before it.
_KEEPS_FREE: Final[dict[Lane, float]] = {"order": 0.0, "resolve": 0.1, "read": 0.3}


class Ration(Struct, frozen=True):
    """How much weight a venue gives out in a window."""

    weight: float
    window_s: float


# Venues count differently; a row is what every account of the venue has. ccxt's own costs are in
# the same unit as the rows: 1 is the venue's cheapest request.
RATIONS: Final = {
    "binance": Ration(6_000, 60),
    "okx": Ration(20, 2),
    "bybit": Ration(50, 1),
    "mexc": Ration(500, 10),
}
RATION_OTHERS: Final = Ration(10, 1)


@contextmanager
def lane(name: Lane) -> Iterator[None]:
    """Make the requests of a block in a lane; by themselves they are reads."""
    token = _LANE.set(name)
    try:
        yield
    finally:
        _LANE.reset(token)


class Pacing:
    """Lets requests through as the venue's window has room; the order lane goes first."""

    def __init__(self, clock: Clock, ration: Ration) -> None:
        self._clock = clock
        self._ration = ration
        self._spent: deque[tuple[int, float]] = deque()  # when, weight
        self._sum = 0.0
        self._waiting = 0
        self.banned_until_ns = 0

    def ban(self, for_ns: int) -> None:
        """Let nothing through for a while; an end that stands already never gets earlier."""
        self.banned_until_ns = max(self.banned_until_ns, self._clock.now_ns() + for_ns)

    async def take(self, weight: float) -> None:
        """Wait for room for a request, then use it; raises Banned while a ban lasts."""
        name = _LANE.get()
        if self._waiting >= WAITING_MAX and name == "read":
            raise Banned(round(self._ration.window_s * NS_PER_S))
        self._waiting += 1
        try:
            while (wait_s := self._wait_s(name, weight)) > 0:
                await self._clock.sleep(wait_s)
        finally:
            self._waiting -= 1
        self._spent.append((self._clock.now_ns(), weight))
        self._sum += weight

    def _wait_s(self, name: Lane, weight: float) -> float:
        now = self._clock.now_ns()
        if now < self.banned_until_ns:
            raise Banned(self.banned_until_ns - now)
        window_ns = round(self._ration.window_s * NS_PER_S)
        while self._spent and now - self._spent[0][0] >= window_ns:
            self._sum -= self._spent.popleft()[1]
        room = self._ration.weight * (1 - _KEEPS_FREE[name])
        over = self._sum + weight - room
        if over <= 0 or not self._spent:
            return 0.0
        # Until enough of what was spent has left the window.
        for at_ns, spent in self._spent:
            over -= spent
            if over <= 0:
                return max((at_ns + window_ns - now) / NS_PER_S, 0.001)
        return self._ration.window_s


def pacing_of(venue: str, clock: Clock) -> Pacing:
    """The pacing of a venue."""
    return Pacing(clock, RATIONS.get(venue, RATION_OTHERS))
