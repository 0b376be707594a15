"""The market that a paper run or a backtest trades on: generated, or a recording."""

from msgspec import Struct

from arb.execution.opportunities.following import Attend, see_all
from arb.execution.runs.building import Changes
from arb.feeds.generated import GeneratedMarket
from arb.feeds.listings import read_listing
from arb.feeds.recorded import RecordedMarket
from arb.feeds.source import MarketSource
from arb.strategy.loader import Loaded

REFUSED_TOLD_MAX = 3


class Market(Struct, frozen=True):
    """A market as it is opened, before anything is written."""

    source: MarketSource
    notes: tuple[str, ...]
    recording: RecordedMarket | None = None
    changes: Changes | None = None  # where they come by themselves; None: they are played
    attend: Attend = see_all

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """The first and last moment of a recording; None where there is no end."""
        recording = self.recording
        return None if recording is None else (recording.first_ns, recording.last_ns)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Say where a recording is damaged, and which rows of it were not believed."""
        return () if self.recording is None else left_out(self.recording)

    def begun_at(self, began_ns: int) -> MarketSource:
        """Play a recording as if its first row happened at a moment; others know their time."""
        if self.recording is None:
            return self.source
        offset_ns = began_ns - self.recording.first_ns
        return RecordedMarket(self.recording.recording, offset_ns=offset_ns)


def open_market(loaded: Loaded) -> Market:
    """Open the market of a strategy; raises FeedInvalid and ConfigInvalid."""
    execution = loaded.strategy.execution
    if execution.mode == "backtest":
        return _backtest(loaded)
    paper = execution.paper
    if paper.feed == "generated":
        source = GeneratedMarket(
            paper.random_seed, step_ms=paper.step_ms, currencies=paper.currencies
        )
        said = f"feed: generated market, seed {paper.random_seed}, {paper.currencies} currencies"
        return Market(source, (said,))
    path = loaded.required_data_file()
    recording = RecordedMarket(path)
    return Market(recording, (f"feed: recorded, {path}", *left_out(recording)), recording)


def _backtest(loaded: Loaded) -> Market:
    backtest = loaded.strategy.execution.backtest
    rules = None if loaded.markets_file is None else read_listing(loaded.markets_file)
    recording = RecordedMarket(
        loaded.required_data_file(),
        start_ns=backtest.start_ns,
        end_ns=backtest.end_ns,
        rules=rules,
        assumed_depth=backtest.assumed_depth,
    )
    filters = f"none, so the {recording.rules_name} filters of the recording"
    if loaded.markets_file is not None:
        filters = str(loaded.markets_file)
    return Market(
        recording,
        (f"{loaded.strategy.name}: markets_file: {filters}", *left_out(recording)),
        recording,
    )


def left_out(recording: RecordedMarket) -> tuple[str, ...]:
    """Say where a recording is damaged, and which rows of it were not believed."""
    told = () if recording.damage is None else (f"feed: {recording.damage}",)
    if not recording.refused:
        return told
    counts = ", ".join(f"{count} {reason}" for reason, count in recording.refused.items())
    first = recording.complaints[:REFUSED_TOLD_MAX]
    return (*told, f"rows of the feed left out: {counts}", *first)
