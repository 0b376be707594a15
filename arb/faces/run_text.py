"""What a run says: events as JSON lines, or the story of its cycles in words."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import click
import msgspec

from arb.events import facts as f
from arb.execution.cycles.cooling import BELOW_FLOOR, LATENCY, NOTHING, SHORTFALL
from arb.execution.runs.assembling import Run
from arb.execution.runs.running import Ended
from arb.faces.audience import Audience
from arb.faces.standing import halt_line, paused_line, tripped_line
from arb.faces.text import counted, result, say, when
from arb.limits import SHUTDOWN_PATIENCE_S
from arb.machine.account import pause_reason
from arb.machine.net import Net, net_of
from arb.machine.state import Cycle, path_of
from arb.money import plain, written_out
from arb.strategy.schema import Strategy

CAUSE_WORDS: Final = {
    SHORTFALL: "a leg found too little depth",
    BELOW_FLOOR: "it fell below its floor",
    NOTHING: "a leg filled nothing",
    LATENCY: "a leg took too long",
}


class Echo:
    """Print every appended event of a run as one line of JSON."""

    def follow(self, run: Run) -> None:
        """Begin with what is in the log since before this run, the creation included."""
        self._run = run
        self._position = run.began
        audience = Audience(run)
        run.parts.desk.journal.listen(lambda _stream, _fact, _at_ns: audience.tell(self._print))
        self._print()

    def _print(self) -> None:
        if self._run.log.head().position <= self._position:
            return
        from arb.faces.records import record_json  # noqa: PLC0415 -- a cycle of faces otherwise

        for record in self._run.log.read(self._position):
            click.echo(record_json(record))
            self._position = record.position


class Story:
    """Print a line for every cycle that ends."""

    def follow(self, run: Run) -> None:
        """Listen for ends."""
        audience = Audience(run)
        run.parts.desk.journal.listen_closed(
            lambda cycle: audience.tell(partial(self._closed, cycle))
        )
        run.parts.desk.journal.listen(
            lambda _stream, fact, _at_ns: audience.tell(partial(self._hear, fact))
        )

    def _closed(self, cycle: Cycle) -> None:
        path = path_of(cycle)
        words = [f"{cycle.id}: {' > '.join([*path, cycle.start_asset])}: {cycle.outcome}"]
        if cycle.pnl is not None and cycle.outcome not in {"declined", "abandoned"}:
            net = net_of(cycle.pnl, cycle.fee_value, cycle.fees, path, cycle.dust)
            words.append(f"P/L {result(net, cycle.start_asset)}")
        if cycle.parked:
            words.append("parked " + _amounts(cycle.parked))
        why = f" ({cycle.error})" if cycle.error else ""
        click.echo(", ".join(words) + why)

    def _hear(self, fact: f.Fact) -> None:
        match fact:
            case f.EngineHalted():
                say(halt_line(fact.scope, fact.reason))
            case f.NewCyclesPaused():
                say(paused_line(pause_reason(fact)))
            case f.DiscrepancyFound():
                say(f"DISCREPANCY {fact.kind}: {fact.subject}: was {fact.was}, now {fact.now}")
            case f.ExternalChangeFound():
                word = "explained" if fact.explained else "UNEXPLAINED"
                say(f"balance of {fact.asset} changed by {plain(fact.amount)} ({word})")
            case f.BreakerTripped():
                say(f"breaker: {fact.count} {fact.kind}; new cycles pause")
            case f.RiskTripped():
                say(tripped_line(fact.strategy, fact.limit, fact.reason))
            case f.CooldownStarted():
                say(
                    f"cooldown: {fact.identity} rests until {when(fact.until_ns)} ({CAUSE_WORDS[fact.cause]})"
                )
            case _:
                return


def _amounts(amounts: f.Amounts) -> str:
    return ", ".join(f"{plain(amount)} {asset}" for asset, amount in sorted(amounts.items())) or "0"


def _results(nets: Mapping[str, Net]) -> str:
    return "; ".join(result(net, asset) for asset, net in nets.items()) or "0"


def _why_none(ended: Ended, strategy: Strategy) -> Iterator[str]:
    """Of a run that opened nothing: what most of it was declined for, or what came closest and paid too little."""
    declined = ended.summary.opportunities.declined
    if declined:
        reason = max(declined, key=declined.__getitem__)
        total = sum(declined.values())
        yield f"nothing was opened, most often because of {reason} ({declined[reason]} of {total})"
    elif ended.best is not None and ended.best.edge_bps <= strategy.min_profit_bps:
        legs = ended.best.legs
        path = " > ".join([*(leg.spend_asset for leg in legs), legs[0].spend_asset])
        bar = plain(strategy.min_profit_bps)
        edge = f"{ended.best.edge_bps:+.1f} bps"
        yield f"nothing paid: at the end {path} was best at {edge}, more than {bar} is needed"


def summary_lines(ended: Ended, strategy: Strategy, db: Path, *, as_json: bool) -> Iterator[str]:
    """The last words of a run."""
    summary = ended.summary
    if as_json:
        yield written_out(msgspec.json.encode(summary).decode())
        return
    cycles = ", ".join(f"{n} {outcome}" for outcome, n in summary.outcomes.items()) or "none"
    yield f"cycles: {cycles}"
    seen = summary.opportunities
    paid = ", ".join(
        (
            counted(seen.paths, "path"),
            counted(seen.episodes, "episode"),
            counted(seen.states, "state"),
        )
    )
    yield f"opportunities: {paid}; {counted(seen.taken, 'cycle')} opened for them"
    if seen.declined:
        reasons = ", ".join(f"{name} {n}" for name, n in seen.declined.items())
        yield f"declined: {reasons}"
    if not summary.outcomes and not seen.taken:
        yield from _why_none(ended, strategy)
    yield f"P/L: {_results(ended.results.every)}"
    if ended.results.unwound:
        yield f"of which from unwinding: {_results(ended.results.unwound)}"
    yield f"fees: {_amounts(summary.fees)}"
    for name, amounts in (("dust", summary.dust), ("parked", summary.parked)):
        if amounts:
            yield f"{name}: {_amounts(amounts)}"
    if summary.external_changes:
        yield f"external changes: {_amounts(summary.external_changes)}"
    if ended.results.slippage_bps is not None:
        yield f"mean slippage: {plain(ended.results.slippage_bps)} bps"
    yield f"log: {db}, {summary.events} events in this run ({strategy.execution.mode})"


def interrupted_lines(interrupts: int, cycles: int) -> Iterator[str]:
    """What an interrupt does, where it has anything to wait for."""
    if interrupts == 1 and cycles:
        these = "the one that is open has" if cycles == 1 else f"the {cycles} that are open have"
        yield (
            f"interrupted: no new cycle is opened, {these} {SHUTDOWN_PATIENCE_S:.0f} s to end;"
            " interrupt again to stop at once"
        )
    elif interrupts == 2 and cycles:  # noqa: PLR2004
        yield "interrupted again: stopping at once"


def left_lines(ended: Ended, db: Path) -> Iterator[str]:
    """What a run leaves behind, and what becomes of it."""
    for cycle_id in ended.parked:
        yield (
            f"cycle {cycle_id} is parked: what it holds is not sold by itself;"
            f" tools/monitor.py --details {cycle_id} --db {db}"
        )
    for cycle_id in ended.open:
        yield (
            f"cycle {cycle_id} is still open: the next run with this log brings it to its end first;"
            f" tools/monitor.py --details {cycle_id} --db {db}"
        )
