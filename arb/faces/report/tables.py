"""The tables of a report: exact, for a spreadsheet or a program."""

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from arb.clock import NS_PER_MS
from arb.execution.analysis.findings import Findings, Measures, Spell
from arb.faces.report.contents import ms, net_of, percent, quantile
from arb.faces.text import when
from arb.machine import table as t
from arb.money import ZERO, plain
from arb.strategy.grid import Grid

OUTCOMES: Final = tuple(reversed(t.OUTCOMES))  # the one that is hoped for first
LIVES_MS: Final = (10, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 60_000, 600_000)

Row = Sequence[object]


def written(header: Row, rows: Iterable[Row]) -> str:
    """Write a table as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    return plain(value) if isinstance(value, Decimal) else str(value)


def opportunities(findings: Findings) -> str:
    """Each opportunity with its life and its fate."""
    header = ("cycle", "from", "life_ms", "lasts", "best_edge_bps", "taken", "looked_at", "fate")
    return written(
        header,
        (
            (
                spell.cycle,
                when(spell.from_ns),
                ms(spell.life_ns),
                "yes" if spell.lasts else "no",
                spell.best_bps.quantize(Decimal("0.0001")),
                spell.taken,
                spell.taken + spell.declined.total(),
                spell.fate,
            )
            for spell in findings.spells
        ),
    )


def cycles(findings: Findings) -> str:
    """Each cycle with its result, and what came together until then in its currency."""
    header = (
        *("id", "strategy", "path", "opened", "took_ms", "start_amount", "currency", "outcome"),
        *("planned_edge_bps", "realised_bps", "pnl", "parked_value", "other_fees", "net_pnl"),
        "net_pnl_so_far",
    )
    so_far: dict[str, Decimal] = {}
    rows: list[Row] = []
    for one in findings.cycles:
        so_far[one.start] = so_far.get(one.start, ZERO) + one.net
        rows.append(
            (
                *(one.id, one.strategy, " > ".join((*one.path, one.start)), when(one.opened_ns)),
                *(ms(one.ended_ns - one.opened_ns), one.start_amount, one.start, one.outcome),
                one.planned_bps.quantize(Decimal("0.0001")),
                one.realised_bps.quantize(Decimal("0.0001")),
                *(one.pnl, one.parked_value, one.fee_value, one.net, so_far[one.start]),
            )
        )
    return written(header, rows)


def fates(findings: Findings) -> list[tuple[str, int, int, str]]:
    """Why opportunities were left: reason, how many, how many decisions, and the last one's numbers."""
    spells: dict[str, int] = {}
    for spell in findings.spells:
        if not spell.taken:
            spells[spell.fate] = spells.get(spell.fate, 0) + 1
    reasons = {**dict.fromkeys(spells, 0), **findings.declined}
    ordered = sorted(reasons, key=lambda one: (-spells.get(one, 0), -reasons[one], one))
    return [
        (one, spells.get(one, 0), reasons[one], findings.examples.get(one, "")) for one in ordered
    ]


def declined(findings: Findings) -> str:
    """Why opportunities were left."""
    return written(("reason", "opportunities", "decisions", "last_example"), fates(findings))


def survivors(spells: Sequence[Spell]) -> list[tuple[int, int]]:
    """How many opportunities lived at least so many milliseconds, up to where none is left."""
    found: list[tuple[int, int]] = []
    for life in LIVES_MS:
        there = sum(spell.life_ns >= life * NS_PER_MS for spell in spells)
        found.append((life, there))
        if not there:
            break
    return found


def life(findings: Findings) -> str:
    """How long opportunities lived."""
    every = len(findings.spells)
    return written(
        ("at_least_ms", "opportunities", "percent"),
        (
            (at_least, there, percent(there, every).removesuffix(" %"))
            for at_least, there in survivors(findings.spells)
        ),
    )


def points(grid: Grid, measures: Sequence[Measures], currencies: Sequence[str]) -> str:
    """Each point of a grid with what it came to."""
    header = (
        *(axis.key for axis in grid.axes),
        *("opportunities", "opportunities_taken", "life_median_ms", "cycles", *OUTCOMES),
        *("decisions_declined", "orders", "filled_whole", "filled_in_part", "filled_nothing"),
        *(name for one in currencies for name in (f"net_pnl_{one}", f"pnl_{one}")),
        *("cycles_with_unknown_values", "ended"),
    )
    return written(
        header,
        (
            (*point.values, *_point(one, currencies))
            for point, one in zip(grid.points, measures, strict=True)
        ),
    )


def _point(one: Measures, currencies: Sequence[str]) -> Iterable[object]:
    summary, orders = one.summary, one.orders
    median = quantile(one.lives_ns, 50)
    yield from (one.spells, one.spells_taken, None if median is None else ms(median))
    yield summary.opportunities.taken
    yield from (summary.outcomes.get(outcome, 0) for outcome in OUTCOMES)
    yield sum(summary.opportunities.declined.values())
    yield from (orders.sent, orders.whole, orders.partly, orders.empty)
    for currency in currencies:
        yield net_of(one, currency)
        yield summary.pnl.get(currency, ZERO)
    yield from (one.unvalued, one.reason)
