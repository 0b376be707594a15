from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arb.market.book import Book, MarketRules
from arb.market.depth import BELOW_NOTIONAL_MIN, Shortfall, Walk, bound, walk
from tests.market.examples import book, depths, rules

ETH = rules()
BOOK = book(
    bids=[("1999", "0.5"), ("1998", "1"), ("1990", "4")],
    asks=[("2000", "0.5"), ("2001", "1"), ("2010", "4")],
)
RATE = Decimal("0.001")


def test_a_sell_takes_bids_down_to_what_it_has() -> None:
    found = walk(BOOK, "sell", Decimal("1.00005"), ETH, RATE, Decimal(1900))
    assert found == Walk(
        market="ETH/USDT",
        side="sell",
        amount=Decimal(1),
        limit=Decimal(1998),
        best=Decimal(1999),
        used=Decimal(1),
        received=Decimal("999.5") + Decimal(999) - Decimal("0.9995") - Decimal("0.999"),
        fee=Decimal("1.9985"),
        fee_in_received=True,
    )


def test_a_buy_reserves_its_whole_amount_at_the_limit() -> None:
    # 2,000 / 2,001 is less than the 0.5 at 2,000 and the 0.5 at 2,001 that 2,000.5 would pay.
    found = walk(BOOK, "buy", Decimal(2000), ETH, RATE, Decimal(2100))
    assert isinstance(found, Walk)
    assert found.amount == Decimal("0.9995")
    assert found.limit == Decimal(2001)
    assert found.used == Decimal(1000) + Decimal("0.4995") * 2001
    assert found.amount * found.limit <= 2000


def test_a_buy_stays_at_a_better_limit_when_a_worse_one_would_buy_less() -> None:
    # At 2,001 all of 1,000.4 reserves for 0.4999 only; 0.5 are paid at 2,000.
    found = walk(BOOK, "buy", Decimal("1000.4"), ETH, RATE, Decimal(2100))
    assert isinstance(found, Walk)
    assert (found.amount, found.limit, found.used) == (Decimal("0.5"), Decimal(2000), Decimal(1000))


def test_depth_beyond_the_bound_is_not_used() -> None:
    found = walk(BOOK, "sell", Decimal(5), ETH, RATE, Decimal(1998))
    assert isinstance(found, Walk)
    assert (found.amount, found.used, found.limit) == (
        Decimal("1.5"),
        Decimal("1.5"),
        Decimal(1998),
    )


def test_the_largest_amount_of_a_market_limits_a_walk() -> None:
    found = walk(BOOK, "sell", Decimal(5), rules(amount_max=Decimal("0.7")), RATE, Decimal(1))
    assert isinstance(found, Walk)
    assert (found.amount, found.limit) == (Decimal("0.7"), Decimal(1998))


def test_a_fee_paid_elsewhere_leaves_all_that_was_received() -> None:
    found = walk(BOOK, "buy", Decimal(1000), ETH, RATE, Decimal(2100), fee_in_received=False)
    assert isinstance(found, Walk)
    assert (found.received, found.fee, found.fee_in_received) == (
        Decimal("0.5"),
        Decimal("0.0005"),
        False,
    )


def test_prices_off_the_tick_get_the_limit_that_takes_them() -> None:
    odd = book(bids=[("1999.995", "1")], asks=[("2000.005", "1")])
    bought = walk(odd, "buy", Decimal(1000), ETH, RATE, Decimal(2100))
    sold = walk(odd, "sell", Decimal("0.5"), ETH, RATE, Decimal(1900))
    assert isinstance(bought, Walk)
    assert isinstance(sold, Walk)
    assert (bought.limit, sold.limit) == (Decimal("2000.01"), Decimal("1999.99"))


@pytest.mark.parametrize(
    ("side", "spend", "market", "bound_price", "reason", "numbers"),
    [
        ("sell", "0.00009", ETH, "1", "below_step", ["0.00009", "0.0001"]),
        ("buy", "0.1", ETH, "2100", "below_step", ["0.1", "2000", "0.0001"]),
        ("sell", "0.002", ETH, "1", "below_notional_min", ["3.998", "5"]),
        (
            "sell",
            "0.01",
            rules(amount_min=Decimal("0.1")),
            "1",
            "below_amount_min",
            ["0.01", "0.1"],
        ),
        ("buy", "1000", ETH, "1999.99", "no_depth", ["2000", "1999.99"]),
        ("sell", "1", ETH, "1999.01", "no_depth", ["1999", "1999.01"]),
        ("sell", "1", rules(active=False), "1", "halted", ["ETH/USDT"]),
    ],
)
def test_a_shortfall_says_why_with_numbers(
    *, side: str, spend: str, market: MarketRules, bound_price: str, reason: str, numbers: list[str]
) -> None:
    found = walk(BOOK, side, Decimal(spend), market, RATE, Decimal(bound_price))
    assert isinstance(found, Shortfall)
    assert found.reason == reason
    assert all(number in found.detail for number in numbers), found.detail


def test_an_empty_side_has_no_depth() -> None:
    found = walk(book(bids=[("1", "1")]), "buy", Decimal(10), ETH, RATE, Decimal(100))
    assert isinstance(found, Shortfall)
    assert found.reason == "no_depth"


def test_a_book_without_sizes_has_no_depth() -> None:
    shown = book(bids=[("1999", "0"), ("1900", "3")], asks=[("2000", "0"), ("2001", "0")])
    for side, worst in (("buy", "2100"), ("sell", "1999")):
        found = walk(shown, side, Decimal(1000), ETH, RATE, Decimal(worst))
        assert isinstance(found, Shortfall)
        assert found.reason == "no_depth"
        assert f"no size to {side}" in found.detail
    within = walk(shown, "sell", Decimal(1), ETH, RATE, Decimal(1900))
    assert isinstance(within, Walk)
    assert within.limit == Decimal(1900)


def test_a_buy_at_its_bound_is_payable_there_and_planned_from_the_visible_depth() -> None:
    found = walk(BOOK, "buy", Decimal(1000), ETH, RATE, Decimal(2100), at_bound=True)
    assert isinstance(found, Walk)
    assert (found.amount, found.limit) == (Decimal("0.4761"), Decimal(2100))
    assert found.used == Decimal("0.4761") * 2000


def test_a_sell_at_its_bound_only_has_another_limit() -> None:
    bounded = walk(BOOK, "sell", Decimal(1), ETH, RATE, Decimal(1900), at_bound=True)
    tight = walk(BOOK, "sell", Decimal(1), ETH, RATE, Decimal(1900))
    assert isinstance(bounded, Walk)
    assert isinstance(tight, Walk)
    assert (bounded.limit, tight.limit) == (Decimal(1900), Decimal(1998))
    assert (bounded.amount, bounded.received) == (tight.amount, tight.received)


def test_the_smallest_notional_counts_at_the_limit_that_is_sent() -> None:
    found = walk(BOOK, "sell", Decimal("0.0026"), ETH, RATE, Decimal(1900), at_bound=True)
    assert isinstance(found, Shortfall)
    assert (found.reason, "4.94" in found.detail) == ("below_notional_min", True)


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_an_order_that_books_nothing_in_the_quote_is_none(side: str) -> None:
    """Without a smallest notional a hundred-millionth buys an amount for nothing, again and again."""
    market = rules("TRX/BTC", "0.00000001", "0.00000001", "0")
    shown = book("TRX/BTC", [("0.00000246", "1000")], [("0.00000247", "1000")])
    spend = Decimal("0.00000001") if side == "buy" else Decimal("0.004")
    bound_price = Decimal("0.00000250") if side == "buy" else Decimal("0.00000240")
    found = walk(shown, side, spend, market, Decimal("0.001"), bound_price)
    assert isinstance(found, Shortfall)
    assert found.reason == BELOW_NOTIONAL_MIN
    assert "books as nothing" in found.detail


def test_a_share_of_the_depth_leaves_the_rest_of_every_level() -> None:
    found = walk(BOOK, "sell", Decimal(1), ETH, RATE, Decimal(1998), depth_share=Decimal("0.5"))
    assert isinstance(found, Walk)
    assert (found.amount, found.limit) == (Decimal("0.75"), Decimal(1998))
    assert found.received + found.fee == Decimal("0.25") * 1999 + Decimal("0.5") * 1998


def test_a_bound_is_rounded_towards_the_touch() -> None:
    assert bound("buy", Decimal(2000), Decimal("1.23"), Decimal("0.1")) == Decimal("2000.2")
    assert bound("sell", Decimal(2000), Decimal("1.23"), Decimal("0.1")) == Decimal("1999.8")
    assert bound("buy", Decimal(2000), Decimal(0), Decimal("0.1")) == Decimal(2000)
    assert bound("sell", Decimal("0.01"), Decimal(20_000), Decimal("0.01")) == Decimal("0.01")


@settings(deadline=None)
@given(
    shown=depths(ETH),
    side=st.sampled_from(["buy", "sell"]),
    spend=st.integers(1, 10**15),
    slippage=st.integers(0, 1_000),
)
def test_a_walk_never_spends_more_than_it_was_given_nor_beyond_its_bound(
    shown: Book, side: str, spend: int, slippage: int
) -> None:
    offered = Decimal(spend) * Decimal("1E-8")
    best = shown.levels(side)[0][0]
    worst = bound(side, best, Decimal(slippage), ETH.tick_size)
    found = walk(shown, side, offered, ETH, RATE, worst)
    if isinstance(found, Shortfall):
        return
    assert found.used <= offered
    assert ETH.broken_rule(found.amount, found.limit) is None
    if side == "buy":
        assert best <= found.limit <= worst
        assert found.amount * found.limit <= offered
        depth = sum(size for price, size in shown.asks if price <= found.limit)
    else:
        assert best >= found.limit >= worst
        assert found.amount == found.used
        depth = sum(size for price, size in shown.bids if price >= found.limit)
    assert found.amount <= depth
    assert 0 <= found.fee <= found.received + found.fee


@settings(deadline=None)
@given(shown=depths(ETH), spend=st.integers(10**9, 10**15))
def test_no_other_limit_would_buy_more(shown: Book, spend: int) -> None:
    offered = Decimal(spend) * Decimal("1E-8")
    found = walk(shown, "buy", offered, rules(notional_min="0"), RATE, Decimal(10**9))
    bought = Decimal(0) if isinstance(found, Shortfall) else found.amount
    depth = Decimal(0)
    for price, size in shown.asks:
        depth += size
        payable = offered // price // ETH.step_size * ETH.step_size
        payable = min(payable, (offered / price) // ETH.step_size * ETH.step_size)
        assert min(depth, payable) <= bought
