"""Size one opportunity: its start currency, its best amount, and what limits say to that."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from arb.events.facts import LegRoute
from arb.execution.account.desk import Desk
from arb.execution.opportunities.discovery import Wanted, start_order
from arb.execution.risk.capital import offered
from arb.execution.risk.claims import Claims
from arb.execution.risk.declined import Refusal
from arb.execution.risk.guards import Guards, Path
from arb.machine.risk import identity_of
from arb.machine.state import Cycle
from arb.market.chain import BookOf, Quote, quote_path
from arb.market.cycles import rotated
from arb.market.depth import BELOW_AMOUNT_MIN, BELOW_NOTIONAL_MIN, BELOW_STEP, Shortfall
from arb.market.reading import Reader
from arb.market.size import best_size
from arb.money import plain

BELOW_BAR: Final = "edge_at_size"
MARKET: Final = "market"  # the type of orders whose limit is their bound
TOO_LITTLE: Final = frozenset({BELOW_STEP, BELOW_AMOUNT_MIN, BELOW_NOTIONAL_MIN})


class Plan(NamedTuple):
    """A cycle from its start currency on, sized and priced."""

    legs: tuple[LegRoute, ...]
    quote: Quote
    available: Decimal  # of the start currency

    @property
    def gain(self) -> Decimal:
        """What it brings net, in its start currency."""
        return self.quote.output - self.quote.used


class Sizing:
    """Plans cycles on what nobody has claimed of the books and nobody has reserved of the balance."""

    def __init__(
        self, desk: Desk, guards: Guards, claims: Claims, opening: Mapping[str, Cycle]
    ) -> None:
        self._desk = desk
        self._guards = guards
        self._claims = claims
        self._opening = opening
        self._reader = Reader()

    def plan(self, wanted: Wanted) -> Plan | Refusal:
        """Plan the cycle from the first start currency of which there is enough for every order."""
        desk, strategy = self._desk, wanted.strategy
        path = Path(
            identity_of([leg.spend_asset for leg in wanted.legs]),
            tuple(leg.market for leg in wanted.legs),
        )
        refusal = self._guards.closed(strategy, path, self._opening.values())
        if refusal is not None:
            return refusal
        starts = (wanted.start,) if wanted.start else start_order(strategy, wanted.legs)
        for start in starts:
            cap = offered(desk, desk.arbiter.available(start), strategy, start)
            if isinstance(cap, Refusal):
                refusal = refusal or cap
                continue
            planned = self._sized(wanted, path, start, cap)
            if not isinstance(planned, Refusal) or planned.reason not in TOO_LITTLE:
                return planned
            refusal = planned
        assert refusal is not None, "a cycle has a start currency"
        return refusal

    def _sized(self, wanted: Wanted, path: Path, start: str, cap: Decimal) -> Plan | Refusal:
        """Its edge has to hold at that size, and the limits have to allow it."""
        desk, strategy = self._desk, wanted.strategy
        legs = rotated(wanted.legs, start)
        quote = best_size(
            legs,
            cap,
            self._claims.book,
            desk.markets,
            wanted.fees_now(desk.fees),
            strategy.max_slippage_bps,
            min_profit_bps=wanted.min_profit_bps,
            depth_share=strategy.capital_allocation.max_depth_share,
            at_bound=strategy.order.type == MARKET,
            reader=self._reader,
        )
        if isinstance(quote, Shortfall):
            return Refusal(quote.reason, f"{quote.market}: {quote.detail}")
        short = _short_of_bar(quote, wanted, start)
        if short is not None:
            if quote.edge_bps <= 0:
                # Every size loses: the best one is the smallest there is, and its edge is rounding.
                whole = self._priced(legs, cap, self._claims.book, wanted)
                if isinstance(whole, Quote):
                    short = _short_of_bar(whole, wanted, start) or short
            return Refusal(BELOW_BAR, short)
        opening = self._opening.values()
        closed = self._guards.closed_at(strategy, path, quote, start, opening)
        return closed or Plan(legs, quote, desk.arbiter.available(start))

    def gone(self, wanted: Wanted, plan: Plan, cycle_id: str) -> str | None:
        """Say why a cycle's plan pays no more at what it is left of the books of now; None while it does.

        Books that are the ones it was made on are not priced again.
        """
        quote = plan.quote
        now = {market: self._claims.left_for(cycle_id, market) for market in quote.sequences}
        if all(
            book is not None and book.sequence == quote.sequences[market]
            for market, book in now.items()
        ):
            return None
        again = self._priced(plan.legs, quote.amount, now.get, wanted)
        if isinstance(again, Shortfall):
            return f"{again.market}: {again.detail}"
        return _short_of_bar(again, wanted, plan.legs[0].spend_asset)

    def _priced(
        self, legs: Sequence[LegRoute], amount: Decimal, books: BookOf, wanted: Wanted
    ) -> Quote | Shortfall:
        """Price a cycle as its strategy sends it, at an amount that is not looked for."""
        desk, strategy = self._desk, wanted.strategy
        return quote_path(
            legs,
            amount,
            books,
            desk.markets,
            wanted.fees_now(desk.fees),
            strategy.max_slippage_bps,
            at_bound=strategy.order.type == MARKET,
            depth_share=strategy.capital_allocation.max_depth_share,
        )


def _short_of_bar(quote: Quote, wanted: Wanted, start: str) -> str | None:
    if quote.edge_bps > wanted.min_profit_bps:
        return None
    edge, bar = plain(quote.edge_bps), plain(wanted.min_profit_bps)
    told = f"{edge} bps at {plain(quote.used)} {start}, not above {bar}"
    if wanted.strategy.order.type == MARKET:
        share = plain(wanted.strategy.max_slippage_bps)
        told += f"; order.type: market leaves up to max_slippage_bps ({share}) of each buy unspent"
    return told
