"""Open cycles: quote each strategy's path on every book change, check everything, reserve, send."""

from collections.abc import Callable
from decimal import Decimal

import structlog
from msgspec import Struct

from arb import ids
from arb.events.facts import LegRoute
from arb.execution import planning
from arb.execution.breaker import Breaker
from arb.execution.declined import Declined
from arb.execution.desk import Desk
from arb.execution.guards import Guards, Refusal
from arb.execution.runner import Runner
from arb.execution.sending import NOT_SENT
from arb.limits import NOTIONAL_CAP_FACTOR
from arb.machine import commands as c
from arb.machine.risk import identity_of
from arb.machine.state import Cycle, Order
from arb.machine.table import ORDER_REFUSED
from arb.market.chain import Quote, quote_path
from arb.market.depth import Shortfall
from arb.money import BPS, ONE, plain
from arb.strategy.schema import Strategy

log = structlog.get_logger()


QUOTA = "enough cycles"  # as many as the run was asked for: nobody's refusal


class Desired(Struct, frozen=True):
    """One strategy with its path resolved to markets."""

    strategy: Strategy
    config: str
    legs: tuple[LegRoute, ...]
    markets: frozenset[str]


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
        cycles_max: int | None,
        space_low: Callable[[], bool],
    ) -> None:
        self._desk = desk
        self._runner = runner
        self._breaker = breaker
        self._guards = guards
        self.declined = declined
        self.desired: list[Desired] = []  # known once the venue's markets are
        self._cycles_max = cycles_max
        self._space_low = space_low
        self.accepting = False
        self.opening = False  # a cycle is being appended and nobody works on it yet
        self.taken = 0
        self._open: set[str] = set()  # cycles of this run that are not over
        self.ended = 0  # cycles of this run that sent an order and are over

    @property
    def done(self) -> bool:
        """Whether the cycles asked for have ended."""
        return self._cycles_max is not None and self.ended >= self._cycles_max

    def cycle_ended(self, cycle: Cycle) -> None:
        """Count a cycle of this run when it is over; a reopened one is not counted again."""
        if cycle.id in self._open:
            self._open.discard(cycle.id)
            self.ended += any(_was_sent(order) for order in cycle.orders)

    async def consider(self, market: str) -> None:
        """Look at every strategy that this market's new book concerns."""
        for desired in self.desired:
            if self.accepting and market in desired.markets:
                await self._consider(desired)

    async def _consider(self, desired: Desired) -> None:
        strategy, desk = desired.strategy, self._desk
        start = strategy.start_currency
        amount = self._amount(strategy)
        if amount <= 0:
            self.declined.count(strategy.name, "balance")
            return
        quote = quote_path(
            desired.legs, amount, desk.book, desk.markets, desk.fees, strategy.max_slippage_bps
        )
        if isinstance(quote, Shortfall):
            self.declined.count(strategy.name, quote.reason, quote.detail)
            return
        if quote.edge_bps <= strategy.min_profit_bps:
            return
        refusal = await self._closed(desired, amount, quote)
        if refusal is None and amount > desk.arbiter.available(start):
            refusal = Refusal("balance", f"{plain(amount)} {start} is more than is available")
        if refusal is not None:
            if refusal.reason != QUOTA:
                self.declined.count(strategy.name, refusal.reason, refusal.detail)
            return
        await self._open_cycle(desired, amount, quote)

    def _amount(self, strategy: Strategy) -> Decimal:
        """What a cycle begins with: as allocated, and at most the largest position."""
        most = strategy.risk_controls.max_position_size
        if isinstance(most, dict):
            most = most[strategy.start_currency]
        allocated = self._allocated(strategy)
        return allocated if most is None else min(allocated, most)

    def _allocated(self, strategy: Strategy) -> Decimal:
        capital = strategy.capital_allocation
        if capital.mode == "fixed_amount":
            assert capital.amount is not None
            return capital.amount
        assert capital.fraction is not None
        return self._desk.arbiter.available(strategy.start_currency) * capital.fraction

    async def _closed(self, desired: Desired, amount: Decimal, quote: Quote) -> Refusal | None:
        """Name what forbids a new cycle now."""
        desk, strategy = self._desk, desired.strategy
        if self._cycles_max is not None and self.ended + len(self._open) >= self._cycles_max:
            return Refusal(QUOTA, "")
        halted = desk.journal.account.halted(set(strategy.cycle))
        if halted is not None:
            return Refusal("halted", halted)
        refusal = self._guards.closed(
            strategy,
            identity_of(strategy.cycle),
            strategy.start_currency,
            amount,
            quote.sequences,
        )
        if refusal is not None:
            return refusal
        if desk.access.banned:
            return Refusal("banned", "")
        if desk.access.venue_time_estimate_ns() is None:
            return Refusal("no_clock", "")
        if self._space_low():
            return Refusal("disk_space", "")
        breaker = await self._breaker.closed()
        return None if breaker is None else Refusal(breaker, "")

    async def _open_cycle(self, desired: Desired, amount: Decimal, quote: Quote) -> None:
        """Opening, validation with its reservation and the first intent: one batch, one fsync."""
        desk, strategy = self._desk, desired.strategy
        number = desk.journal.next_number()
        cycle_id = ids.cycle_id(strategy.name, number)
        draft = desk.journal.draft(None)
        draft.do(
            c.OpenCycle(
                cycle_id=cycle_id,
                number=number,
                strategy=strategy.name,
                config=desired.config,
                legs=desired.legs,
                start_amount=amount,
                edge_bps=quote.edge_bps,
                books=quote.sequences,
            )
        )
        draft.do(c.StartValidation())
        missing = planning.exits_missing(desk, draft.cycle, quote)
        venue_ns = desk.access.venue_time_estimate_ns()
        if missing is not None or venue_ns is None:
            reason = "no_exit" if missing else "no_clock"
            self.declined.count(strategy.name, reason, missing or "")
            return
        kept = ONE + (strategy.min_profit_bps - strategy.max_slippage_bps) / BPS
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
        objection = self._runner.gate.objection(draft.cycle, draft.cycle.orders[-1])
        if objection is not None:
            self.declined.count(strategy.name, "gate", objection)
            return
        with desk.arbiter.promised(cycle_id, strategy.start_currency, amount) as there:
            if not there:
                self.declined.count(strategy.name, "balance")
                return
            self._open.add(cycle_id)
            self.taken += 1
            self.opening = True
            try:
                await self._runner.open(draft)
            finally:
                self.opening = False
        log.info("cycle.opened", cycle=cycle_id, edge_bps=str(quote.edge_bps))


def _was_sent(order: Order) -> bool:
    return not (order.state == ORDER_REFUSED and order.status == NOT_SENT)
