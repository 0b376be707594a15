"""What reached the venue of a test's world, and the truth of it in a file."""

from pathlib import Path

from arb.exchange.port import OrderReport, OrderRequest
from arb.simulation.truth import account_truth, write_truth
from tests.spec.world import World


class Seen:
    """Watches what reaches a world's venue."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._creates: list[tuple[str, int]] = []
        real = world.venue.create

        async def create(request: OrderRequest) -> OrderReport:
            self._creates.append((request.client_order_id, world.now_ns()))
            return await real(request)

        world.venue.create = create

    def write(self, path: Path) -> None:
        write_truth(
            path,
            account_truth(self._world.venue.account),
            seed=0,
            creates=self._creates,
            acknowledged=[(one.position, one.hash.hex()) for one in self._world.records()],
            virtual_s=1,
            virtual_s_max=2,
            lives=1,
            must_trade=True,
        )
