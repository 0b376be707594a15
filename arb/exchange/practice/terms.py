"""How a venue bounds and books orders, where it is not as the paper venue does."""

from collections.abc import Iterator, Mapping

from msgspec import Struct, structs

from arb.feeds.source import Change, MarketSource, Shown
from arb.market.book import Book, MarketRules
from arb.money import ZERO


class Terms(Struct, frozen=True, kw_only=True):
    """What differs between venues beside their words."""

    cost_cut: bool = True  # a trade's quote amount is cut at 1e-8; else it is price x amount
    least_value: bool = True  # an order has a least value, beside its least amount


class WithoutLeastValue:
    """A market whose orders are bounded by their amounts alone."""

    def __init__(self, source: MarketSource) -> None:
        self._source = source
        self._markets = {
            name: structs.replace(rules, notional_min=ZERO)
            for name, rules in source.markets.items()
        }

    @property
    def markets(self) -> Mapping[str, MarketRules]:
        """The markets, none with a least value."""
        return self._markets

    def book_at(self, market: str, at_ns: int) -> Book | None:
        """The book that stands at a time."""
        return self._source.book_at(market, at_ns)

    def shown(self, market: str, after_ns: int, until_ns: int) -> Iterator[Shown]:
        """Every book of a market after a time and until another one."""
        return self._source.shown(market, after_ns, until_ns)

    def changes(self, after_ns: int) -> Iterator[Change]:
        """Every change after a time."""
        return self._source.changes(after_ns)
