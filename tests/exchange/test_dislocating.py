"""Books that are pushed off their price for a while."""

from decimal import Decimal

from arb.clock import NS_PER_S
from arb.exchange.practice.dislocating import Dislocated, Dislocation
from arb.feeds.generated import GeneratedMarket
from arb.money import is_multiple

NOW = 1_700_000_000 * NS_PER_S


def test_a_market_stands_off_while_it_lasts_and_no_other_does() -> None:
    calm = GeneratedMarket(1, dislocated_ppm=0)
    pushed = Dislocated(calm)
    pushed.dislocate(Dislocation("ETH/BTC", Decimal(100), NOW, NOW + NS_PER_S))
    for market in calm.markets:
        for at_ns in (NOW - 1, NOW, NOW + NS_PER_S):
            was, now = calm.book_at(market, at_ns), pushed.book_at(market, at_ns)
            assert was is not None
            assert now is not None
            off = market == "ETH/BTC" and at_ns == NOW
            assert (now != was) is off
    was, now = calm.book_at("ETH/BTC", NOW), pushed.book_at("ETH/BTC", NOW)
    assert was is not None
    assert now is not None
    tick = calm.markets["ETH/BTC"].tick_size
    for before, after, side in ((was.bids, now.bids, -1), (was.asks, now.asks, 1)):
        assert sum(size for _, size in before) == sum(size for _, size in after)
        moved = after[0][0] - before[0][0] * Decimal("1.01")
        assert 0 <= moved * side < tick
        assert all(is_multiple(price, tick) for price, _ in after)
    assert now.bids[0][0] < now.asks[0][0]


def test_of_two_at_once_the_later_one_counts() -> None:
    calm = GeneratedMarket(1, dislocated_ppm=0)
    pushed, once = Dislocated(calm), Dislocated(calm)
    for bps in (100, -50):
        pushed.dislocate(Dislocation("ETH/BTC", Decimal(bps), NOW, NOW + 1))
    once.dislocate(Dislocation("ETH/BTC", Decimal(-50), NOW, NOW + 1))
    assert pushed.book_at("ETH/BTC", NOW) == once.book_at("ETH/BTC", NOW)


def test_what_was_shown_in_a_time_was_shifted_while_that_lasted() -> None:
    calm = GeneratedMarket(1, dislocated_ppm=0)
    pushed = Dislocated(calm)
    pushed.dislocate(Dislocation("ETH/BTC", Decimal(100), NOW, NOW + NS_PER_S))
    told = list(pushed.shown("ETH/BTC", NOW - NS_PER_S, NOW + 2 * NS_PER_S))
    assert told == [(at_ns, pushed.book_at("ETH/BTC", at_ns)) for at_ns, _ in told]
    still = list(calm.shown("ETH/BTC", NOW - NS_PER_S, NOW + 2 * NS_PER_S))
    shifted = sum(one != other for one, other in zip(told, still, strict=True))
    assert (len(told), shifted) == (30, 10)
