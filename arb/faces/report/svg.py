"""Line charts as SVG, in exact decimals: the same numbers give the same bytes."""

from collections.abc import Iterator, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from html import escape
from typing import Final, NamedTuple

from arb.money import ONE, ZERO, plain

WIDTH: Final = 760
HEIGHT: Final = 300  # of a panel, its legend apart
_LEFT: Final = 104
_RIGHT: Final = 24
_TOP: Final = 34
_BOTTOM: Final = 50
_TITLE: Final = 30
_LEGEND_ROW: Final = 18
_TICKS: Final = 6
# Okabe and Ito's colours, which most people can tell apart.
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000", "#999")
_STYLE: Final = (
    "text{font:12px sans-serif;fill:#222}.title{font-size:15px;font-weight:bold}"
    ".name{font-weight:bold}.grid{stroke:#e4e4e4}.zero{stroke:#222}.frame{stroke:#999;fill:none}"
    ".mark{stroke:#222;stroke-dasharray:4 3}.line{fill:none;stroke-width:2}"
)
_CENT: Final = Decimal("0.01")

Points = Sequence[tuple[Decimal, Decimal]]


class Line(NamedTuple):
    """A named line through points, in the order of their x."""

    name: str
    points: Points
    hollow: frozenset[Decimal] = frozenset()  # x of points that are not like the others


class Panel(NamedTuple):
    """One pair of axes; the y axis always shows zero."""

    name: str
    x_name: str
    y_name: str
    lines: Sequence[Line]
    ticks: Sequence[tuple[Decimal, str]] = ()  # of x; none: round numbers
    mark: tuple[Decimal, str] | None = None  # an x to point at, and why
    nothing: str = "nothing to show"


def chart(title: str, panels: Sequence[Panel]) -> str:
    """Draw panels below each other, one text."""
    heights = [HEIGHT + _legend_height(panel) for panel in panels]
    height = _TITLE + sum(heights)
    out = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" role="img">'
        ),
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        _text(WIDTH // 2, 20, title, "middle", "title"),
    ]
    top = _TITLE
    for panel, own in zip(panels, heights, strict=True):
        out.append(f'<g transform="translate(0 {top})">')
        out.extend(_panel(panel))
        out.append("</g>")
        top += own
    return "\n".join([*out, "</svg>", ""])


def round_ticks(low: Decimal, high: Decimal) -> list[Decimal]:
    """Choose round numbers from at or below `low` to at or above `high`, steps of 1, 2 or 5."""
    raw = (high - low) / _TICKS
    power = Decimal(1).scaleb(raw.adjusted())
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
    first = (low / step).to_integral_value(ROUND_FLOOR)
    last = (high / step).to_integral_value(ROUND_CEILING)
    return [step * (first + number) for number in range(int(last - first) + 1)]


def _legend_height(panel: Panel) -> int:
    return _LEGEND_ROW * len(panel.lines) if len(panel.lines) > 1 else 0


def _span(values: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    low, high = min(values), max(values)
    if low < high:
        return low, high
    pad = abs(low) / 2 or ONE
    return low - pad, high + pad


def _panel(panel: Panel) -> Iterator[str]:
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM
    wide, high = right - _LEFT, bottom - _TOP
    yield _text(_LEFT, _TOP - 12, panel.name, "start", "name")
    yield f'<rect class="frame" x="{_LEFT}" y="{_TOP}" width="{wide}" height="{high}"/>'
    dots = [dot for line in panel.lines for dot in line.points]
    if not dots:
        yield _text(_LEFT + wide // 2, _TOP + high // 2, panel.nothing, "middle")
        return
    x_ticks = list(panel.ticks)
    if not x_ticks:
        x_low, x_high = _span([x for x, _ in dots])
        x_ticks = [(x, plain(x)) for x in round_ticks(x_low, x_high) if x_low <= x <= x_high]
    else:
        x_low, x_high = _span([x for x, _ in x_ticks])
    y_ticks = round_ticks(*_span([ZERO, *(y for _, y in dots)]))
    y_low, y_high = y_ticks[0], y_ticks[-1]

    def x_at(x: Decimal) -> Decimal:
        return (_LEFT + (x - x_low) / (x_high - x_low) * wide).quantize(_CENT)

    def y_at(y: Decimal) -> Decimal:
        return (bottom - (y - y_low) / (y_high - y_low) * high).quantize(_CENT)

    for y in y_ticks:
        at = y_at(y)
        kind = "zero" if y == 0 else "grid"
        yield f'<line class="{kind}" x1="{_LEFT}" y1="{at}" x2="{right}" y2="{at}"/>'
        yield _text(_LEFT - 8, at + 4, plain(y), "end")
    for x, label in x_ticks:
        at = x_at(x)
        yield f'<line class="frame" x1="{at}" y1="{bottom}" x2="{at}" y2="{bottom + 5}"/>'
        yield _text(at, bottom + 19, label, "middle")
    if panel.mark is not None and x_low <= panel.mark[0] <= x_high:
        at = x_at(panel.mark[0])
        yield f'<line class="mark" x1="{at}" y1="{_TOP}" x2="{at}" y2="{bottom}"/>'
        side = "end" if panel.mark[0] * 2 > x_low + x_high else "start"
        yield _text(at + (-5 if side == "end" else 5), _TOP + 14, panel.mark[1], side)
    yield _text(_LEFT + wide // 2, bottom + 40, panel.x_name, "middle")
    middle = _TOP + high // 2
    turned = _text(0, 0, panel.y_name, "middle")
    yield f'<g transform="translate(16 {middle}) rotate(-90)">{turned}</g>'
    for number, line in enumerate(panel.lines):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{x_at(x)},{y_at(y)}" for x, y in line.points)
        yield f'<polyline class="line" stroke="{colour}" points="{path}"/>'
        for x, y in line.points if len(line.points) <= WIDTH // 10 else ():
            fill = "#fff" if x in line.hollow else colour
            dot = f'cx="{x_at(x)}" cy="{y_at(y)}" r="3.5" fill="{fill}" stroke="{colour}"'
            yield f"<circle {dot}/>"
        if len(panel.lines) > 1:
            row = HEIGHT + _LEGEND_ROW * number
            yield f'<rect x="{_LEFT}" y="{row}" width="14" height="4" fill="{colour}"/>'
            yield _text(_LEFT + 20, row + 7, line.name, "start")


def _text(x: Decimal | int, y: Decimal | int, text: str, anchor: str, kind: str = "") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{style}>{escape(text)}</text>'
