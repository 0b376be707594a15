"""Which markets a run has to see: those of its cycles, and the ways out of what they may hold."""

from collections.abc import Collection, Iterable, Mapping

from arb.execution.account.desk import Desk
from arb.market.book import MarketRules
from arb.strategy.schema import Strategy


def markets_that_matter(desk: Desk, traded: Iterable[str]) -> tuple[str, ...]:
    """Name the markets between currencies that the run trades (given), holds, sells for or pays fees in.

    What closed cycles keep counts as held: an operator may have it sold.
    """
    held: set[str] = set()
    for cycle in desk.journal.cycles.values():
        held.update(leg.spend_asset for leg in cycle.legs)
        held.update(cycle.holdings)
        held.update(cycle.fees)  # to be valued, whatever the venue said that it takes them in
    kept = desk.journal.account.owned_closed
    held.update(asset for asset, amount in kept.items() if amount > 0)
    fee_asset = desk.fees.fee_asset
    return markets_of_cycles(traded, desk.strategies.values(), fee_asset, desk.markets, held)


def markets_of_cycles(
    traded: Iterable[str],
    strategies: Iterable[Strategy],
    fee_asset: str | None,
    markets: Mapping[str, MarketRules],
    held: Collection[str] = (),
) -> tuple[str, ...]:
    """Name the markets between currencies that are traded, of what is held, sold for or paid in."""
    assets = set(traded) | set(held)
    for strategy in strategies:
        assets.update(strategy.panic_sell.base_currencies)
        if strategy.reference_currency is not None:
            assets.add(strategy.reference_currency)
    if fee_asset is not None:
        assets.add(fee_asset)
    return tuple(
        sorted(
            name
            for name, rules in markets.items()
            if rules.base in assets and rules.quote in assets
        )
    )
