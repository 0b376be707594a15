"""Lightning in live mode, on a practice exchange whose books are pushed off at known moments."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from arb.clock import NS_PER_MS
from arb.events import facts as f
from arb.events.facts import LegRoute
from arb.events.sqlite import LogReader
from arb.exchange.practice.dislocating import Dislocation
from arb.exchange.practice.server import Practice
from arb.execution.analysis.retracing import retrace_file
from arb.execution.runs.assembling import Options, Run
from arb.execution.runs.running import run_engine
from arb.feeds.generated import GeneratedMarket
from arb.feeds.source import Change
from arb.market.cycles import identity
from arb.market.scan import Seen
from arb.strategy.loader import load
from tests.live.trading import accounted_for, traded, until

STRATEGY: Final = """\
name: lightning
exchange: {exchange}
lightning: {{enabled: true, max_hops: 4, start_currencies: [USDT]}}
min_profit_bps: 20
max_slippage_bps: 30
capital_allocation: {{mode: fixed_amount, amount: 200}}
fees: {{taker_bps: 10, maker_bps: 10}}
risk_controls: {{max_open_cycles: 4, slippage_cooldown_seconds: 0}}
execution: {{mode: live}}
"""
LASTING_NS: Final = 700 * NS_PER_MS
# Every one is far above what three fees of 10 bps, the spreads and the threshold ask for.
PUSHES: Final = (("ETH/BTC", "150"), ("SOL/USDT", "-150"), ("BNB/BTC", "200"), ("ETH/USDT", "-160"))


class Watch:
    """What a live run saw and did, while books were pushed off."""

    def __init__(self) -> None:
        self.pushed: list[Dislocation] = []
        self.declined: list[tuple[int, tuple[str, ...], str]] = []
        self.counts: tuple[int, int, int] = (0, 0, 0)
        self.told: list[tuple[int, tuple[str, ...]]] = []  # rows with what was above after them

    @property
    def above(self) -> list[int]:
        """When something was above the threshold."""
        return [at_ns for at_ns, cycles in self.told if cycles]

    async def push(self, there: Practice, run: Run) -> None:
        """Push one market after another, each alone."""
        note_above(run, self.told)
        run.parts.trader.declined.listen(lambda *one: self._hear(run, *one))
        await until(lambda: run.parts.trader.accepting)
        for market, bps in PUSHES:
            self.pushed.append(there.hall.dislocate(market, Decimal(bps), LASTING_NS))
            await asyncio.sleep(1.5)
        run.engine.interrupt()
        detector = run.parts.detector
        await until(lambda: not run.parts.runner.busy)
        self.counts = (detector.paths, detector.episodes, detector.states)

    def _hear(
        self,
        run: Run,
        _strategy: str,
        legs: Sequence[LegRoute],
        reason: str,
        _detail: str,
        _times: int,
    ) -> None:
        markets = tuple(leg.market for leg in legs)
        self.declined.append((run.parts.desk.clock.now_ns(), markets, reason))


def note_above(run: Run, told: list[tuple[int, tuple[str, ...]]]) -> None:
    """Note each row of the feed after which some cycle of its market is above, and which are."""
    scan = run.parts.detector.scan

    def see(change: Change, seen: Seen) -> None:
        if seen.above:
            names = sorted(identity(scan.cycles[number].legs) for number in seen.above)
            told.append((change.at_ns, tuple(names)))

    run.parts.detector.listen(see)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Watch, Any]:
    """One run, recorded."""
    folder = tmp_path_factory.mktemp("lightning")
    watch = Watch()
    ended = traded(
        folder,
        cycles=None,  # type: ignore[arg-type]
        act=watch.push,
        source=GeneratedMarket(3, dislocated_ppm=0),
        strategy=_lightning,
        options={"record": folder / "books.rec.gz"},
    )
    return folder, watch, ended


def _lightning(text: str) -> str:
    """The same way to the exchange, with a strategy of its own."""
    exchange = text.split("exchange: ", 1)[1].split("\n", 1)[0]
    return STRATEGY.format(exchange=exchange)


def test_every_push_above_the_threshold_is_acted_on_or_declined_with_a_reason(
    lived: tuple[Path, Watch, Any],
) -> None:
    _, watch, ended = lived
    assert ended.code == 130  # it was told to stop
    accounted_for(ended)
    opened = [
        (one.seen_ns, tuple(leg.market for leg in one.legs)) for one in ended.of(f.CycleOpened)
    ]
    assert len(watch.pushed) == len(PUSHES)
    for push in watch.pushed:
        until_ns = push.until_ns + 500 * NS_PER_MS

        def meant(at_ns: int, markets: tuple[str, ...], push: Dislocation = push) -> bool:
            return push.from_ns <= at_ns < until_ns and push.market in markets  # noqa: B023

        taken = [one for one in opened if meant(*one)]
        declined = [reason for at_ns, markets, reason in watch.declined if meant(at_ns, markets)]
        assert taken or declined, push
        assert all(declined)
        # The books were above the threshold then, and each time somebody looked it was decided.
        assert any(push.from_ns <= at_ns < until_ns for at_ns in watch.above), push
    assert opened, "nothing at all was taken"
    told: Counter[str] = Counter()
    for fact in ended.of(f.OpportunitiesDeclined):
        told.update(fact.reasons)
    assert told == Counter(reason for _, _, reason in watch.declined), "the log counts each of them"


def test_its_recording_makes_the_same_decisions_again(lived: tuple[Path, Watch, Any]) -> None:
    """Each cycle that was opened, and each that was declined; at no moment was one passed over."""
    folder, watch, ended = lived
    with LogReader(folder / "log.db") as reader:
        again = retrace_file(reader.read(), folder / "books.rec.gz")
    assert again.differences == ()
    assert again.opened == len(ended.of(f.CycleOpened)) > 0
    assert sum(again.declined.values()) == len(watch.declined)
    assert again.same == again.decisions
    assert again.moments >= len(PUSHES)


def test_a_plain_backtest_of_its_recording_finds_the_same_above_the_threshold(
    lived: tuple[Path, Watch, Any],
) -> None:
    folder, watch, _ = lived
    path = folder / "again.yaml"
    path.write_text(STRATEGY.format(exchange="binance"))
    loaded = load(path, mode="backtest", data_file=str(folder / "books.rec.gz"))
    found: list[tuple[int, tuple[str, ...]]] = []
    ended = run_engine(
        [loaded], Options(db=folder / "again.db"), lambda run: note_above(run, found)
    )
    assert ended.exit_code == 0, ended.error
    seen = ended.summary.opportunities
    assert (seen.paths, seen.episodes, seen.states) == watch.counts
    assert watch.counts[0] > 0
    # Not as many only, but the same ones, at the same times.
    assert found == watch.told
    assert found
