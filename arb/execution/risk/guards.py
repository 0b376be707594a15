"""What forbids a strategy another cycle now, and which limits a closed cycle has broken."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from arb.clock import NS_PER_DAY, NS_PER_S
from arb.events import facts as f
from arb.execution.account.desk import Desk
from arb.execution.account.journal import Draft
from arb.execution.risk.capital import money_in
from arb.execution.risk.declined import Refusal
from arb.execution.risk.loss_limits import NOTHING_YET, limits_at
from arb.limits import BOOK_SKEW_S_MAX
from arb.machine.account import closed_part
from arb.machine.risk import LIMIT_NAMES, Risk, identity_of, tripped_by
from arb.machine.state import Cycle, path_of
from arb.market.chain import Quote
from arb.money import ZERO, plain
from arb.strategy.schema import Strategy

MAX_OPEN_CYCLES: Final = "max_open_cycles"
MAX_ALLOCATION: Final = "max_allocation"
COOLDOWN: Final = "cooldown"
DUPLICATE: Final = "duplicate"
FEE_RESERVE: Final = "fee_reserve"
SKEW: Final = "skew"
ORDER_RATE: Final = "order_rate"


class Path(NamedTuple):
    """What guards know a cycle by."""

    identity: str  # `arb.machine.risk.identity_of`
    markets: tuple[str, ...]


class Guards:
    """Reads limits from strategies and everything else from the account's book, which the log folds to."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        desk.journal.judge(self.judge)

    # --- before a cycle -----------------------------------------------------------------------

    def closed(self, strategy: Strategy, path: Path, opening: Collection[Cycle]) -> Refusal | None:
        """Say what forbids any cycle over a path now; None when nothing does.

        `opening` are cycles that are decided, and not in the log yet.
        """
        risk = self._risk(strategy)
        return (
            _tripped(risk)
            or _too_many(strategy, self._open(strategy, opening))
            or self._cooling(strategy, risk, path.identity)
            or self._fee_reserve(strategy)
            or self._order_rate(path, opening)
            or self._torn(path.markets)
        )

    def closed_at(
        self,
        strategy: Strategy,
        path: Path,
        quote: Quote,
        start_asset: str,
        opening: Collection[Cycle],
    ) -> Refusal | None:
        """Say what forbids a cycle that was planned so; None when nothing does."""
        open_cycles = self._open(strategy, opening)
        return self._over_allocation(
            strategy, open_cycles, start_asset, quote.amount
        ) or self._duplicate(strategy, path.identity, quote.sequences, opening)

    def _risk(self, strategy: Strategy) -> Risk:
        return self._desk.journal.account.risk.get(strategy.name, NOTHING_YET)

    def _all_open(self, opening: Collection[Cycle]) -> Iterator[Cycle]:
        there = self._desk.journal.cycles
        for cycle in (*there.values(), *(one for one in opening if one.id not in there)):
            if not cycle.is_closed:
                yield cycle

    def _open(self, strategy: Strategy, opening: Collection[Cycle]) -> Sequence[Cycle]:
        return [one for one in self._all_open(opening) if one.strategy == strategy.name]

    def _order_rate(self, path: Path, opening: Collection[Cycle]) -> Refusal | None:
        """A cycle begins only where the venue takes all its orders, and those that others need first."""
        orders, others = len(path.markets), list(self._all_open(opening))
        wait_ns = self._desk.ration.wait_ns(orders, others)
        if wait_ns <= 0:
            return None
        text = f"its {orders} orders, after those of {len(others)} open cycles"
        return Refusal(ORDER_RATE, f"{text}, have room in {_seconds(wait_ns)} s")

    def _torn(self, markets: Sequence[str]) -> Refusal | None:
        """Books of connections of which one was heard long before another do not belong together."""
        heard = {market: self._desk.books.heard_ns(market) for market in markets}
        known = {market: ns for market, ns in heard.items() if ns is not None}
        if len(known) < len(heard):
            return None  # without a book it is refused where it is sized
        silent, loud = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
        apart_ns = known[loud] - known[silent]
        if apart_ns <= BOOK_SKEW_S_MAX * NS_PER_S:
            return None
        return Refusal(SKEW, f"{silent} was heard {_seconds(apart_ns)} s before {loud}")

    def _cooling(self, strategy: Strategy, risk: Risk, identity: str) -> Refusal | None:
        if self._desk.journal.cooling[strategy.name, identity]:
            return Refusal(COOLDOWN, f"{identity} is left to rest just now")
        now_ns = self._desk.clock.now_ns()
        until_ns = risk.cools_until_ns(identity, now_ns)
        if until_ns is None:
            return None
        return Refusal(COOLDOWN, f"{identity} rests for another {_seconds(until_ns - now_ns)} s")

    def _duplicate(
        self,
        strategy: Strategy,
        identity: str,
        books: Mapping[str, int],
        opening: Collection[Cycle],
    ) -> Refusal | None:
        window_s = strategy.risk_controls.duplicate_suppression_window_seconds
        if window_s <= 0:
            return None
        if any(
            one.strategy == strategy.name and identity_of(path_of(one)) == identity
            for one in opening
        ):
            return Refusal(DUPLICATE, f"{identity} is being opened")
        risk = self._risk(strategy)
        opened_ns = risk.opened_ns(identity)
        last_ns = risk.forgotten_ns if opened_ns is None else opened_ns
        ago_ns = self._desk.clock.now_ns() - last_ns
        # Before anything is forgotten there is nothing that it may be among, however early it is.
        is_told = opened_ns is not None or risk.forgotten_ns > 0
        # One of a time to come was opened by a clock that was ahead, and forbids nothing until then.
        if is_told and 0 <= ago_ns < window_s * NS_PER_S:
            forgotten = " may be among the paths that are forgotten, the last of which"
            which = identity + (forgotten if opened_ns is None else "")
            text = f"{which} was opened {_seconds(ago_ns)} s ago, within {plain(window_s)} s"
            return Refusal(DUPLICATE, text)
        last = risk.openings.get(identity)
        if last is not None and last.books == books:
            return Refusal(DUPLICATE, f"{identity} was opened on these very books")
        return None

    def _fee_reserve(self, strategy: Strategy) -> Refusal | None:
        asset, reserve = strategy.fees.fee_currency, strategy.fees.reserve
        if asset is None or reserve <= 0:
            return None
        there = self._desk.arbiter.available(asset)
        if there >= reserve:
            return None
        text = f"{plain(there)} {asset} is available for fees, the reserve is {plain(reserve)}"
        return Refusal(FEE_RESERVE, text)

    def _over_allocation(
        self, strategy: Strategy, open_cycles: Sequence[Cycle], start_asset: str, amount: Decimal
    ) -> Refusal | None:
        allocation = strategy.capital_allocation.max_allocation
        if allocation is None:
            return None
        desk = self._desk
        most = money_in(desk, allocation, start_asset, strategy)
        if most is None:
            return Refusal(MAX_ALLOCATION, f"the allocation has no value in {start_asset} now")
        held = ZERO
        for one in open_cycles:
            # A limit per currency is one for each; a number is one for all of them together.
            if isinstance(allocation, dict) and one.start_asset != start_asset:
                continue
            worth = desk.value(one.start_asset, one.start_amount, start_asset)
            if worth is None:
                text = f"what {one.id} holds has no value in {start_asset} now"
                return Refusal(MAX_ALLOCATION, text)
            held += worth
        if held + amount <= most:
            return None
        left = f"{plain(amount)} more is above {plain(most)}"
        return Refusal(MAX_ALLOCATION, f"open cycles hold {plain(held)} {start_asset}, {left}")

    # --- when a cycle closes ------------------------------------------------------------------

    def judge(self, draft: Draft) -> list[f.Fact]:
        """Say which limits a draft's close breaks: they are tripped in the batch that closes the cycle."""
        cycle = draft.cycle
        journal = self._desk.journal
        before = closed_part(journal.cycles.get(cycle.id)).result
        after = closed_part(cycle).result
        if after is None or after == before:
            return []
        limits = limits_at(self._desk, cycle, after.ended_ns // NS_PER_DAY)
        found = tripped_by(journal.account.risk, before, after, limits)
        return [
            f.RiskTripped(strategy=cycle.strategy, limit=limit, reason=why, cycle_id=cycle.id)
            for limit, why in found.items()
        ]


def may_begin_again(desk: Desk, cycle: Cycle) -> bool:
    """Whether a cycle with nothing in its hands may send its first leg once more.

    That is new exposure, as a new cycle is: a halt, a pause or a tripped limit forbids it.
    """
    journal = desk.journal
    halted = journal.account.halted({leg.spend_asset for leg in cycle.legs})
    if journal.closing or halted is not None:
        return False
    return _tripped(journal.account.risk.get(cycle.strategy, NOTHING_YET)) is None


def _tripped(risk: Risk) -> Refusal | None:
    for limit in LIMIT_NAMES:
        if limit in risk.tripped:
            return Refusal(limit, risk.tripped[limit])
    return None


def _too_many(strategy: Strategy, open_cycles: Sequence[Cycle]) -> Refusal | None:
    most = strategy.risk_controls.max_open_cycles
    if len(open_cycles) < most:
        return None
    return Refusal(MAX_OPEN_CYCLES, f"{len(open_cycles)} cycles are open, the limit is {most}")


def _seconds(ns: int) -> str:
    return plain((Decimal(ns) / NS_PER_S).quantize(Decimal("0.001")))
