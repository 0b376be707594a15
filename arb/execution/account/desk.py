"""What every part of the engine works with: one venue, one account, one log."""

from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal

import structlog
from msgspec.structs import replace

from arb.clock import NS_PER_S, Clock
from arb.exchange.port import Books, VenueRules
from arb.execution.account.access import Access
from arb.execution.account.arbiter import Arbiter
from arb.execution.account.journal import Journal
from arb.execution.account.ration import Ration
from arb.limits import (
    BOOK_HEARD_S_MAX,
    DISTANCE_FROM_MID_BPS_MAX,
    FEE_CHARGED_MAX,
    FEE_ROUNDING,
    MARKETS_TIMEOUT_S,
)
from arb.machine.state import Cycle
from arb.market.book import Book, FeeRates, MarketRules
from arb.market.liquidation import rate_of, value
from arb.market.routes import Exits, exits_of, exits_without
from arb.money import ZERO, plain
from arb.strategy.schema import Strategy

log = structlog.get_logger()

Starts = Collection[str] | None  # the currencies that a strategy's cycles begin with; None: any


class Desk:
    """The engine's shared surroundings; made once by the wiring."""

    def __init__(
        self,
        *,
        clock: Clock,
        journal: Journal,
        access: Access,
        books: Books,
        strategies: Mapping[str, Strategy],
        alone: bool = False,
    ) -> None:
        self.clock = clock
        self.journal = journal
        self.access = access
        account = journal.account
        access.held = access.held or any(account.expected(one) for one in account.assets())
        self.books = books
        self.alone = alone  # nobody but us can move this account: it stands in a backtest's memory
        self._markets: Mapping[str, MarketRules] = {}  # until the venue was heard: see `learn`
        self.exits: Exits = {}  # of the markets
        self._apart: dict[str, Exits] = {}  # the same without the ways into a currency
        self._of_asset: dict[str, list[MarketRules]] = {}  # the same markets, halted ones included
        self.attended: frozenset[str] | None = None  # whose books are told; None: every one's
        self.fees = self._told_fees = FeeRates(ZERO, ZERO)
        self._charged = ZERO  # the dearest trade since the venue told these fees
        self.strategies = dict(strategies)  # by configuration hash, recovered ones included
        self.running: Mapping[str, Strategy] = {}  # by name: those of this run
        self.starts: Mapping[str, Starts] = {}  # of the same
        self.arbiter = Arbiter(journal)
        self.ration = Ration(clock, access.venue)
        self.attentive_since_ns = 0  # since when this life works on cycles
        self.recorded_changes: set[str] = set()  # ids of the venue's reports that are in the log
        # Told when markets or fees were read again.
        self.on_terms: Callable[[], None] = lambda: None

    def learn(self, markets: Mapping[str, MarketRules], fees: FeeRates) -> None:
        """Take over what the venue says of its markets and fees."""
        self.markets = markets
        self.fees = self._told_fees = fees

    @property
    def markets(self) -> Mapping[str, MarketRules]:
        """The venue's markets and their rules, as last heard."""
        return self._markets

    @markets.setter
    def markets(self, markets: Mapping[str, MarketRules]) -> None:
        self._markets = markets
        self.exits, self._apart = exits_of(markets), {}
        self._of_asset = {}
        for rules in markets.values():
            for asset in {rules.base, rules.quote}:
                self._of_asset.setdefault(asset, []).append(rules)

    def barred(self, targets: Collection[str]) -> tuple[str, ...]:
        """What no way out to these targets goes through: the fee currency, unless it is one of them.

        Fees would be taken from what is being sold, and what of it is left would be nobody's.
        """
        asset = self.fees.fee_asset
        return () if asset is None or asset in targets else (asset,)

    def ways_out(self, targets: Collection[str]) -> Exits:
        """The legs that a way out to these targets may take."""
        for asset in self.barred(targets):
            if asset not in self._apart:
                self._apart[asset] = exits_without(self.exits, asset)
            return self._apart[asset]
        return self.exits

    def markets_of(self, asset: str) -> Sequence[MarketRules]:
        """The markets whose books are told that an asset is traded on, halted ones included."""
        return [one for one in self._of_asset.get(asset, ()) if self.is_attended(one.market)]

    def is_traded(self, asset: str) -> bool:
        """Whether the venue lists a market of an asset, told or not."""
        return asset in self._of_asset

    def value(self, asset: str, amount: Decimal, in_asset: str) -> Decimal | None:
        """Value an amount of one asset in another at the touch, by whole books alone; None without a way."""
        return value(asset, amount, in_asset, self.whole_book, self._markets, self.exits)

    def rate(self, asset: str, in_asset: str) -> Decimal | None:
        """Tell what a unit of one asset is worth in another, as `value` does."""
        return rate_of(asset, in_asset, self.whole_book, self.exits)

    def value_at_any(self, asset: str, amount: Decimal, in_asset: str) -> Decimal | None:
        """The same by any books: a bound on one order need not be told well, but has to be there."""
        return value(asset, amount, in_asset, self.book, self._markets, self.exits)

    def is_attended(self, market: str) -> bool:
        """Whether the book of a market can be there: no way leads through one that is not watched."""
        return self.attended is None or market in self.attended

    async def reload_markets(self) -> None:
        """Read the markets' rules again; raises Unreachable or Banned."""
        self.markets = await self.access.read(
            self.access.venue.markets, timeout_s=MARKETS_TIMEOUT_S
        )
        self.on_terms()

    async def reload_fees(self, charged: Decimal = ZERO) -> None:
        """Read the account's fees again: a level or a discount ends. Raises Unreachable or Banned.

        `charged` is what a trade cost: where the venue tells less, as of another market, that counts
        until it tells something else. One that took all that it received counts as nearly all: no
        cycle pays with it.
        """
        if charged > FEE_CHARGED_MAX:
            log.error("fee.took_all", charged=plain(charged), counted=plain(FEE_CHARGED_MAX))
            charged = FEE_CHARGED_MAX
        told = await self.access.read(self.access.venue.fees)
        if told != self._told_fees:
            self._told_fees, self._charged = told, ZERO
        self._charged = max(self._charged, charged)
        fees = told
        if self._charged > told.taker * FEE_ROUNDING:
            fees = replace(told, taker=self._charged)
        if fees == self.fees:
            return
        log.warning("fees.changed", was=plain(self.fees.taker), now=plain(fees.taker))
        self.fees = fees
        self.on_terms()

    @property
    def rules(self) -> VenueRules:
        """The venue's dialect."""
        return self.access.venue.rules

    def book(self, market: str) -> Book | None:
        """The book of a market while its connection is alive; a quiet book is fresh."""
        heard = self.books.heard_ns(market)
        if heard is None or self.clock.now_ns() - heard > BOOK_HEARD_S_MAX * NS_PER_S:
            return None
        return self.books.book(market)

    def whole_book(self, market: str) -> Book | None:
        """The book of a market that has both sides, not torn apart: only those together tell a price."""
        book = self.telling_book(market)
        return None if book is None or book.mid() is None else book

    def telling_book(self, market: str) -> Book | None:
        """The book of a market, unless its two sides are torn so far apart that no order may go there.

        What is left when everybody has gone for a moment says nothing of what a holding is worth.
        """
        book = self.book(market)
        if book is None or not book.bids or not book.asks:
            return book
        # Both sides are equally far from the middle.
        distance = book.distance_bps(book.bids[0][0])
        return None if distance is None or distance > DISTANCE_FROM_MID_BPS_MAX else book

    def strategy(self, config: str) -> Strategy:
        """The configuration a cycle began with."""
        return self.strategies[config]

    def strategy_now(self, cycle: Cycle) -> Strategy:
        """The configuration that counts for a cycle's end: as set now, where its strategy runs."""
        return self.running.get(cycle.strategy) or self.strategy(cycle.config)


def targets_of(strategy: Strategy, start_asset: str) -> tuple[str, ...]:
    """Where an unwind may end: the start currency, then the base currencies in their order."""
    others = [asset for asset in strategy.panic_sell.base_currencies if asset != start_asset]
    return (start_asset, *others)
