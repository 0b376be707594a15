"""Time that passes at once is the same time: what happens, in which order and when."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from arb.execution.process.virtual_loop import LoopClock, VirtualLoop, run_virtual

Trace = list[tuple[object, ...]]

# Less than the clock tells apart (a tenth of a ns) may come in another order; the examples have it where it may not.
SECONDS = st.sampled_from([-1.0, 0.0, 1e-9, 2.5e-9, 0.001, 0.001, 0.002, 0.003, 0.7, 2e5])
EVENTS = st.integers(0, 2)
SIMPLE = st.one_of(
    st.tuples(st.just("sleep"), SECONDS),
    st.tuples(st.just("sleep"), SECONDS),
    st.tuples(st.just("sleep for at most"), SECONDS, SECONDS),
    st.tuples(st.just("set"), EVENTS),
    st.tuples(st.just("wait"), EVENTS, SECONDS),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
    st.tuples(st.just("soon")),
    st.tuples(st.just("later"), SECONDS),
    st.tuples(st.just("later, but no"), SECONDS),
    st.tuples(st.just("both"), SECONDS, SECONDS),
    st.tuples(st.just("crowd"), SECONDS),
)
PROGRAM = st.recursive(
    st.lists(SIMPLE, max_size=5),
    lambda inner: st.lists(SIMPLE | st.tuples(st.just("spawn"), inner), max_size=6),
    max_leaves=4,
)
PROGRAMS = st.lists(st.tuples(st.booleans(), PROGRAM), min_size=1, max_size=4)


class SlowClock:
    """A clock that takes every step through the loop."""

    def __init__(self, loop: VirtualLoop, start_ns: int) -> None:
        self._loop = loop
        self._start_ns = start_ns

    def now_ns(self) -> int:
        return self._start_ns + self._loop.now_ns()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0))


class Stage:
    """Tasks that run programs on one loop, and the trace of what they did."""

    def __init__(self, clock_of: Callable[[VirtualLoop, int], Any]) -> None:
        self.loop = VirtualLoop()
        self.clock = clock_of(self.loop, 5)
        self.trace: Trace = []
        self.tasks: list[asyncio.Task[None]] = []
        self.stubborn = False

    def tell(self, *what: object) -> None:
        self.trace.append((*what, self.clock.now_ns()))

    def spawn(self, program: list[Any], *, stubborn: bool) -> None:
        name = len(self.tasks)
        self.tasks.append(asyncio.ensure_future(self.run(name, program, stubborn=stubborn)))

    async def run(self, name: int, program: list[Any], *, stubborn: bool) -> None:
        for at, step in enumerate(program):
            try:
                await self.do(name, step, stubborn=stubborn)
            except TimeoutError:
                self.tell(name, at, "timed out")
            except asyncio.CancelledError:
                self.tell(name, at, "cancelled")
                if not stubborn:
                    raise
            else:
                self.tell(name, at, step[0])

    async def do(self, name: int, step: Any, *, stubborn: bool) -> None:
        match step:
            case ("sleep", seconds):
                await self.clock.sleep(seconds)
            case ("sleep for at most", seconds, limit):
                await asyncio.wait_for(self.clock.sleep(seconds), limit)
            case ("both", one, two):
                await asyncio.gather(self.clock.sleep(one), asyncio.sleep(two))
            case ("set", event):
                self.events[event].set()
            case ("wait", event, limit):
                await asyncio.wait_for(self.events[event].wait(), limit)
            case ("cancel", other) if other < len(self.tasks):
                self.tasks[other].cancel()
            case ("soon",):
                self.loop.call_soon(self.tell, name, "soon")
            case ("later", seconds):
                self.loop.call_later(seconds, self.tell, name, "later")
            case ("later, but no", seconds):
                self.loop.call_later(seconds, self.tell, name, "never").cancel()
            case ("crowd", seconds):
                timers = [
                    self.loop.call_later(seconds + at % 3, self.tell, name, "crowd", at)
                    for at in range(120)
                ]
                for timer in timers[::2] + timers[1::4]:
                    timer.cancel()
            case ("spawn", program):
                self.spawn(program, stubborn=stubborn)

    async def play(self, programs: list[tuple[bool, list[Any]]]) -> None:
        self.events = [asyncio.Event() for _ in range(3)]
        for stubborn, program in programs:
            self.spawn(program, stubborn=stubborn)
        while pending := [task for task in self.tasks if not task.done()]:
            await asyncio.wait(pending)
        await asyncio.sleep(10**6)  # what was left for later
        self.tell("end")


def traced(clock_of: Callable[[VirtualLoop, int], Any], programs: Any) -> Trace:
    stage = Stage(clock_of)
    run_virtual(stage.loop, stage.play(programs))
    return stage.trace


@settings(deadline=None, max_examples=300)
@given(programs=PROGRAMS)
@example(programs=[(False, [("sleep", 0.002)]), (False, [("later", 0.002), ("sleep", 0.002)])])
@example(programs=[(True, [("cancel", 0), ("sleep", 0.7), ("sleep", 0.7)])])
@example(programs=[(False, [("later", 0.0), ("sleep", 0.0), ("sleep", 0.0)])])
@example(programs=[(False, [("later", 2.5e-9), ("sleep", 1e-9), ("sleep", 1e-10)])])
@example(programs=[(False, [("sleep", 2e5), ("sleep", 0.7)]), (False, [("sleep", 2e5)])])
@example(
    programs=[
        (False, [("sleep", 2.5e-9)]),
        (False, [("sleep for at most", 1e-10, 2.5e-9)]),
        (False, [("sleep", 2.5e-9)]),
    ]
)
@example(programs=[(False, [("crowd", 0.7), *[("sleep", 0.003)] * 5])])
def test_everything_happens_as_on_the_plain_loop(programs: Any) -> None:
    assert traced(LoopClock, programs) == traced(SlowClock, programs)


class Counting(VirtualLoop):
    turns = 0

    def _run_once(self) -> None:
        self.turns += 1
        super()._run_once()  # type: ignore[misc]


def test_a_sleeper_who_is_alone_does_not_go_through_the_loop() -> None:
    loop = Counting()
    clock = LoopClock(loop, 7)

    async def sleep_often() -> None:
        for _ in range(1_000):
            await clock.sleep(0.25)
            await clock.sleep(0)

    run_virtual(loop, sleep_often())
    assert clock.now_ns() == 7 + 250 * 10**9
    assert loop.turns < 20


@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_what_is_ready_goes_first(seconds: float) -> None:
    loop = VirtualLoop()
    clock = LoopClock(loop, 0)
    seen: list[str] = []

    async def sleep_once() -> None:
        loop.call_soon(seen.append, "ready")
        await clock.sleep(seconds)
        seen.append("slept")

    run_virtual(loop, sleep_once())
    assert seen == ["ready", "slept"]


def test_a_timer_that_is_due_by_then_goes_first() -> None:
    loop = VirtualLoop()
    clock = LoopClock(loop, 0)
    seen: list[tuple[str, int]] = []

    async def sleep_once() -> None:
        loop.call_later(1, lambda: seen.append(("timer", clock.now_ns())))
        await clock.sleep(2)
        seen.append(("slept", clock.now_ns()))

    run_virtual(loop, sleep_once())
    assert seen == [("timer", 10**9), ("slept", 2 * 10**9)]


def test_a_task_that_cancelled_itself_ends_at_its_next_sleep() -> None:
    loop = VirtualLoop()
    clock = LoopClock(loop, 0)

    async def cancel_itself() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await clock.sleep(1)

    with pytest.raises(asyncio.CancelledError):
        run_virtual(loop, cancel_itself())
    assert clock.now_ns() == 0


def test_a_loop_that_was_told_to_stop_stops() -> None:
    loop = VirtualLoop()
    clock = LoopClock(loop, 0)

    async def stop() -> None:
        loop.stop()
        await clock.sleep(1)

    with pytest.raises(RuntimeError, match="stopped before Future completed"):
        loop.run_until_complete(stop())
    assert clock.now_ns() == 0
    run_virtual(loop, asyncio.sleep(0))


@pytest.mark.parametrize("days", [100, 195, 400, 20_000])
@pytest.mark.parametrize("alone", [True, False])
def test_time_passes_also_where_a_float_tells_less_than_a_nanosecond(
    days: int, *, alone: bool
) -> None:
    loop = VirtualLoop()
    clock = LoopClock(loop, 0)

    async def sleeps() -> None:
        sleep = clock.sleep if alone else asyncio.sleep
        await sleep(days * 86_400)
        for _ in range(200):
            before_ns = clock.now_ns()
            await sleep(0.1)
            assert clock.now_ns() - before_ns == pytest.approx(10**8, abs=2_000)
        before_ns = clock.now_ns()
        await sleep(1e-9)
        assert clock.now_ns() > before_ns

    run_virtual(loop, sleeps())
