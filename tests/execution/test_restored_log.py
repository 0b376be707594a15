"""A log that is an older copy of itself: its ids were used, and using them again loses money (29)."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from arb import crashpoints, ids
from arb.clock import NS_PER_S
from arb.errors import LogDamaged
from arb.events import facts as f
from arb.events.sqlite import accept_head
from arb.exchange.port import OrderReport
from arb.projections.projector import Projections
from arb.simulation.life import Life
from arb.simulation.world import INSTANCE
from tests.spec.world import World

Copy = dict[str, bytes]


def copied(world: World) -> Copy:
    return {path.name: path.read_bytes() for path in world.folder.iterdir() if path.is_file()}


def restore(world: World, copy: Copy) -> None:
    """Put log and witness back as they were, together."""
    for path in world.folder.iterdir():
        path.unlink()
    for name, data in copy.items():
        (world.folder / name).write_bytes(data)


def sent_twice(world: World) -> list[str | None]:
    sent = Counter(order.client_order_id for order in world.orders())
    return [name for name, times in sent.items() if times > 1]


def refused(world: World, **options: Any) -> str:
    """Run into the refusal, and return what the operator is told."""
    lives: list[Life] = []
    world.at(0.0, lives.append)
    orders = len(world.orders())
    assert world.run(**options) == LogDamaged.exit_code
    assert len(world.orders()) == orders
    assert world.facts(f.ForeignTradeSeen) == []
    return str(lives[0].engine.fatal)


@pytest.mark.parametrize("lost", [1, 2])
def test_a_restored_log_stops_before_it_gives_out_an_id_again(world: World, lost: int) -> None:
    assert world.run() == 0
    copy = copied(world)
    assert world.run(cycles=lost) == 0
    restore(world, copy)
    assert "--accept-head" in refused(world, cycles=2)
    assert sent_twice(world) == []


def test_a_log_restored_in_mid_cycle_stops_before_that_cycle_goes_on(world: World) -> None:
    world.kill_after(lambda fact: isinstance(fact, f.LegSettled) and fact.leg == 0)
    assert world.run() is None
    copy = copied(world)
    assert world.recover() == 0
    restore(world, copy)
    assert "--accept-head" in refused(world, cycles=0)


def test_an_id_that_was_used_for_an_order_without_a_fill_is_noticed(world: World) -> None:
    world.strategies = [world.strategy(retries=0)]
    assert world.run() == 0
    copy = copied(world)
    gone = ("BTC/USDT", [("50000", "1")], [("59000", "1")])
    world.on(f.OrderIntended, 1, lambda: world.show_soon(*gone))
    assert world.run() == 0
    assert world.cycle("demo-2").outcome == "missed"
    world.watchers.clear()
    world.show("BTC/USDT", [("50000", "5")], [("50010", "5")])
    restore(world, copy)
    assert "--accept-head" in refused(world)


def test_an_id_that_an_open_cycle_used_for_an_order_without_a_fill_is_noticed(world: World) -> None:
    world.kill_after(lambda fact: isinstance(fact, f.LegSettled) and fact.leg == 0)
    assert world.run() is None
    copy = copied(world)
    world.on(f.OrderIntended, 1, lambda: world.show_soon("ETH/BTC", [("0.0399", "90")], []))
    world.kill_after(lambda fact: isinstance(fact, f.OrderClosed))
    assert world.run() is None
    assert [order.filled for order in world.orders()][1:] == [0]
    world.watchers.clear()
    world.show("ETH/BTC", [("0.0399", "90")], [("0.04", "90")])
    restore(world, copy)
    assert "--accept-head" in refused(world, cycles=0)


def test_an_id_that_was_used_after_opportunities_were_refused_is_noticed(world: World) -> None:
    """A number is taken by a cycle that is opened, so that the next one is what was used next."""
    world.strategies = [world.strategy(retries=0)]
    assert world.run() == 0
    copy = copied(world)
    world.show("BTC/USDT", [("30000", "5")], [("50010", "5")])  # too far from its middle to send
    gone = ("BTC/USDT", [("50000", "1")], [("59000", "1")])
    world.at(20.0, lambda _life: world.show("BTC/USDT", [("50000", "5")], [("50010", "5")]))
    world.on(f.OrderIntended, 1, lambda: world.show_soon(*gone))
    assert world.run() == 0
    assert world.cycle_ids() == ["demo-1", "demo-2"]
    assert sum(fact.reasons.get("gate", 0) for fact in world.facts(f.OpportunitiesDeclined)) > 0
    world.watchers.clear()
    world.show("BTC/USDT", [("50000", "5")], [("50010", "5")])
    restore(world, copy)
    assert "--accept-head" in refused(world)


def used_before(world: World) -> OrderReport:
    """Let a copy of the log use the id of the second cycle's second order, and be gone for long."""
    assert world.run() == 0
    name = ids.client_order_id(INSTANCE, 2, 2)
    old: OrderReport = world.venue.foreign_order(
        "ETH/BTC", "buy", Decimal("0.4991"), limit=Decimal("0.01"), client_order_id=name
    )
    assert (old.status, old.filled) == ("expired", 0)
    world.wait(3_600)
    return old


def test_an_older_order_of_the_same_id_says_nothing_about_ours(world: World) -> None:
    """Where a reading lags it shows the old one, which filled nothing: to order again would double ours."""
    old, real = used_before(world), world.venue.order
    world.fault("reply_lost", order=2)

    async def lagging(market: str, client_order_id: str) -> OrderReport:
        told = await real(market, client_order_id)
        late = world.now_ns() < world.orders()[-1].created_ns + 2 * NS_PER_S
        return old if client_order_id == old.client_order_id and late else told

    world.venue.order = lagging  # type: ignore[method-assign]
    assert world.run() == 0
    assert world.cycle("demo-2").outcome == "completed"
    bought = [one for one in world.orders() if one.market == "ETH/BTC" and one.filled > 0]
    assert len(bought) == 2
    world.check_money()


def test_an_order_that_never_arrived_is_absent_though_an_older_one_has_its_id(world: World) -> None:
    used_before(world)
    world.fault("request_lost", order=2)
    assert world.run() == 0
    assert [fact.client_order_id for fact in world.facts(f.OrderAbsent)] == [
        ids.client_order_id(INSTANCE, 2, 2)
    ]
    world.check_money()


def test_an_open_order_that_only_a_later_copy_of_the_log_knows_is_refused(world: World) -> None:
    assert world.run() == 0
    world.venue.foreign_order(
        "BTC/USDT", "buy", Decimal("0.01"), limit=Decimal(40_000), time_in_force="gtc",
        client_order_id=ids.client_order_id(INSTANCE, 9, 1),
    )  # fmt: skip
    assert "--accept-head" in refused(world)


def test_what_only_a_later_copy_of_the_log_knows_is_noticed_when_it_is_shown_late(
    world: World,
) -> None:
    """The start cannot see it; the sweep that does stops everything."""
    assert world.run() == 0

    def trade(_life: Life) -> None:
        world.venue.foreign_order(
            "BTC/USDT",
            "buy",
            Decimal("0.01"),
            client_order_id=ids.client_order_id(INSTANCE, 999, 1),
        )

    world.at(2.0, trade)
    assert world.run(cycles=None, duration_s=60) == LogDamaged.exit_code
    assert world.facts(f.ForeignTradeSeen) == []


def test_a_restored_log_goes_on_with_new_ids_once_its_head_is_accepted(world: World) -> None:
    assert world.run() == 0
    copy = copied(world)
    assert world.run() == 0
    restore(world, copy)
    assert world.run() == LogDamaged.exit_code
    accept_head(
        world.db, reason="a backup", instance="bbbb", at_ns=world.now_ns(), projector=Projections()
    )
    assert world.run() == 0
    world.check_money()
    assert sent_twice(world) == []
    last = [order.client_order_id for order in world.orders()][-3:]
    assert {ids.parse_client_order_id(str(name)).instance for name in last} == {"bbbb"}


def test_an_open_order_from_before_its_head_was_accepted_is_still_the_logs_own(
    world: World,
) -> None:
    real = world.venue.create

    async def create(request: Any) -> Any:
        """Rest instead of ending at once."""
        return world.venue.foreign_order(
            request.market, request.side, request.amount, limit=Decimal(40_000),
            time_in_force="gtc", client_order_id=request.client_order_id,
        )  # fmt: skip

    world.venue.create = create  # type: ignore[method-assign]
    world.kill_at(crashpoints.TOLD_NOT_APPENDED)
    assert world.run() is None
    world.venue.create = real  # type: ignore[method-assign]
    accept_head(
        world.db, reason="a backup", instance="bbbb", at_ns=world.now_ns(), projector=Projections()
    )
    assert world.recover() == 0
    world.check()
    assert world.orders()[0].status == "canceled"
