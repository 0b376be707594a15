"""A market leaves the venue's list while its trades are read: the engine goes on with the others."""

from collections.abc import Sequence

from arb.events import facts as f
from arb.exchange.port import FillReport
from tests.spec.world import World


def test_a_market_that_is_delisted_while_its_trades_are_read_ends_nothing(world: World) -> None:
    real = world.venue.trades
    gone = False

    async def trades(market: str, since_ns: int) -> Sequence[FillReport]:
        nonlocal gone
        told = await real(market, since_ns)
        if market == "ETH/BTC" and world.facts(f.CycleCompleted) and world.life is not None:
            desk = world.life.parts.desk
            desk.markets = {name: one for name, one in desk.markets.items() if name != market}
            gone = True
        return told

    world.venue.trades = trades  # type: ignore[method-assign]
    world.strategies = [world.strategy(min_profit="10")]
    assert world.run(cycles=None, duration_s=60) == 0
    assert gone
    world.check()
