"""Random histories of a cycle: random commands, and a venue that tells whatever it likes.

Everything is drawn from one `random.Random`, so that a seed, or hypothesis, decides the history.
"""

from __future__ import annotations

from decimal import ROUND_DOWN
from random import Random
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from arb.errors import IllegalMove
from arb.events import facts as f
from arb.ids import client_order_id, cycle_id
from arb.machine import commands as c
from arb.machine import table as t
from arb.machine.decide import decide
from arb.machine.evolve import evolve
from arb.machine.invariants import broken
from arb.machine.order_fold import ATTESTED, attested_trade_id
from arb.machine.transitions import fire
from tests.machine.venue_words import UNIT, a_fill, end, name_of, report
from tests.spec.given import LEGS, D

if TYPE_CHECKING:
    from arb.machine.state import Cycle, Order

PRICES: Final = {
    "BTC/USDT": D(50_000),
    "ETH/BTC": D("0.05"),
    "ETH/USDT": D(2_500),
    "BNB/USDT": D(500),
}
ATTESTED_RATE: Final = 0.9  # of attested fills that look as the engine makes them
encode: Final = msgspec.json.encode


class Walk:
    """One cycle driven through `decide`; what it refuses is left out."""

    def __init__(self, rng: Random, number: int = 1) -> None:
        self.rng = rng
        self.number = number
        self.at_ns = 1_000
        self.cycle: Cycle | None = None
        self.fired: Cycle | None = None
        self.facts: list[f.CycleEvent] = []
        self.fills: list[f.Posted] = []
        self.moves: set[tuple[str, type]] = set()
        self.commands: set[type] = set()
        self.refusals = 0

    def go(self, steps: int) -> Walk:
        for _ in range(steps):
            self.step()
        return self

    def step(self) -> list[f.CycleEvent]:
        """Try one command, and check everything that must hold of every history."""
        command = propose(self.rng, self.cycle, self.number)
        before = encode(self.cycle)
        try:
            events = decide(self.cycle, command)
        except IllegalMove:
            self.refusals += 1
            assert encode(self.cycle) == before, "a refusal changed the cycle"
            return []
        assert decide(self.cycle, command) == events, "decide is not deterministic"
        assert encode(self.cycle) == before, "decide changed the cycle it was given"
        self._try_on_a_draft(events, before)
        self.commands.add(type(command))
        self.at_ns += self.rng.randrange(3)
        for event in events:
            self._take(event)
        return events

    def _try_on_a_draft(self, events: list[f.CycleEvent], before: bytes) -> None:
        if self.cycle is not None:
            draft = self.cycle.copy()
            for event in events:
                draft = evolve(draft, event, self.at_ns)
            assert encode(self.cycle) == before, "a draft shares what it changes with its cycle"

    def _take(self, event: f.CycleEvent) -> None:
        if self.cycle is not None and isinstance(event, f.CycleFact):
            self.moves.add((self.cycle.state, type(event)))
        self.cycle = evolve(self.cycle, event, self.at_ns)
        self.fired = fire(self.fired, event, self.at_ns)
        self.facts.append(event)
        if isinstance(event, f.Posted):
            self.fills.append(event)
        assert self.fired == self.cycle, f"firing and folding differ after {event}"
        assert broken(self.cycle, self.fills) == []
        if isinstance(event, f.LegPartlyFilled):
            assert (event.spent, event.received) == (self.cycle.leg_spent, self.cycle.leg_received)


def propose(rng: Random, cycle: Cycle | None, number: int) -> c.Command:
    """Think of a command: most often a sensible one, sometimes any."""
    if cycle is None:
        return c.OpenCycle(
            cycle_id=cycle_id("walk", number),
            number=number,
            strategy="walk",
            config="c0ffee",
            legs=LEGS,
            start_amount=D(1000),
            edge_bps=D(3),
            books={},
        )
    makers = sensible(rng, cycle) if rng.random() < 0.85 else list(MAKERS)
    return rng.choice(makers)(rng, cycle)


def sensible(rng: Random, cycle: Cycle) -> list[Any]:
    state = cycle.state
    if state == t.PENDING:
        return [start_validation] * 8 + [decline, abandon]
    if state == t.VALIDATING:
        return [validate] * 8 + [decline, abandon]
    if cycle.is_closed:
        return [report_any, report_any, request_unwind, release]
    if cycle.orders and rng.random() < 0.1:
        return [report_any]
    if cycle.pending_orders():
        told = [report_pending] * 6 + [finish_pending] * 6
        return [
            *told,
            report_unknown,
            report_refused,
            report_absent,
            cancel,
            attest,
            correct_end,
            recover,
        ]
    if state == t.RECOVERING:
        closing = [complete, liquidate, park, miss, refuse]
        return [resume] * 3 + [unwind] * 2 + [recover, wait] + closing
    if state == t.PANIC_SELLING:
        return [intend_unwind] * 4 + [settle_hop, liquidate, liquidate, park, recover, complete]
    if cycle.leg >= len(cycle.legs):
        return [complete] * 6 + [recover, unwind]
    if cycle.leg_received > 0:
        return [settle_leg] * 5 + [mark_partial, intend_leg, recover, unwind, complete]
    return [intend_leg] * 8 + [recover, miss, refuse, unwind]


# --- commands without a choice


def start_validation(rng: Random, cycle: Cycle) -> c.Command:
    return c.StartValidation()


def validate(rng: Random, cycle: Cycle) -> c.Command:
    return c.ValidateCycle(
        expected=D(1003),
        floor=D(990),
        fee_reserve={},
        cap=D(1500),
        max_slippage_bps=D(50),
        max_retries=1,
    )


def decline(rng: Random, cycle: Cycle) -> c.Command:
    return c.DeclineCycle(reason="size", detail=rng.choice(["", "too small"]))


def abandon(rng: Random, cycle: Cycle) -> c.Command:
    return c.AbandonCycle(reason="restart")


def mark_partial(rng: Random, cycle: Cycle) -> c.Command:
    return c.MarkPartial()


def settle_leg(rng: Random, cycle: Cycle) -> c.Command:
    return c.SettleLeg()


def complete(rng: Random, cycle: Cycle) -> c.Command:
    return c.CompleteCycle(fee_value=rng.choice([None, D(0), D(1)]))


def miss(rng: Random, cycle: Cycle) -> c.Command:
    return c.MissCycle(reason="nothing filled")


def refuse(rng: Random, cycle: Cycle) -> c.Command:
    return c.RefuseCycle(reason="filter")


def recover(rng: Random, cycle: Cycle) -> c.Command:
    return c.StartRecovery(reason="restart")


def wait(rng: Random, cycle: Cycle) -> c.Command:
    return c.Wait(reason="maintenance", next_try_ns=cycle.updated_ns + 5)


def resume(rng: Random, cycle: Cycle) -> c.Command:
    leg = cycle.leg if rng.random() < 0.5 else rng.randrange(-1, 4)
    return c.Resume(leg=leg, partly=rng.random() < 0.5, output=D(1), floor=D(1), liquidation=D(1))


def unwind(rng: Random, cycle: Cycle) -> c.Command:
    return c.StartUnwind(reason="panic", targets=targets(rng), liquidation=D(1), resume=None)


def targets(rng: Random) -> tuple[str, ...]:
    return rng.choice([("USDT",), ("USDT", "BTC"), ("BTC",), ("USDT", "BNB")])


def liquidate(rng: Random, cycle: Cycle) -> c.Command:
    value = rng.choice([D(0), D(7)])
    return c.LiquidateCycle(targets=targets(rng), value=value, fee_value=D(0))


def park(rng: Random, cycle: Cycle) -> c.Command:
    dust = tuple(asset for asset in cycle.holdings if rng.random() < 0.5)
    return c.ParkCycle(reason="no market", targets=targets(rng), dust=dust, fee_value=D(0))


def request_unwind(rng: Random, cycle: Cycle) -> c.Command:
    return c.RequestUnwind(reason="operator")


def release(rng: Random, cycle: Cycle) -> c.Command:
    return c.ReleaseHoldings(reason="operator")


def discrepancy(rng: Random, cycle: Cycle) -> c.Command:
    return c.ReportDiscrepancy(kind="garbled reply", subject="x", was="", now="?")


# --- orders


def intend_leg(rng: Random, cycle: Cycle) -> c.Command:
    leg = cycle.legs[min(cycle.leg, len(cycle.legs) - 1)]
    return intend(rng, cycle, leg.market, leg.side, "leg")


def intend_unwind(rng: Random, cycle: Cycle) -> c.Command:
    held = [asset for asset, amount in cycle.holdings.items() if amount > 0]
    asset = rng.choice(held or ["BTC"])
    ways = [(market, "sell") for market in PRICES if market.startswith(asset)]
    ways += [(market, "buy") for market in PRICES if market.endswith(asset)]
    return intend(rng, cycle, *rng.choice(ways), "unwind")


def intend(rng: Random, cycle: Cycle, market: str, side: str, purpose: str) -> c.Command:
    base, quote = market.split("/")
    limit = PRICES[market] * rng.choice([D(1), D("1.01"), D("0.99")])
    held = cycle.holding(quote) / limit if side == "buy" else cycle.holding(base)
    share = rng.choice([D(1), D(1), D(1), D("0.5"), D("1.1")])
    amount = (held * share).quantize(UNIT, rounding=ROUND_DOWN)
    return c.IntendOrder(
        client_order_id=client_order_id("walk", cycle.number, cycle.orders_sent + 1),
        purpose=purpose,
        market=market,
        base=base,
        quote=quote,
        side=side,
        amount=amount,
        limit=limit,
        best=limit,
        expected=D(1),
        venue_time_ns=cycle.updated_ns,
        window_ns=10,
        dead_ns=cycle.updated_ns + 20,
    )


def some_order(rng: Random, cycle: Cycle, *, pending: bool) -> Order | None:
    orders = cycle.pending_orders() if pending else list(cycle.orders)
    return rng.choice(orders) if orders else None


def report_unknown(rng: Random, cycle: Cycle) -> c.Command:
    order = some_order(rng, cycle, pending=True)
    return c.ReportUnknown(client_order_id=name_of(order), reason="timeout")


def report_refused(rng: Random, cycle: Cycle) -> c.Command:
    order = some_order(rng, cycle, pending=True)
    return c.ReportRefused(client_order_id=name_of(order), reason="filter")


def report_absent(rng: Random, cycle: Cycle) -> c.Command:
    order = some_order(rng, cycle, pending=True)
    return c.ReportAbsent(
        client_order_id=name_of(order),
        not_found=rng.choice([3, 3, 2]),
        venue_time_ns=cycle.updated_ns + 50,
        trades_read=0,
        evidence="",
    )


def cancel(rng: Random, cycle: Cycle) -> c.Command:
    order = some_order(rng, cycle, pending=True)
    return c.RequestCancel(client_order_id=name_of(order), reason="deadline")


def settle_hop(rng: Random, cycle: Cycle) -> c.Command:
    return c.SettleHop(client_order_id=name_of(some_order(rng, cycle, pending=False)))


def attest(rng: Random, cycle: Cycle) -> c.Command:
    order = some_order(rng, cycle, pending=True)
    told = None if order is None else a_fill(rng, order)
    if told is not None and order is not None and rng.random() < ATTESTED_RATE:
        name = attested_trade_id(order.client_order_id)
        told = replace(told, trade_id=name, exchange_order_id=ATTESTED, fee=D(0))
    return c.AttestOrder(
        client_order_id=name_of(order),
        verdict=rng.choice(["absent", "filled", "maybe"]),
        reason="statement",
        fill=told,
    )


def correct_end(rng: Random, cycle: Cycle) -> c.Command:
    order = some_order(rng, cycle, pending=True)
    filled = D(0) if order is None else order.filled
    return c.CorrectEnd(client_order_id=name_of(order), filled=filled)


def report_pending(rng: Random, cycle: Cycle) -> c.Command:
    return report(rng, some_order(rng, cycle, pending=True))


def report_any(rng: Random, cycle: Cycle) -> c.Command:
    return report(rng, some_order(rng, cycle, pending=False))


def finish_pending(rng: Random, cycle: Cycle) -> c.Command:
    return end(rng, some_order(rng, cycle, pending=True))


MAKERS: Final = (
    start_validation,
    validate,
    decline,
    abandon,
    mark_partial,
    settle_leg,
    complete,
    miss,
    refuse,
    recover,
    wait,
    resume,
    unwind,
    liquidate,
    park,
    request_unwind,
    release,
    discrepancy,
    intend_leg,
    intend_unwind,
    report_unknown,
    report_refused,
    report_absent,
    cancel,
    settle_hop,
    attest,
    correct_end,
    report_pending,
    report_any,
    finish_pending,
)
