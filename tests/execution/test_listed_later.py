"""Markets that are listed, open again or become cheaper while a run goes on are traded like those of its start."""

from collections.abc import Collection
from decimal import Decimal

import pytest

from arb.events import facts as f
from arb.execution.analysis.retracing import Retraced, retrace
from arb.execution.runs.taping import Tap
from arb.feeds.recording import read_recording
from arb.market.book import FeeRates
from arb.simulation.market import book, rules
from arb.simulation.world import World as AnyWorld
from arb.simulation.world import loaded
from tests.spec.world import World

NEW = "ETH/USDC"
UNPAID = ("ETH/USDT", [("2000", "90")], [("2011", "90")])
TEXT = """\
name: late
exchange: binance
min_profit_bps: 10
max_slippage_bps: 20
capital_allocation: {mode: fixed_fraction, fraction: 0.1}
fees: {taker_bps: 10, maker_bps: 10}
"""
SOUGHT = TEXT + "lightning: {enabled: true, max_hops: 3}\n"


@pytest.fixture(autouse=True)
def _taped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every life is recorded."""

    def tap(world: AnyWorld, number: int) -> Tap:
        return Tap(world.folder / f"run{number}.rec.gz", "binance", "live", world.clock)

    monkeypatch.setattr(AnyWorld, "tap", tap)


def again(world: World) -> Retraced:
    """Decide once more on what the first life decided on."""
    return retrace(world.records(), read_recording(world.folder / "run1.rec.gz"))  # type: ignore[arg-type]


def list_market(world: World) -> None:
    """List a market that pays, with its book."""
    world.stage.markets = {**world.stage.markets, NEW: rules(NEW)}
    world.stage.put(world.now_ns(), book(NEW, [("2040", "1")], [("2041", "1")]))


def opened_on(world: World, market: str) -> list[f.CycleOpened]:
    """The cycles that were opened through a market."""
    return [one for one in world.facts(f.CycleOpened) if market in {leg.market for leg in one.legs}]


class Attending:
    """Lets the books be told that somebody asked for, as a venue's streams do, and no others."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[frozenset[str]] = []
        self._world = world
        monkeypatch.setattr(AnyWorld, "attend", lambda _world, markets: self._attend(markets))
        changes = world.stage.changes
        monkeypatch.setattr(
            world.stage, "changes",
            lambda after_ns: (one for one in changes(after_ns) if one.market in self.told),
        )  # fmt: skip

    @property
    def told(self) -> frozenset[str]:
        return frozenset().union(*self.asked)

    async def _attend(self, markets: Collection[str]) -> frozenset[str]:
        self.asked.append(frozenset(markets))
        return frozenset(markets)


def test_the_books_of_a_market_that_is_listed_during_a_run_are_seen_to(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.strategies = [loaded(SOUGHT)]
    attending = Attending(world, monkeypatch)
    known: list[bool] = []
    world.at(20, lambda _life: list_market(world))
    world.at(140, lambda life: known.append(life.parts.desk.is_attended(NEW)))
    assert world.run(cycles=None, duration_s=150) == 0
    assert NEW not in attending.asked[0]
    assert NEW in attending.told
    assert known == [True]
    assert opened_on(world, NEW)
    world.check()
    assert again(world).differences == ()


def test_what_is_decided_on_a_market_that_was_listed_comes_out_the_same_again(world: World) -> None:
    world.strategies = [loaded(SOUGHT)]
    world.at(10, lambda _life: list_market(world))
    assert world.run(cycles=None, duration_s=100) == 0
    assert opened_on(world, NEW)
    told = again(world)
    assert told.differences == ()
    assert told.opened == told.same - sum(told.declined.values())


def be_quiet(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be told of any market but one that no cycle leads through."""
    changes = world.stage.changes
    monkeypatch.setattr(
        world.stage, "changes",
        lambda after_ns: (one for one in changes(after_ns) if one.market == "BNB/USDT"),
    )  # fmt: skip


def charge(world: World, rate: str) -> None:
    """Charge another rate from now on, and say so to whoever asks."""
    fees = FeeRates(Decimal(rate), Decimal(rate))
    world.venue._fees = fees
    world.venue._desk._fees = fees


def test_what_pays_when_a_market_opens_again_is_decided_on_though_nothing_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.strategies = [loaded(SOUGHT)]
    be_quiet(world, monkeypatch)
    world.show("ETH/USDT", [("2030", "90")], [("2031", "90")])
    world.venue.halt_market("ETH/USDT", halted=True)
    world.at(31, lambda _life: world.venue.halt_market("ETH/USDT", halted=False))
    assert world.run(cycles=1, duration_s=100) == 0
    assert opened_on(world, "ETH/USDT")
    world.check()
    assert again(world).differences == ()


def test_what_pays_on_a_market_that_was_listed_is_decided_on_though_nothing_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.strategies = [loaded(SOUGHT)]
    be_quiet(world, monkeypatch)
    world.show(*UNPAID)
    world.at(20, lambda _life: list_market(world))
    assert world.run(cycles=1, duration_s=100) == 0
    assert opened_on(world, NEW)
    world.check()
    assert again(world).differences == ()


@pytest.mark.parametrize("cycle", ["cycle: [USDT, BTC, ETH]\n", "start_currencies: [USDT]\n"])
def test_what_pays_once_fees_have_fallen_is_decided_on_though_nothing_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch, cycle: str
) -> None:
    world.strategies = [loaded(TEXT + cycle)]
    be_quiet(world, monkeypatch)
    world.show("ETH/USDT", [("2007", "900")], [("2031", "900")])  # -1 bps after fees of 0.1 %
    world.at(30, lambda _life: charge(world, "0.0005"))
    counts: list[tuple[int, int]] = []
    world.on(
        f.CycleOpened, 1,
        lambda: world.life and counts.append(
            (world.life.parts.detector.paths, world.life.parts.detector.episodes)
        ),
    )  # fmt: skip
    assert world.run(cycles=1, duration_s=100) == 0
    assert opened_on(world, "ETH/USDT")
    assert counts == [(1, 1)]
    world.check()
    assert again(world).differences == ()
