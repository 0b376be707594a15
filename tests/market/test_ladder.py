"""A ladder says of every amount what `walk` says of it, forwards and backwards."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb.market.book import Book, MarketRules
from arb.market.depth import Shortfall, shared, walk
from arb.market.ladder import Ladder
from tests.market.examples import book, depths, rules
from tests.spec.properties import examples

ETH = rules()
BOOK = book(
    bids=[("1999", "0.5"), ("1998", "0"), ("1997.995", "1")],
    asks=[("2000", "0.5"), ("2001", "1"), ("2010", "4")],
)
RATE = Decimal("0.001")
SIDES = st.sampled_from(["buy", "sell"])
WORST = {"buy": Decimal(10**9), "sell": Decimal("0.01")}


def ladder(
    shown: Book,
    side: str,
    market: MarketRules = ETH,
    *,
    worst: Decimal | None = None,
    at_bound: bool = False,
    share: Decimal = Decimal(1),
) -> Ladder:
    levels = shared(shown.levels(side), share)
    return Ladder(side, levels, market, RATE, worst or WORST[side], at_bound=at_bound)


def test_rungs_are_the_levels_with_size_within_the_bound() -> None:
    bids = ladder(BOOK, "sell")
    first, second = bids.rung(0), bids.rung(1)
    assert first is not None
    assert second is not None
    assert (first.price, second.price, second.limit) == (
        1999,
        Decimal("1997.995"),
        Decimal("1997.99"),
    )
    assert bids.rung(2) is None
    assert ladder(BOOK, "sell", worst=Decimal(1998)).rung(1) is None


def test_the_largest_amount_cuts_the_last_rung() -> None:
    capped = ladder(BOOK, "buy", rules(amount_max=Decimal("0.7")))
    last = capped.rung(1)
    assert last is not None
    assert last.size == Decimal("0.2")
    assert capped.rung(2) is None
    assert capped.most_for(Decimal(10**6)) == Decimal("0.7")


def test_a_buy_stays_on_a_better_rung_when_the_next_one_would_buy_less() -> None:
    assert ladder(BOOK, "buy").most_for(Decimal("1000.4")) == Decimal("0.5")


def test_what_cannot_be_brought_has_no_amount() -> None:
    assert ladder(BOOK, "buy").least_for(Decimal("5.4945")) == Decimal("5.5")
    assert ladder(BOOK, "buy").least_for(Decimal("5.49450001")) is None


def test_the_least_is_found_where_one_step_is_booked_as_nothing() -> None:
    # One step is worth 0.0000000019: six of them are booked as one unit, before the fee.
    market = rules("DOGE/BTC", "0.00000001", "0.01", "0")
    shown = book("DOGE/BTC", bids=[("0.00000019", "1000")])
    cheap = ladder(shown, "sell", market, worst=market.tick_size)
    wanted = Decimal("0.00000002")
    least = cheap.least_for(wanted)
    assert least is not None
    assert cheap.filled(least)[1] >= wanted
    assert cheap.filled(least - market.step_size)[1] < wanted


def test_a_minimum_can_be_met_on_a_better_level_and_not_a_little_further() -> None:
    market = rules(notional_min="1000")
    steep = ladder(book(bids=[("2000", "0.5"), ("1000", "9")]), "sell", market)
    assert steep.allowed_from(Decimal("0.1")) == Decimal("0.5")
    assert steep.allowed_from(Decimal("0.5001")) == Decimal(1)


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_no_amount_is_allowed_where_the_depth_is_below_the_minimum(side: str) -> None:
    assert ladder(BOOK, side, rules(notional_min="100000")).allowed_from(Decimal(0)) is None


@examples(200)
@given(
    shown=depths(ETH),
    side=SIDES,
    spend=st.integers(1, 10**15),
    at_bound=st.booleans(),
    share=st.sampled_from(["1", "0.5", "0.37"]),
)
def test_it_says_of_a_spend_what_a_walk_says(
    *, shown: Book, side: str, spend: int, at_bound: bool, share: str
) -> None:
    offered, part = spend * Decimal("1E-8"), Decimal(share)
    best = shown.levels(side)[0][0]
    worst = best * Decimal("1.05") // 1 if side == "buy" else best * Decimal("0.95") // 1 + 1
    if not (best <= worst if side == "buy" else best >= worst):
        return
    walked = walk(shown, side, offered, ETH, RATE, worst, at_bound=at_bound, depth_share=part)
    rungs = ladder(shown, side, worst=worst, at_bound=at_bound, share=part)
    amount = rungs.most_for(offered)
    if isinstance(walked, Shortfall):
        assert rungs.allowed_from(amount) != amount or amount == 0, (walked, amount)
        return
    assert amount == rungs.allowed_from(amount) == walked.amount
    assert rungs.filled(amount) == (walked.used, walked.received)
    assert rungs.lock(amount) == (amount * walked.limit if side == "buy" else amount)
    assert rungs.affords(amount, offered)


@examples(200)
@given(shown=depths(ETH), side=SIDES, wanted=st.integers(1, 10**14))
def test_the_least_amount_brings_enough_and_one_step_less_does_not(
    shown: Book, side: str, wanted: int
) -> None:
    asked = wanted * Decimal("1E-8")
    rungs = ladder(shown, side)
    least = rungs.least_for(asked)
    if least is None:
        depth = sum(size for _, size in shown.levels(side))
        assert rungs.filled(depth)[1] < asked
        return
    assert rungs.filled(least)[1] >= asked
    less = least - ETH.step_size
    assert less == 0 or rungs.filled(less)[1] < asked


@examples(200)
@given(shown=depths(ETH), side=SIDES, start=st.integers(0, 10**6), minimum=st.integers(0, 10**6))
def test_the_next_allowed_amount_is_the_first_that_breaks_no_rule(
    shown: Book, side: str, start: int, minimum: int
) -> None:
    market = rules(notional_min=str(minimum), amount_min=Decimal("0.0007"))
    rungs = ladder(shown, side, market)
    begin = start * market.step_size
    found = rungs.allowed_from(begin)
    depth = sum(size for _, size in shown.levels(side))
    amount, tries = max(begin, market.step_size), 0
    while amount <= depth and tries < 500:
        worst = limit_of(rungs, amount)
        if market.broken_rule(amount, worst) is None:
            assert found == amount
            return
        amount, tries = amount + market.step_size, tries + 1
    assert found is None or found >= amount


def limit_of(rungs: Ladder, amount: Decimal) -> Decimal:
    reached, at = Decimal(0), 0
    while (rung := rungs.rung(at)) is not None:
        reached += rung.size
        if reached >= amount:
            return rung.limit
        at += 1
    raise AssertionError(amount)
