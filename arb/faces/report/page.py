"""The page of a report: what the market offered, what became of it, and whether it paid."""

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from arb.events.facts import Amounts
from arb.execution.analysis.findings import NO_FATE
from arb.faces.report.contents import (
    Played,
    Report,
    mean,
    money,
    ms,
    net_of,
    percent,
    quantile,
    rate,
    stopped_early,
)
from arb.faces.report.curves import life_text, lines_by, name_of, verdict
from arb.faces.report.tables import OUTCOMES, fates, survivors
from arb.faces.text import amounts, counted, lasting, when
from arb.machine.evolve import add
from arb.machine.table import LIQUIDATED, LOOP_COMPLETED, PARKED
from arb.money import ZERO
from arb.strategy.canonical import as_plain

_ROWS_MAX: Final = 60  # of one table on the page; all are in its file
_EXAMPLE_CHARS_MAX: Final = 90
_RIGHT: Final = "-:"
_LEFT: Final = "-"


def page(report: Report) -> str:
    """Write the page, in Markdown."""
    parts = (
        _head(report),
        _verdict(report),
        _opportunities(report),
        _fills(report),
        _money(report),
        _lives(report),
        _curves(report),
        _limits(),
        _settings(report),
    )
    return "\n".join(line for part in parts for line in part)


def grid_table(played: Played, currencies: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """A grid for people: its header and its rows."""
    header = [
        *(axis.key for axis in played.grid.axes),
        *("opportunities", "of them taken", "cycles opened", "completed"),
        *(f"net P/L {currency}" for currency in currencies),
        "ended",
    ]
    rows = [
        [
            *point.values,
            *(str(one.spells), str(one.spells_taken), str(one.summary.opportunities.taken)),
            str(one.summary.outcomes.get(LOOP_COMPLETED, 0)),
            *(money(net_of(one, currency)) for currency in currencies),
            one.reason.partition(" (")[0],
        ]
        for point, one in zip(played.grid.points, played.measures, strict=True)
    ]
    return header, rows


def _safe(text: str) -> str:
    """Keep a text from being read as Markdown."""
    text = " ".join(text.split())
    return "".join(f"\\{char}" if char in "\\|`*_<>[]#" else char for char in text)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> Iterator[str]:
    """A table whose first columns are texts and whose others are numbers; a blank line after it."""
    yield f"| {' | '.join(_safe(cell) for cell in header)} |"
    marks = [_LEFT] * left + [_RIGHT] * (len(header) - left)
    yield f"| {' | '.join(marks)} |"
    for row in rows[:_ROWS_MAX]:
        yield f"| {' | '.join(_safe(cell) for cell in row)} |"
    if len(rows) > _ROWS_MAX:
        yield ""
        yield f"{len(rows) - _ROWS_MAX} more rows are in the file."
    yield ""


def _head(report: Report) -> Iterator[str]:
    first_ns, last_ns = report.span_ns
    names = ", ".join(one.strategy.name for one in report.loaded)
    yield f"# Backtest of {_safe(names)}"
    yield ""
    path = report.loaded[0].required_data_file()
    played = f"{when(first_ns)} to {when(last_ns)}, {lasting(last_ns - first_ns)}"
    yield f"Recording: {_safe(path.name)}, {played}. It ended: {_safe(report.measures.reason)}."
    yield ""
    if report.left_out:
        yield "**Not all of the recording was played:**"
        yield ""
        yield from (f"- {_safe(one.replace(str(path), path.name))}" for one in report.left_out)
        yield ""


def _verdict(report: Report) -> Iterator[str]:
    measures = report.measures
    if report.interrupted:
        yield "**The curves are missing: the backtests for them were interrupted.**"
        yield ""
    if not measures.spells:
        yield "**No cycle was ever above its threshold after fees: there was nothing to trade.**"
    elif not measures.summary.opportunities.taken:
        reason = fates(report.findings)[0][0]
        seen = counted(measures.spells, "opportunity", "opportunities")
        yield f"**{seen} seen and none taken, most often because of {_safe(reason)}.**"
    else:
        results = ", ".join(
            f"{_signed(net)} {_safe(currency)}" for currency, net in measures.net.items()
        )
        seen = (
            f"{measures.spells_taken} of {counted(measures.spells, 'opportunity', 'opportunities')}"
        )
        opened = counted(measures.summary.opportunities.taken, "cycle", "cycles")
        yield f"**{seen} taken, by {opened}. P/L after all fees: {results or 'none yet'}.**"
    yield ""
    said = [
        f"- {_safe(line)}"
        for played in report.swept
        for currency in report.currencies
        for line in _compared(played, currency)
    ]
    yield from said
    if said:
        yield ""


def _compared(played: Played, currency: str) -> Iterator[str]:
    """Say where P/L stays above zero along one axis, or which point of a grid was the best."""
    axes = played.grid.axes
    if len(axes) == 1 and axes[0].numbers:
        (line,) = lines_by(played, 0, currency)
        where = verdict(axes[0], line)
        yield f"Against the {name_of(axes[0])}, P/L in {currency} is {where}."
        return
    results = [net_of(one, currency) for one in played.measures]
    best = max(results)  # the first one of several
    name = played.grid.name(played.grid.points[results.index(best)])
    yield f"The best of {len(results)} runs earned {_signed(best)} {currency}, with {name}."


def _signed(amount: Decimal) -> str:
    return f"{'+' if amount > 0 else ''}{money(amount)}"


def _opportunities(report: Report) -> Iterator[str]:
    findings, measures = report.findings, report.measures
    yield "## Opportunities"
    yield ""
    yield (
        "An opportunity is an uninterrupted time in which a cycle was above its threshold at the "
        "top of the recorded books, after fees. Each one is in [opportunities.csv](opportunities.csv)."
    )
    yield ""
    seen = measures.summary.opportunities
    left = measures.spells - measures.spells_taken
    yield from _table(
        ("", "number", "share"),
        [
            ("different cycles", str(seen.paths), ""),
            ("opportunities seen", str(measures.spells), ""),
            (
                "opportunities taken",
                str(measures.spells_taken),
                percent(measures.spells_taken, measures.spells),
            ),
            ("opportunities left", str(left), percent(left, measures.spells)),
        ],
    )
    why = fates(findings)
    if not why:
        return
    yield "Why they were left, each counted by its most frequent reason, and how many decisions gave"
    yield "the reason, one whenever a cycle was looked at; also in [declined.csv](declined.csv):"
    yield ""
    rows = [
        (reason, str(spells), str(decisions), _short(example))
        for reason, spells, decisions, example in why
    ]
    yield from _table(("reason", "opportunities", "decisions", "the last one"), rows)
    if any(reason == NO_FATE for reason, *_ in why):
        yield f"{_safe(NO_FATE)}: the run opened no cycle then: it had not read its account yet, or had ended."
        yield ""


def _short(text: str) -> str:
    return text if len(text) <= _EXAMPLE_CHARS_MAX else f"{text[:_EXAMPLE_CHARS_MAX]}..."


def _fills(report: Report) -> Iterator[str]:
    measures, cycles = report.measures, report.findings.cycles
    yield "## Cycles and fills"
    yield ""
    if not measures.summary.opportunities.taken:
        yield "No cycle was opened."
        yield ""
        return
    outcomes, orders = measures.summary.outcomes, measures.orders
    taken = measures.summary.opportunities.taken
    rows = [("cycles opened", str(taken), "")]
    rows += [
        (outcome, str(outcomes[outcome]), percent(outcomes[outcome], taken))
        for outcome in OUTCOMES
        if outcome in outcomes
    ]
    if measures.summary.unresolved:
        rows.append(("not over", str(measures.summary.unresolved), ""))
    rows += [
        ("orders sent", str(orders.sent), ""),
        ("filled whole", str(orders.whole), percent(orders.whole, orders.sent)),
        ("filled in part", str(orders.partly), percent(orders.partly, orders.sent)),
        ("filled not at all", str(orders.empty), percent(orders.empty, orders.sent)),
    ]
    yield from _table(("", "number", "share"), rows)
    spent = [one for one in cycles if one.outcome in {LOOP_COMPLETED, LIQUIDATED, PARKED}]
    planned, realised = (
        mean([one.planned_bps for one in spent]),
        mean([one.realised_bps for one in spent]),
    )
    if planned is not None and realised is not None:
        yield (
            f"Cycles that traded were planned at {rate(planned)} bps in the mean and brought "
            f"{rate(realised)} bps; slippage from the touch was "
            f"{rate(measures.summary.slippage_bps)} bps an order. Each cycle is in "
            "[cycles.csv](cycles.csv)."
        )
        yield ""


def _money(report: Report) -> Iterator[str]:
    measures, summary = report.measures, report.measures.summary
    yield "## P/L"
    yield ""
    if not measures.net:
        yield "Nothing was traded, so nothing was earned or lost."
        yield ""
        return
    yield (
        "Net, here and in every curve: what the fills brought, less fees in other currencies, plus "
        "what is parked at the touch of the last books."
    )
    yield ""
    fees: Amounts = {}
    parked: Amounts = {}
    for one in report.findings.cycles:
        fees = add(fees, {one.start: one.fee_value or ZERO})
        parked = add(parked, {one.start: one.parked_value or ZERO})
    header = ("from fills", "parked, at the last books", "fees in other currencies", "net")
    yield from _table(
        ("currency", *header, "from fills, of unwinding"),
        [
            (
                currency,
                money(summary.pnl.get(currency, ZERO)),
                money(parked.get(currency, ZERO)),
                money(-fees.get(currency, ZERO)),
                money(net),
                money(summary.unwound.get(currency, ZERO)),
            )
            for currency, net in measures.net.items()
        ],
    )
    if measures.unvalued:
        yield (
            f"{measures.unvalued} cycles have fees in another currency, or something parked, whose "
            "value is not known: it is missing from the net result."
        )
        yield ""
    yield f"Fees paid: {_safe(amounts(summary.fees))}. Dust kept: {_safe(amounts(summary.dust))}."
    if summary.parked:
        yield f"Parked, not sold: {_safe(amounts(summary.parked))}."
    yield ""
    yield "![P/L over the recording](pnl.svg)"
    yield ""


def _lives(report: Report) -> Iterator[str]:
    findings, lives = report.findings, report.measures.lives_ns
    yield "## Life of opportunities"
    yield ""
    if not lives:
        yield "None was seen."
        yield ""
        return
    median, long = quantile(lives, 50), quantile(lives, 90)
    assert median is not None
    assert long is not None
    yield f"Their median life was {ms(median)} ms; nine in ten lived no longer than {ms(long)} ms."
    took = sorted(
        one.ended_ns - one.opened_ns for one in findings.cycles if one.outcome == LOOP_COMPLETED
    )
    typical = quantile(took, 50)
    if typical is not None:
        enough = sum(life >= typical for life in lives)
        yield (
            f"A completed cycle took {ms(typical)} ms in the median; "
            f"{percent(enough, len(lives))} of the opportunities lived that long."
        )
    last = sum(spell.lasts for spell in findings.spells)
    if last:
        yield f"{last} still stood when the run ended: their lives are at least so long."
    yield ""
    yield from _table(
        ("lived at least", "opportunities", "share"),
        [
            (life_text(at_least), str(there), percent(there, len(lives)))
            for at_least, there in survivors(findings.spells)
        ],
    )
    yield "![life of opportunities](life.svg)"
    yield ""


def _curves(report: Report) -> Iterator[str]:
    for played in report.swept:
        keys = " and ".join(axis.key for axis in played.grid.axes)
        yield f"## P/L against {_safe(keys)}"
        yield ""
        yield f"Everything else is as configured. Exact figures: [{table_name(played)}]({table_name(played)})."
        yield ""
        for axis in played.grid.axes:
            if axis.numbers:
                yield f"![P/L against {_safe(name_of(axis))}](pnl-by-{axis.key}.svg)"
                yield ""
        header, rows = grid_table(played, report.currencies)
        yield from _table(header, rows, left=len(played.grid.axes))
        yield from _own_figures(report, played)
        if any(map(stopped_early, played.measures)):
            yield "A run that was halted says nothing of the rest of the recording."
            yield ""


def _own_figures(report: Report, played: Played) -> Iterator[str]:
    """Warn where rows of a cycle file have a figure of their own in the place of what is swept."""
    keys = [axis.key for axis in played.grid.axes]
    for key, column in (("fees", "fee_bps"), ("min_profit_bps", "min_profit_bps")):
        if not any(one.partition(".")[0] == key for one in keys):
            continue
        for one in report.loaded:
            rows = () if one.cycle_file is None else one.cycle_file.rows
            own = sum(getattr(row, column) is not None for row in rows)
            if own:
                file = _safe(str(one.strategy.trading_pairs_file))
                yield f"{own} rows of {file} name a figure of their own and are judged by it."
                yield ""


def table_name(played: Played) -> str:
    """The file of a grid's exact figures."""
    axes = played.grid.axes
    return f"pnl-by-{axes[0].key}.csv" if len(axes) == 1 else "grid.csv"


def _limits() -> Iterator[str]:
    yield "## What a backtest cannot know"
    yield ""
    yield "- What stands at a price is what the recording says, or what was assumed; who else wanted"
    yield "  it at the same moment is not in it."
    yield "- Our own orders do not move the recorded market beyond taking what they fill. That is missing"
    yield "  from its level for as long as the recording shows the price with the same size; once it shows"
    yield "  another size, or the price was gone, the level is whole: a real one may not have come back."
    yield "- Rows are as the recorder received them; what happened between two of them is unknown."
    yield "- Real venues also refuse, ban, lose replies and halt markets: try that in paper mode."
    yield ""


def _settings(report: Report) -> Iterator[str]:
    yield "## Settings"
    for one in report.loaded:
        yield ""
        yield f"{_safe(one.strategy.name)}, configuration `{one.config_hash}`:"
        yield ""
        yield "```"
        yield from _flat("", as_plain(one.strategy))
        yield "```"
    yield ""


def _flat(key: str, value: object) -> Iterator[str]:
    if not isinstance(value, dict) or not value:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield f"{key}: {text}"
        return
    for name, part in value.items():
        inner = f"{key}.{name}" if key else name
        if inner != "execution.paper":
            yield from _flat(inner, part)
