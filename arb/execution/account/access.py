"""Guarded access to a venue: a time limit on every call, the ban latch, and the venue's clock.

Reads are retried with backoff; a create is never retried here or anywhere else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import structlog

from arb import limits
from arb.clock import NS_PER_S, Clock
from arb.errors import ArbError
from arb.exchange.client.ban import Ban
from arb.exchange.client.progress import watched
from arb.exchange.port import (
    Balance,
    Banned,
    KeyRevoked,
    OrderNotFound,
    Unreachable,
    Venue,
    VenueError,
)
from arb.execution.account.read_guard import ReadGuard
from arb.execution.account.silences import Silences

log = structlog.get_logger()
Answer = TypeVar("Answer")
_JUMP_NS = round(limits.CLOCK_JUMP_S_MAX * NS_PER_S)


def meant_for_us() -> bool:
    """Whether somebody asked this very task to end.

    A client lets several calls wait for one task of its own: where one of them gives up, the others
    get a cancellation too, which nobody meant for them.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Access:
    """One venue as the engine may use it."""

    def __init__(self, venue: Venue, clock: Clock) -> None:
        self.venue = venue
        self.clock = clock
        self._ban = Ban(clock)  # of the whole venue
        self.silences = Silences(clock)
        self.held = False  # whether the account ever held anything
        self.key_revoked: KeyRevoked | None = None  # then nothing is sent and nothing can be read
        self._offset_ns: int | None = None  # venue's clock - ours
        self._believed_ns: int | None = None  # the same, also once it is too old to go by
        self._offset_read_ns = 0
        self._apart_ns = 0  # our wall time - our monotonic time, before that reading

    @property
    def banned(self) -> bool:
        """Whether the venue told us to be silent: nothing is sent and nothing is polled."""
        return self._ban.left_ns() > 0

    @property
    def banned_until_ns(self) -> int:
        """When the ban ends, as our clock stands now."""
        return self._ban.until_ns()

    def latch(self, error: Banned) -> None:
        """Remember a ban, venue-wide; a later end never gets shorter."""
        self._ban.latch(error.retry_after_ns)
        log.warning("venue.banned", seconds=error.retry_after_ns / NS_PER_S)

    async def read(
        self, call: Callable[[], Awaitable[Answer]], *, timeout_s: float = limits.READ_TIMEOUT_S
    ) -> Answer:
        """Make one guarded read, at once again a few times where there is no answer.

        The time limit is each request's; all of them and all tries together have READ_WHOLE_S_MAX.
        Raises Banned at once while the latch holds, KeyRevoked as the venue says it, and Unreachable
        for everything else that is no answer, a malformed one included.
        """

        async def ask() -> Answer:
            try:
                return await call()
            except OrderNotFound as error:
                # No order was asked for: this is the answer of another request, or of none.
                raise Unreachable(f"not found: {error}") from error

        return await self.find(ask, timeout_s=timeout_s)

    async def find(
        self, call: Callable[[], Awaitable[Answer]], *, timeout_s: float = limits.READ_TIMEOUT_S
    ) -> Answer:
        """Make one guarded read of, or call about, a single order, which raises OrderNotFound too."""
        end_s = ReadGuard.whole_end_s()
        for delay_s in limits.READ_RETRY_DELAYS_S:
            try:
                return await self._read_once(call, timeout_s, end_s)
            except Unreachable as error:
                log.info("venue.read_again", error=str(error))
                await self.clock.sleep(delay_s)
        return await self._read_once(call, timeout_s, end_s)

    def _forbid_banned(self) -> None:
        if self.banned:
            raise Banned(self._ban.left_ns())

    async def _read_once(
        self, call: Callable[[], Awaitable[Answer]], timeout_s: float, end_s: float
    ) -> Answer:
        try:
            answer = await self._answer(call, timeout_s, end_s)
        except (Unreachable, Banned):
            self.silences.begin()
            raise
        except OrderNotFound:
            self.silences.end()
            raise
        self.silences.end()
        return answer

    async def _answer(
        self, call: Callable[[], Awaitable[Answer]], timeout_s: float, end_s: float
    ) -> Answer:
        self._forbid_banned()
        guard: ReadGuard | None = None
        try:
            # Not `wait_for`: before Python 3.12 it loses a cancellation that comes with the answer.
            async with asyncio.timeout(timeout_s) as timeout:
                guard = ReadGuard(timeout, timeout_s, end_s, self._forbid_banned)
                with watched(guard):
                    return await call()
        except Banned as error:
            self.latch(error)
            raise
        except KeyRevoked as error:
            self.key_revoked = error
            raise
        except (OrderNotFound, Unreachable):
            raise
        except VenueError as error:
            raise Unreachable(str(error) or type(error).__name__) from error
        except TimeoutError as error:
            raise Unreachable(f"no answer within {timeout_s:g} s") from error
        except asyncio.CancelledError as error:
            if meant_for_us():
                raise
            raise Unreachable("the client broke the call off") from error
        except ArbError:
            raise  # a defect of our own
        except Exception as error:
            # A venue's words that cannot be read are no answer; they must not end the engine.
            raise Unreachable(f"unreadable answer: {type(error).__name__}: {error}") from error
        finally:
            if guard is not None:
                guard.over = True

    async def balances(self, *, timeout_s: float = limits.READ_TIMEOUT_S) -> Mapping[str, Balance]:
        """Read every balance; one that is no finite number makes the reading no answer.

        So does an empty list where the account held something: venues tell one for a while.
        """

        async def ask() -> Mapping[str, Balance]:
            told = await self.venue.balances()
            if self.held and not told:
                raise Unreachable("no balance at all is told, and the account held something")
            for asset, balance in told.items():
                if not (balance.free.is_finite() and balance.locked.is_finite()):
                    raise Unreachable(f"unreadable balance of {asset}: {balance}")
            self.held = self.held or any(balance.total for balance in told.values())
            return told

        return await self.read(ask, timeout_s=timeout_s)

    async def read_patiently(
        self, call: Callable[[], Awaitable[Answer]], *, what: str, until_ns: int
    ) -> Answer:
        """Make guarded reads, waiting out errors and bans until a time; raises the last of them."""
        delay = limits.WAIT_FIRST_S
        tell = log.warning  # once: what comes after it is the same again
        while True:
            try:
                return await call()
            except (Unreachable, Banned) as error:
                left = (until_ns - self.clock.now_ns()) / NS_PER_S
                ban = self._ban.left_ns() / NS_PER_S
                if left <= 0 or ban > left:
                    raise
                wait = max(min(delay, left), ban)
                wait_told, left_told = round(wait, 3), round(left)
                tell(
                    "venue.retry", what=what, error=str(error), seconds=wait_told, left_s=left_told
                )
                tell = log.info
                await self.clock.sleep(wait)
                delay = min(delay * 2, limits.WAIT_MAX_S)

    async def venue_time_ns(self) -> int:
        """Read the venue's clock now, and learn the offset.

        One that jumped is believed where a second reading agrees with it: a single one may be wrong.
        Raises Unreachable where no two agree.
        """
        seen = [] if self._believed_ns is None else [self._believed_ns]
        for _ in range(limits.CLOCK_READS_MAX):
            answer, offset, at_ns, apart_ns = await self._read_clock()
            if not seen or any(abs(offset - one) <= _JUMP_NS for one in seen):
                self._offset_ns = self._believed_ns = offset
                self._offset_read_ns, self._apart_ns = at_ns, apart_ns
                return answer
            log.warning("venue.clock_jumped", seconds=(offset - seen[0]) / NS_PER_S)
            seen.append(offset)
        raise Unreachable("the venue's clock says something else each time")

    async def _read_clock(self) -> tuple[int, int, int, int]:
        """The venue's time, how far it is from ours, when it was read, and how far ours was from monotonic time."""

        async def ask() -> tuple[int, int, int, int]:
            asked, apart_ns = self.clock.now_ns(), self._wall_apart_ns()
            answer = int(await self.venue.time_ns())
            now = self.clock.now_ns()
            return answer, answer - (asked + now) // 2, now, apart_ns

        return await self.read(ask)

    def assume_ban(self, *, banned: bool) -> None:
        """Take the venue to have told us to be silent at this moment, or not."""
        self._ban = Ban(self.clock)
        self._ban.latch(int(banned))

    def assume_clock(self, venue_ns: int | None) -> None:
        """Take the venue's clock to be this one now; None: it was not read for too long."""
        now = self.clock.now_ns()
        self._offset_ns = None if venue_ns is None else venue_ns - now
        self._offset_read_ns, self._apart_ns = now, self._wall_apart_ns()

    def doubt_clock(self) -> None:
        """Forget the offset: the next one who needs the venue's clock reads it anew."""
        self._offset_ns = None

    def venue_time_estimate_ns(self) -> int | None:
        """Estimate the venue's clock from the last reading; None when that is too old."""
        now = self.clock.now_ns()
        age_max = round(limits.CLOCK_READ_AGE_S_MAX * NS_PER_S)
        if self._offset_ns is None or not 0 <= now - self._offset_read_ns <= age_max:
            return None  # too old, or read before our clock was set back
        set_max = round(limits.CLOCK_SET_S_MAX * NS_PER_S)
        if abs(self._wall_apart_ns() - self._apart_ns) > set_max:
            return None  # our clock was set: an order would be signed ahead, or behind
        return now + self._offset_ns

    def _wall_apart_ns(self) -> int:
        """How far our wall time is ahead of our monotonic time: it changes where the clock is set."""
        return self.clock.now_ns() - self.clock.monotonic_ns()
