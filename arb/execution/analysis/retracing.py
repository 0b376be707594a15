"""Make the decisions of a run again, from its log and from the recording that it made: are they the same?"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from arb.errors import FeedInvalid, WrongLog
from arb.events import facts as f
from arb.events.envelope import Meta, Recorded
from arb.events.facts import LegRoute
from arb.execution.account.journal import Draft
from arb.execution.analysis.past import Past
from arb.execution.risk.declined import OTHER
from arb.feeds.book_recording import BookRecording
from arb.feeds.recording import read_recording
from arb.feeds.run_rows import AcceptsRow, Aside, BalancesRow, FoldedRow, MomentRow, TermsRow
from arb.feeds.source import Change
from arb.market.cycles import identity

# Of an intent: the clock and the length of the venue's windows say them, and nobody decides.
_TIMES: Final = frozenset({"venue_time_ns", "dead_ns", "window_ns"})


class Retraced(Struct, frozen=True):
    """What came out when every decision of a run was made again."""

    moments: int  # at which something paid and was decided on
    opened: int  # cycles, by the log
    declined: Mapping[str, int]  # by reason, by the log
    same: int  # decisions of the log that come out as they did
    differences: tuple[str, ...]
    untold: int  # decided again, and not told by the log: its run was cut off before
    uncompared: int  # decisions of the log that were made on what the recording lacks
    damage: str | None  # where the recording cannot be read any further

    @property
    def decisions(self) -> int:
        """How many decisions the log tells of."""
        return self.opened + sum(self.declined.values()) + self.uncompared

    @property
    def ok(self) -> bool:
        """Whether every decision of the log was compared, and comes out as it did."""
        return not self.differences and not self.uncompared


def retrace(records: Iterable[Recorded], recording: BookRecording) -> Retraced:
    """Decide again at every moment of a recorded run, on what was known then.

    The recording tells the books in the order in which the engine took them, how much of its log it
    knew at each, and what else it looked at; what was decided is in the log. Raises FeedInvalid
    where the recording is none of a run, WrongLog where its run is of another log.
    """
    told = list(records)
    terms = _terms(recording)
    if terms.instance not in set(_instances(told)):
        raise WrongLog(f"{recording.path} was recorded by a run of another log")
    return _Again(told, recording, terms).retrace()


def retrace_file(records: Iterable[Recorded], path: Path) -> Retraced:
    """Do so with a recording's file; raises FeedInvalid, too, where it cannot be read."""
    recording = read_recording(path)
    if not isinstance(recording, BookRecording):
        raise FeedInvalid(f"{path} is a feed, and no recording of a run: see `run.py --record`")
    return retrace(records, recording)


def _terms(recording: BookRecording) -> TermsRow:
    for _, row in recording.asides:
        if isinstance(row, TermsRow):
            return row
    raise FeedInvalid(
        f"{recording.path} does not tell when something was decided: `run.py --record` of this "
        "version makes recordings that do"
    )


def _instances(told: Iterable[Recorded]) -> Iterator[str]:
    for one in told:
        if isinstance(one.fact, f.LogCreated | f.HeadAccepted):
            yield one.fact.instance


class _Left(Struct, frozen=True):
    """An opportunity that is declined when it is decided on again, or many together."""

    at_ns: int
    strategy: str
    cycle: str  # its identity; of many none
    why: str  # its reason with the numbers
    reason: str
    times: int  # how many


class _Again:
    """The run once more: the same books and the same facts, one after the other."""

    def __init__(self, told: Sequence[Recorded], recording: BookRecording, terms: TermsRow) -> None:
        assert recording.heading is not None, "it was read"
        self._recording = recording
        self._past = Past(told, recording.heading, terms)
        self._past.trader.declined.listen(self._declined)
        self._run = terms.run
        runs = [one.position for one in told if _run_of(one) == terms.run]
        self._end = max(runs, default=terms.position)
        self._cut = not any(
            isinstance(one.fact, f.RunEnded) and one.fact.run == terms.run for one in told
        )
        self._decided = {one.cycle_id: one for one in _decided(told)}
        self._drafts: list[Draft] = []  # of the last moment, that the log has not told of yet
        self._lately: list[_Left] = []  # of the last moment
        self._left: list[_Left] = []  # that the log has not counted yet
        self._due = False  # what pays has to be decided on before the next book
        self._mid_drain = False
        self._over = False  # the recording has no more
        self._moments = self._opened = self._same = self._untold = self._uncompared = 0
        self._counted: Counter[str] = Counter()
        self._differences: list[str] = []

    def retrace(self) -> Retraced:
        """Go through all of it."""
        recording, asides = self._recording, iter(self._recording.asides)
        following = next(asides, None)
        for row in range(len(recording.times) + 1):
            while following is not None and following[0] <= row:
                self._take(following[1])
                following = next(asides, None)
            if row < len(recording.times):
                self._settle_due()
                self._see(row)
            elif recording.damage is None:  # else it may have been decided on what is cut off
                self._settle_due()
        self._over = True
        self._past.follow(self._end, self._hear)
        self._end_moment()
        if not self._cut and self._recording.damage is None:
            self._compare_counts("at the end", Counter(), _counted(self._left))
        return Retraced(
            moments=self._moments,
            opened=self._opened,
            declined=dict(sorted(self._counted.items())),
            same=self._same,
            differences=tuple(self._differences),
            untold=self._untold + (_counted(self._left).total() if self._cut else 0),
            uncompared=self._uncompared,
            damage=self._recording.damage,
        )

    # --- what was told ------------------------------------------------------------------------

    def _see(self, row: int) -> None:
        recording = self._recording
        more = recording.more(row)
        book = recording.book(row, {})
        self._past.see(Change(recording.times[row], recording.symbols[row], book, more))
        self._mid_drain, self._due = more, not more

    def _take(self, row: Aside) -> None:
        match row:
            case FoldedRow():
                self._past.follow(row.position, self._hear)
            case MomentRow():
                self._decide(row)
            case TermsRow():
                pass
            case AcceptsRow():
                self._past.take(row)
                self._due = row.accepts and not self._mid_drain
            case BalancesRow():
                self._past.take(row)
            case _:  # what pays with it is decided on soon, or with the next book
                self._past.take(row)
                self._due = False

    def _settle_due(self) -> None:
        """Whatever paid was decided on before the next book was told."""
        trader = self._past.trader
        if not self._due or not trader.accepting:
            return
        self._due = False
        above = trader.still_above().above
        if above:
            what = f"{len(above)} cycles paid" if len(above) > 1 else "a cycle paid"
            self._differ(self._past.then.at_ns, f"{what}, and nothing was decided")

    # --- what is decided ----------------------------------------------------------------------

    def _decide(self, moment: MomentRow) -> None:
        self._end_moment()
        self._due = False
        self._moments += 1
        self._drafts = self._past.decide(moment)
        self._left += self._lately
        unasked = sorted(set(self._past.then.unasked))
        self._past.then.unasked.clear()
        if unasked:
            what = f"{', '.join(unasked)}: looked at now, and not then"
            self._differ(moment.at_ns, what)

    def _declined(
        self, strategy: str, legs: Sequence[LegRoute], reason: str, detail: str, times: int
    ) -> None:
        why = f"{reason} ({detail})" if detail else reason
        at_ns = self._past.then.at_ns
        cycle = identity(legs) if legs else ""
        self._lately.append(_Left(at_ns, strategy, cycle, why, reason, times))

    def _end_moment(self) -> None:
        """What was to be opened at the last moment is in the log by now, unless the run was cut off."""
        if self._over and self._cut:
            self._untold += len(self._drafts)
            self._drafts = []
        for draft in self._drafts:
            opened = draft.facts[0]
            assert isinstance(opened, f.CycleOpened), opened
            path = " > ".join(leg.spend_asset for leg in opened.legs)
            what = f"it would open {path} with {opened.start_amount} now, and did not"
            self._differ(self._past.then.at_ns, what)
            self._past.trader.appended(opened.cycle_id)
        self._drafts, self._lately = [], []

    # --- what the log tells of it -------------------------------------------------------------

    def _hear(self, record: Recorded) -> None:
        match record.fact:
            case f.CycleOpened() if _run_of(record) == self._run:
                self._was_opened(record.fact)
            case f.OpportunitiesDeclined() if _run_of(record) == self._run:
                self._was_declined(record.fact)

    def _was_opened(self, opened: f.CycleOpened) -> None:
        name = (opened.strategy, identity(opened.legs))
        for draft in self._drafts:
            one = draft.facts[0]
            if isinstance(one, f.CycleOpened) and (one.strategy, identity(one.legs)) == name:
                break
        else:
            if self._over and self._recording.damage is not None:
                self._uncompared += 1  # the moment at which it was decided is not in the recording
                return
            self._opened += 1
            whys = [one.why for one in self._lately if (one.strategy, one.cycle) == name]
            what = f"now it is declined: {whys[0]}" if whys else "now nothing is seen that pays"
            self._differences.append(f"{opened.cycle_id}: it was opened, {what}")
            return
        self._opened += 1
        self._drafts.remove(draft)
        self._past.trader.appended(one.cycle_id)
        found = list(_compared(self._decided[opened.cycle_id], draft))
        self._differences += [f"{opened.cycle_id}: {text}" for text in found]
        self._same += not found

    def _was_declined(self, fact: f.OpportunitiesDeclined) -> None:
        if self._over and self._recording.damage is not None:
            # Some of it was decided when nothing was recorded any more, and nobody knows which.
            self._uncompared += sum(fact.reasons.values())
            return
        mine: list[_Left] = []
        others: list[_Left] = []
        for one in self._left:
            is_mine = one.strategy == fact.strategy and one.at_ns <= fact.to_ns
            (mine if is_mine else others).append(one)
        self._left = others
        self._compare_counts(fact.strategy, Counter(fact.reasons), _counted(mine))

    def _compare_counts(self, where: str, was: Counter[str], now: Counter[str]) -> None:
        if OTHER in was:  # so many reasons that some were counted together
            known = Counter({reason: now.pop(reason, 0) for reason in was if reason != OTHER})
            now = known + Counter({OTHER: now.total()})
        self._counted += was
        for reason in sorted(was | now):
            self._same += min(was[reason], now[reason])
            if was[reason] != now[reason]:
                what = f"{reason} was counted {was[reason]} times, now it is {now[reason]}"
                self._differences.append(f"{where}: declined as {what}")

    def _differ(self, at_ns: int, what: str) -> None:
        self._differences.append(f"at {at_ns}: {what}")


def _counted(left: Iterable[_Left]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for one in left:
        counts[one.reason] += one.times
    return counts


class _Decision(Struct, frozen=True):
    """A cycle as it was decided: its opening, its validation and its first order."""

    cycle_id: str
    facts: tuple[f.Fact, ...]


def _decided(told: Iterable[Recorded]) -> Iterator[_Decision]:
    found: dict[str, list[f.Fact]] = {}
    for one in told:
        match one.fact:
            case f.CycleOpened():
                found[one.stream] = [one.fact]
            case f.CycleValidated():
                found[one.stream].append(one.fact)
            case f.OrderIntended() if one.stream in found:
                opened, *rest = found.pop(one.stream)
                assert isinstance(opened, f.CycleOpened), opened
                yield _Decision(opened.cycle_id, (opened, *rest, one.fact))


def _compared(then: _Decision, draft: Draft) -> Iterator[str]:
    """Name what a decision says otherwise than it did."""
    again = [one for one in draft.facts if not isinstance(one, f.ValidationStarted)]
    for was, now in zip(then.facts, again, strict=True):
        for name in was.__struct_fields__:
            before, after = getattr(was, name), getattr(now, name)
            if before != after and name not in _TIMES:
                yield f"{name} was {before}, now it is {after}"


def _run_of(record: Recorded) -> str:
    return msgspec.json.decode(record.meta, type=Meta).run
