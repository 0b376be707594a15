"""The account's fee currency is switched on in mid-run: its books are followed from then on.

A live run follows the books of what matters to it, and no others: here as there a book that nobody
follows is not told.
"""

from collections.abc import Callable, Collection
from decimal import Decimal

import pytest

from arb.events import facts as f
from arb.exchange.port import Unreachable
from arb.execution.opportunities.interest import markets_that_matter
from arb.market.book import Book, FeeRates
from arb.simulation.life import Life
from arb.simulation.world import World as AnyWorld
from tests.spec.world import World

BNB = "BNB/USDT"


class Followed:
    """The books of a world, of which those that are attended are told."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.markets: list[frozenset[str]] = []  # as they were attended
        self.failing = 0
        self._book, self._heard_ns = world.faulty.book, world.faulty.heard_ns
        world.faulty.book = self.book  # type: ignore[method-assign]
        world.faulty.heard_ns = self.heard_ns  # type: ignore[method-assign]

    async def attend(self, markets: Collection[str]) -> frozenset[str]:
        if self.markets and self.failing:
            self.failing -= 1
            raise Unreachable("no answer")
        self.markets.append(frozenset(markets))
        return self.markets[-1]

    def book(self, market: str) -> Book | None:
        return self._book(market) if self._is(market) else None

    def heard_ns(self, market: str) -> int | None:
        return self._heard_ns(market) if self._is(market) else None

    def _is(self, market: str) -> bool:
        return any(market in one for one in self.markets)


@pytest.fixture
def followed(worlds: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> Followed:
    world = worlds(bnb="10")
    found = Followed(world)
    monkeypatch.setattr(AnyWorld, "attend", lambda _world, markets: found.attend(markets))
    return found


def switch(world: World, *, told: bool = True) -> None:
    """Pay fees in BNB from now on; `told`: say so to whoever asks."""
    taker = Decimal("0.001")
    fees = FeeRates(taker, taker, "BNB")
    world.venue._desk._fees = fees
    if told:
        world.venue._fees = fees


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("failing", [0, 2])
def test_fees_in_a_currency_that_was_switched_on_in_mid_run_have_a_value(
    followed: Followed,
    told: bool,  # noqa: FBT001 -- drawn
    failing: int,
) -> None:
    world = followed.world
    followed.failing = failing
    world.at(5.0, lambda _life: switch(world, told=told))
    assert world.run(cycles=None, duration_s=40) == 0
    world.check()
    assert [BNB in one for one in followed.markets] == [False, True]
    paid = [one for one in world.cycles().values() if "BNB" in one.fees]
    assert paid
    assert all(one.fee_value is not None for one in paid)
    assert world.facts(f.RiskTripped) == []


def test_a_fee_currency_that_the_venue_tells_of_is_followed_before_anything_is_paid_in_it(
    followed: Followed,
) -> None:
    """Within the minute in which fees are read again."""
    world = followed.world
    world.strategies = [world.strategy(min_profit="900")]
    world.at(5.0, lambda _life: switch(world))
    assert world.run(cycles=None, duration_s=90) == 0
    assert [BNB in one for one in followed.markets] == [False, True]
    assert followed.markets[0] < followed.markets[1]


def test_a_fee_currency_of_the_start_is_attended_once(
    followed: Followed,
) -> None:
    world = followed.world
    switch(world)
    assert world.run(cycles=None, duration_s=90) == 0
    assert [BNB in one for one in followed.markets] == [True]


def test_what_an_open_cycle_paid_in_is_followed_from_the_start(
    worlds: Callable[..., World],
) -> None:
    world = worlds(bnb="10")
    seen: list[tuple[str, ...]] = []

    def look(life: Life) -> None:
        desk = life.parts.desk
        cycle = next(iter(desk.journal.cycles.values()))
        seen.append(markets_that_matter(desk, ()))
        cycle.fees["BNB"] = Decimal(1)
        seen.append(markets_that_matter(desk, ()))

    world.on(f.OrderIntended, 2, lambda: world.life and look(world.life))
    world.run()
    assert [BNB in one for one in seen] == [False, True]
