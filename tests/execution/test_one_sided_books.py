"""A book that has lost one side has no middle: nothing says what its other side is worth."""

from arb.events import facts as f
from tests.spec.world import World


def test_a_holding_is_kept_rather_than_sold_into_a_book_without_asks(world: World) -> None:
    """Bids that are left when everybody has gone are of somebody who waits for such a seller."""

    def everybody_goes() -> None:
        for market in ("ETH/BTC", "ETH/USDT", "BTC/USDC", "USDC/USDT"):
            world.show_soon(market)
        world.show_soon("BTC/USDT", [("500", "5")])

    world.on(f.OrderFilled, 1, everybody_goes)
    assert world.run() == 1
    cycle = world.cycle()
    assert cycle.outcome == "parked"
    assert cycle.parked["BTC"] > 0
    assert [order.side for order in world.orders() if order.market == "BTC/USDT"] == ["buy"]
    world.check()
