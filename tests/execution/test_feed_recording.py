"""What is recorded of a feed: the markets that matter, each drain in one go, until somebody ends it."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from arb.clock import NS_PER_S
from arb.errors import ConfigInvalid
from arb.execution.process.virtual_loop import LoopClock, VirtualLoop, run_virtual
from arb.execution.runs import feed_recording
from arb.execution.runs.feed_recording import Asked, Recorded, record
from arb.execution.runs.sources import Market
from arb.feeds.generated import GeneratedMarket
from arb.feeds.live import LiveBooks
from arb.feeds.live_market import LiveMarket
from arb.feeds.recorded import RecordedMarket
from arb.strategy.loader import load
from tests.spec.command_line import paper_strategy

START_NS = 1_700_000_000 * NS_PER_S
MADE = GeneratedMarket(42)


class Scene:
    """A recorder at work on books that the test moves."""

    def __init__(self, folder: Path, loop: VirtualLoop) -> None:
        self.clock = LoopClock(loop, START_NS)
        self.books = LiveBooks(self.clock)
        self.out = folder / "books.rec.gz"
        self.stop = asyncio.Event()
        self.attended: list[str] = []
        self.said: list[str] = []
        self.strategy = load(paper_strategy(folder))

    def opened(self, *_: object) -> "Scene":
        return self

    async def __aenter__(self) -> Market:
        async def attend(markets: Any) -> frozenset[str]:
            self.attended = sorted(markets)
            return frozenset(markets)

        source = LiveMarket(self.books, MADE.markets)
        return Market(source, ("feed: live",), changes=self.books.changes, attend=attend)

    async def __aexit__(self, *_: object) -> None:
        self.books.close()

    def put(self, market: str, bid: int, number: int) -> None:
        levels = ([[bid, 1]], [[bid + 1, 2]])
        assert self.books.put(market, *levels, sequence=number)

    def begin(self, **asked: Any) -> "asyncio.Future[Recorded]":
        wish = Asked(out=self.out, **{"duration_s": None, **asked})
        told = record([self.strategy], wish, self.clock, self.stop, self.said.append)
        return asyncio.ensure_future(told)


def played(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    story: Callable[[Scene], Coroutine[Any, Any, None]],
) -> RecordedMarket:
    loop = VirtualLoop()
    scene = Scene(folder, loop)
    monkeypatch.setattr(feed_recording, "opened_market", scene.opened)
    run_virtual(loop, story(scene))
    return RecordedMarket(scene.out)


def test_books_that_came_while_nobody_looked_are_one_drain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(scene: Scene) -> None:
        scene.put("BTC/USDT", 40_000, 7)
        scene.put("ETH/USDT", 2_000, 8)
        work = scene.begin()
        await scene.clock.sleep(0.01)
        scene.put("ETH/BTC", 5, 1)
        await scene.clock.sleep(0.01)
        for number in (9, 10, 11):  # a burst: what was overtaken before anybody looked is left out
            scene.put("ETH/USDT", 2_000 + number, number)
            scene.put("BTC/USDT", 40_000 + number, number)
        await scene.clock.sleep(0.01)
        scene.books.drop("ETH/BTC")
        await scene.clock.sleep(0.01)
        scene.stop.set()
        told = await work
        assert (told.rows, told.markets) == (6, 3)
        assert told.last_ns == scene.clock.now_ns() - NS_PER_S // 100

    market = played(tmp_path, monkeypatch, story)
    assert market.damage is None
    rows = [(one.market, one.book.sequence, one.more) for one in market.changes(0)]
    assert rows[:-1] == [
        ("BTC/USDT", 7, True),
        ("ETH/USDT", 8, False),
        ("ETH/BTC", 1, False),
        ("ETH/USDT", 11, True),
        ("BTC/USDT", 11, False),
    ]
    assert market.book_at("ETH/BTC", market.last_ns) is None


def test_only_markets_that_matter_are_attended_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(scene: Scene) -> None:
        scene.put("BNB/USDT", 300, 1)
        scene.put("ETH/USDT", 2_000, 1)
        await scene.begin(duration_s=0.5)
        assert "BNB/USDT" not in scene.attended
        assert {"BTC/USDT", "ETH/BTC", "ETH/USDT"} <= set(scene.attended)

    market = played(tmp_path, monkeypatch, story)
    assert {one.market for one in market.changes(0)} == {"ETH/USDT"}


def test_a_duration_ends_it_and_what_breaks_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(scene: Scene) -> None:
        scene.put("ETH/USDT", 2_000, 1)
        began_ns = scene.clock.now_ns()
        await scene.begin(duration_s=2.5)
        assert scene.clock.now_ns() == began_ns + 2_500_000_000
        with pytest.raises(ConfigInvalid, match="exists"):
            await scene.begin(duration_s=2.5)

    assert played(tmp_path, monkeypatch, story).damage is None


def test_a_generated_market_is_written_at_once_as_it_plays(tmp_path: Path) -> None:
    loop = VirtualLoop()
    clock = LoopClock(loop, START_NS)
    said: list[str] = []

    def wish(name: str, **more: Any) -> Coroutine[Any, Any, Recorded]:
        asked = Asked(out=tmp_path / name, **{"duration_s": 3.0, **more})
        loaded = [load(paper_strategy(tmp_path, step_ms="100"))]
        return record(loaded, asked, clock, asyncio.Event(), said.append)

    async def story() -> None:
        with pytest.raises(ConfigInvalid, match="give --duration"):
            await wish("none", duration_s=None)
        await wish("a.rec.gz")
        await wish("b.rec.gz")
        await wish("all.rec.gz", all_markets=True)
        assert clock.now_ns() == START_NS

    run_virtual(loop, story())
    market = RecordedMarket(tmp_path / "a.rec.gz")
    standing = [one for one in market.changes(0) if one.at_ns == START_NS]
    assert [one.market for one in standing] == sorted(market.markets)
    assert [one.more for one in standing] == [True] * (len(standing) - 1) + [False]
    for one in market.changes(START_NS):
        assert one.book == MADE.book_at(one.market, one.at_ns)
    assert market.last_ns == START_NS + 3 * NS_PER_S
    assert (tmp_path / "a.rec.gz").read_bytes() == (tmp_path / "b.rec.gz").read_bytes()
    assert set(RecordedMarket(tmp_path / "all.rec.gz").markets) == set(MADE.markets)
