"""Paths that a user listed, resolved to legs on the markets that there are."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import product

from msgspec import Struct

from arb.events.facts import LegRoute
from arb.market.book import MarketRules
from arb.market.cycles import identity
from arb.market.routes import exits_of

_Legs = Mapping[tuple[str, str], Sequence[LegRoute]]  # (spend, receive) -> by the market's name
_Joins = Mapping[
    frozenset[str], Sequence[str]
]  # base and quote -> names of markets, halted ones too


class CycleRow(Struct, frozen=True, gc=False):
    """One listed path: different currencies, two or more, closed to the first by itself."""

    line: int  # of the file, from 1
    currencies: tuple[str, ...]
    fee_bps: Decimal | None  # None: the row tells none
    min_profit_bps: Decimal | None


class ListedPath(Struct, frozen=True, gc=False):
    """A directed cycle over active markets, with what its row says about it."""

    legs: tuple[LegRoute, ...]  # the first one spends the row's first currency
    fee_bps: Decimal | None
    min_profit_bps: Decimal | None
    line: int


class Resolved(Struct, frozen=True):
    """The cycles of a list, in its order, and a sentence for each row that gave none."""

    paths: tuple[ListedPath, ...]
    skipped: tuple[str, ...]


def resolve(rows: Sequence[CycleRow], markets: Mapping[str, MarketRules]) -> Resolved:
    """Find the legs of listed rows on active markets.

    Where two markets join the same two currencies, a row is a path for each choice among them. No
    path uses one market twice. Of rows that are the same directed cycle the first one counts.
    """
    active, joins = _by_ends(markets), _names(markets)
    first: dict[str, int] = {}
    paths: list[ListedPath] = []
    skipped: list[str] = []
    for row in rows:
        choices = [active.get(step, ()) for step in _steps(row)]
        found = [
            legs for legs in product(*choices) if len({leg.market for leg in legs}) == len(legs)
        ]
        if not found:
            skipped.append(f"{_told(row)}: {'; '.join(_why(row, active, joins))}")
            continue
        # Rows of the same currencies in the same direction have all of their choices in common.
        known = first.setdefault(min(map(identity, found)), row.line)
        if known != row.line:
            skipped.append(f"{_told(row)}: the same cycle as in line {known}, which counts")
            continue
        paths += [ListedPath(legs, row.fee_bps, row.min_profit_bps, row.line) for legs in found]
    return Resolved(tuple(paths), tuple(skipped))


def _by_ends(markets: Mapping[str, MarketRules]) -> _Legs:
    found: dict[tuple[str, str], list[LegRoute]] = {}
    for legs in exits_of(markets).values():
        for leg in legs:
            found.setdefault((leg.spend_asset, leg.receive_asset), []).append(leg)
    return found


def _names(markets: Mapping[str, MarketRules]) -> _Joins:
    joins: dict[frozenset[str], list[str]] = {}
    for name in sorted(markets):
        joins.setdefault(frozenset((markets[name].base, markets[name].quote)), []).append(name)
    return joins


def _steps(row: CycleRow) -> Iterator[tuple[str, str]]:
    path = row.currencies
    assert len(set(path)) == len(path) > 1, row
    return zip(path, (*path[1:], path[0]), strict=True)


def _told(row: CycleRow) -> str:
    return f"line {row.line}: {' > '.join((*row.currencies, row.currencies[0]))}"


def _why(row: CycleRow, active: _Legs, joins: _Joins) -> Iterator[str]:
    """Say which legs have no market, or only halted ones."""
    missing = [step for step in _steps(row) if step not in active]
    for here, there in missing:
        halted = joins.get(frozenset((here, there)))
        yield f"halted: {', '.join(halted)}" if halted else f"no market joins {here} and {there}"
    if not missing:
        here, there = row.currencies
        yield f"there and back needs two markets, and one joins {here} and {there}"
