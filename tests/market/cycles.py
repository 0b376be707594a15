"""Cycles through small markets of every kind, with steps coarse enough to try every size."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from random import Random

from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from arb.events.facts import LegRoute
from arb.market.book import Book, FeeRates, Level, MarketRules
from arb.market.chain import Quote, quote_path
from arb.market.depth import Shortfall, bound, limit_for
from arb.market.ladder import Ladder
from arb.market.reading import Reader, Terms
from arb.market.size import best_size
from arb.money import BPS

ASSETS = "ABCDE"
_UNIT = Decimal("1E-8")


class Situation(Struct, frozen=True):
    """A cycle, what it may spend, and the market that it meets."""

    legs: tuple[LegRoute, ...]
    cap: Decimal
    books: Mapping[str, Book | None]
    markets: Mapping[str, MarketRules]
    fees: FeeRates
    slippage_bps: Decimal
    min_profit_bps: Decimal
    at_bound: bool
    depth_share: Decimal

    def best(self, reader: Reader | None = None) -> Quote | Shortfall:
        return best_size(
            self.legs,
            self.cap,
            self.books.get,
            self.markets,
            self.fees,
            self.slippage_bps,
            min_profit_bps=self.min_profit_bps,
            at_bound=self.at_bound,
            depth_share=self.depth_share,
            reader=reader,
        )

    def quote(self, amount: Decimal) -> Quote | Shortfall:
        return quote_path(
            self.legs,
            amount,
            self.books.get,
            self.markets,
            self.fees,
            self.slippage_bps,
            at_bound=self.at_bound,
            depth_share=self.depth_share,
        )

    def ladders(self) -> list[Ladder] | None:
        terms = Terms(self.fees.taker, self.slippage_bps, self.at_bound, self.depth_share)
        return Reader().ladders(self.legs, self.books.get, self.markets, terms)

    @property
    def hurdle(self) -> Decimal:
        return 1 + min(Decimal(0), self.min_profit_bps) / BPS

    def surplus(self, quote: Quote) -> Decimal:
        return quote.output - quote.used * self.hurdle

    def amounts(self, every: int = 1) -> Iterator[Decimal]:
        """What a first order may lock: for each number of lots, as long as cap and depth allow."""
        leg = self.legs[0]
        rules, book = self.markets.get(leg.market), self.books[leg.market]
        if rules is None or book is None or not book.levels(leg.side):
            return
        visible = book.levels(leg.side)
        worst = bound(leg.side, visible[0][0], self.slippage_bps, rules.tick_size)
        reached, lots = Decimal(0), 1
        for price, size in visible:
            limit = limit_for(leg.side, price, rules.tick_size)
            if limit > worst if leg.side == "buy" else limit < worst:
                return
            reached += size * self.depth_share
            each = Decimal(1) if leg.side == "sell" else worst if self.at_bound else limit
            while lots * rules.step_size <= min(reached, rules.amount_max):
                if lots * rules.step_size * each > self.cap:
                    return
                yield lots * rules.step_size * each
                lots += every


def situations(level_lots: int = 20) -> st.SearchStrategy[Situation]:
    """Cycles of two to five legs, most of which pay, through levels of at most so many lots."""
    return st.integers(0, 2**32).map(lambda seed: situation(Random(seed), level_lots))


def situation(rng: Random, level_lots: int) -> Situation:
    """Draw a market that fits together but for the first leg, which is better than fair."""
    count = rng.randint(2, 5)
    fee = Decimal(rng.choice(["0", "0", "0.0002", "0.001", "0.01"]))
    edge = count * fee + rng.randint(-20, 250) / BPS
    values = [
        Decimal(rng.randint(1, 999)) * Decimal(10) ** rng.randint(-3, 1) for _ in range(count)
    ]
    legs: list[LegRoute] = []
    books: dict[str, Book | None] = {}
    markets: dict[str, MarketRules] = {}
    for at in range(count):
        spend, receive = at, (at + 1) % count
        side = rng.choice(["buy", "sell"])
        base, quote = (receive, spend) if side == "buy" else (spend, receive)
        name = f"{ASSETS[base]}/{ASSETS[quote]}" + ("" if count > 2 else f" {at}")
        mid = values[base] / values[quote]
        if at == 0:
            mid *= 1 - edge if side == "buy" else 1 + edge
        markets[name] = _rules(rng, (name, ASSETS[base], ASSETS[quote]), mid, values[base])
        books[name] = _book(rng, markets[name], mid, level_lots)
        legs.append(LegRoute(name, side, ASSETS[spend], ASSETS[receive]))
    odd = rng.choice(legs).market
    match rng.randint(0, 40):
        case 0:
            books[odd] = None
        case 1:
            del markets[odd]
        case 2:
            markets[odd] = replace(markets[odd], active=False)
        case 3:
            books[odd] = Book(odd, (), (), 7)
    worth = level_lots * rng.choice([1, 2, 10]) * rng.randint(1, 100) / Decimal(50)
    return Situation(
        legs=tuple(legs),
        cap=(worth / values[0]).quantize(_UNIT),
        books=books,
        markets=markets,
        fees=FeeRates(fee, fee),
        slippage_bps=Decimal(rng.choice([5, 20, 100, 1_000])),
        min_profit_bps=Decimal(rng.choice([0, 0, 5, -20, -300])),
        at_bound=rng.randint(0, 4) == 0,
        depth_share=Decimal(rng.choice(["1", "1", "0.5", "0.37"])),
    )


def _rules(rng: Random, names: tuple[str, str, str], mid: Decimal, value: Decimal) -> MarketRules:
    """Prices of 10,000 to 1,000,000 ticks; a step is worth 0.1 to 5, whatever it is a step of."""
    tick = Decimal(10) ** (mid.adjusted() - rng.randint(4, 5))
    step = Decimal(10) ** -value.adjusted() / 10 * rng.choice([1, 1, 2, 5])
    name, base, quote = names
    return MarketRules(
        market=name,
        base=base,
        quote=quote,
        tick_size=tick * rng.choice([1, 1, 1, 7]),
        step_size=step,
        amount_min=step * rng.choice([1, 1, 2, 3]),
        amount_max=step * rng.choice([7, 10**6, 10**6, 10**6, 10**6]),
        notional_min=(mid * step * rng.choice([0, 0, 0, 3, 10])).quantize(_UNIT),
    )


def _book(rng: Random, rules: MarketRules, mid: Decimal, level_lots: int) -> Book:
    """Up to five levels a side; some without size, some off the step grid or the tick grid."""
    tick = Decimal(10) ** rules.tick_size.adjusted()

    def side(away: int) -> tuple[Level, ...]:
        levels: list[Level] = []
        price = int(mid / tick)
        for _ in range(rng.randint(1, 5)):
            price += away * rng.randint(1, 30)
            lots = Decimal(rng.randint(1, level_lots)) * rng.choice([1, 5])
            match rng.randint(0, 15):
                case 0:
                    lots *= Decimal("0.3")
                case 1:
                    lots = Decimal(0)
            levels.append((price * tick, lots * rules.step_size))
        return tuple(levels)

    return Book(market=rules.market, bids=side(-1), asks=side(1), sequence=7)
