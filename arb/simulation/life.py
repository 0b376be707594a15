"""One process life: it can be struck dead between any two steps, and what it sent travels on without it."""

import asyncio
import inspect
from collections.abc import Callable, Sequence
from contextvars import Context, ContextVar
from typing import Any, Final, Protocol

from arb.errors import Indeterminate
from arb.events.log import Appended, StreamAppend
from arb.events.sqlite import SqliteLog
from arb.exchange.faults.venue import VenueWithBooks
from arb.execution.operating.control import ActResult, Request
from arb.execution.runs.building import Built

BEFORE: Final = "before"
AFTER: Final = "after"
APPEND: Final = "append"


class Around(Protocol):
    """What a life knows of its world."""

    answers: list[ActResult]

    def passing(self, life: "Life", point: str, side: str) -> None:
        """Hear that a life comes to a point; it may be struck dead there."""
        ...

    def appending(self, life: "Life", batch: Sequence[StreamAppend]) -> None:
        """Hear that something is about to be appended; may raise what the log would."""
        ...

    def durable(self, life: "Life", batch: Sequence[StreamAppend], log: SqliteLog) -> None:
        """Hear what was acknowledged, before anybody acts on it."""
        ...

    def travel(self, task: "asyncio.Future[Any]") -> None:
        """Keep what goes on when a life has ended."""
        ...


class Killed(BaseException):
    """The process is gone; nothing in it may go on."""


WHOSE: Final["ContextVar[Life | None]"] = ContextVar("whose", default=None)


class Life:
    """One process: its engine, and whether it still lives.

    Everything that runs in the context of `WHOSE` is of this process.
    """

    def __init__(self, world: Around, number: int = 1) -> None:
        self.world = world
        self.number = number
        self.dead = asyncio.Event()
        self.built: Built | None = None
        self.log: SqliteLog | None = None
        self.beside: list[Callable[[], object]] = []  # how to end what others do at the log

    @property
    def engine(self) -> Any:  # noqa: ANN401 -- tests look inside
        """The engine, once it is built."""
        assert self.built is not None
        return self.built.engine

    @property
    def parts(self) -> Any:  # noqa: ANN401 -- the same
        """What the engine is made of, once it is built."""
        assert self.built is not None
        return self.built.parts

    def breathe(self) -> None:
        """Go on, if there is life left; raises Killed."""
        if self.dead.is_set():
            raise Killed

    def strike(self) -> None:
        """End the process here: from now on nothing of it reaches the log or the venue."""
        if self.dead.is_set():
            return
        self.dead.set()
        if self.log is not None:
            self.log.break_off(Indeterminate("the process was killed"))

    def die(self) -> None:
        """Strike, from within: raises Killed."""
        self.strike()
        raise Killed

    def come_to(self, point: str, side: str) -> None:
        """Pass a point where death may wait; raises Killed."""
        self.breathe()
        self.world.passing(self, point, side)
        self.breathe()

    async def ask(self, action: str, target: str | None = None, **more: str) -> ActResult:
        """Ask something of the running engine, as an operator does."""
        assert self.built is not None
        request = Request(action=action, target=target, **more)
        result = await self.built.operator.handle(request)
        self.world.answers.append(result)
        return result


class Line:
    """A life's way to the venue: what has left goes on when the life ends."""

    def __init__(self, life: Life, venue: VenueWithBooks) -> None:
        self._life, self._venue = life, venue

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- whatever a venue has
        there = getattr(self._venue, name)
        if not inspect.iscoroutinefunction(there):
            return there

        async def call(*values: Any) -> Any:  # noqa: ANN401 -- the same
            self._life.come_to(name, BEFORE)
            loop = asyncio.get_running_loop()
            task = loop.create_task(there(*values), context=Context())
            self._life.world.travel(task)
            answer = await asyncio.shield(task)
            self._life.come_to(name, AFTER)
            return answer

        return call


class Pen:
    """A life's way to the log; it may be struck dead when its facts are durable."""

    def __init__(self, life: Life, log: SqliteLog) -> None:
        self._life, self._log = life, log

    async def append(self, batch: Sequence[StreamAppend], **more: Any) -> Appended:  # noqa: ANN401 -- passed on
        """Append, unless the process is dead."""
        self._life.come_to(APPEND, BEFORE)
        self._life.world.appending(self._life, batch)
        result = await self._log.append(batch, **more)
        self._life.breathe()
        self._life.world.durable(self._life, batch, self._log)
        self._life.come_to(APPEND, AFTER)
        return result

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- whatever a log has
        return getattr(self._log, name)
