"""Our own rationing of requests: by the venue's weights, with room that only orders may use.

ccxt's limiter is one queue whose debt is repaid only while somebody waits: an order behind a poll
waits for the poll, and three legs in a row wait for nothing that the venue asks for. Here a request
waits only while the venue's own windows are full, and each lane leaves room to those before it.
"""

import asyncio
import math
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Final, Literal

from msgspec import Struct

from arb.clock import NS_PER_S, Clock
from arb.exchange.client.ban import Ban
from arb.exchange.port import Banned, NotSent

# order: creates, cancels, unwinding. resolve: what became of an order. read: polls and scans.
Lane = Literal["order", "resolve", "read"]

LANES: Final[tuple[Lane, ...]] = ("order", "resolve", "read")  # the first goes first
WAITING_MAX: Final = 1_000  # in each lane
_TICK_S: Final = 0.001
LOOK_AGAIN_S: Final = 1.0  # at most, while waiting: a ban or a correction may have come
ORDER_PATIENCE_NS: Final = NS_PER_S // 2  # what an order was decided on is over by then
# Of the ration in a window, what each lane leaves to those before it.
_KEEPS_FREE: Final[dict[Lane, float]] = {"order": 0.0, "resolve": 0.1, "read": 0.3}
_LEGS: Final = 3  # requests of the usual price that are kept for orders, where the ration is small
_SLICES: Final = 1_000  # of a window: what is spent within one is remembered together
_MILLI: Final = 1_000  # weights are counted in whole thousandths

_LANE: Final[ContextVar[Lane]] = ContextVar("lane", default="read")
_ORDERS: Final[ContextVar[int]] = ContextVar("orders", default=0)
_ENDPOINT: Final[ContextVar[str]] = ContextVar("endpoint", default="")
_NO_ORDERS: Final = 0
_PATIENCE_NS: Final[ContextVar[int | None]] = ContextVar("patience_ns", default=None)


class Allowance(Struct, frozen=True):
    """How many orders a venue takes in a window."""

    orders: int
    window_s: float
    told_in: str = ""  # the header of a reply that says how many the account has sent


class Ration(Struct, frozen=True):
    """How much weight a venue gives out in a window, and how many orders it takes."""

    weight: float
    window_s: float
    orders: tuple[Allowance, ...] = ()
    per_cost: float = 1  # the venue's weight of what ccxt calls a cost of 1
    apart: bool = False  # each endpoint has all of this for itself


# A row is what every account of the venue has. Binance's weights are five times ccxt's costs; the
# other rows are in ccxt's costs. OKX rations each endpoint by itself, at 60 in 2 s for the busy ones,
# whose cost is a third.
RATIONS: Final = {
    "binance": Ration(
        6_000,
        60,
        (Allowance(100, 10, "x-mbx-order-count-10s"), Allowance(200_000, 86_400)),
        per_cost=5,
    ),
    "okx": Ration(20, 2, (Allowance(60, 2),), apart=True),
    "bybit": Ration(50, 1, (Allowance(10, 1),)),
    "bitget": Ration(20, 1, (Allowance(10, 1),)),
    "coinbase": Ration(25, 1, (Allowance(10, 1),)),
    "gate": Ration(20, 1, (Allowance(10, 1),)),
    "kraken": Ration(10, 10, (Allowance(15, 15),)),
    "kucoin": Ration(1_000, 10, (Allowance(30, 3),)),
    "mexc": Ration(200, 10, (Allowance(5, 1),)),
}
RATION_OTHERS: Final = Ration(10, 1, (Allowance(5, 1),))
USED_WEIGHT_HEADER: Final = "x-mbx-used-weight-1m"  # Binance: what this address used in the minute


@contextmanager
def lane(
    name: Lane, *, orders: int | None = None, patience_ns: int | None = None
) -> Iterator[None]:
    """Make the requests of a block in a lane; by themselves they are reads.

    `orders` is how many orders each request of the block is in the venue's eyes. Where it is not
    said, everything in the order lane counts as one: rather too many than too few. `patience_ns` is
    how long a request waits for its turn before it is not sent at all; None: as long as it takes.
    """
    counted = (1 if name == "order" else _NO_ORDERS) if orders is None else orders
    token, of_orders = _LANE.set(name), _ORDERS.set(counted)
    patience = _PATIENCE_NS.set(patience_ns)
    try:
        yield
    finally:
        _PATIENCE_NS.reset(patience)
        _ORDERS.reset(of_orders)
        _LANE.reset(token)


class _Window:
    """What was spent in the last `window_s`, in whole numbers, in a bounded number of pieces."""

    def __init__(self, size: int, window_s: float) -> None:
        self.size = size
        self._window_ns = round(window_s * NS_PER_S)
        self._slice_ns = self._window_ns // _SLICES
        self._spent: deque[tuple[int, int, int]] = deque()  # first moment, last moment, amount
        self.sum = 0

    def wait_ns(self, now_ns: int, amount: int, room: int, ahead: int = 0) -> int:
        """How long until this amount fits after what is ahead of it; what is larger than the room has it for itself."""
        if self._spent and now_ns < self._spent[-1][0]:
            # The clock was set back: nothing of what was spent may seem to be of times to come.
            self._spent = deque([(now_ns, now_ns, self.sum)])
        while self._spent and now_ns - self._spent[0][1] >= self._window_ns:
            self.sum -= self._spent.popleft()[2]
        over = self.sum + ahead + min(amount, room) - room
        if over <= 0:
            return 0
        for _, last_ns, spent in self._spent:
            over -= spent
            if over <= 0:
                return last_ns + self._window_ns - now_ns
        if ahead:
            return self._window_ns  # at least: what is ahead was not even sent
        raise AssertionError(f"{self.sum} is more than was spent")

    def spend(self, now_ns: int, amount: int) -> None:
        """Remember it at its moment; pieces that are close together count as the last of them."""
        if amount <= 0:
            return
        self.sum += amount
        if self._spent and now_ns - self._spent[-1][0] < self._slice_ns:
            first_ns, last_ns, spent = self._spent[-1]
            self._spent[-1] = (first_ns, max(last_ns, now_ns), spent + amount)
        else:
            self._spent.append((now_ns, now_ns, amount))

    def correct(self, now_ns: int, used: int) -> None:
        """Believe that more was used; where less is told, some of ours is on its way."""
        self.wait_ns(now_ns, 0, self.size)
        self.spend(now_ns, used - self.sum)


class _Waiter:
    """One request in a lane's queue; woken when it is the first."""

    def __init__(self, amount: int, orders: int, until_ns: int | None) -> None:
        self.amount = amount
        self.orders = orders
        self.until_ns = until_ns  # it is not sent later than that
        self.first = asyncio.Event()


class Pacing:
    """Lets requests through as the venue's windows have room: the order lane first, each lane in turn."""

    def __init__(self, clock: Clock, ration: Ration, ban: Ban | None = None) -> None:
        self._clock = clock
        self._ration = ration
        self._ban = Ban(clock) if ban is None else ban
        self._weights = _Window(round(ration.weight * _MILLI), ration.window_s)
        self._orders = [_Window(one.orders, one.window_s) for one in ration.orders]
        self._queues: dict[Lane, deque[_Waiter]] = {name: deque() for name in LANES}

    @property
    def used_weight(self) -> float:
        """What was spent of the ration in the window that ends now, in the venue's weights."""
        self._weights.wait_ns(self._clock.now_ns(), 0, self._weights.size)
        return self._weights.sum / _MILLI

    def waiting(self, name: Lane) -> int:
        """How many requests wait in a lane."""
        return len(self._queues[name])

    def ban(self, for_ns: int) -> None:
        """Let nothing through for a while; an end that stands already never gets earlier."""
        self._ban.latch(for_ns)
        self.wake()

    def wake(self) -> None:
        """Let everybody who waits look again at whether anything goes."""
        for queue in self._queues.values():
            for waiter in queue:
                waiter.first.set()  # to be refused now rather than when it is its turn

    def correct(self, used_weight: float) -> None:
        """Believe a venue that says more was used than we know of: others may share our address."""
        self._weights.correct(self._clock.now_ns(), round(used_weight * _MILLI))

    def note(self, headers: Mapping[str, str]) -> None:
        """Read what a reply says of the used weight and of the account's orders, where it says it.

        Others may trade with the account, and we did before a restart.
        """
        for name, value in headers.items():
            if not (value.isdecimal() and value.isascii()):
                continue
            told, count = name.lower(), int(value[:9])
            if told == USED_WEIGHT_HEADER:
                self.correct(count)
            for allowance, window in zip(self._ration.orders, self._orders, strict=True):
                if told == allowance.told_in:
                    window.correct(self._clock.now_ns(), count)

    def order_wait_ns(self, orders: int, ahead: int) -> int:
        """How long until so many orders have room, after those ahead of them."""
        now_ns = self._clock.now_ns()
        waits = [window.wait_ns(now_ns, orders, window.size, ahead) for window in self._orders]
        one = round(self._ration.per_cost * _MILLI)
        return max(0, self._weights.wait_ns(now_ns, one, self._weights.size), *waits)

    async def take(self, cost: float) -> None:
        """Wait for room for a request of this cost, then use it.

        Raises Banned while a ban lasts, and NotSent where too many wait in the lane already, or where
        room would come after the lane's patience.
        """
        if not 0 <= cost < math.inf:
            raise ValueError(f"a cost must be a number of at least 0, was {cost}")
        name = _LANE.get()
        amount = round(cost * self._ration.per_cost * _MILLI)
        patience = _PATIENCE_NS.get()
        until_ns = None if patience is None else self._clock.now_ns() + patience
        waiter = _Waiter(amount, _ORDERS.get(), until_ns)
        queue = self._queues[name]
        if len(queue) >= WAITING_MAX:
            raise NotSent(f"{len(queue)} requests wait in the {name} lane already")
        queue.append(waiter)
        try:
            await self._turn(name, queue, waiter)
        finally:
            queue.remove(waiter)
            if queue:
                queue[0].first.set()

    async def _turn(self, name: Lane, queue: deque[_Waiter], waiter: _Waiter) -> None:
        """Wait to be the first of the lane, then for room, and use it at that very moment."""
        while True:
            now_ns = self._clock.now_ns()
            banned_ns = self._ban.left_ns()
            if banned_ns:
                raise Banned(banned_ns)
            left_s = None if waiter.until_ns is None else (waiter.until_ns - now_ns) / NS_PER_S
            if left_s is not None and left_s < 0:
                raise NotSent(f"its turn came {-left_s:.1f} s too late")
            if queue[0] is not waiter:
                waiter.first.clear()
                with suppress(TimeoutError):
                    # A little longer, so that it is over then by any clock.
                    async with asyncio.timeout(None if left_s is None else left_s + _TICK_S):
                        await waiter.first.wait()
                continue
            wait_ns = self._wait_ns(name, waiter, now_ns)
            if wait_ns <= 0:
                self._weights.spend(now_ns, waiter.amount)
                for window in self._orders:
                    window.spend(now_ns, waiter.orders)
                return
            if waiter.until_ns is not None and now_ns + wait_ns > waiter.until_ns:
                raise NotSent(
                    f"the venue takes it in {wait_ns / NS_PER_S:.1f} s, which is too late"
                )
            await self._clock.sleep(min(wait_ns / NS_PER_S, LOOK_AGAIN_S))

    def _wait_ns(self, name: Lane, waiter: _Waiter, now_ns: int) -> int:
        wait_ns = self._weights.wait_ns(now_ns, waiter.amount, self._room(name))
        for before in LANES[: LANES.index(name)]:
            # Whoever is more important and waits for weight gets it first.
            for first in list(self._queues[before])[:1]:
                theirs = self._weights.wait_ns(now_ns, first.amount, self._room(before))
                wait_ns = max(wait_ns, theirs)
        if waiter.orders:
            for window in self._orders:
                wait_ns = max(wait_ns, window.wait_ns(now_ns, waiter.orders, window.size))
        return wait_ns

    def _room(self, name: Lane) -> int:
        size = self._weights.size
        if name == "order":
            return size
        usual = round(_LEGS * self._ration.per_cost * _MILLI)
        kept = max(round(size * _KEEPS_FREE[name]), min(usual, size // 2))
        return size - kept


class PacingApart:
    """The pacing of a venue that rations each endpoint by itself; a ban is for all of them."""

    def __init__(self, clock: Clock, ration: Ration) -> None:
        self._clock = clock
        self._ration = ration
        self._ban = Ban(clock)
        self._each: dict[str, Pacing] = {}  # by endpoint: a client has some dozens
        self._of_orders = Pacing(clock, ration)  # until one was sent: nothing was spent there

    async def take(self, cost: float) -> None:
        """Wait for room at the endpoint of this context, then use it; raises as `Pacing.take`."""
        name = _ENDPOINT.get()
        if name not in self._each:
            self._each[name] = Pacing(self._clock, self._ration, self._ban)
        if _ORDERS.get():
            self._of_orders = self._each[name]
        await self._each[name].take(cost)

    def order_wait_ns(self, orders: int, ahead: int) -> int:
        """As `Pacing.order_wait_ns`, at the endpoint that takes orders: looks at others cost it nothing."""
        return self._of_orders.order_wait_ns(orders, ahead)

    def ban(self, for_ns: int) -> None:
        """Let nothing through for a while."""
        self._ban.latch(for_ns)
        for pacing in self._each.values():
            pacing.wake()

    def note(self, headers: Mapping[str, str]) -> None:
        """Nothing is told of what was used."""


def at_endpoint(name: str) -> None:
    """Name the endpoint that the next request of this context goes to."""
    _ENDPOINT.set(name)


def pacing_of(venue: str, clock: Clock) -> Pacing | PacingApart:
    """The pacing of a venue."""
    ration = RATIONS.get(venue, RATION_OTHERS)
    return PacingApart(clock, ration) if ration.apart else Pacing(clock, ration)
