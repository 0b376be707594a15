"""Ways between currencies, by market metadata and never by joining names."""

from collections.abc import Mapping, Sequence

from arb.errors import ConfigInvalid
from arb.events.facts import LegRoute
from arb.market.book import MarketRules

Exits = Mapping[str, Sequence[LegRoute]]  # asset -> every leg that spends it


def legs_between(
    spend: str, receive: str, markets: Mapping[str, MarketRules]
) -> tuple[LegRoute, ...]:
    """List the legs from one asset to another: active markets first, sells before buys, by name."""
    found = [
        leg
        for rules in markets.values()
        for leg in _legs_on(rules)
        if (leg.spend_asset, leg.receive_asset) == (spend, receive)
    ]
    found.sort(key=lambda leg: (not markets[leg.market].active, leg.side != "sell", leg.market))
    return tuple(found)


def resolve_leg(spend: str, receive: str, markets: Mapping[str, MarketRules]) -> LegRoute:
    """Choose the leg from one asset to another: a sell on SPEND/RECEIVE or a buy on RECEIVE/SPEND.

    Where both exist an active market wins, then the sell, because its size is exact in what is
    held, then the first name. Raises ConfigInvalid when no market joins the two.
    """
    found = legs_between(spend, receive, markets)
    if found:
        return found[0]
    near = sorted(name for name, rules in markets.items() if spend in (rules.base, rules.quote))
    listed = ", ".join(near) if near else "none"
    raise ConfigInvalid(f"no market joins {spend} and {receive}; markets with {spend}: {listed}")


def legs_of(path: Sequence[str], markets: Mapping[str, MarketRules]) -> tuple[LegRoute, ...]:
    """Resolve a cycle path, closed to its start: A, B, C has the legs A>B, B>C and C>A.

    Raises ConfigInvalid for an unknown join, a currency named twice, or fewer than two.
    """
    if len(set(path)) != len(path):
        raise ConfigInvalid(f"the cycle {' > '.join(path)} names a currency twice")
    if len(path) < 2:  # noqa: PLR2004 -- a walk needs somewhere to go
        raise ConfigInvalid(f"the cycle {' > '.join(path)} needs at least two currencies")
    ends = [*path[1:], path[0]]
    return tuple(resolve_leg(here, there, markets) for here, there in zip(path, ends, strict=True))


def exits_of(markets: Mapping[str, MarketRules]) -> Exits:
    """Index the legs of active markets by the asset they spend, in the order of market names."""
    exits: dict[str, list[LegRoute]] = {}
    for name in sorted(markets):
        if markets[name].active:
            for leg in _legs_on(markets[name]):
                exits.setdefault(leg.spend_asset, []).append(leg)
    return exits


def exits_without(exits: Exits, asset: str) -> Exits:
    """Leave out the legs into an asset; what is held of it can still be sold."""
    return {
        spend: [leg for leg in legs if leg.receive_asset != asset] for spend, legs in exits.items()
    }


def _legs_on(rules: MarketRules) -> tuple[LegRoute, LegRoute]:
    return (
        LegRoute(rules.market, "sell", rules.base, rules.quote),
        LegRoute(rules.market, "buy", rules.quote, rules.base),
    )
