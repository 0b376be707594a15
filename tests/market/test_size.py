from decimal import Decimal
from random import Random

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from msgspec.structs import replace

from arb.market.book import Book, FeeRates
from arb.market.chain import Quote, quote_path
from arb.market.depth import BELOW_NOTIONAL_MIN, Shortfall, bound, limit_for
from arb.market.marginal import step_worths
from arb.market.reading import Reader
from arb.market.routes import legs_of
from arb.market.size import Search, best_size, settled, trimmed
from arb.market.slope import Slope
from tests.market.cycles import Situation, situations
from tests.market.examples import book, rules
from tests.spec.properties import examples

MARKETS = {
    "BTC/USDT": rules("BTC/USDT", "0.01", "0.00001"),
    "ETH/BTC": rules("ETH/BTC", "0.00001", "0.0001", "0.0001"),
    "ETH/USDT": rules("ETH/USDT"),
}
# Before fees, what 0.5 BTC buys brings 200 bps, what the next one buys 10 bps, the third one loses.
BOOKS: dict[str, Book | None] = {
    "BTC/USDT": book(
        "BTC/USDT", [("59990", "1")], [("60000", "0.5"), ("61140", "0.5"), ("61300", "9")]
    ),
    "ETH/BTC": book("ETH/BTC", [("0.0399", "50")], [("0.04", "500")], sequence=12),
    "ETH/USDT": book("ETH/USDT", [("2448", "500")], [("2451", "50")], sequence=13),
}
FREE = FeeRates(taker=Decimal(0), maker=Decimal(0))
FEES = FeeRates(taker=Decimal("0.001"), maker=Decimal("0.001"))
LEGS = legs_of(["USDT", "BTC", "ETH"], MARKETS)


def sized(
    cap: str = "1000000",
    *,
    books: dict[str, Book | None] = BOOKS,
    fees: FeeRates = FREE,
    slippage: int = 500,
    threshold: int = 0,
    at_bound: bool = False,
    share: str = "1",
) -> Quote:
    found = best_size(
        LEGS,
        Decimal(cap),
        books.get,
        MARKETS,
        fees,
        Decimal(slippage),
        min_profit_bps=Decimal(threshold),
        at_bound=at_bound,
        depth_share=Decimal(share),
    )
    assert isinstance(found, Quote), found
    return found


def test_levels_are_taken_as_long_as_they_pay() -> None:
    found = sized()
    assert found.walks[0].amount == Decimal(1)
    assert found.used == Decimal(60570)  # 0.5 at 60,000 and 0.5 at 61,140
    assert found.output == Decimal(25) * 2448


def test_fees_end_it_sooner() -> None:
    assert sized(fees=FEES).walks[0].amount == Decimal("0.5")


def test_what_is_reserved_is_the_whole_order_at_its_limit() -> None:
    found = sized()
    assert found.amount == Decimal(61_140)
    assert found.amount > found.used


def test_the_cap_bounds_what_is_reserved() -> None:
    found = sized("61139")
    assert found.walks[0].amount == Decimal("0.99998")
    assert found.amount == Decimal("0.99998") * 61_140
    assert sized("30000").amount == Decimal(30_000)


def test_a_threshold_above_zero_takes_no_less() -> None:
    assert sized(threshold=50) == sized()


def test_a_threshold_below_zero_is_traded_up_to() -> None:
    # The third level brings 61,200 for 61,300, a loss of 16 bps.
    assert sized(threshold=-20).walks[0].amount == Decimal(10)
    assert sized(threshold=-10).walks[0].amount == Decimal(1)


def test_the_slippage_bound_ends_it_too() -> None:
    assert sized(slippage=100).walks[0].amount == Decimal("0.5")


def test_a_share_of_the_depth_is_a_share_of_every_level() -> None:
    assert sized(share="0.4").walks[0].amount == Decimal("0.4")


def test_an_order_at_its_bound_reserves_more_for_the_same() -> None:
    found = sized(at_bound=True, slippage=100)
    first, second, _ = found.walks
    assert (first.limit, second.limit) == (Decimal(60_600), Decimal("0.0404"))
    assert found.amount == first.amount * 60_600
    assert found.used == first.amount * 60_000
    assert second.amount * second.limit <= first.received
    assert found.output < sized(slippage=100).output


def test_a_leg_spends_no_lots_that_the_next_one_cannot_use() -> None:
    thin = {**BOOKS, "ETH/USDT": book("ETH/USDT", [("2448", "3.00015")])}
    found = sized(books=thin)
    assert [walk.amount for walk in found.walks] == [
        Decimal("0.12"),  # of 0.12001 at the size that the unrounded chain would have
        Decimal(3),
        Decimal(3),
    ]


def test_the_first_leg_that_cannot_be_placed_is_the_answer() -> None:
    found = best_size(
        LEGS,
        Decimal("5.5"),
        BOOKS.get,
        MARKETS,
        FREE,
        Decimal(20),
        min_profit_bps=Decimal(0),
    )
    assert isinstance(found, Shortfall)
    assert (found.market, found.reason) == ("ETH/BTC", "below_notional_min")


@pytest.mark.parametrize(
    ("name", "there", "reason"),
    [
        ("ETH/BTC", None, "no_book"),
        ("ETH/BTC", book("ETH/BTC"), "no_depth"),
        ("BTC/USDT", book("BTC/USDT", asks=[("60000", "0"), ("60001", "0")]), "no_depth"),
    ],
)
def test_what_is_not_there_is_named(name: str, there: Book | None, reason: str) -> None:
    books = {**BOOKS, name: there}
    found = best_size(
        LEGS, Decimal(1000), books.get, MARKETS, FREE, Decimal(20), min_profit_bps=Decimal(0)
    )
    assert isinstance(found, Shortfall)
    assert (found.market, found.reason) == (name, reason)


def test_a_start_amount_that_buys_for_nothing_is_too_little() -> None:
    """What costs nothing has no edge: nothing can be divided by it."""
    names = ("TRX/BTC", "TRX/USDT", "BTC/USDT")
    markets = {name: rules(name, "0.00000001", "0.00000001", "0") for name in names}
    books = {
        "TRX/BTC": book("TRX/BTC", [("0.00000246", "1000")], [("0.00000247", "1000")]),
        "TRX/USDT": book("TRX/USDT", [("0.15", "1000")], [("0.1501", "1000")]),
        "BTC/USDT": book("BTC/USDT", [("58000", "1")], [("58001", "1")]),
    }
    legs = legs_of(["BTC", "TRX", "USDT"], markets)
    found = best_size(
        legs,
        Decimal("0.00000001"),
        books.get,
        markets,
        FeeRates(Decimal("0.001"), Decimal("0.001")),
        Decimal(50),
        min_profit_bps=Decimal(0),
    )
    assert isinstance(found, Shortfall)
    assert found.reason == BELOW_NOTIONAL_MIN


def test_a_cycle_through_one_book_twice_is_refused() -> None:
    twice = legs_of(["USDT", "BTC"], MARKETS)
    found = best_size(
        twice, Decimal(1000), BOOKS.get, MARKETS, FREE, Decimal(20), min_profit_bps=Decimal(0)
    )
    assert isinstance(found, Shortfall)
    assert found.reason == "book_twice"


def best_of_all(situation: Situation, every: int = 1) -> tuple[Decimal, Quote] | None:
    """The best of the quotes for every number of lots of the first leg."""
    quotes = [situation.quote(amount) for amount in situation.amounts(every)]
    placed = [(situation.surplus(quote), quote) for quote in quotes if isinstance(quote, Quote)]
    return max(placed, key=lambda pair: pair[0], default=None)


@examples(300)
@given(situations())
def test_no_size_of_few_lots_is_better(situation: Situation) -> None:
    found, best = situation.best(), best_of_all(situation)
    if best is None:
        event("nothing can be placed")
        assert isinstance(found, Shortfall), found
        return
    assert isinstance(found, Quote), found
    event(f"pays: {found.output > found.used}, legs: {len(found.walks)}")
    assert situation.surplus(found) == best[0], best[1]


@examples(60)
@given(situations(level_lots=5_000))
def test_no_size_of_many_lots_is_better_by_the_worth_of_one_step_of_each_leg(
    situation: Situation,
) -> None:
    best = best_of_all(situation, every=97)
    if best is None:
        return
    found, ladders = situation.best(), situation.ladders()
    assert isinstance(found, Quote), found
    assert ladders is not None
    steps = sum(step_worths([Slope(ladder, None) for ladder in ladders]))
    event(f"pays: {found.output > found.used}, legs: {len(found.walks)}")
    assert float(best[0] - situation.surplus(found)) <= steps, best[1]


def written(quote: Quote) -> list[str]:
    orders = [(walk.amount, walk.limit, walk.received) for walk in quote.walks]
    return [str(said) for said in (quote.amount, quote.output, quote.edge_bps, *orders)]


@examples(300)
@given(situations(level_lots=400))
def test_the_plan_is_what_a_quote_of_its_amount_says(situation: Situation) -> None:
    found = situation.best()
    if isinstance(found, Quote):
        quote = situation.quote(found.amount)
        assert found == quote
        # What goes into facts also to the last zero, because it is kept as it is written.
        assert written(found) == written(quote)
        first = found.walks[0]
        locked = first.amount * first.limit if first.side == "buy" else first.amount
        assert found.amount == locked


@examples(150)
@given(situations(level_lots=400), st.randoms(use_true_random=False))
def test_a_reader_that_is_kept_says_what_a_new_one_says(situation: Situation, rng: Random) -> None:
    reader = Reader()
    now = situation
    for _ in range(6):
        assert written_or_not(now.best(reader)) == written_or_not(now.best())
        name = rng.choice(now.legs).market
        there = now.books[name]
        match rng.randrange(5):
            case 0 if there is not None:
                there = replace(there, bids=there.bids[1:], asks=there.asks[1:])
                now = replace(now, books={**now.books, name: there})
            case 1:
                now = replace(now, at_bound=not now.at_bound)
            case 2:
                now = replace(now, depth_share=rng.choice([Decimal(1), Decimal("0.5")]))
            case 3 if name in now.markets:
                rules_now = now.markets[name]
                coarse = replace(rules_now, step_size=rules_now.step_size * 2)
                now = replace(now, markets={**now.markets, name: coarse})
            case _:
                now = replace(
                    now, cap=now.cap * 2, slippage_bps=rng.choice([Decimal(5), Decimal(90)])
                )


def written_or_not(found: Quote | Shortfall) -> object:
    return written(found) if isinstance(found, Quote) else found


@examples(300)
@given(situations(level_lots=400))
def test_a_plan_stays_within_every_bound(situation: Situation) -> None:
    found = situation.best()
    if isinstance(found, Shortfall):
        return
    assert 0 < found.used <= found.amount <= situation.cap
    offered = found.amount
    for leg, walk in zip(situation.legs, found.walks, strict=True):
        market, there = situation.markets[leg.market], situation.books[leg.market]
        assert there is not None
        levels = there.levels(leg.side)
        worst = bound(leg.side, levels[0][0], situation.slippage_bps, market.tick_size)
        best = limit_for(leg.side, levels[0][0], market.tick_size)
        low, high = sorted((best, worst))
        assert low <= walk.limit <= high
        if situation.at_bound:
            assert walk.limit == worst
        assert market.broken_rule(walk.amount, walk.limit) is None
        visible = sum(
            size
            for price, size in levels
            if (price <= walk.limit if leg.side == "buy" else price >= walk.limit)
        )
        assert walk.amount <= visible * situation.depth_share
        assert (walk.amount * walk.limit if leg.side == "buy" else walk.amount) <= offered
        offered = walk.received


@examples(150)
@given(situations())
def test_a_larger_cap_never_brings_less(situation: Situation) -> None:
    found, more = situation.best(), replace(situation, cap=situation.cap * 2).best()
    if isinstance(found, Quote):
        assert isinstance(more, Quote), more
        assert situation.surplus(more) >= situation.surplus(found)


@examples(300)
@given(situations(level_lots=400))
def test_floats_never_rule_out_lots_that_bring_more_than_they_say(situation: Situation) -> None:
    ladders = situation.ladders()
    if ladders is None:
        return
    search = Search(ladders, situation.cap, situation.hurdle)
    peak = search.climb()
    step = ladders[search.coarsest].rules.step_size
    for lots in {*range(1, 15), *range(max(peak - 15, 1), peak + 15)}:
        first = trimmed(ladders, search.coarsest, lots * step)
        plan = None if first is None else settled(ladders, situation.cap, first, search.coarsest)
        if plan is None or plan.watched != lots * step:
            continue
        event("compared")
        told = search.most(lots)
        surplus = plan.output - plan.used * situation.hurdle
        assert told >= float(surplus) - 1e-7 - 1e-12 * float(plan.used), lots


def test_a_quote_without_a_share_of_depth_is_never_worse() -> None:
    found = sized(share="0.4")
    whole = quote_path(LEGS, found.amount, BOOKS.get, MARKETS, FREE, Decimal(500))
    assert isinstance(whole, Quote)
    assert whole.edge_bps >= found.edge_bps
