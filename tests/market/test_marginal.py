"""The walk up a chain without steps, against a fine grid of sizes on the same chain."""

from decimal import Decimal
from math import inf

import pytest
from hypothesis import event, given
from msgspec import Struct

from arb.market.ladder import Ladder
from arb.market.marginal import climb, step_worths
from arb.market.rounding import Rounding
from arb.market.size import settled, trimmed
from arb.market.slope import Slope, number
from tests.market.cycles import Situation, situations
from tests.market.examples import book, rules
from tests.spec.properties import examples

GRID = 2_000
FREE = Decimal(0)


class Chain(Struct):
    """Ladders read to their ends, in floats, without steps: what an amount of the first leg brings."""

    legs: list[tuple[bool, float, list[tuple[float, float, float]]]]  # buys, keep, rungs

    @property
    def depth(self) -> float:
        return sum(size for _, size, _ in self.legs[0][2])

    def lock(self, amount: float) -> float:
        buys, _, rungs = self.legs[0]
        if not buys:
            return amount
        reached = 0.0
        for _, size, limit in rungs:
            reached += size
            if amount <= reached:
                return amount * limit
        return inf

    def surplus(self, amount: float, hurdle: float) -> float:
        buys, keep, rungs = self.legs[0]
        cost, base = _filled(rungs, amount)
        used, carried = (cost, base * keep) if buys else (base, cost * keep)
        for buys, keep, rungs in self.legs[1:]:
            cost, base = _filled(rungs, _bought(rungs, carried) if buys else carried)
            carried = (base if buys else cost) * keep
        return carried - used * hurdle


def _filled(rungs: list[tuple[float, float, float]], amount: float) -> tuple[float, float]:
    cost = base = 0.0
    for price, size, _ in rungs:
        taken = min(size, amount - base)
        if taken <= 0:
            break
        cost, base = cost + taken * price, base + taken
    return cost, base


def _bought(rungs: list[tuple[float, float, float]], spend: float) -> float:
    best = reached = 0.0
    for _, size, limit in rungs:
        reached += size
        best = max(best, min(reached, spend / limit))
    return best


def chain_of(ladders: list[Ladder]) -> Chain:
    legs = []
    for ladder in ladders:
        rungs, at = [], 0
        while (rung := ladder.rung(at)) is not None:
            rungs.append((number(rung.price), number(rung.size), number(rung.limit)))
            at += 1
        legs.append((ladder.buys, number(1 - ladder.rate), rungs))
    return Chain(legs)


def slopes_of(ladders: list[Ladder], cap: Decimal) -> list[Slope]:
    return [Slope(ladder, None if at else cap) for at, ladder in enumerate(ladders)]


@examples(300)
@given(situations(level_lots=400))
def test_no_size_on_a_fine_grid_is_better_than_the_best_breakpoint(situation: Situation) -> None:
    ladders = situation.ladders()
    if ladders is None:
        return
    chain, hurdle, cap = chain_of(ladders), number(situation.hurdle), number(situation.cap)
    found = climb(slopes_of(ladders, situation.cap), hurdle, watched=0)
    peak = max(found.surpluses)
    base = found.bases[found.surpluses.index(peak)]
    assert (found.peak, found.best) == (base, peak)
    noise = 1e-9 * (1 + base * max(1.0, chain.legs[0][2][0][0]))
    event(f"pays: {peak > noise}, legs: {len(ladders)}")
    assert chain.surplus(base, hurdle) == pytest.approx(peak, abs=noise)
    assert chain.lock(base * (1 - 1e-12)) <= cap + noise
    for part in range(1, GRID + 1):
        amount = chain.depth * part / GRID
        if chain.lock(amount) > cap:
            break
        assert chain.surplus(amount, hurdle) <= peak + noise


@examples(200)
@given(situations(level_lots=400))
def test_what_is_watched_changes_only_what_is_told(situation: Situation) -> None:
    ladders = situation.ladders()
    if ladders is None:
        return
    hurdle = number(situation.hurdle)
    climbs = [
        climb(slopes_of(ladders, situation.cap), hurdle, watched=leg, slack=inf)
        for leg in range(len(ladders))
    ]
    assert len({tuple(one.surpluses) for one in climbs}) == 1
    for one in climbs:
        assert one.bases == sorted(one.bases)


def ladder(side: str, market: str, levels: list[tuple[str, str]], rate: Decimal = FREE) -> Ladder:
    shown = book(market, bids=levels, asks=levels)
    worst = Decimal(10**9) if side == "buy" else Decimal("0.01")
    return Ladder(side, shown.levels(side), rules(market), rate, worst, at_bound=False)


def test_a_dearer_level_of_a_later_buy_has_to_pay_for_what_it_locks_more() -> None:
    # The second level of the buy costs 10 % more, and an order that goes there locks that on all of
    # it: 10 of 100 buy nothing.
    legs = [
        ladder("sell", "A/B", [("100", "9")]),
        ladder("buy", "C/B", [("1", "100"), ("1.1", "1000")]),
        ladder("sell", "C/A", [("0.0125", "9999")]),
    ]
    found = climb(slopes_of(legs, Decimal(9)), 1.0, watched=1, slack=inf)
    assert [found.stretches(at, len(legs)) for at in range(len(found.bases))] == [
        [0, 0, 0],
        [0, 0, 0],
        [0, 1, 0],
        [0, 2, 0],
    ]
    assert [*zip(found.bases, map(pytest.approx, found.surpluses), strict=True)] == [
        (0.0, 0.0),
        (pytest.approx(100.0), 0.25),
        (pytest.approx(100.0), 0.15),
        (pytest.approx(100 + 790 / 1.1), 0.15 + 790 / 1.1 * 0.0125 - 7.9),
    ]


def test_the_walk_goes_on_past_its_best_until_the_slack_is_lost() -> None:
    legs = [
        ladder("sell", "A/B", [("100", "1"), ("99", "1"), ("98", "1"), ("97", "1")]),
        ladder("buy", "A/B", [("99.5", "99")]),
    ]

    def walked(slack: float, base_enough: float = inf) -> tuple[int, bool]:
        found = climb(
            slopes_of(legs, Decimal(9)), 1.0, watched=0, slack=slack, base_enough=base_enough
        )
        return len(found.bases) - 1, found.whole

    # Each level brings 0.0050 for the first, then takes 0.0050, 0.0151 and 0.0251.
    assert walked(0.0) == (1, False)
    assert walked(0.004) == (2, False)
    assert walked(0.015) == (3, False)
    assert walked(1.0) == (4, True)
    assert walked(1.0, base_enough=1.5) == (2, False)


def test_the_peak_is_the_best_breakpoint_from_the_least_amount_on() -> None:
    legs = [
        ladder("sell", "A/B", [("110", "1"), ("95", "1"), ("90", "1"), ("80", "9")]),
        ladder("buy", "A/B", [("100", "99")]),
    ]

    def peak(base_min: float) -> tuple[float, float]:
        found = climb(slopes_of(legs, Decimal(9)), 1.0, watched=0, slack=inf, base_min=base_min)
        return found.peak, pytest.approx(found.best)

    # The levels bring 0.1, then take 0.05, 0.1 and 0.2 for each.
    assert peak(0.0) == (1.0, 0.1)
    assert peak(0.5) == (1.0, 0.1)
    assert peak(1.5) == (2.0, 0.05)
    assert peak(2.5) == (3.0, -0.05)
    assert peak(99.0) == (0.0, -inf)


def test_the_span_of_a_surplus_ends_where_the_walk_falls_below_it() -> None:
    legs = [
        ladder("sell", "A/B", [("110", "1"), ("90", "1"), ("80", "9")]),
        ladder("buy", "A/B", [("100", "99")]),
    ]
    whole = climb(slopes_of(legs, Decimal(2)), 1.0, watched=0, slack=inf)
    assert whole.span_above(0.05) == pytest.approx((0.5, 1.5))
    assert whole.span_above(-1.0) == pytest.approx((0.0, 2.0))
    assert whole.span_above(0.2) == (0.0, 0.0)
    ended = climb(slopes_of(legs, Decimal(9)), 1.0, watched=0, slack=0.05)
    assert ended.span_above(-1.0) == (0.0, inf)


def test_a_step_is_worth_what_it_brings_at_the_end_at_the_touch() -> None:
    legs = [
        ladder("buy", "B/A", [("50", "1")], Decimal("0.1")),
        ladder("sell", "B/C", [("2", "1")], Decimal("0.1")),
        ladder("buy", "A/C", [("0.04", "1")], Decimal("0.1")),
    ]
    onwards = 0.9 * 2 * 0.9 / 0.04
    assert step_worths(slopes_of(legs, Decimal(1))) == pytest.approx(
        [0.0001 * 0.9 * onwards, 0.0001 * onwards, 0.0001 * 0.9]
    )


@examples(200)
@given(situations(level_lots=400))
def test_rounding_on_one_rung_is_what_the_exact_plan_says(situation: Situation) -> None:
    ladders = situation.ladders()
    if ladders is None:
        return
    first_ones = [0] * len(ladders)
    for leg, ladder_ in enumerate(ladders):
        step = ladder_.rules.step_size
        for lots in range(1, 6):
            first = trimmed(ladders, leg, lots * step)
            plan = None if first is None else settled(ladders, Decimal(10**12), first, leg)
            if plan is None or plan.first != first or not _on_first_rungs(ladders, plan.first):
                continue
            slopes = [Slope(one, None) for one in ladders]
            assert all(slope.reaches(0) for slope in slopes)
            rounding = Rounding(slopes, first_ones, leg)
            exact = number(plan.output - plan.used * situation.hurdle)
            event("compared")
            assert rounding.surplus(lots, number(situation.hurdle)) == pytest.approx(
                exact, abs=1e-7 + 1e-7 * number(plan.used)
            )


def _on_first_rungs(ladders: list[Ladder], first: Decimal) -> bool:
    amount = first
    for at, ladder_ in enumerate(ladders):
        rung = ladder_.rung(0)
        assert rung is not None
        if amount >= rung.size:
            return False
        if at + 1 < len(ladders):
            amount = ladders[at + 1].most_for(ladder_.filled(amount)[1])
    return True
