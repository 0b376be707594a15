"""Which markets a run has to see: those of its cycles, and the ways out of what they may hold."""

from collections.abc import Iterable

from arb.execution.desk import Desk


def markets_that_matter(desk: Desk, traded: Iterable[str]) -> tuple[str, ...]:
    """Name the markets between currencies that the run trades (these are given), holds, sells for or pays fees in.

    What closed cycles keep counts as held: an operator may have it sold.
    """
    assets = set(traded)
    for cycle in desk.journal.cycles.values():
        assets.update(leg.spend_asset for leg in cycle.legs)
        assets.update(cycle.holdings)
    kept = desk.journal.account.owned_closed
    assets.update(asset for asset, amount in kept.items() if amount > 0)
    for strategy in desk.strategies.values():
        assets.update(strategy.panic_sell.base_currencies)
        if strategy.reference_currency is not None:
            assets.add(strategy.reference_currency)
    if desk.fees.fee_asset is not None:
        assets.add(desk.fees.fee_asset)
    return tuple(
        sorted(
            name
            for name, rules in desk.markets.items()
            if rules.base in assets and rules.quote in assets
        )
    )
