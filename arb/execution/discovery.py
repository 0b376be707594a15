"""Which cycles each strategy trades on the venue's markets: its own path, its file's, or all there are."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import islice

from msgspec import Struct

from arb.errors import ConfigInvalid
from arb.events.facts import LegRoute
from arb.limits import CYCLES_WATCHED_MAX
from arb.market.book import FeeRates, MarketRules
from arb.market.cycles import directed_cycles
from arb.market.listed import resolve
from arb.market.routes import legs_of
from arb.money import BPS
from arb.strategy.loader import Loaded
from arb.strategy.schema import Strategy

Legs = tuple[LegRoute, ...]
SKIPPED_TOLD_MAX = 5


class Wanted(Struct, frozen=True, gc=False):
    """A directed cycle that a strategy trades."""

    strategy: Strategy
    config: str
    legs: Legs
    fees: FeeRates  # what it is judged with
    min_profit_bps: Decimal
    start: str | None  # None: one of the strategy's start currencies


class Discovery(Struct, frozen=True):
    """The cycles of one strategy, and what was left out of them, in words."""

    wanted: tuple[Wanted, ...]
    left_out: tuple[str, ...]


def discover(loaded: Loaded, markets: Mapping[str, MarketRules], fees: FeeRates) -> Discovery:
    """Find a strategy's cycles; raises ConfigInvalid where there is none, or more than can be watched."""
    strategy = loaded.strategy
    left_out: list[str] = []
    wanted: list[Wanted] = []
    for legs, start, own_fees, min_profit_bps in _named(loaded, markets, fees, left_out):
        if fees.fee_asset is not None and any(leg.spend_asset == fees.fee_asset for leg in legs):
            left_out.append(f"{_path(legs)}: goes through the fee currency {fees.fee_asset}")
            continue
        wanted.append(Wanted(strategy, loaded.config_hash, legs, own_fees, min_profit_bps, start))
    if len(wanted) > CYCLES_WATCHED_MAX:
        raise ConfigInvalid(
            f"{loaded.path}: more than {CYCLES_WATCHED_MAX} cycles; lower `max_hops`, or name the "
            "cycles with `trading_pairs_file`"
        )
    if not wanted:
        why = f": {'; '.join(left_out[:SKIPPED_TOLD_MAX])}" if left_out else ""
        raise ConfigInvalid(f"{loaded.path}: no cycle can be traded on these markets{why}")
    return Discovery(tuple(wanted), tuple(left_out))


def start_order(strategy: Strategy, legs: Legs) -> tuple[str, ...]:
    """The currencies that a cycle without a start of its own may begin with, the best first."""
    on_it = [leg.spend_asset for leg in legs]
    if strategy.start_currencies is not None:
        return tuple(code for code in strategy.start_currencies if code in on_it)
    bases = [code for code in strategy.panic_sell.base_currencies if code in on_it]
    return (*bases, *sorted(set(on_it) - set(bases)))


def _named(
    loaded: Loaded, markets: Mapping[str, MarketRules], fees: FeeRates, left_out: list[str]
) -> Iterator[tuple[Legs, str | None, FeeRates, Decimal]]:
    """Give each cycle with its start, its fees and its threshold."""
    strategy = loaded.strategy
    if strategy.cycle is not None:
        legs = legs_of(strategy.cycle, markets)
        yield legs, legs[0].spend_asset, fees, strategy.min_profit_bps
        return
    if loaded.cycle_file is not None:
        resolved = resolve(loaded.cycle_file.rows, markets)
        left_out.extend(resolved.skipped)
        for listed in resolved.paths:
            own = fees
            if listed.fee_bps is not None:
                own = FeeRates(listed.fee_bps / BPS, fees.maker, fees.fee_asset)
            bar = strategy.min_profit_bps
            if listed.min_profit_bps is not None:
                bar = listed.min_profit_bps
            yield listed.legs, listed.legs[0].spend_asset, own, bar
        return
    found = directed_cycles(markets, strategy.max_hops)
    for legs in islice(found, CYCLES_WATCHED_MAX + 1):
        if start_order(strategy, legs):
            yield legs, None, fees, strategy.min_profit_bps


def _path(legs: Legs) -> str:
    return " > ".join([*(leg.spend_asset for leg in legs), legs[0].spend_asset])
