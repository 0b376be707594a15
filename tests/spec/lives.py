"""One process life in a test's world: it can be struck dead, and what it sent travels on without it."""

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from arb.events import facts as f
from arb.events.sqlite import SqliteLog
from arb.exchange.faults import FaultyVenue
from arb.execution.building import Built
from arb.execution.control import ActResult, Request
from arb.execution.virtual_loop import VirtualLoop

TURNS_MAX: Final = 100_000


class Around(Protocol):
    """What a life knows of its world."""

    answers: list[ActResult]
    left: Counter[str]
    failing: Exception | None
    watchers: list[Callable[[f.Fact], None]]

    def fatal_fact(self, fact: f.Fact) -> bool: ...

    def told_of_failure(self) -> None: ...

    def travel(self, task: "asyncio.Future[Any]") -> None: ...


class Killed(BaseException):
    """The process is gone; nothing in it may go on."""


class Loop(VirtualLoop):
    """A virtual loop that notices when everybody is busy and no time passes."""

    turns = 0
    stood_ns = -1

    def skip(self, ns: int) -> None:
        """Let time pass in which nobody could do anything."""
        self._virtual.now_ns += ns

    def _run_once(self) -> None:
        if self.now_ns() != self.stood_ns:
            self.stood_ns, self.turns = self.now_ns(), 0
        self.turns += 1
        assert self.turns < TURNS_MAX, "a task is busy without waiting"
        super()._run_once()  # type: ignore[misc]


class Life:
    """One process: its engine, and whether it still lives."""

    def __init__(self, world: Around) -> None:
        self.world = world
        self.dead = asyncio.Event()
        self.built: Built | None = None

    @property
    def engine(self) -> Any:
        assert self.built is not None
        return self.built.engine

    @property
    def parts(self) -> Any:
        assert self.built is not None
        return self.built.parts

    def breathe(self) -> None:
        if self.dead.is_set():
            raise Killed

    def die(self) -> None:
        self.dead.set()
        raise Killed

    async def ask(self, action: str, target: str | None = None, **more: str) -> ActResult:
        """What an operator asks of the running engine."""
        assert self.built is not None
        request = Request(action=action, target=target, **more)
        result = await self.built.operator.handle(request)
        self.world.answers.append(result)
        return result


class Line:
    """A life's way to the venue: what has left goes on when the life ends."""

    def __init__(self, life: Life, venue: FaultyVenue) -> None:
        self._life, self._venue = life, venue

    def __getattr__(self, name: str) -> Any:
        there = getattr(self._venue, name)
        if not inspect.iscoroutinefunction(there):
            return there

        async def call(*values: Any) -> Any:
            self._life.breathe()
            self._life.world.left[name] += 1
            task = asyncio.ensure_future(there(*values))
            self._life.world.travel(task)
            answer = await asyncio.shield(task)
            self._life.breathe()
            return answer

        return call


class Pen:
    """A life's way to the log; it may be struck dead when chosen facts are durable."""

    def __init__(self, life: Life, log: SqliteLog) -> None:
        self._life, self._log = life, log

    async def append(self, batch: Sequence[Any], **more: Any) -> Any:
        self._life.breathe()
        world = self._life.world
        if world.failing is not None:
            world.told_of_failure()
            raise world.failing
        result = await self._log.append(batch, **more)
        self._life.breathe()
        for fact in (fact for one in batch for fact in one.facts):
            for watch in world.watchers:
                watch(fact)
        if any(world.fatal_fact(fact) for one in batch for fact in one.facts):
            self._life.die()
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)
