"""Which cycles each strategy trades on the venue's markets: its own path, its file's, or all there are."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from arb.errors import ConfigInvalid
from arb.events.facts import LegRoute
from arb.market.book import FeeRates, MarketRules
from arb.market.cycles import directed_cycles, on_cycles
from arb.market.listed import resolve
from arb.market.routes import legs_of
from arb.market.scan import Cover
from arb.market.scan.counts import count_directed
from arb.money import BPS, ONE, ZERO
from arb.strategy.loader import Loaded
from arb.strategy.schema import Strategy

Legs = tuple[LegRoute, ...]
SKIPPED_TOLD_MAX = 5


class Wanted(Struct, frozen=True, gc=False):
    """A directed cycle that a strategy trades."""

    strategy: Strategy
    config: str
    legs: Legs
    fees: FeeRates | None  # of its row in a file
    min_profit_bps: Decimal
    start: str | None  # None: one of the strategy's start currencies

    def fees_now(self, charged: FeeRates) -> FeeRates:
        """What it has to pay for itself: its row's, but no less than the account is charged when it is judged."""
        own = self.fees
        return charged if own is None or own.taker <= charged.taker else own


class Sought(Struct, frozen=True):
    """All cycles of the venue's markets that a strategy trades: they are counted, not listed."""

    strategy: Strategy
    config: str
    fees: FeeRates
    markets: Mapping[str, MarketRules]  # on which they may be
    counts: Mapping[int, int]  # of directed cycles, by their legs

    @property
    def cover(self) -> Cover:
        """What a scan has to cover."""
        keep = ONE - self.fees.taker
        return Cover(
            markets=self.markets,
            hops_max=self.strategy.sought_hops,
            keep_of=lambda _market, _side: keep,
            min_profit_bps=self.strategy.min_profit_bps,
            through=self.strategy.sought_starts,
        )

    def on(self, markets: Mapping[str, MarketRules], fees: FeeRates) -> "Sought":
        """Look for the same on the markets as they are now; the same if none came, left or changed its state."""
        if fees == self.fees and _tradable(markets, fees).keys() == self.markets.keys():
            return self
        return _sought(self.strategy, self.config, fees, markets)

    @property
    def assets(self) -> frozenset[str]:
        """The currencies that they go through."""
        names = on_cycles(self.markets, self.strategy.sought_hops)
        return frozenset(
            asset for name in names for asset in (self.markets[name].base, self.markets[name].quote)
        )

    def cycles(self) -> Iterator[Legs]:
        """Find them, one at a time."""
        for legs in directed_cycles(self.markets, self.strategy.sought_hops):
            if start_order(self.strategy, legs):
                yield legs

    def wants(self, legs: Legs) -> Wanted | None:
        """Say how the strategy trades a cycle; None where it does not."""
        strategy = self.strategy
        if len(legs) > strategy.sought_hops or not start_order(strategy, legs):
            return None
        if any(leg.market not in self.markets for leg in legs):
            return None
        return Wanted(strategy, self.config, legs, None, strategy.min_profit_bps, None)


class Discovery(Struct, frozen=True):
    """The cycles of one strategy, and what was left out of them, in words."""

    wanted: tuple[Wanted, ...]  # by name
    left_out: tuple[str, ...]
    sought: Sought | None = None

    @property
    def assets(self) -> frozenset[str]:
        """The currencies that its cycles go through."""
        named = frozenset(leg.spend_asset for one in self.wanted for leg in one.legs)
        return named if self.sought is None else named | self.sought.assets


def discover(loaded: Loaded, markets: Mapping[str, MarketRules], fees: FeeRates) -> Discovery:
    """Find a strategy's cycles; raises ConfigInvalid where there is none."""
    left_out: list[str] = []
    if loaded.strategy.cycle is None and loaded.cycle_file is None:
        found = Discovery((), (), _seek(loaded, markets, fees, left_out))
        there = bool(found.sought and found.sought.counts)
    else:
        found = Discovery(tuple(_wanted(loaded, markets, fees, left_out)), ())
        there = bool(found.wanted)
    if not there:
        why = f": {'; '.join(left_out[:SKIPPED_TOLD_MAX])}" if left_out else ""
        raise ConfigInvalid(f"{loaded.path}: no cycle can be traded on these markets{why}")
    return replace(found, left_out=tuple(left_out))


def refuse_unknown_markets(loaded: Sequence[Loaded], markets: Mapping[str, MarketRules]) -> None:
    """Refuse cycles that are named and have no markets; what fees leave of them is told later.

    Raises ConfigInvalid. It costs nothing to speak of, so that a log need not be begun for it.
    """
    for one in loaded:
        if one.strategy.cycle is not None or one.cycle_file is not None:
            discover(one, markets, FeeRates(ZERO, ZERO, None))


def _wanted(
    loaded: Loaded, markets: Mapping[str, MarketRules], fees: FeeRates, left_out: list[str]
) -> Iterator[Wanted]:
    """Give the cycles that are named."""
    for legs, start, own_fees, min_profit_bps in _named(loaded, markets, fees, left_out):
        if fees.fee_asset is not None and any(leg.spend_asset == fees.fee_asset for leg in legs):
            left_out.append(f"{_path(legs)}: goes through the fee currency {fees.fee_asset}")
            continue
        twice = [market for market, n in Counter(leg.market for leg in legs).items() if n > 1]
        if twice:
            left_out.append(
                f"{_path(legs)}: goes through {twice[0]} twice, so that it meets what it left there itself"
            )
            continue
        yield Wanted(loaded.strategy, loaded.config_hash, legs, own_fees, min_profit_bps, start)


def _seek(
    loaded: Loaded, markets: Mapping[str, MarketRules], fees: FeeRates, left_out: list[str]
) -> Sought:
    """Count the cycles that there are, but for those through the fee currency."""
    found = _sought(loaded.strategy, loaded.config_hash, fees, markets)
    if fees.fee_asset is not None:
        apart = sum(_counts(loaded.strategy, markets).values()) - sum(found.counts.values())
        if apart:
            left_out.append(f"{apart} cycles: each goes through the fee currency {fees.fee_asset}")
    return found


def _sought(
    strategy: Strategy, config: str, fees: FeeRates, markets: Mapping[str, MarketRules]
) -> Sought:
    there = _tradable(markets, fees)
    return Sought(strategy, config, fees, there, _counts(strategy, there))


def _tradable(markets: Mapping[str, MarketRules], fees: FeeRates) -> dict[str, MarketRules]:
    return {
        name: rules
        for name, rules in markets.items()
        if rules.active and fees.fee_asset not in {rules.base, rules.quote}
    }


def _counts(strategy: Strategy, markets: Mapping[str, MarketRules]) -> dict[int, int]:
    return count_directed(markets, strategy.sought_hops, strategy.sought_starts)


def start_order(strategy: Strategy, legs: Legs) -> tuple[str, ...]:
    """The currencies that a cycle without a start of its own may begin with, the best first."""
    on_it = [leg.spend_asset for leg in legs]
    if strategy.sought_starts is not None:
        return tuple(code for code in strategy.sought_starts if code in on_it)
    bases = [code for code in strategy.panic_sell.base_currencies if code in on_it]
    return (*bases, *sorted(set(on_it) - set(bases)))


def _named(
    loaded: Loaded, markets: Mapping[str, MarketRules], fees: FeeRates, left_out: list[str]
) -> Iterator[tuple[Legs, str | None, FeeRates | None, Decimal]]:
    """Give each cycle with its start, fees of its own and its threshold."""
    strategy = loaded.strategy
    if strategy.cycle is not None:
        legs = legs_of(strategy.cycle, markets)
        yield legs, legs[0].spend_asset, None, strategy.min_profit_bps
        return
    assert loaded.cycle_file is not None, "its cycles are named one way or the other"
    resolved = resolve(loaded.cycle_file.rows, markets)
    left_out.extend(resolved.skipped)
    for listed in resolved.paths:
        unsought = _unsought(strategy, listed.legs)
        if unsought is not None:
            left_out.append(f"{_path(listed.legs)}: {unsought}")
            continue
        own = None
        if listed.fee_bps is not None:
            own = FeeRates(listed.fee_bps / BPS, fees.maker, fees.fee_asset)
        bar = strategy.min_profit_bps
        if listed.min_profit_bps is not None:
            bar = listed.min_profit_bps
        yield listed.legs, listed.legs[0].spend_asset, own, bar


def _unsought(strategy: Strategy, legs: Legs) -> str | None:
    """Say why a row of a file is none of the cycles that lightning looks for."""
    lightning = strategy.lightning
    if not lightning.enabled:
        return None
    if len(legs) > lightning.max_hops:
        return f"has {len(legs)} legs, `lightning.max_hops` is {lightning.max_hops}"
    starts = lightning.start_currencies
    if starts is not None and legs[0].spend_asset not in starts:
        return f"{legs[0].spend_asset} is none of `lightning.start_currencies`"
    return None


def _path(legs: Legs) -> str:
    return " > ".join([*(leg.spend_asset for leg in legs), legs[0].spend_asset])
