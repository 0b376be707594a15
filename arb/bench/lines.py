"""One result of a benchmark, and how it reads."""

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Literal

import msgspec
from msgspec import Struct

NS_PER_US = 1_000
Bound = Literal["at least", "at most", "ratio at most", "ratio at least"]

# Since when it counts means nothing, but it never steps: of several times the best is believed.
now_ns = time.perf_counter_ns


class Line(Struct, frozen=True, kw_only=True):
    """What was measured, and what it is held against."""

    row: str
    value: float | None  # None: there was nothing to measure
    unit: str
    floor: float | None = None  # what the hardware alone takes or gives, in the same unit
    baseline: float | None = None  # what somebody would do without us, in the same unit
    budget: float | None = None  # None: told, not judged
    bound: Bound = "at most"

    @property
    def ratio(self) -> float | None:
        """The value in terms of its baseline."""
        if self.value is None or not self.baseline:
            return None
        return self.value / self.baseline

    @property
    def ok(self) -> bool | None:
        """Whether the budget is kept; None where there is none."""
        if self.budget is None:
            return None
        held = self.ratio if self.bound.startswith("ratio") else self.value
        if held is None:
            return False
        return held <= self.budget if self.bound.endswith("most") else held >= self.budget


class Setting(Struct, frozen=True, kw_only=True):
    """Where to measure, and how much of it."""

    folder: Path
    quick: bool
    scale: float = 1.0

    def size(self, full: int, quick: int) -> int:
        """How many of something: all of it, a quick look, or a share of that."""
        return max(1, round((quick if self.quick else full) * self.scale))


def middle(samples: Sequence[float]) -> float:
    """The median: one slow sample says something about the machine, not about the code."""
    return float(median(samples))


def as_json(line: Line) -> str:
    """A result as one line of JSON."""
    told = {
        "row": line.row,
        "value": line.value,
        "unit": line.unit,
        "floor": line.floor,
        "baseline": line.baseline,
        "ratio": line.ratio,
        "budget": line.budget,
        "ok": line.ok,
    }
    return msgspec.json.encode(told).decode()


_SIGNS = {
    "at least": ">= ",
    "at most": "<= ",
    "ratio at most": "ratio <= ",
    "ratio at least": "ratio >= ",
}
_FORM = "{:<15}{:>10} {:<9}{:>9}{:>10}{:>7}  {:<13}{:>3}"
HEADING = _FORM.format("row", "value", "unit", "floor", "baseline", "ratio", "budget", "ok")


def as_text(line: Line) -> str:
    """A result as one row of a table 80 columns wide."""
    budget = "" if line.budget is None else _SIGNS[line.bound] + number(line.budget)
    return _FORM.format(
        line.row,
        number(line.value),
        line.unit,
        number(line.floor),
        number(line.baseline),
        number(line.ratio),
        budget,
        "" if line.ok is None else "yes" if line.ok else "NO",
    ).rstrip()


def number(value: float | None) -> str:
    """A number with the digits that mean something."""
    if value is None:
        return "-"
    if value == int(value) or abs(value) >= 100:  # noqa: PLR2004 -- more digits would be noise
        return f"{value:,.0f}"
    return f"{value:.3g}"
