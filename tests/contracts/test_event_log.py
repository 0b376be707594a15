"""What every event log does, run against each of them."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from arb.errors import BadNumber, VersionConflict
from arb.events.chain import link
from arb.events.envelope import EMPTY, Meta
from arb.events.log import Appended, EventLog, StreamAppend
from arb.events.memory import MemoryLog
from arb.limits import BATCH_EVENTS_MAX
from tests.spec.log_examples import AT_NS, FILL, META, note, open_paper, to

Story = Callable[[EventLog], Awaitable[None]]
Run = Callable[[Story], None]


@pytest.fixture(params=["memory", "sqlite in a thread", "sqlite on the loop"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    def tell(story: Story) -> None:
        async def main() -> None:
            log: EventLog
            if request.param == "memory":
                log = MemoryLog()
            else:
                log = open_paper(tmp_path / "log.db", on_loop=request.param.endswith("loop"))
            try:
                await story(log)
            finally:
                await log.close()

        asyncio.run(main())

    return tell


async def add(log: EventLog, stream: str, expected: int, *facts: Any, **more: Any) -> Appended:
    return await log.append(to(stream, expected, *facts), at_ns=AT_NS, meta=META, **more)


def test_what_was_appended_is_read_back_as_it_was(run: Run) -> None:
    async def story(log: EventLog) -> None:
        start = log.head().position
        meta = Meta(run="r7", cause="c")
        result = await log.append(to("cycle-a", 0, FILL, note("é")), at_ns=AT_NS, meta=meta)
        assert result == Appended(start + 1, start + 2)
        first, second = log.read(start)
        assert (first.position, first.stream, first.version, first.type, first.shape) == (
            start + 1, "cycle-a", 1, "OrderFilled", 1,
        )  # fmt: skip
        assert (first.fact, second.fact) == (FILL, note("é"))
        assert (second.version, second.at_ns, second.command) == (2, AT_NS, None)
        assert first.meta == second.meta == '{"run":"r7","cause":"c"}'
        assert log.head().position == start + 2
        assert log.head().hash == second.hash

    run(story)


def test_every_event_is_chained_to_the_one_before_it(run: Run) -> None:
    async def story(log: EventLog) -> None:
        for version in range(5):
            await add(log, "cycle-a", version, command_id="" if version == 2 else None)
        previous = EMPTY.hash
        for one in log.read():
            previous = link(
                previous, one.position, one.stream, one.version, one.type, one.shape, one.at_ns,
                one.data, one.meta, one.command,
            )  # fmt: skip
            assert one.hash == previous
        assert log.head().hash == previous

    run(story)


def test_a_batch_is_all_or_nothing_over_its_streams(run: Run) -> None:
    async def story(log: EventLog) -> None:
        await add(log, "cycle-b", 0)
        head = log.head()
        batch = (StreamAppend("cycle-a", 0, (note(),)), StreamAppend("cycle-b", 0, (note(),)))
        with pytest.raises(VersionConflict, match="cycle-b is at version 1"):
            await log.append(batch, at_ns=AT_NS, meta=META)
        assert log.head() == head
        assert log.stream_version("cycle-a") == 0
        await add(log, "cycle-a", 0)

    run(story)


def test_one_stream_may_stand_twice_in_a_batch_in_order(run: Run) -> None:
    async def story(log: EventLog) -> None:
        batch = (
            StreamAppend("a", 0, (note("1"), note("2"))),
            StreamAppend("b", 0, (note("3"),)),
            StreamAppend("a", 2, (note("4"),)),
        )
        await log.append(batch, at_ns=AT_NS, meta=META)
        assert [one.fact for one in log.read_stream("a")] == [note("1"), note("2"), note("4")]

    run(story)


def test_a_stale_writer_is_told_and_may_decide_again(run: Run) -> None:
    async def story(log: EventLog) -> None:
        await add(log, "cycle-a", 0)
        for wrong in (0, 2):
            with pytest.raises(VersionConflict, match=f"version {wrong} was expected"):
                await add(log, "cycle-a", wrong)
        assert (await add(log, "cycle-a", 1)).again is False

    run(story)


def test_of_writers_that_race_for_a_version_one_wins(run: Run) -> None:
    async def story(log: EventLog) -> None:
        start = log.head().position
        tries = (add(log, "cycle-a", 0, note(str(one))) for one in range(20))
        results = await asyncio.gather(*tries, return_exceptions=True)
        won = [one for one in results if isinstance(one, Appended)]
        assert won == [Appended(start + 1, start + 1)]
        assert all(isinstance(one, Appended | VersionConflict) for one in results)
        assert log.stream_version("cycle-a") == 1

    run(story)


def test_a_hundred_writers_leave_no_gap(run: Run) -> None:
    async def story(log: EventLog) -> None:
        start = log.head().position

        async def write(number: int) -> list[Appended]:
            facts = [note(), note()]
            return [await add(log, f"cycle-{number}", 2 * turn, *facts) for turn in range(10)]

        results = await asyncio.gather(*map(write, range(100)))
        given = sorted(one.first for several in results for one in several)
        assert given == list(range(start + 1, start + 2001, 2))
        records = list(log.read(start))
        assert [one.position for one in records] == list(range(start + 1, start + 2001))
        for number in range(100):
            versions = [one.version for one in records if one.stream == f"cycle-{number}"]
            assert versions == list(range(1, 21))

    run(story)


def test_a_command_appended_twice_gives_its_first_result(run: Run) -> None:
    async def story(log: EventLog) -> None:
        first = await add(log, "cycle-a", 0, note(), note(), note(), command_id="c1")
        await add(log, "cycle-a", 3)
        # The facts and versions of a repeated command do not matter: it has been carried out.
        again = await add(log, "cycle-a", 0, command_id="c1")
        assert again == Appended(first.first, first.last, again=True)
        assert log.stream_version("cycle-a") == 4
        commands = [one.command for one in log.read_stream("cycle-a")]
        assert commands == ["c1", None, None, None]

    run(story)


def test_twins_of_a_command_that_wait_together_are_one(run: Run) -> None:
    async def story(log: EventLog) -> None:
        start = log.head().position
        tries = (add(log, "cycle-a", 0, note(), note(), command_id="c1") for _ in range(9))
        results = await asyncio.gather(*tries)
        assert [(one.first, one.last) for one in results] == [(start + 1, start + 2)] * 9
        assert [one.again for one in results] == [False] + [True] * 8
        assert log.head().position == start + 2

    run(story)


def test_a_command_whose_append_was_refused_may_come_again(run: Run) -> None:
    async def story(log: EventLog) -> None:
        with pytest.raises(VersionConflict):
            await add(log, "cycle-a", 5, command_id="c1")
        assert (await add(log, "cycle-a", 0, command_id="c1")).again is False

    run(story)


@pytest.mark.parametrize(
    "wrong", [0.5, None, 7, "0.5", Decimal("NaN"), Decimal("-Infinity"), Decimal("sNaN")]
)
def test_a_number_that_is_not_exact_is_refused_alone(run: Run, wrong: object) -> None:
    async def story(log: EventLog) -> None:
        await add(log, "cycle-a", 0, FILL)
        with pytest.raises(BadNumber, match="price"):
            await add(log, "cycle-a", 1, replace(FILL, price=wrong))
        await add(log, "cycle-a", 1, FILL)
        assert log.stream_version("cycle-a") == 2

    run(story)


@pytest.mark.parametrize(
    ("batch", "at_ns", "words"),
    [
        ((), AT_NS, "1 to"),
        (to("a", 0, *[note()] * (BATCH_EVENTS_MAX + 1)), AT_NS, "1 to"),
        (to("", 0), AT_NS, "needs a name"),
        (to("a\ud800", 0), AT_NS, "surrogates"),
        (to("a", 0), -1, "at_ns"),
        (to("a", 0), 2**63, "at_ns"),
        (to("a", 0, note("x" * 1_000_001)), AT_NS, "is the most"),
    ],
)
def test_an_append_that_cannot_be_stored_is_refused_alone(
    run: Run, batch: tuple[StreamAppend, ...], at_ns: int, words: str
) -> None:
    async def story(log: EventLog) -> None:
        results = await asyncio.gather(
            add(log, "b", 0),
            log.append(batch, at_ns=at_ns, meta=META),
            add(log, "c", 0),
            return_exceptions=True,
        )
        assert isinstance(results[1], ValueError)
        assert words in str(results[1])
        assert isinstance(results[0], Appended)
        assert isinstance(results[2], Appended)

    run(story)


def test_reading_is_by_position_and_by_stream_and_in_parts(run: Run) -> None:
    async def story(log: EventLog) -> None:
        start = log.head().position
        for number in range(6):
            await add(log, f"cycle-{number % 2}", number // 2, note(str(number)))
        said = [one.fact for one in log.read(start)]
        assert said == [note(str(number)) for number in range(6)]
        assert [one.fact for one in log.read(start + 1, 2)] == said[1:3]
        assert list(log.read(start, 0)) == []
        assert list(log.read(start + 6)) == []
        assert [one.fact for one in log.read_stream("cycle-1", 1)] == [note("3"), note("5")]
        assert list(log.read_stream("cycle-9")) == []

    run(story)


def test_an_append_that_nobody_waits_for_any_more_is_still_in_the_log(run: Run) -> None:
    async def story(log: EventLog) -> None:
        waiter = asyncio.create_task(add(log, "cycle-a", 0))
        await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.wait([waiter])
        await add(log, "cycle-b", 0)
        assert log.stream_version("cycle-a") == 1

    run(story)


def test_closing_finishes_what_was_handed_over_and_then_refuses(run: Run) -> None:
    async def story(log: EventLog) -> None:
        start = log.head().position
        waiters = [asyncio.create_task(add(log, f"cycle-{one}", 0)) for one in range(10)]
        await asyncio.sleep(0)
        await log.close()
        results = await asyncio.gather(*waiters)
        assert [one.first for one in results] == list(range(start + 1, start + 11))
        with pytest.raises(RuntimeError, match="closed"):
            await add(log, "cycle-a", 0)
        await log.close()

    run(story)
