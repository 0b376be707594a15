from decimal import Decimal

import pytest

from arb.market.book import Book, FeeRates, MarketRules
from arb.market.chain import Quote, quote_path
from arb.market.depth import Shortfall
from arb.market.routes import legs_of
from tests.market.examples import book, rules

MARKETS = {
    "BTC/USDT": rules("BTC/USDT", "0.01", "0.00001"),
    "ETH/BTC": rules("ETH/BTC", "0.00001", "0.0001", "0.0001"),
    "ETH/USDT": rules("ETH/USDT"),
}
BOOKS = {
    "BTC/USDT": book("BTC/USDT", [("59990", "1")], [("60000", "1")], sequence=11),
    "ETH/BTC": book("ETH/BTC", [("0.0399", "50")], [("0.04", "50")], sequence=12),
    "ETH/USDT": book("ETH/USDT", [("2450", "50")], [("2451", "50")], sequence=13),
}
FEES = FeeRates(taker=Decimal("0.001"), maker=Decimal("0.001"))
LEGS = legs_of(["USDT", "BTC", "ETH"], MARKETS)


def test_each_leg_spends_the_net_of_the_one_before() -> None:
    found = quote_path(LEGS, Decimal(1000), BOOKS.get, MARKETS, FEES, Decimal(20))
    assert isinstance(found, Quote)
    first, second, third = found.walks
    assert (first.amount, first.used) == (Decimal("0.01666"), Decimal("999.6"))
    assert first.received == Decimal("0.01666") - Decimal("0.00001666")
    assert second.amount == Decimal("0.4160")  # 0.01664334 / 0.04, cut at the step
    assert second.received == Decimal("0.4160") - Decimal("0.000416")
    assert third.amount == Decimal("0.4155")
    assert found.output == third.received == Decimal("1017.975") - Decimal("1.017975")
    assert (found.amount, found.used) == (Decimal(1000), Decimal("999.6"))
    assert found.sequences == {"BTC/USDT": 11, "ETH/BTC": 12, "ETH/USDT": 13}


def test_what_the_first_leg_does_not_use_is_no_loss() -> None:
    found = quote_path(LEGS, Decimal(1000), BOOKS.get, MARKETS, FEES, Decimal(20))
    assert isinstance(found, Quote)
    assert found.edge_bps == Decimal("173.63970588")  # (1,016.957025 - 999.6) / 999.6


def test_the_first_leg_that_cannot_be_placed_is_the_answer() -> None:
    found = quote_path(LEGS, Decimal("5.5"), BOOKS.get, MARKETS, FEES, Decimal(20))
    assert isinstance(found, Shortfall)
    assert (found.market, found.reason) == ("ETH/BTC", "below_notional_min")


@pytest.mark.parametrize(
    ("books", "markets", "reason"),
    [
        ({**BOOKS, "ETH/BTC": None}, MARKETS, "no_book"),
        (BOOKS, {**MARKETS, "ETH/BTC": rules("ETH/BTC", active=False)}, "halted"),
        ({**BOOKS, "ETH/BTC": book("ETH/BTC")}, MARKETS, "no_depth"),
    ],
)
def test_a_market_that_is_not_there_is_named(
    books: dict[str, Book | None], markets: dict[str, MarketRules], reason: str
) -> None:
    found = quote_path(LEGS, Decimal(1000), books.get, markets, FEES, Decimal(20))
    assert isinstance(found, Shortfall)
    assert (found.market, found.reason) == ("ETH/BTC", reason)


def test_a_path_through_one_book_twice_is_refused() -> None:
    found = quote_path(
        legs_of(["USDT", "BTC"], MARKETS), Decimal(1000), BOOKS.get, MARKETS, FEES, Decimal(9)
    )
    assert isinstance(found, Shortfall)
    assert found.reason == "book_twice"


def test_fees_in_a_third_asset_count_as_if_taken_here() -> None:
    third = FeeRates(taker=Decimal("0.001"), maker=Decimal("0.001"), fee_asset="BNB")
    assert quote_path(LEGS, Decimal(1000), BOOKS.get, MARKETS, third, Decimal(20)) == quote_path(
        LEGS, Decimal(1000), BOOKS.get, MARKETS, FEES, Decimal(20)
    )


def test_a_path_at_its_bounds_has_every_limit_there() -> None:
    found = quote_path(LEGS, Decimal(1000), BOOKS.get, MARKETS, FEES, Decimal(20), at_bound=True)
    assert isinstance(found, Quote)
    assert [walk.limit for walk in found.walks] == [
        Decimal(60_120),
        Decimal("0.04008"),
        Decimal("2445.1"),
    ]
    assert found.walks[0].amount == Decimal("0.01663")  # 1,000 / 60,120, cut at the step


def test_a_share_of_the_depth_is_taken_on_every_leg() -> None:
    found = quote_path(
        LEGS,
        Decimal(10**6),
        BOOKS.get,
        MARKETS,
        FEES,
        Decimal(20),
        depth_share=Decimal("0.01"),
    )
    assert isinstance(found, Quote)
    assert [walk.amount for walk in found.walks] == [
        Decimal("0.01"),
        Decimal("0.2497"),  # of 0.5: this is what 0.00999 buys
        Decimal("0.2494"),
    ]
