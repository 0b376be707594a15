"""What a report is made of, and how its numbers read."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from msgspec import Struct

from arb.clock import NS_PER_MS
from arb.execution.analysis.findings import Findings, Measures
from arb.execution.runs.engine import EXIT_HALTED
from arb.money import ZERO, plain
from arb.strategy.grid import Grid
from arb.strategy.loader import Loaded

_MONEY: Final = Decimal("1E-8")
_RATE: Final = Decimal("0.01")
_WHOLE: Final = 100


class Played(Struct, frozen=True):
    """A grid, and what each of its points came to."""

    grid: Grid
    measures: tuple[Measures, ...]


class Report(Struct, frozen=True):
    """A backtest as its files say, and grids of it."""

    loaded: tuple[Loaded, ...]
    span_ns: tuple[int, int]  # of the recording that was played
    left_out: tuple[str, ...]  # of it: where it is damaged, and which rows were not believed
    findings: Findings
    measures: Measures
    swept: tuple[Played, ...]
    interrupted: bool  # while the grids were played: none of them is here

    @property
    def currencies(self) -> tuple[str, ...]:
        """Those in which anything of it has a result."""
        return currencies_of(
            [self.measures, *(one for each in self.swept for one in each.measures)]
        )


def currencies_of(measures: Iterable[Measures]) -> tuple[str, ...]:
    """Every currency that cycles began with, by name."""
    return tuple(sorted({currency for one in measures for currency in one.net}))


def stopped_early(measures: Measures) -> bool:
    """Whether a run ended before its recording did: it says nothing of the rest."""
    return measures.exit_code == EXIT_HALTED


def net_of(measures: Measures, currency: str) -> Decimal:
    """What a run earned in a currency: 0 where no cycle began with it."""
    return measures.net.get(currency, ZERO)


def money(amount: Decimal) -> str:
    """Write an amount to eight decimals, for people."""
    return plain(amount.quantize(_MONEY, ROUND_HALF_EVEN))


def rate(value: Decimal) -> str:
    """Write a rate to two decimals."""
    return plain(value.quantize(_RATE, ROUND_HALF_EVEN))


def percent(part: int, whole: int) -> str:
    """Write a share, `-` of nothing."""
    return f"{rate(Decimal(part) * _WHOLE / whole)} %" if whole else "-"


def ms(ns: int) -> str:
    """Write a time in milliseconds."""
    return plain(Decimal(ns) / NS_PER_MS)


def quantile(ordered: Sequence[int], percents: int) -> int | None:
    """Give the value that so many percent of the others are not above; None of nothing."""
    if not ordered:
        return None
    return ordered[min(len(ordered) * percents // _WHOLE, len(ordered) - 1)]


def mean(values: Sequence[Decimal]) -> Decimal | None:
    """The mean; None of nothing."""
    return sum(values, ZERO) / len(values) if values else None
