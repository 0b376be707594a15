"""`run.py --check`: what a strategy would do, in plain words, before it does anything."""

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import ROUND_UP, Decimal
from itertools import islice

from arb import limits
from arb.execution.opportunities.discovery import SKIPPED_TOLD_MAX, Discovery, Legs, discover
from arb.faces.text import counted
from arb.market.book import FeeRates, MarketRules
from arb.market.cycles import count_cycles
from arb.money import BPS, ONE, plain
from arb.strategy.loader import Loaded, start_currencies
from arb.strategy.schema import Money, Strategy

CYCLES_TOLD_MAX = 5
_CENT = Decimal("0.01")


def check_lines(
    loaded: Loaded, markets: Mapping[str, MarketRules], fees: FeeRates
) -> Iterator[str]:
    """Tell a strategy's markets, cycles, sizes, fees, limits, greatest loss, and what is missing.

    Raises ConfigInvalid where it could trade nothing.
    """
    strategy = loaded.strategy
    found = discover(loaded, markets, fees)
    yield f"{strategy.name}: {strategy.venue.id}, mode {strategy.execution.mode}"
    yield from _indented(_markets(markets))
    yield from _indented(_cycles(loaded, found))
    yield from _indented(_sizes(loaded))
    yield from _indented(_fees(strategy))
    yield from _indented(_limits(loaded))
    yield from _indented(_worst(loaded, found))
    for gap in _missing(loaded, found):
        yield f"  missing: {gap}"


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _markets(markets: Mapping[str, MarketRules]) -> Iterator[str]:
    active = [rules for rules in markets.values() if rules.active]
    codes = {code for rules in active for code in (rules.base, rules.quote)}
    triangles = count_cycles(markets, 3)
    yield f"markets: {len(active)} of {len(codes)} currencies, with {counted(triangles, 'triangle')}"


def _cycles(loaded: Loaded, found: Discovery) -> Iterator[str]:
    strategy = loaded.strategy
    if strategy.cycle is not None:
        path = " > ".join([*strategy.cycle, strategy.cycle[0]])
        ways = ", ".join(f"{leg.side} {leg.market}" for leg in found.wanted[0].legs)
        yield f"cycle: {path} ({ways})"
    else:
        hops = Counter(len(wanted.legs) for wanted in found.wanted)
        cycles: Iterator[Legs] = (wanted.legs for wanted in found.wanted)
        if found.sought is not None:
            hops, cycles = Counter(found.sought.counts), found.sought.cycles()
        each = ", ".join(f"{n} of {legs} legs" for legs, n in sorted(hops.items()))
        where = f"found up to {strategy.sought_hops} hops"
        if loaded.cycle_file is not None:
            where = f"from {loaded.cycle_file.path}, {len(loaded.cycle_file.rows)} rows"
        yield f"cycles: {hops.total()} directed ({each}), {where}"
        for legs in islice(cycles, CYCLES_TOLD_MAX):
            yield "  " + " > ".join([*(leg.spend_asset for leg in legs), legs[0].spend_asset])
        if hops.total() > CYCLES_TOLD_MAX:
            yield f"  and {hops.total() - CYCLES_TOLD_MAX} more"
        starts = start_currencies(strategy, loaded.cycle_file)
        first = (
            ", ".join(sorted(starts))
            if starts
            else "the base currencies that are available, else any"
        )
        yield f"begins with: {first}"
    for line in found.left_out[:SKIPPED_TOLD_MAX]:
        yield f"left out: {line}"
    if len(found.left_out) > SKIPPED_TOLD_MAX:
        yield f"left out: {len(found.left_out) - SKIPPED_TOLD_MAX} more"


def _sizes(loaded: Loaded) -> Iterator[str]:
    strategy = loaded.strategy
    capital = strategy.capital_allocation
    if capital.amount is not None:
        size = f"at most {money_text(capital.amount, loaded)}"
    else:
        size = f"at most {plain((capital.fraction or ONE) * 100)} % of what is available"
    share = plain(capital.max_depth_share * 100)
    yield f"size: whatever earns most at the books' depth ({share} % of each level), {size}"
    yield f"opens when the net edge at that size is above {plain(strategy.min_profit_bps)} bps"


def money_text(money: Money, loaded: Loaded) -> str:
    """Say an amount, or one a currency."""
    if isinstance(money, dict):
        return " or ".join(f"{plain(amount)} {code}" for code, amount in money.items())
    # A number without a reference has one start currency; the loader sees to that.
    starts = start_currencies(loaded.strategy, loaded.cycle_file) or ()
    code = loaded.strategy.reference_currency or next(iter(starts), "of the start currency")
    return f"{plain(money)} {code}"


def _fees(strategy: Strategy) -> Iterator[str]:
    fees = strategy.fees
    paid = fees.fee_currency or "the received currency"
    yield f"fees: taker {plain(fees.taker_bps)} bps a leg, paid in {paid}"


def _limits(loaded: Loaded) -> Iterator[str]:
    strategy = loaded.strategy
    slip = plain(strategy.max_slippage_bps)
    yield {
        "limit": f"orders: limit IOC at the worst level it needs, at most {slip} bps from the touch",
        "market": f"orders: limit IOC at {slip} bps from the touch, however much less it needs",
    }[strategy.order.type]
    capital, risk = strategy.capital_allocation, strategy.risk_controls
    yield f"open at once: at most {counted(risk.max_open_cycles, 'cycle')}"
    if capital.max_allocation is not None:
        yield f"open cycles hold together at most {money_text(capital.max_allocation, loaded)}"
    if risk.max_position_size is not None:
        yield f"one cycle has at most {money_text(risk.max_position_size, loaded)}"
    stops = [f"{risk.stop_after_consecutive_losses} losses in a row"]
    if risk.max_daily_loss is not None:
        stops.append(f"a loss of {money_text(risk.max_daily_loss, loaded)} in a UTC day")
    yield f"stops after {' or '.join(stops)}, until `monitor.py --reset-risk`"
    if strategy.max_leg_latency_ms is not None:
        yield f"a leg slower than {strategy.max_leg_latency_ms} ms is compared with selling"
    if risk.slippage_cooldown_seconds:
        seconds = plain(risk.slippage_cooldown_seconds)
        most = plain(max(risk.slippage_cooldown_seconds, limits.COOLDOWN_S_MAX))
        yield (
            f"a path that was given up because of price or time is not tried for {seconds} s, each further time in "
            f"a row twice as long, at most {most} s"
        )


def _worst(loaded: Loaded, found: Discovery) -> Iterator[str]:
    """The greatest planned loss of one cycle: its floor, and what an unwind may cost on top."""
    strategy = loaded.strategy
    capital, panic = strategy.capital_allocation, strategy.panic_sell
    own = [wanted.min_profit_bps for wanted in found.wanted]
    lowest = min(own, default=strategy.min_profit_bps)
    # The floor is held against what is planned: the last order may get its worst price for all.
    least = (ONE - (strategy.max_slippage_bps - lowest) / BPS) * _slipped(strategy)
    yield (
        f"a cycle that completes loses at most {_lost_bps(least)} bps of its amount, and what "
        "rounding leaves over"
    )
    if not panic.enabled:
        yield "a cycle that cannot go on: what it holds is parked (panic_sell is not enabled)"
        return
    lengths = [len(wanted.legs) for wanted in found.wanted]
    legs = max(found.sought.counts if found.sought is not None else lengths)
    keep = (ONE - strategy.fees.taker_bps / BPS) ** (legs - 1 + panic.max_hops)
    keep *= _slipped(strategy) ** (legs - 1)
    keep *= (ONE - panic.max_slippage_bps / BPS) ** panic.max_hops
    targets = ", ".join(panic.base_currencies)
    yield (
        f"one that cannot go on is sold for its start currency, {targets}: with the fees of its legs "
        f"and of {panic.max_hops} hops at {plain(panic.max_slippage_bps)} bps it loses at most "
        f"{_lost_bps(keep)} bps, plus what the prices move meanwhile"
    )
    if capital.amount is not None and not isinstance(capital.amount, dict):
        most = capital.amount * strategy.risk_controls.max_open_cycles
        allocation = capital.max_allocation
        if allocation is not None and not isinstance(allocation, dict):
            most = min(most, allocation)
        yield f"at work at once: at most {money_text(most, loaded)}"


def _slipped(strategy: Strategy) -> Decimal:
    """What one order leaves where it gets the worst price that it may."""
    return ONE - strategy.max_slippage_bps / BPS


def _lost_bps(keep: Decimal) -> str:
    lost = max(ONE - keep, Decimal(0)) * BPS
    return plain(lost.quantize(_CENT, rounding=ROUND_UP))


def _missing(loaded: Loaded, found: Discovery) -> Iterator[str]:
    """What would keep it from trading, as far as it can be known before."""
    strategy = loaded.strategy
    execution = strategy.execution
    if execution.mode == "live":
        return
    block = execution.backtest if execution.mode == "backtest" else execution.paper
    starts = start_currencies(strategy, loaded.cycle_file)
    if starts is None:
        starts = found.assets
    if not any(block.initial_balances.get(code) for code in starts):
        told = ", ".join(sorted(starts)[:CYCLES_TOLD_MAX])
        yield f"a balance of a currency that cycles begin with ({told}); give it in initial_balances"
