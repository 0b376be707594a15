"""Open cycles: of what pays at the top of the books, size it, check everything, reserve, send."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

import structlog

from arb import ids
from arb.events.facts import LegRoute
from arb.execution import planning
from arb.execution.breaker import Breaker
from arb.execution.capital import BALANCE, offered
from arb.execution.declined import Declined, Refusal
from arb.execution.desk import Desk
from arb.execution.discovery import Sought, Wanted, start_order
from arb.execution.guards import Guards
from arb.execution.runner import Runner
from arb.execution.sending import NOT_SENT
from arb.limits import NOTIONAL_CAP_FACTOR
from arb.machine import commands as c
from arb.machine.risk import identity_of
from arb.machine.state import Cycle, Order
from arb.machine.table import ORDER_REFUSED
from arb.market.chain import Quote
from arb.market.cycles import rotated
from arb.market.depth import Shortfall
from arb.market.reading import Reader
from arb.market.scan import Seen, Watched
from arb.market.size import best_size
from arb.money import BPS, ONE, plain
from arb.strategy.schema import Strategy

log = structlog.get_logger()

QUOTA: Final = Refusal("enough cycles")  # as many as the run was asked for: nobody's refusal
BELOW_BAR: Final = "edge_at_size"
NO_CLOCK: Final = Refusal("no_clock", "the venue's clock was not read for too long")


class Plan(NamedTuple):
    """A cycle from its start currency on, sized and priced."""

    legs: tuple[LegRoute, ...]
    quote: Quote


class Trader:
    """Decides to trade or not; each decision not to is counted by its reason."""

    def __init__(
        self,
        desk: Desk,
        runner: Runner,
        breaker: Breaker,
        guards: Guards,
        declined: Declined,
        *,
        cycles: Sequence[Watched],
        cycles_max: int | None,
        space_low: Callable[[], bool],
    ) -> None:
        self._desk = desk
        self._runner = runner
        self._breaker = breaker
        self._guards = guards
        self.declined = declined
        self._cycles = cycles  # by number: those that the scan knows
        self._named: dict[int, list[Wanted]] = {}  # known once the venue's markets are
        self.sought: dict[str, Sought] = {}  # by configuration
        self._wanted: dict[int, tuple[Wanted, ...]] = {}  # of cycles that were above once
        self.strategies: dict[str, Strategy] = {}  # by name: those that trade
        self._reader = Reader()
        self._cycles_max = cycles_max
        self._space_low = space_low
        self.accepting = False
        self.opening = False  # a cycle is being appended and nobody works on it yet
        self.taken = 0
        self._open: set[str] = set()  # cycles of this run that are not over
        self.ended = 0  # cycles of this run that sent an order and are over

    def want(self, number: int, wanted: Wanted) -> None:
        """Trade a cycle, by its number in the scan, when it pays."""
        self._named.setdefault(number, []).append(wanted)
        self._wanted.pop(number, None)
        self.strategies[wanted.strategy.name] = wanted.strategy

    def seek(self, sought: Sought) -> None:
        """Trade all cycles of some markets when they pay, instead of those that it sought before."""
        self.sought[sought.config] = sought
        self._wanted.clear()
        self.strategies[sought.strategy.name] = sought.strategy

    def _who_wants(self, number: int) -> tuple[Wanted, ...]:
        """List the strategies that trade a cycle, and how."""
        known = self._wanted.get(number)
        if known is None:
            legs = self._cycles[number].legs
            found = (sought.wants(legs) for sought in self.sought.values())
            known = (*self._named.get(number, ()), *(one for one in found if one is not None))
            self._wanted[number] = known
        return known

    @property
    def done(self) -> bool:
        """Whether the cycles asked for have ended."""
        return self._cycles_max is not None and self.ended >= self._cycles_max

    def cycle_ended(self, cycle: Cycle) -> None:
        """Count a cycle of this run when it is over; a reopened one is not counted again."""
        if cycle.id in self._open:
            self._open.discard(cycle.id)
            self.ended += any(_was_sent(order) for order in cycle.orders)

    async def consider(self, seen: Seen) -> None:
        """Look at every strategy that trades one of the cycles that pay at the top of the books."""
        for number in seen.above:
            for wanted in self._who_wants(number):
                if not self.accepting:
                    return
                refusal = await self._consider(wanted)
                if refusal is not None and refusal is not QUOTA:
                    name = wanted.strategy.name
                    self.declined.count(name, wanted.legs, refusal.reason, refusal.detail)

    async def _consider(self, wanted: Wanted) -> Refusal | None:
        """Open the cycle from the first start currency of which there is something to begin with."""
        refusal = await self._closed(wanted)
        if refusal is not None:
            return refusal
        starts = (wanted.start,) if wanted.start else start_order(wanted.strategy, wanted.legs)
        for start in starts:
            cap = offered(self._desk, wanted.strategy, start)
            if isinstance(cap, Refusal):
                refusal = refusal or cap
                continue
            plan = self._plan(wanted, start, cap)
            return plan if isinstance(plan, Refusal) else await self._open_cycle(wanted, plan)
        return refusal

    async def _closed(self, wanted: Wanted) -> Refusal | None:
        """Name what forbids any new cycle of this kind now."""
        desk = self._desk
        if self._cycles_max is not None and self.ended + len(self._open) >= self._cycles_max:
            return QUOTA
        halted = desk.journal.account.halted({leg.spend_asset for leg in wanted.legs})
        if halted is not None:
            return Refusal("halted", halted)
        if desk.journal.closing:
            return Refusal("halted", "a pause or a halt is being recorded")
        if desk.access.banned:
            return Refusal("banned", "the venue told us to be silent")
        if desk.access.venue_time_estimate_ns() is None:
            return NO_CLOCK
        if self._space_low():
            return Refusal("disk_space", "the disk of the log is nearly full")
        paused = await self._breaker.closed()
        return None if paused is None else Refusal(paused, "too many anomalies a moment ago")

    def _plan(self, wanted: Wanted, start: str, cap: Decimal) -> Plan | Refusal:
        """Size the cycle from a start currency; its edge has to hold at that size, and the guards agree."""
        desk, strategy = self._desk, wanted.strategy
        legs = rotated(wanted.legs, start)
        quote = best_size(
            legs,
            cap,
            desk.book,
            desk.markets,
            wanted.fees,
            strategy.max_slippage_bps,
            min_profit_bps=wanted.min_profit_bps,
            depth_share=strategy.capital_allocation.max_depth_share,
            at_bound=strategy.order.type == "market",
            reader=self._reader,
        )
        if isinstance(quote, Shortfall):
            return Refusal(quote.reason, f"{quote.market}: {quote.detail}")
        if quote.edge_bps <= wanted.min_profit_bps:
            edge, bar = plain(quote.edge_bps), plain(wanted.min_profit_bps)
            return Refusal(BELOW_BAR, f"{edge} bps at {plain(quote.used)} {start}, not above {bar}")
        identity = identity_of([leg.spend_asset for leg in legs])
        closed = self._guards.closed(strategy, identity, start, quote.amount, quote.sequences)
        return closed or Plan(legs, quote)

    async def _open_cycle(self, wanted: Wanted, plan: Plan) -> Refusal | None:
        """Opening, validation with its reservation and the first intent: one batch, one fsync."""
        desk, strategy, quote = self._desk, wanted.strategy, plan.quote
        start, amount = plan.legs[0].spend_asset, quote.amount
        number = desk.journal.next_number()
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
            )
        )
        draft.do(c.StartValidation())
        missing = planning.exits_missing(desk, draft.cycle, quote)
        if missing is not None:
            return Refusal("no_exit", f"{missing} could not be sold again now")
        venue_ns = desk.access.venue_time_estimate_ns()
        if venue_ns is None:
            return NO_CLOCK
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
        with desk.arbiter.promised(cycle_id, start, amount) as there:
            if not there:
                return Refusal(BALANCE, f"{plain(amount)} {start} is not available")
            self._open.add(cycle_id)
            self.taken += 1
            self.opening = True
            try:
                await self._runner.open(draft)
            finally:
                self.opening = False
        log.info("cycle.opened", cycle=cycle_id, edge_bps=str(quote.edge_bps))
        return None


def _was_sent(order: Order) -> bool:
    return not (order.state == ORDER_REFUSED and order.status == NOT_SENT)
