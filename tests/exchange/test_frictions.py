"""What the paper venue puts between a plan and its fill."""

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from arb.exchange.paper.frictions import NO_FRICTIONS, SIZE_LEFT_MIN, Frictions
from arb.market.book import Level
from arb.money import is_multiple
from tests.market.examples import book, rules

RULES = rules("BTC/USDT", "0.01", "0.00001")
BOOK = book(
    "BTC/USDT",
    [("50000", "1"), ("49990", "2"), ("49000", "3")],
    [("50010", "1"), ("50020", "2"), ("51000", "3")],
)
SIDES = st.sampled_from(["buy", "sell"])
BPS = st.decimals(0, 100, places=1)
FRICTIONS = st.builds(
    Frictions,
    seed=st.integers(0, 99),
    fill_ratio=st.decimals(0, 1, places=2),
    padding_bps=BPS,
    base_bps=BPS,
    random_bps=BPS,
    impact_bps_per_1000=BPS,
    impact_bps_max=BPS,
)


def met(frictions: Frictions, side: str, amount: str = "0.1", number: int = 1) -> tuple[Level, ...]:
    return frictions.meet(BOOK, side, Decimal(amount), number, RULES)[0].levels(side)


def test_without_frictions_an_order_meets_the_book_as_it_stands() -> None:
    assert NO_FRICTIONS.meet(BOOK, "buy", Decimal(1), 1, RULES) == (BOOK, ())


def test_padding_and_base_worsen_every_price_by_their_sum() -> None:
    frictions = Frictions(padding_bps=Decimal(5), base_bps=Decimal(5))
    assert [price for price, _ in met(frictions, "buy")] == [
        Decimal(text) for text in ("50060.01", "50070.02", "51051.00")
    ]
    assert met(frictions, "sell")[0][0] == Decimal("49950.00")


def test_impact_grows_with_the_order_up_to_its_most() -> None:
    frictions = Frictions(impact_bps_per_1000=Decimal("0.1"), impact_bps_max=Decimal(2))
    small, large, huge = (met(frictions, "buy", amount)[0][0] for amount in ("0.1", "0.3", "9"))
    assert Decimal(50010) < small < large < huge
    assert huge == Decimal("50020.01")  # 2 bps of 50,010, on the tick grid


def test_a_fill_ratio_of_zero_leaves_only_a_part_of_each_level() -> None:
    left = met(Frictions(fill_ratio=Decimal(0)), "buy")
    for (_, size), (_, whole) in zip(left, BOOK.asks, strict=True):
        assert SIZE_LEFT_MIN * whole - RULES.step_size <= size < whole


@given(FRICTIONS, SIDES, st.integers(1, 50))
def test_what_is_met_is_a_book_on_the_grid_and_each_level_knows_its_shown_price(
    frictions: Frictions, side: str, number: int
) -> None:
    changed, shown = frictions.meet(BOOK, side, Decimal("0.1"), number, RULES)
    levels = changed.levels(side)
    prices = [price for price, _ in levels]
    assert all(is_multiple(price, RULES.tick_size) and price > 0 for price in prices)
    assert all(is_multiple(size, RULES.step_size) and size > 0 for _, size in levels)
    assert all(one <= two if side == "buy" else one >= two for one, two in pairwise(prices))
    if shown:
        assert len(shown) == len(levels)
        assert set(shown) <= {price for price, _ in BOOK.levels(side)}


@given(FRICTIONS, SIDES, st.integers(1, 50))
def test_an_order_meets_the_same_after_a_restart(
    frictions: Frictions, side: str, number: int
) -> None:
    assert met(frictions, side, number=number) == met(frictions, side, number=number)
