"""Logs that were written once are read for ever, and mean what they meant: their hashes, their states, their money."""

import asyncio
from pathlib import Path

import pytest

from arb.events import facts as f
from arb.events.envelope import Meta
from arb.events.facts import ALL_FACTS
from arb.events.log import StreamAppend
from arb.events.sqlite import LogReader, open_log
from arb.projections.audit import verify
from arb.projections.projector import Projections
from arb.projections.rebuilding import rebuild
from arb.projections.replay import replay_all
from tests.golden import add
from tests.golden.folded import HERE, folded, golden, kept, unpack
from tests.golden.stories import STORIES

# Facts that no story brings about: golden lines keep their shapes.
IN_NO_STORY = {
    "AssetsFound",
    "BreakerTripped",
    "CancelIntended",
    "CycleAbandoned",
    "CycleDeclined",
    "HeadAccepted",
    "LegResumed",
}
# The beginning of each log's last hash: whoever writes one anew changes this list as well.
HASHES = {
    "at-one-moment": "8b45163926cb7193",
    "attested": "d036556d1a0effc9",
    "killed-and-sold": "80585c59261b4176",
    "late-and-from-outside": "085bf82702522d53",
    "parked-and-unwound": "8f8d4bcdffb36f80",
    "parked-shape-1": "38e3cfa3c7315ef4",
    "short-and-halted": "d812762adec3885b",
    "third-currency": "5759151ee3787a67",
    "three-legs": "87e708d5f7880913",
    "unknown-fates": "ac01c525f067720f",
}
# Kept from a version that wrote a shape which this one only reads.
OLD = {"parked-shape-1"}


@pytest.mark.parametrize("name", golden())
def test_a_log_that_was_kept_means_what_it_meant(name: str, tmp_path: Path) -> None:
    assert folded(unpack(name, tmp_path)) == kept(name)


@pytest.mark.parametrize("name", golden())
def test_a_log_that_was_kept_is_whole(name: str, tmp_path: Path) -> None:
    """Its chain, witness, moves and money; its tables once they are written by the code of today."""
    path = unpack(name, tmp_path)
    with LogReader(path) as reader:
        replayed = replay_all(reader)
    assert replayed.last_hash.hex() == kept(name)["last_hash"]
    rebuild(path)
    assert verify(path) == []


@pytest.mark.parametrize("name", golden())
def test_a_log_that_was_kept_is_gone_on_with(name: str, tmp_path: Path) -> None:
    path = unpack(name, tmp_path)

    async def go_on() -> None:
        log = open_log(
            path, mode="paper", venue="binance", account="paper-1", instance="zzzz", run="later",
            at_ns=2 * 10**18, on_loop=True, projector=Projections(),
        )  # fmt: skip
        version = log.stream_version("run-later")
        facts = (f.NewCyclesPaused(reason="look"),)
        await log.append(
            (StreamAppend("run-later", version, facts),), at_ns=2 * 10**18, meta=Meta(run="later")
        )
        await log.close()

    asyncio.run(go_on())
    assert verify(path) == []
    now, then = folded(path), kept(name)
    assert now["events"] == then["events"] + 1
    assert now["cycles"] == then["cycles"]


def test_every_fact_and_every_shape_stands_in_a_kept_log() -> None:
    shapes = {shape for name in golden() for shape in kept(name)["shapes"]}
    wanted = {f"{one.__name__} {n}" for one in ALL_FACTS for n in range(1, one.SHAPE + 1)}
    assert {one.rsplit(" ", 1)[0] for one in wanted - shapes} == IN_NO_STORY
    assert shapes <= wanted


def test_every_end_of_a_cycle_stands_in_a_kept_log() -> None:
    ends = {cycle["end"]["outcome"] for name in golden() for cycle in kept(name)["cycles"].values()}
    assert ends >= {"completed", "missed", "refused", "liquidated", "parked"}


def test_every_story_is_kept_and_nothing_else() -> None:
    assert set(golden()) == STORIES.keys() | OLD
    assert {name: kept(name)["last_hash"][:16] for name in golden()} == HASHES


def test_a_log_is_added_once_and_never_changed(tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in HERE.rglob("*") if path.is_file()}
    assert add.main() == []
    with pytest.raises(FileExistsError):
        add.add("three-legs")
    assert {path: path.read_bytes() for path in before} == before
