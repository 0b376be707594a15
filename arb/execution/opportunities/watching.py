"""What of the venue's markets a run watches: planned once they are known, and followed as they change."""

from collections.abc import Callable, Iterable, Sequence

import structlog

from arb.execution.account.desk import Desk
from arb.execution.opportunities.detector import Detector
from arb.execution.opportunities.discovery import SKIPPED_TOLD_MAX, Wanted, discover
from arb.execution.opportunities.watchlist import Watchlist
from arb.market.scan import Seen, Watched
from arb.money import ONE
from arb.strategy.loader import Loaded

log = structlog.get_logger()


class Watching:
    """Tells the detector and the watchlist which cycles there are, and `notice` what pays already."""

    def __init__(
        self,
        loaded: Sequence[Loaded],
        desk: Desk,
        detector: Detector,
        watchlist: Watchlist,
        notice: Callable[[Seen], None],
    ) -> None:
        self._loaded = loaded
        self._desk, self._detector, self._watchlist = desk, detector, watchlist
        self._notice = notice
        self.traded: set[str] = set()  # currencies
        self._fees = desk.fees  # that named cycles are watched with
        desk.on_terms = self.follow

    def plan(self) -> None:
        """Find every strategy's cycles; raises ConfigInvalid where one has none."""
        desk, detector, watchlist = self._desk, self._detector, self._watchlist
        self.traded.clear()
        watchlist.begin()  # a start that failed half-way has planned already
        for one in self._loaded:
            found = discover(one, desk.markets, desk.fees)
            if found.left_out:
                told = list(found.left_out[:SKIPPED_TOLD_MAX])
                name = one.strategy.name
                log.warning("cycles.left_out", strategy=name, n=len(found.left_out), first=told)
            self.traded |= found.assets
            if found.sought is not None:
                detector.cover(one.config_hash, found.sought.cover)
                watchlist.seek(found.sought)
            for wanted in found.wanted:
                watchlist.want(self._watch(wanted), wanted)
        self._fees = desk.fees

    def follow(self) -> None:
        """Seek cycles in the markets that are open now, when some have come, halted or left, or fees changed."""
        desk = self._desk
        if desk.fees != self._fees:  # lower ones lower the bars; with higher ones sizing declines
            self._fees = desk.fees
            for wanted in self._watchlist.named:
                self._watch(wanted)
            on_them = {leg.market for one in self._watchlist.named for leg in one.legs}
            self.look_again(sorted(on_them))
        for before in list(self._watchlist.sought.values()):
            now = before.on(desk.markets, desk.fees)
            if now is before:
                continue
            seen = self._detector.cover(now.config, now.cover)
            self._watchlist.seek(now)
            self._notice(seen)
            self.traded |= now.assets
            come = sorted(now.markets.keys() - before.markets.keys())
            for market in come:  # a quiet one may not say its prices again for long
                book = desk.book(market)
                if book is not None:
                    self._notice(self._detector.learn(book))
            gone = sorted(before.markets.keys() - now.markets.keys())
            log.info("cycles.relisted", strategy=now.strategy.name, come=come, gone=gone)

    def look_again(self, markets: Iterable[str]) -> None:
        """Notice what pays already of the cycles through some markets."""
        self._notice(self._detector.look_again(markets))

    def _watch(self, wanted: Wanted) -> int:
        kept = (ONE - wanted.fees_now(self._desk.fees).taker) ** len(wanted.legs)
        return self._detector.watch(Watched(wanted.legs, kept, wanted.min_profit_bps))
