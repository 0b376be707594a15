"""What a strategy's keys must fulfil together; the range of a single key stands in the schema."""

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct

from arb.limits import CREATE_TIMEOUT_S, PAPER_LATENCY_MS_MAX
from arb.market.listed import CycleRow
from arb.money import plain
from arb.strategy.schema import MAX_HOPS_DEFAULT, CapitalAllocation, Money, Strategy

KeyPath = tuple[str, ...]
Complaint = tuple[KeyPath, str]

MONEY_KEYS: Final = {
    "capital_allocation": ("amount", "max_allocation"),
    "risk_controls": ("max_daily_loss", "max_position_size"),
}
_WANTED: Final = {"fixed_amount": "amount", "fixed_fraction": "fraction"}


def block_complaints(block: Struct) -> Iterator[tuple[str, str]]:
    """Tell each rule that the keys of one block break, with the key of the block to blame."""
    if isinstance(block, CapitalAllocation):
        yield from _capital(block)


def complaints(strategy: Strategy) -> Iterator[Complaint]:
    """Tell each rule that the blocks of a strategy break together, with the key to blame."""
    yield from _venue(strategy)
    yield from _cycles(strategy)
    yield from _fees(strategy)
    yield from _execution(strategy)


def money_keys(strategy: Strategy) -> Iterator[tuple[KeyPath, Money]]:
    """Give every limit and amount of money that the strategy sets, with its key."""
    for block in ("capital_allocation", "risk_controls"):
        keys = getattr(strategy, block)
        for name in MONEY_KEYS[block]:
            money = getattr(keys, name)
            if money is not None:
                yield (block, name), money


def money_complaints(strategy: Strategy, starts: Collection[str] | None) -> Iterator[Complaint]:
    """Tell each amount of money that does not fit the start currencies; `starts` None: any may be one."""
    several = starts is None or len(starts) > 1
    for key, money in money_keys(strategy):
        name = key[-1]
        if isinstance(money, dict):
            missing = sorted(set(starts or ()) - set(money))
            if missing:
                text = f"{name} says nothing of {', '.join(missing)}, which cycles begin with"
                yield key, f"{text}; name each start currency"
        elif several and strategy.reference_currency is None:
            text = f"{name} is a number, but cycles may begin with several currencies"
            yield key, f"{text}; give one a currency, or a `reference_currency`"


def row_complaints(strategy: Strategy, rows: Sequence[CycleRow]) -> Iterator[Complaint]:
    """Tell the first row of a file of cycles that asks for losses where that is real money."""
    if not _is_real_money(strategy):
        return
    for row in rows:
        if row.min_profit_bps is not None and row.min_profit_bps < 0:
            text = f"{strategy.trading_pairs_file}:{row.line}: {_no_losses(row.min_profit_bps)}"
            yield ("trading_pairs_file",), text
            return


def latency_complaints(strategy: Strategy) -> Iterator[Complaint]:
    """Tell each latency at which no order is answered in time; what a log recorded is read all the same."""
    for mode in ("paper", "backtest"):
        latency_ms = getattr(strategy.execution, mode).latency_sim_ms
        if latency_ms > PAPER_LATENCY_MS_MAX:
            text = f"latency_sim_ms must be at most {PAPER_LATENCY_MS_MAX}, was {latency_ms}"
            why = f"an order without an answer after {CREATE_TIMEOUT_S:g} s is of unknown fate"
            yield ("execution", mode, "latency_sim_ms"), f"{text}: {why}"


def _venue(strategy: Strategy) -> Iterator[Complaint]:
    """What goes only with an address of this machine; a real venue's windows cannot be lowered."""
    venue = strategy.venue
    if venue.connect_to is None:
        for key, why in (
            ("ca_file", "it would be trusted on the internet"),
            ("dialect", "a real venue's time windows are not ours to shorten"),
        ):
            if getattr(venue, key) is not None:
                text = f"{key} goes only with `exchange.connect_to`: {why}"
                yield ("exchange", key), f"{text}; remove it"
    elif venue.sandbox:
        text = "sandbox has no effect beside `connect_to`, which goes to this machine"
        yield ("exchange", "sandbox"), f"{text}; remove one of them"


def _cycles(strategy: Strategy) -> Iterator[Complaint]:
    """One way of naming cycles, and nothing beside it that would be ignored."""
    named = "cycle" if strategy.cycle is not None else None
    if strategy.lightning.enabled:
        yield from _beside_lightning(strategy)
        return
    if strategy.trading_pairs_file is not None:
        if named is not None:
            text = "trading_pairs_file has no effect beside `cycle`; remove one of them"
            yield ("trading_pairs_file",), text
        named = named or "trading_pairs_file"
    if named is None:
        return
    if strategy.max_hops != MAX_HOPS_DEFAULT:
        yield ("max_hops",), f"max_hops has no effect beside `{named}`; remove it"
    if strategy.start_currencies is not None:
        text = f"start_currencies has no effect beside `{named}`, which says where cycles begin"
        yield ("start_currencies",), f"{text}; remove it"


def _beside_lightning(strategy: Strategy) -> Iterator[Complaint]:
    """Lightning says by itself which cycles it looks for."""
    if strategy.cycle is not None:
        text = "lightning looks for cycles in the markets, and `cycle` names one"
        yield ("lightning", "enabled"), f"{text}; remove one of them"
    for name, given in (
        ("max_hops", strategy.max_hops != MAX_HOPS_DEFAULT),
        ("start_currencies", strategy.start_currencies is not None),
    ):
        if given:
            yield (name,), f"{name} has no effect beside `lightning`; give `lightning.{name}`"


def _capital(capital: CapitalAllocation) -> Iterator[tuple[str, str]]:
    """Each mode needs its own number, and the other one would be ignored."""
    for mode, key in _WANTED.items():
        given = getattr(capital, key) is not None
        if mode == capital.mode and not given:
            yield "mode", f"mode {mode} needs the key `{key}`"
        if mode != capital.mode and given:
            yield key, f"{key} has no effect with mode {capital.mode}; remove it"
    most, amount = capital.max_allocation, capital.amount
    if isinstance(most, Decimal) and isinstance(amount, Decimal) and amount > most:
        yield "max_allocation", f"max_allocation is below the amount {plain(amount)} of one cycle"


def _fees(strategy: Strategy) -> Iterator[Complaint]:
    currency = strategy.fees.fee_currency
    if currency is not None and currency in (strategy.cycle or ()):
        text = f"fee_currency {currency} is part of the cycle, which is not supported yet"
        yield ("fees", "fee_currency"), f"{text}; remove it to pay fees in what is received"
    if currency is None and strategy.fees.reserve > 0:
        text = "reserve is kept of `fees.fee_currency`, which is not given"
        yield ("fees", "reserve"), f"{text}; give it, or remove reserve"


def _execution(strategy: Strategy) -> Iterator[Complaint]:
    paper, backtest = strategy.execution.paper, strategy.execution.backtest
    if _is_real_money(strategy) and strategy.min_profit_bps < 0:
        yield ("min_profit_bps",), _no_losses(strategy.min_profit_bps)
    if paper.feed != "recorded" and paper.data_file is not None:
        text = f"data_file has no effect with feed {paper.feed}; set `feed: recorded`"
        yield ("execution", "paper", "data_file"), text
    for code, depth in backtest.assumed_depth.items():
        if depth <= 0:
            text = f"assumed_depth of {code} must be above 0, was {plain(depth)}"
            yield ("execution", "backtest", "assumed_depth"), text
    start, end = backtest.start_time, backtest.end_time
    if start is not None and end is not None and start >= end:
        yield ("execution", "backtest", "end_time"), "end_time must be after start_time"


def _is_real_money(strategy: Strategy) -> bool:
    venue = strategy.venue
    return strategy.execution.mode == "live" and venue.connect_to is None and not venue.sandbox


def _no_losses(bar: Decimal) -> str:
    text = f"min_profit_bps must be at least 0 in live mode, was {plain(bar)}"
    return f"{text}: every cycle would lose money"
