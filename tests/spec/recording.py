"""A recording of best bids and asks, read with nothing but csv: what a backtest is held against."""

import csv
import gzip
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact
from pathlib import Path

EXACT = Context(prec=60, traps=[Inexact])  # a product that would round is an error here


@dataclass(frozen=True)
class Row:
    """One row: at its time the market's best prices and sizes become these."""

    number: int
    at_ns: int
    market: str
    bid: Decimal
    bid_size: Decimal
    ask: Decimal
    ask_size: Decimal

    def offer(self, side: str) -> tuple[Decimal, Decimal]:
        """The price and size that a taker of this side meets."""
        return (self.ask, self.ask_size) if side == "buy" else (self.bid, self.bid_size)


class Recording:
    """All rows of a file, in order."""

    def __init__(self, path: Path) -> None:
        with gzip.open(path, "rt", newline="") as file:
            self.rows = [_row(number, one) for number, one in enumerate(csv.DictReader(file), 1)]
        self._of: dict[str, list[Row]] = {}
        for row in self.rows:
            self._of.setdefault(row.market, []).append(row)

    def in_force(self, market: str, at_ns: int) -> Row:
        """The market's last row at or before a time."""
        rows = self._of[market]
        count = bisect_right(rows, at_ns, key=lambda row: row.at_ns)
        assert count, f"no row of {market} by {at_ns}"
        return rows[count - 1]

    def rates(self, legs: list[tuple[str, str]]) -> Iterator[Decimal]:
        """What one unit becomes over the legs (market, side), after each row once all are known."""
        standing: dict[str, Row] = {}
        for row in self.rows:
            standing[row.market] = row
            if all(market in standing for market, _ in legs):
                rate = Decimal(1)
                for market, side in legs:
                    price, _size = standing[market].offer(side)
                    rate = rate / price if side == "buy" else rate * price
                yield rate


def _row(number: int, one: dict[str, str]) -> Row:
    return Row(
        number=number,
        at_ns=int(EXACT.multiply(Decimal(one["recv_ts"]), Decimal(10**9))),
        market=f"{one['base']}/{one['quote']}",
        bid=Decimal(one["bid"]),
        bid_size=Decimal(one["bid_size"]),
        ask=Decimal(one["ask"]),
        ask_size=Decimal(one["ask_size"]),
    )
