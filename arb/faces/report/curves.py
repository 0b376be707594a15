"""The pictures of a report: P/L against what was assumed, P/L over time, lives of opportunities."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from arb.clock import NS_PER_S
from arb.execution.analysis.findings import Findings
from arb.faces.report.contents import Played, Report, money, net_of, stopped_early
from arb.faces.report.svg import Line, Panel, chart
from arb.faces.report.tables import survivors
from arb.limits import REPORT_LINES_MAX
from arb.money import ZERO, plain
from arb.strategy.grid import Axis, value_at

NAMES: Final = {
    "execution.backtest.latency_sim_ms": "assumed latency of an order, there and back (ms)",
    "fees.taker_bps": "assumed taker fee (bps)",
}
_DRAWN_MAX: Final = 1_500  # points of a line over time
_NOTHING: Final = "no cycle was traded"
_HUNDRED: Final = Decimal(100)


def name_of(axis: Axis) -> str:
    """What an axis is called."""
    return NAMES.get(axis.key, axis.key)


def lines_by(played: Played, at: int, currency: str) -> list[Line]:
    """P/L against one axis of a grid: a line for each combination of the others, the best ones first."""
    axes = played.grid.axes
    numbers = dict(zip(axes[at].values, axes[at].numbers, strict=True))
    dots: dict[str, list[tuple[Decimal, Decimal]]] = {}
    early: dict[str, set[Decimal]] = {}
    for point, measures in zip(played.grid.points, played.measures, strict=True):
        others = (
            f"{axis.key}={value}"
            for number, (axis, value) in enumerate(zip(axes, point.values, strict=True))
            if number != at
        )
        name, x = ", ".join(others), numbers[point.values[at]]
        dots.setdefault(name, []).append((x, net_of(measures, currency)))
        if stopped_early(measures):
            early.setdefault(name, set()).add(x)
    lines = [
        Line(name, sorted(each), frozenset(early.get(name, ()))) for name, each in dots.items()
    ]
    # The sort is stable: where two are as good as each other, the grid's order stays.
    return sorted(lines, key=lambda line: -max(y for _, y in line.points))


def pictures(report: Report) -> Iterator[tuple[str, str]]:
    """Draw every picture; gives names of files and their texts."""
    for played in report.swept:
        for at, axis in enumerate(played.grid.axes):
            if axis.numbers:
                yield f"pnl-by-{axis.key}.svg", _by(report, played, at)
    yield "pnl.svg", _over_time(report)
    yield "life.svg", _lives(report.findings)


def _by(report: Report, played: Played, at: int) -> str:
    axis = played.grid.axes[at]
    own = value_at(report.loaded[0].strategy, tuple(axis.key.split(".")))
    number = Decimal(own) if isinstance(own, Decimal | int) else None
    mark = None if number is None else (number, "as configured")
    panels = []
    for currency in report.currencies:
        lines = lines_by(played, at, currency)
        shown = lines[:REPORT_LINES_MAX]
        name = f"P/L in {currency}, after all fees"
        if len(lines) > len(shown):
            name += f": the {len(shown)} best of {len(lines)} combinations"
        if any(line.hollow for line in shown):
            name += " (hollow: stopped early by a limit)"
        panels.append(Panel(name, name_of(axis), currency, shown, mark=mark))
    empty = Panel("P/L", name_of(axis), "", (), nothing=_NOTHING)
    return chart(f"P/L against {name_of(axis)}", panels or [empty])


def _over_time(report: Report) -> str:
    began_ns = report.span_ns[0]
    dots: dict[str, list[tuple[Decimal, Decimal]]] = {}
    for one in sorted(report.findings.cycles, key=lambda cycle: cycle.ended_ns):
        line = dots.setdefault(one.start, [(ZERO, ZERO)])
        at_s = Decimal(one.ended_ns - began_ns) / NS_PER_S
        line += [(at_s, line[-1][1]), (at_s, line[-1][1] + one.net)]
    end_s = Decimal(report.span_ns[1] - began_ns) / NS_PER_S
    panels = [_over(currency, line, end_s) for currency, line in sorted(dots.items())]
    empty = Panel("P/L", "", "", (), nothing=_NOTHING)
    return chart("P/L over the recording", panels or [empty])


def _over(currency: str, line: Sequence[tuple[Decimal, Decimal]], end_s: Decimal) -> Panel:
    last = max(end_s, line[-1][0])  # a cycle may end after the data
    every = [*line, (last, line[-1][1])]
    step = -(-len(every) // _DRAWN_MAX)
    drawn = [*every[:-1:step], every[-1]]
    name = f"P/L in {currency}, after all fees: {money(line[-1][1])}"
    return Panel(name, "seconds since the first row", currency, [Line(currency, drawn)])


def _lives(findings: Findings) -> str:
    found, every = survivors(findings.spells), len(findings.spells)
    lines, ticks = [], []
    if every:
        places = [Decimal(place) for place in range(len(found))]
        shares = [there * _HUNDRED / every for _, there in found]
        ticks = [
            (place, life_text(at_least)) for place, (at_least, _) in zip(places, found, strict=True)
        ]
        lines = [Line("opportunities", list(zip(places, shares, strict=True)))]
    panel = Panel(
        f"how many of the {every} opportunities lived at least so long",
        "life of an opportunity",
        "percent",
        lines,
        ticks,
        nothing="no opportunity was seen",
    )
    return chart("Life of opportunities", [panel])


def life_text(life_ms: int) -> str:
    """Write a round time: `50 ms`, `2.5 s`, `10 min`."""
    if life_ms < 1_000:  # noqa: PLR2004
        return f"{life_ms} ms"
    seconds = Decimal(life_ms) / 1_000
    return f"{plain(seconds)} s" if seconds < 60 else f"{plain(seconds / 60)} min"  # noqa: PLR2004


def verdict(axis: Axis, line: Line) -> str:
    """Say up to which value of an axis a line stays above zero."""
    told = _verdict(axis, line)
    if line.hollow:
        told += f" ({len(line.hollow)} of {len(line.points)} runs were stopped early by a limit)"
    return told


def _verdict(axis: Axis, line: Line) -> str:
    shown: Mapping[Decimal, str] = dict(zip(axis.numbers, axis.values, strict=True))
    paying = [x for x, y in line.points if y > 0]
    tried = [x for x, _ in line.points]
    if not paying:
        return "above zero at no value that was tried"
    if len(paying) == len(tried):
        return f"above zero at every value that was tried, {shown[tried[0]]} to {shown[tried[-1]]}"
    if paying == tried[: len(paying)]:
        return f"above zero up to {shown[paying[-1]]}, no more at {shown[tried[len(paying)]]}"
    return f"above zero at {', '.join(shown[x] for x in paying)} only"
