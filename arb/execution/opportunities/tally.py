"""What a run did, counted from the facts it appended."""

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal

from msgspec import Struct

from arb.events import facts as f
from arb.execution.opportunities.detector import Detector
from arb.ids import cycle_stream
from arb.machine import table as t
from arb.machine.account import Account
from arb.machine.evolve import add
from arb.machine.net import Net, net_of
from arb.machine.state import Cycle, path_of
from arb.money import BPS, ZERO
from arb.strategy.schema import Strategy


class _Seen(Struct):
    start: str = ""
    state: str = t.PENDING
    outcome: str | None = None
    path: tuple[str, ...] = ()
    net: Net | None = None
    fees: f.Amounts = {}
    dust: f.Amounts = {}
    parked: f.Amounts = {}


class _Filled(Struct):
    best: Decimal
    side: str
    amount: Decimal = ZERO
    cost: Decimal = ZERO


_OUTCOMES: dict[type, str] = {
    f.CycleDeclined: t.DECLINED,
    f.CycleAbandoned: t.ABANDONED,
    f.CycleRefused: t.REFUSED,
    f.CycleMissed: t.MISSED,
    f.CycleLiquidated: t.LIQUIDATED,
    f.CycleParked: t.PARKED,
    f.CycleCompleted: t.LOOP_COMPLETED,
}
_UNWOUND = (t.LIQUIDATED, t.PARKED)


class Tally:
    """Listens to the journal; cycles that were open at the start are introduced first."""

    def __init__(self, moved: Callable[[], Cycle | None]) -> None:
        self._moved = moved  # the cycle that the facts just told have moved
        self._cycles: dict[str, _Seen] = {}
        self._orders: dict[str, _Filled] = {}
        self.external: f.Amounts = {}

    def introduce(self, stream: str, start: str, state: str) -> None:
        """Name a cycle that this run found open."""
        self._cycles[stream] = _Seen(start=start, state=state)

    def _seen(self, stream: str) -> _Seen:
        seen = self._cycles.setdefault(stream, _Seen())
        cycle = self._moved()
        if cycle is not None and stream == cycle_stream(cycle.id):
            seen.start, seen.state = cycle.start_asset, cycle.state
            seen.path = tuple(path_of(cycle))
        return seen

    def hear(self, stream: str, fact: f.Fact, _at_ns: int) -> None:
        """Count one appended fact."""
        match fact:
            case f.CycleFact():
                self._cycle(self._seen(stream), fact)
            case f.OrderIntended():
                self._orders[fact.client_order_id] = _Filled(fact.best, fact.side)
            case f.OrderFilled():
                seen = self._seen(stream)
                seen.fees = add(seen.fees, {fact.fee_asset: fact.fee})
                order = self._orders.get(fact.client_order_id)
                if order is not None:
                    order.amount += fact.amount
                    order.cost += fact.price * fact.amount
            case f.AttestedFillReversed():
                order = self._orders.get(fact.client_order_id)
                if order is not None:
                    order.amount -= fact.amount
                    order.cost -= fact.price * fact.amount
            case f.ExternalChangeFound():
                self.external = add(self.external, {fact.asset: fact.amount})
            case _:
                return

    def _cycle(self, seen: _Seen, fact: f.CycleFact) -> None:
        outcome = _OUTCOMES.get(type(fact))
        if outcome is None:
            if seen.state not in t.CLOSED:
                seen.outcome = None
                seen.dust, seen.parked = {}, {}
            return
        seen.outcome = outcome
        if isinstance(fact, f.CycleCompleted | f.CycleLiquidated | f.CycleParked):
            seen.net = net_of(fact.pnl, fact.fee_value, fact.fees, seen.path, fact.dust)
            seen.dust = fact.dust
        if isinstance(fact, f.CycleParked):
            seen.parked = fact.parked

    @property
    def unresolved(self) -> int:
        """Cycles that this run worked on and left open."""
        return sum(seen.state not in t.CLOSED for seen in self._cycles.values())

    @property
    def parked(self) -> list[str]:
        """Cycles that this run parked."""
        return [
            stream.removeprefix("cycle-")
            for stream, seen in self._cycles.items()
            if seen.outcome == t.PARKED
        ]

    def slippage_bps(self) -> Decimal | None:
        """Mean over this run's filled orders, from the touch they were planned at; None: nothing filled."""
        each = []
        for order in self._orders.values():
            if order.amount > 0:
                paid = order.cost / order.amount
                worse = paid - order.best if order.side == "buy" else order.best - paid
                each.append(worse / order.best * BPS)
        if not each:
            return None
        return (sum(each, ZERO) / len(each)).quantize(Decimal("0.01"))

    def results(self) -> "Results":
        """What the cycles that this run saw end have brought, by start currency."""
        every: dict[str, Net] = {}
        unwound: dict[str, Net] = {}
        for seen in self._cycles.values():
            if seen.net is None:
                continue
            sums = (every, unwound) if seen.outcome in _UNWOUND else (every,)
            for one in sums:
                one[seen.start] = one[seen.start] + seen.net if seen.start in one else seen.net
        by_currency, of_it = dict(sorted(every.items())), dict(sorted(unwound.items()))
        return Results(by_currency, of_it, self.slippage_bps())

    def summary(
        self,
        detector: Detector,
        *,
        taken: int,
        declined: Counter[str],
        events: int,
        head_hash: bytes,
    ) -> "Summary":
        """Everything, in the shape of the last line of `run --json`."""
        results = self.results()
        fees: f.Amounts = {}
        dust: f.Amounts = {}
        parked: f.Amounts = {}
        for seen in self._cycles.values():
            fees, dust = add(fees, seen.fees), add(dust, seen.dust)
            parked = add(parked, seen.parked)
        seen_all = self._cycles.values()
        return Summary(
            cycles=dict(sorted(Counter(seen.state for seen in seen_all).items())),
            outcomes=dict(sorted(Counter(s.outcome for s in seen_all if s.outcome).items())),
            opportunities=Opportunities(
                paths=detector.paths,
                episodes=detector.episodes,
                states=detector.states,
                taken=taken,
                declined=dict(sorted(declined.items())),
            ),
            pnl={asset: net.pnl for asset, net in results.every.items()},
            net={asset: net.after for asset, net in results.every.items()},
            unwound={asset: net.pnl for asset, net in results.unwound.items()},
            fees=dict(sorted(fees.items())),
            dust=dict(sorted(dust.items())),
            parked=dict(sorted(parked.items())),
            unresolved=self.unresolved,
            external_changes=dict(sorted(self.external.items())),
            slippage_bps=results.slippage_bps or ZERO,
            events=events,
            last_hash=head_hash.hex(),
        )


class Results(Struct, frozen=True):
    """What a run's cycles brought, by start currency, and how far from the planned prices."""

    every: dict[str, Net]
    unwound: dict[str, Net]  # the part from cycles that were liquidated or parked
    slippage_bps: Decimal | None  # None: nothing was filled


class Opportunities(Struct, frozen=True):
    """What the market offered, and what became of it."""

    paths: int
    episodes: int
    states: int
    taken: int
    declined: dict[str, int]


class Summary(Struct, frozen=True, tag="summary", tag_field="type"):
    """The last line of a run."""

    cycles: dict[str, int]
    outcomes: dict[str, int]
    opportunities: Opportunities
    pnl: f.Amounts
    net: dict[str, Decimal | None]  # `pnl` less fees elsewhere; None: nothing tells it
    unwound: f.Amounts  # the part of `pnl` from cycles that were liquidated or parked
    fees: f.Amounts
    dust: f.Amounts
    parked: f.Amounts
    unresolved: int
    external_changes: f.Amounts
    slippage_bps: Decimal  # 0 also where nothing was filled
    events: int
    last_hash: str


def halted_everywhere(account: Account, strategies: Sequence[Strategy]) -> str | None:
    """Say why none of the strategies may open a cycle; None when one may.

    A strategy may not where a currency of it is halted, or one of its limits is tripped. A pause
    ends no run, and keeps none going that may open nothing without it either.
    """
    reasons = [
        account.halt_of(set(one.cycle or ())) or _tripped(account, one) for one in strategies
    ]
    if not reasons or any(reason is None for reason in reasons):
        return None
    return reasons[0]


def _tripped(account: Account, strategy: Strategy) -> str | None:
    risk = account.risk.get(strategy.name)
    for limit, reason in sorted(({} if risk is None else risk.tripped).items()):
        return f"{strategy.name}: {limit} ({reason}); `monitor.py --reset-risk {limit}` lifts it"
    return None
