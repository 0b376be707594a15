"""What a run met: each opportunity with its life and its fate, each cycle with its result, its orders."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from arb.events import facts as f
from arb.events.facts import LegRoute
from arb.execution.opportunities.tally import Summary
from arb.execution.orders.vetting import NOT_SENT
from arb.execution.runs.assembling import Run
from arb.feeds.source import Change
from arb.machine.evolve import add
from arb.machine.state import Cycle, path_of
from arb.market.cycles import identity
from arb.market.scan import Seen
from arb.money import BPS, ZERO

NO_FATE: Final = "not_looked_at"  # before the run traded, or after it had what it was asked for


class Spell(Struct):
    """One opportunity: an uninterrupted time in which a directed cycle was above its threshold.

    Of very many at once only the best ones are opportunities; one that is none of them any more ends.
    """

    cycle: str  # its legs, whatever it begins with
    from_ns: int
    to_ns: int  # of the row that ended it; while it lasts, of the last row seen
    best_bps: Decimal  # net edge at the top of the books
    lasts: bool = True  # nothing has ended it yet
    taken: int = 0  # cycles that were opened
    declined: Counter[str] = field(default_factory=Counter)  # how often it was left, by reason

    @property
    def life_ns(self) -> int:
        """How long it was there; at least so long where it still lasts."""
        return self.to_ns - self.from_ns

    @property
    def fate(self) -> str:
        """`taken`, or the reason for which it was left most often."""
        if self.taken:
            return "taken"
        if not self.declined:
            return NO_FATE
        return min(self.declined, key=lambda reason: (-self.declined[reason], reason))


class Traded(Struct, frozen=True):
    """A cycle that is over."""

    id: str
    strategy: str
    path: tuple[str, ...]  # currencies, the start one first
    start_amount: Decimal
    planned_bps: Decimal
    opened_ns: int
    ended_ns: int
    outcome: str
    pnl: Decimal  # in the start currency; what is parked is spent, and other fees are apart
    fee_value: Decimal | None  # of these, in the start currency; None: nothing tells their value
    parked: f.Amounts
    parked_value: Decimal | None = ZERO  # at the last books; None: nothing tells all of it

    @property
    def start(self) -> str:
        """The currency it began with, in which its result is."""
        return self.path[0]

    @property
    def net(self) -> Decimal:
        """The result after all fees, with what is parked: as far as their value is known."""
        return self.pnl + (self.parked_value or ZERO) - (self.fee_value or ZERO)

    @property
    def realised_bps(self) -> Decimal:
        """What it brought, of what it began with."""
        return self.net / self.start_amount * BPS


class _Sent(Struct):
    amount: Decimal
    filled: Decimal = ZERO


class Orders(Struct, frozen=True):
    """How many orders were sent, and what became of them."""

    sent: int
    whole: int
    partly: int
    empty: int
    partial_share: Decimal  # mean part that was filled of those filled in part


class Findings:
    """Listens to one run; only what it is told before the run's end is in it."""

    def __init__(self) -> None:
        self.spells: list[Spell] = []
        self._lasting: dict[str, Spell] = {}  # by the cycle's identity
        self._names: dict[int, str] = {}  # of cycles, by their number in the scan
        self._through: dict[str, set[str]] = {}  # by market, the cycles that last
        self._markets: dict[str, frozenset[str]] = {}
        self._ended: dict[str, Traded] = {}
        self._sent: dict[str, _Sent] = {}
        self.declined: Counter[str] = Counter()  # decisions against, by reason
        self.examples: dict[str, str] = {}  # of each reason, the numbers of the last one
        self.reason = ""  # for which the run ended
        self._last_ns = 0

    def follow(self, run: Run) -> None:
        """Begin to listen."""
        self._scan = run.parts.detector.scan
        self._value = run.parts.desk.value
        run.parts.detector.listen(self._see)
        run.parts.trader.declined.listen(self._declined)
        run.parts.desk.journal.listen(self._hear)
        run.parts.desk.journal.listen_closed(self._closed)

    @property
    def cycles(self) -> list[Traded]:
        """The cycles that are over, in the order in which they were opened."""
        return sorted(self._ended.values(), key=lambda one: one.opened_ns)

    def _see(self, change: Change, seen: Seen) -> None:
        at_ns, through = change.at_ns, self._through.get(change.market)
        self._last_ns = at_ns
        if not seen.above and not through:
            return
        above = {self._name(number): number for number in seen.above}
        for name in (through or set()) - above.keys():
            spell = self._lasting.pop(name)
            spell.to_ns, spell.lasts = at_ns, False
            for market in self._markets[name]:
                self._through[market].discard(name)
        for name, number in above.items():
            edge = self._scan.edge_bps(number)
            assert edge is not None, name  # it is above, so every price is there
            known = self._lasting.get(name)
            if known is None:
                known = self._lasting[name] = Spell(name, at_ns, at_ns, edge)
                self.spells.append(known)
                for market in self._markets[name]:
                    self._through.setdefault(market, set()).add(name)
            elif edge > known.best_bps:
                known.best_bps = edge

    def _name(self, number: int) -> str:
        name = self._names.get(number)
        if name is None:
            legs = self._scan.cycles[number].legs
            name = self._names[number] = identity(legs)
            self._markets[name] = frozenset(leg.market for leg in legs)
        return name

    def _declined(
        self, _strategy: str, legs: Sequence[LegRoute], reason: str, detail: str, times: int
    ) -> None:
        spell = self._lasting.get(identity(legs)) if legs else None
        if spell is not None:
            spell.declined[reason] += 1
        self.declined[reason] += times
        self.examples[reason] = detail

    def _hear(self, _stream: str, fact: f.Fact, _at_ns: int) -> None:
        match fact:
            case f.CycleOpened():
                spell = self._lasting.get(identity(fact.legs))
                if spell is not None:
                    spell.taken += 1
            case f.OrderIntended():
                self._sent[fact.client_order_id] = _Sent(fact.amount)
            case f.OrderFilled():
                self._sent[fact.client_order_id].filled += fact.amount
            case f.OrderRefused() if fact.reason == NOT_SENT:
                del self._sent[fact.client_order_id]
            case f.RunEnded():
                self._end(fact.reason)
            case _:
                return

    def _end(self, reason: str) -> None:
        """Take the last look: at what still stands, and at what is parked."""
        self.reason = reason
        for lasting in self._lasting.values():
            lasting.to_ns = self._last_ns
        for one in self._ended.values():
            if one.parked:
                worth = [self._value(asset, held, one.start) for asset, held in one.parked.items()]
                known = [value for value in worth if value is not None]
                value = sum(known, ZERO) if len(known) == len(worth) else None
                self._ended[one.id] = replace(one, parked_value=value)

    def _closed(self, cycle: Cycle) -> None:
        assert cycle.outcome is not None, cycle.id
        assert cycle.pnl is not None, cycle.id
        self._ended[cycle.id] = Traded(
            id=cycle.id,
            strategy=cycle.strategy,
            path=tuple(path_of(cycle)),
            start_amount=cycle.start_amount,
            planned_bps=cycle.edge_bps,
            opened_ns=cycle.opened_ns,
            ended_ns=cycle.ended_ns,
            outcome=cycle.outcome,
            pnl=cycle.pnl,
            fee_value=cycle.fee_value,
            parked=dict(cycle.parked),
        )

    def orders(self) -> Orders:
        """Count the orders by what was filled of them."""
        shares = [one.filled / one.amount for one in self._sent.values()]
        partly = [share for share in shares if 0 < share < 1]
        return Orders(
            sent=len(shares),
            whole=sum(share >= 1 for share in shares),
            partly=len(partly),
            empty=sum(share == 0 for share in shares),
            partial_share=sum(partly, ZERO) / len(partly) if partly else ZERO,
        )


class Measures(Struct, frozen=True):
    """What one run came to, in numbers: what a grid of runs is compared by."""

    summary: Summary
    exit_code: int
    reason: str  # for which it ended
    orders: Orders
    spells: int
    spells_taken: int
    lives_ns: tuple[int, ...]  # from the shortest to the longest
    net: f.Amounts  # by start currency: P/L after all fees, with what is parked
    unvalued: int  # cycles with a fee or something parked whose value is not known


def measured(findings: Findings, summary: Summary, exit_code: int) -> Measures:
    """Sum up a run that has ended."""
    net: f.Amounts = {}
    for one in findings.cycles:
        net = add(net, {one.start: one.net})
    return Measures(
        summary=summary,
        exit_code=exit_code,
        reason=findings.reason,
        orders=findings.orders(),
        spells=len(findings.spells),
        spells_taken=sum(spell.taken > 0 for spell in findings.spells),
        lives_ns=tuple(sorted(spell.life_ns for spell in findings.spells)),
        net=dict(sorted(net.items())),
        unvalued=sum(one.fee_value is None or one.parked_value is None for one in findings.cycles),
    )
