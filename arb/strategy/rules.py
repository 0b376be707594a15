"""What a strategy's keys must fulfil together; the range of a single key stands in the schema."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from arb.money import plain
from arb.strategy.schema import CapitalAllocation, Strategy

KeyPath = tuple[str, ...]
Complaint = tuple[KeyPath, str]

_WANTED: Final = {"fixed_amount": "amount", "fixed_fraction": "fraction"}


def block_complaints(block: Struct) -> Iterator[tuple[str, str]]:
    """Tell each rule that the keys of one block break, with the key of the block to blame."""
    if isinstance(block, CapitalAllocation):
        yield from _capital(block)


def complaints(strategy: Strategy) -> Iterator[Complaint]:
    """Tell each rule that the blocks of a strategy break together, with the key to blame."""
    yield from _fees(strategy)
    yield from _limits(strategy)
    yield from _execution(strategy)


def _capital(capital: CapitalAllocation) -> Iterator[tuple[str, str]]:
    """Each mode needs its own number, and the other one would be ignored."""
    for mode, key in _WANTED.items():
        given = getattr(capital, key) is not None
        if mode == capital.mode and not given:
            yield "mode", f"mode {mode} needs the key `{key}`"
        if mode != capital.mode and given:
            yield key, f"{key} has no effect with mode {capital.mode}; remove it"
    most, amount = capital.max_allocation, capital.amount
    if most is not None and amount is not None and amount > most:
        yield "max_allocation", f"max_allocation is below the amount {plain(amount)} of one cycle"


def _fees(strategy: Strategy) -> Iterator[Complaint]:
    currency = strategy.fees.fee_currency
    if currency is not None and currency in strategy.cycle:
        text = f"fee_currency {currency} is part of the cycle, which is not supported yet"
        yield ("fees", "fee_currency"), f"{text}; remove it to pay fees in what is received"
    if currency is None and strategy.fees.reserve > 0:
        text = "reserve is kept of `fees.fee_currency`, which is not given"
        yield ("fees", "reserve"), f"{text}; give it, or remove reserve"


def _limits(strategy: Strategy) -> Iterator[Complaint]:
    """A limit per currency that leaves out a start currency would be none."""
    risk, start = strategy.risk_controls, strategy.start_currency
    limits = {"max_daily_loss": risk.max_daily_loss, "max_position_size": risk.max_position_size}
    for key, limit in limits.items():
        if isinstance(limit, dict) and start not in limit:
            text = f"{key} names no amount in {start}, which the cycle begins with"
            yield ("risk_controls", key), text


def _execution(strategy: Strategy) -> Iterator[Complaint]:
    mode, paper, backtest = (
        strategy.execution.mode,
        strategy.execution.paper,
        strategy.execution.backtest,
    )
    if mode == "live" and strategy.min_profit_bps < 0:
        text = "min_profit_bps must be at least 0 in live mode: every cycle would lose money"
        yield ("min_profit_bps",), text
    if paper.feed == "generated" and paper.data_file is not None:
        text = "data_file has no effect with feed generated; set `feed: recorded`"
        yield ("execution", "paper", "data_file"), text
    start, end = backtest.start_time, backtest.end_time
    if start is not None and end is not None and start >= end:
        yield ("execution", "backtest", "end_time"), "end_time must be after start_time"
