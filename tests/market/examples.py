"""Small markets to test with."""

from typing import Any

from hypothesis import strategies as st
from msgspec import structs

from arb.market.book import Book, MarketRules
from arb.simulation.market import Sides, book
from arb.simulation.market import rules as market_rules

__all__ = ["Sides", "book", "depths", "rules"]


def rules(
    market: str = "ETH/USDT",
    tick: str = "0.01",
    step: str = "0.0001",
    notional_min: str = "5",
    **changes: Any,
) -> MarketRules:
    return structs.replace(market_rules(market, tick, step, notional_min), **changes)


@st.composite
def depths(draw: st.DrawFn, market_rules: MarketRules) -> Book:
    """A book on the market's grid: up to five levels a side, spread by up to twenty ticks each."""
    tick, step = market_rules.tick_size, market_rules.step_size
    first = draw(st.integers(500, 500_000))
    gaps = st.lists(st.integers(1, 20), min_size=10, max_size=10)
    sizes = draw(st.lists(st.integers(1, 200_000), min_size=10, max_size=10))
    gap = draw(gaps)
    depth = draw(st.integers(1, 5))
    bids = [first - sum(gap[: n + 1]) for n in range(depth)]
    asks = [first + sum(gap[5 : 5 + n]) for n in range(depth)]
    return Book(
        market=market_rules.market,
        bids=tuple((price * tick, size * step) for price, size in zip(bids, sizes, strict=False)),
        asks=tuple(
            (price * tick, size * step) for price, size in zip(asks, sizes[5:], strict=False)
        ),
        sequence=1,
    )
