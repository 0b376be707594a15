"""The markets that a run follows: those of its cycles, and the ways out of all that it may have to sell."""

from collections.abc import Callable
from decimal import Decimal

from arb.execution.opportunities.interest import markets_that_matter
from arb.simulation.life import Life
from arb.simulation.market import MARKETS
from tests.spec.world import World


def seen_by(world: World) -> set[str]:
    """What a run of the world would follow."""
    seen: set[str] = set()

    def look(life: Life) -> None:
        wanted = [one for several in life.parts.watchlist._named.values() for one in several]
        traded = {leg.spend_asset for one in wanted for leg in one.legs}
        seen.update(markets_that_matter(life.parts.desk, traded))

    world.at(0.5, look)
    world.run(cycles=None, duration_s=1)
    return seen


def test_markets_between_currencies_of_the_cycle_and_of_its_ways_out(
    worlds: Callable[..., World],
) -> None:
    seen = seen_by(worlds())
    assert {"BTC/USDT", "ETH/BTC", "ETH/USDT"} <= seen
    assert all(MARKETS[name].base != "BNB" for name in seen)


def test_the_fee_currency_is_followed_because_fees_are_valued_in_it(
    worlds: Callable[..., World],
) -> None:
    seen = seen_by(worlds(fee_asset="BNB", bnb="10"))
    assert any(MARKETS[name].base == "BNB" for name in seen)


def test_what_a_closed_cycle_keeps_is_followed_so_that_it_can_be_sold(
    worlds: Callable[..., World],
) -> None:
    world = worlds()

    def keep(life: Life) -> None:
        life.parts.desk.journal.account.owned_closed["BNB"] = Decimal(1)

    world.at(0.2, keep)
    assert any(MARKETS[name].base == "BNB" for name in seen_by(world))
