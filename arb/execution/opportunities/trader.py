"""Decide once a moment: size what pays, rank it, take it while it lasts, and open the cycles."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Final, NamedTuple, Protocol

from arb import ids
from arb.execution.account.desk import Desk
from arb.execution.account.journal import Draft
from arb.execution.cycles import planning
from arb.execution.cycles.runner import Runner
from arb.execution.opportunities.detector import Detector
from arb.execution.opportunities.discovery import Wanted
from arb.execution.opportunities.ranking import Ranking
from arb.execution.opportunities.sizing import Plan, Sizing
from arb.execution.opportunities.watchlist import Watchlist
from arb.execution.orders.sending import NOT_SENT
from arb.execution.risk.breaker import Breaker
from arb.execution.risk.capital import BALANCE
from arb.execution.risk.claims import Claims
from arb.execution.risk.declined import Declined, Refusal
from arb.execution.risk.guards import Guards
from arb.limits import NOTIONAL_CAP_FACTOR, OPENED_AT_ONCE_MAX
from arb.machine import commands as c
from arb.machine.state import Cycle, Order
from arb.machine.table import ORDER_REFUSED
from arb.market.scan import Seen
from arb.money import BPS, ONE, plain

QUOTA: Final = Refusal("enough cycles")  # as many as the run was asked for: nobody's refusal
NO_CLOCK: Final = Refusal("no_clock", "the venue's clock was not read for too long")
CROWDED: Final = "crowded"


class Paying(NamedTuple):
    """What pays at one moment."""

    above: list[int]  # cycles that were noticed, by their numbers
    left_out: dict[str, int]  # by configuration, how many more there are that nobody looks at


class Witness(Protocol):
    """Who writes down what decisions are made on."""

    def accepts(self, accepting: bool) -> None:  # noqa: FBT001 -- it is what is told
        """New cycles may open from here on, or may not."""
        ...

    def moment(
        self, seen_ns: int, paused: str | None, *, space_low: bool
    ) -> AbstractContextManager[None]:
        """Watch what is looked at while it is decided on one moment."""
        ...


class Trader:
    """Decides to trade or not; each decision not to is counted by its reason.

    Changes that were there together are one moment: what pays after the last of them is decided on
    once. Of several opportunities the one that brings most is taken first, and the next ones are
    sized anew for what it leaves of the books and of the balance.
    """

    def __init__(
        self,
        desk: Desk,
        runner: Runner,
        breaker: Breaker,
        guards: Guards,
        declined: Declined,
        *,
        detector: Detector,
        watchlist: Watchlist,
        cycles_max: int | None,
        space_low: Callable[[], bool],
        witness: Witness | None = None,
    ) -> None:
        self._desk = desk
        self._runner = runner
        self._breaker = breaker
        self.declined = declined
        self._detector = detector
        self._watchlist = watchlist
        self._opening: dict[str, Cycle] = {}  # decided, and not in the log yet
        self._claims = Claims(desk, self._opening.get)
        self._sizing = Sizing(desk, guards, self._claims, self._opening)
        self._noticed: dict[int, None] = {}  # cycles that were above at this moment, in order
        self._noticed_on: dict[str, None] = {}  # the markets with which they were
        self._cycles_max = cycles_max
        self._space_low = space_low
        self._witness = witness
        self._accepting = False
        self._deciding = asyncio.Lock()  # one moment after the other
        self.taken = 0
        self._open: set[str] = set()  # cycles of this run that are not over
        self.ended = 0  # cycles of this run that sent an order and are over

    @property
    def opening(self) -> tuple[str, ...]:
        """The cycles that are being appended, and nobody works on yet."""
        return tuple(self._opening)

    @property
    def accepting(self) -> bool:
        """Whether new cycles may open."""
        return self._accepting

    @accepting.setter
    def accepting(self, accepting: bool) -> None:
        if self._witness is not None and accepting != self._accepting:
            self._witness.accepts(accepting)
        self._accepting = accepting

    @property
    def done(self) -> bool:
        """Whether the cycles asked for have ended."""
        return self._cycles_max is not None and self.ended >= self._cycles_max

    def cycle_ended(self, cycle: Cycle) -> None:
        """Count a cycle of this run when it is over; a reopened one is not counted again."""
        if cycle.id in self._open:
            self._open.discard(cycle.id)
            self.ended += any(_was_sent(order) for order in cycle.orders)

    # --- one moment ---------------------------------------------------------------------------

    def notice(self, market: str | None, seen: Seen) -> None:
        """Learn which cycles are above their bars with a book that was told, or with other terms: None."""
        if market is not None:
            self._claims.told(market)
        if seen.above:
            self._noticed.update(dict.fromkeys(seen.above))
            if market is not None:
                self._noticed_on[market] = None

    async def decide(self, seen_ns: int) -> None:
        """Decide on what was noticed since the last moment, and pays still; `seen_ns`: its last change.

        What was noticed before anything may be opened is kept until then.
        """
        if not self._noticed or not self.accepting:
            return
        async with self._deciding:
            await self._decide(seen_ns)

    async def _decide(self, seen_ns: int) -> None:
        paying = self.still_above()
        if not paying.above:
            return
        paused = await self._breaker.closed()
        if not self.accepting:
            return
        await self._begin(self.decided(paying, paused, seen_ns))

    def still_above(self) -> Paying:
        """Give what was noticed since the last moment and pays still; it is noticed no more."""
        noticed, self._noticed = self._noticed, {}
        markets, self._noticed_on = self._noticed_on, {}
        scan = self._detector.scan
        above = [number for number in noticed if scan.is_above(number)]
        return Paying(above, scan.left_out(markets) if above else {})

    def decided(self, paying: Paying, paused: str | None, seen_ns: int) -> list[Draft]:
        """Decide on one moment, on what is known now: nobody is waited for."""
        space_low, witness = self._space_low(), self._witness
        watched = (
            nullcontext()
            if witness is None
            else witness.moment(seen_ns, paused, space_low=space_low)
        )
        with watched:
            shut = self._shut(paused, space_low=space_low)
            return list(self._taken(paying, shut, seen_ns))

    def _taken(self, paying: Paying, shut: Refusal | None, seen_ns: int) -> Iterator[Draft]:
        """Decide, without a pause: which cycles are opened, each with its claims and its promise."""
        ranking: Ranking[Wanted] = Ranking(self._desk, self._watchlist.strategies)
        for wanted in self._best_of(paying):
            refusal = self._closed(wanted, shut)
            plan = refusal or self._sizing.plan(wanted)
            if isinstance(plan, Refusal):
                self._decline(wanted, plan)
            else:
                ranking.add(wanted, plan)
        taken = 0
        for wanted, plan, after in ranking:
            if after < taken:  # what was taken since may have been of the same books or balance
                again = self._closed(wanted, shut) or self._sizing.plan(wanted)
                if isinstance(again, Refusal):
                    self._decline(wanted, again)
                else:
                    ranking.add(wanted, again, after=taken)
                continue
            if taken >= OPENED_AT_ONCE_MAX:
                text = f"{taken} cycles begin at this moment, and no more are one append"
                self._decline(wanted, Refusal(CROWDED, text))
                continue
            draft = self._draft(wanted, plan, seen_ns)
            if isinstance(draft, Refusal):
                self._decline(wanted, draft)
            else:
                taken += 1
                yield draft

    def _best_of(self, paying: Paying) -> Iterator[Wanted]:
        """Give the strategies' cycles to size: not more at one moment than can be."""
        above, left_out = paying
        if len(above) > 1:
            scan = self._detector.scan
            edges = {number: scan.edge_bps(number) or -BPS for number in above}
            above = sorted(above, key=lambda number: (-edges[number], number))
        given: Counter[str] = Counter()  # by strategy
        for number in above:
            for wanted in self._watchlist.who_wants(number):
                most = wanted.strategy.sized_at_once
                if given[wanted.strategy.name] < most:
                    given[wanted.strategy.name] += 1
                    yield wanted
                else:
                    paid = len(above) + left_out.get(wanted.config, 0)
                    text = f"{paid} cycles paid at once, the best {most} were sized"
                    self._decline(wanted, Refusal(CROWDED, text))
        for config, more in left_out.items():
            strategy = self._watchlist.sought[config].strategy
            text = f"{more} more paid at once than the {len(above)} best that were looked at"
            self.declined.count(strategy.name, (), CROWDED, text, times=more)

    def _decline(self, wanted: Wanted, refusal: Refusal) -> None:
        if refusal is not QUOTA:
            name = wanted.strategy.name
            self.declined.count(name, wanted.legs, refusal.reason, refusal.detail)

    def _closed(self, wanted: Wanted, shut: Refusal | None) -> Refusal | None:
        """Name what forbids any new cycle of this kind now; `shut` forbids every one."""
        if self._cycles_max is not None and self.ended + len(self._open) >= self._cycles_max:
            return QUOTA
        account = self._desk.journal.account
        halted = account.halted({leg.spend_asset for leg in wanted.legs})
        return shut if halted is None else Refusal("halted", halted)

    def _shut(self, paused: str | None, *, space_low: bool) -> Refusal | None:
        """Name what forbids every new cycle at this moment."""
        desk = self._desk
        if desk.journal.closing:
            return Refusal("halted", "a pause or a halt is being recorded")
        if desk.access.banned:
            return Refusal("banned", "the venue told us to be silent")
        if desk.access.venue_time_estimate_ns() is None:
            return NO_CLOCK
        if space_low:
            return Refusal("disk_space", "the disk of the log is nearly full")
        return None if paused is None else Refusal(paused, "too many anomalies a moment ago")

    # --- one cycle ----------------------------------------------------------------------------

    def _draft(self, wanted: Wanted, plan: Plan, seen_ns: int) -> Draft | Refusal:
        """Opening, validation with its reservation and the first intent, to be appended together."""
        desk, strategy, quote = self._desk, wanted.strategy, plan.quote
        start, amount = plan.legs[0].spend_asset, quote.amount
        venue_ns = desk.access.venue_time_estimate_ns()
        if venue_ns is None:
            return NO_CLOCK
        number = desk.journal.account.next_number
        cycle_id = ids.cycle_id(strategy.name, number)
        draft = desk.journal.draft(None)
        draft.do(
            c.OpenCycle(
                cycle_id=cycle_id,
                number=number,
                strategy=strategy.name,
                config=wanted.config,
                legs=plan.legs,
                start_amount=amount,
                edge_bps=quote.edge_bps,
                books=quote.sequences,
                seen_ns=seen_ns,
                prices={walk.market: walk.best for walk in quote.walks},
                claimed=self._claims.of(quote.walks),
                available=plan.available,
            )
        )
        draft.do(c.StartValidation())
        missing = planning.exits_missing(desk, draft.cycle, quote)
        if missing is not None:
            return Refusal("no_exit", f"{missing} could not be sold again now")
        kept = ONE + (wanted.min_profit_bps - strategy.max_slippage_bps) / BPS
        draft.do(
            c.ValidateCycle(
                expected=quote.output,
                floor=amount * kept,
                fee_reserve={},
                cap=amount * NOTIONAL_CAP_FACTOR,
                max_slippage_bps=strategy.max_slippage_bps,
                max_retries=strategy.order.max_retries,
            )
        )
        draft.do(planning.intend(desk, draft.cycle, quote.walks[0], "leg", venue_ns))
        wrong = self._runner.gate.objection(draft.cycle, draft.cycle.orders[-1])
        if wrong is not None:
            return Refusal("gate", wrong)
        if not desk.arbiter.promise(cycle_id, start, amount):
            return Refusal(BALANCE, f"{plain(amount)} {start} is not available")
        desk.journal.take_number(number)
        desk.ration.promise(draft.cycle.orders[-1].client_order_id)
        self._claims.take(cycle_id, quote.walks)
        self._opening[cycle_id] = draft.cycle
        self._open.add(cycle_id)
        self.taken += 1
        self._runner.recheck(
            draft.cycle.orders[-1], partial(self._sizing.gone, wanted, plan, cycle_id)
        )
        return draft

    async def _begin(self, drafts: list[Draft]) -> None:
        """Append what was decided together, as one."""
        if not drafts:
            return
        try:
            await self._runner.open(drafts)
        finally:
            for draft in drafts:
                self.appended(draft.cycle.id)
        await asyncio.sleep(0)  # their orders leave first, then the next books are looked at

    def appended(self, cycle_id: str) -> None:
        """Learn that a decided cycle is in the log, or will never be: what it was promised is its own now."""
        self._desk.arbiter.resolved(cycle_id)
        del self._opening[cycle_id]


def _was_sent(order: Order) -> bool:
    return not (order.state == ORDER_REFUSED and order.status == NOT_SENT)
