"""What the golden logs tell: one story a log, each lived by the real engine in the small world of the tests."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from arb import crashpoints
from arb.clock import NS_PER_S
from arb.events import facts as f
from tests.spec.world import World

ETH_MARKETS: Final = ("ETH/USDT", "ETH/BTC")
DEARER: Final = "BTC/USDT", [("51000", "5")], [("51010", "5")]
CRASH: Final = [("1500", "90")], [("1501", "90")]


def halt(world: World, *, halted: bool) -> None:
    for market in ETH_MARKETS:
        world.venue.halt_market(market, halted=halted)


def three_legs(folder: Path) -> World:
    """Two cycles without trouble, each with its fees in what it received; then they are hidden."""
    world = World(folder)
    world.run(cycles=2)
    world.ask("cleanup", "0")
    return world


def third_currency(folder: Path) -> World:
    """Fees in a third currency that runs out, losses that trip a limit, and the limit set back."""
    world = World(folder, fee_asset="BNB", bnb="0.004")
    risk = "risk_controls: {stop_after_consecutive_losses: 1, slippage_cooldown_seconds: 600}\n"
    world.strategies = [world.strategy(extra=risk)]
    world.on(f.OrderClosed, 2, lambda: world.show("ETH/USDT", *CRASH))
    world.run()
    world.ask("reset-risk", "all", reason="seen")
    world.ask("clear-cooldown", "BTC>ETH>USDT", reason="seen")
    world.wait(10)
    world.show("ETH/USDT", [("2010", "90")], [("2011", "90")])
    world.run()
    return world


def unknown_fates(folder: Path) -> World:
    """Replies that are lost, requests that never arrive, refusals, and a cancel, until the breaker trips."""
    world = World(folder)
    limits = (
        "risk_controls: {breaker: {max_unknowns: 1, window_seconds: 60, cooldown_seconds: 5}}\n"
    )
    world.strategies = [world.strategy(extra=limits)]
    world.fault("reply_lost", number=1)
    world.fault("read_fails", call="order", times=3)
    world.fault("request_lost", number=2)
    world.run(cycles=2)
    world.fault("refused", times=4)
    world.run()
    world.heal()
    world.strategies = [world.strategy(retries=0)]
    world.on(f.OrderIntended, 1, lambda: world.show_soon(*DEARER))
    world.run()
    return world


def killed_and_sold(folder: Path) -> World:
    """A kill before the first order, one in a leg, a panic, a kill in the panic sell, and what is left of it."""
    world = World(folder)
    world.kill_after(lambda fact: isinstance(fact, f.CycleOpened))
    world.run()
    world.recover()
    world.kill_at(crashpoints.EXECUTED_NOT_TOLD, 2)
    world.run()
    world.ask("panic", reason="stop")
    world.show("ETH/USDT", *CRASH)
    world.kill_at(crashpoints.UNWINDING)
    world.run(cycles=0)
    world.recover()
    return world


def parked_and_unwound(folder: Path) -> World:
    """No market takes what is held: it is parked; one is sold when asked, another released."""
    world = World(folder)
    for _ in range(2):
        world.on(f.OrderClosed, 2, lambda: halt(world, halted=True))
        world.run()
        world.watchers.clear()
        halt(world, halted=False)
    world.ask("unwind", "demo-1", reason="sell it")
    world.recover()
    world.ask("release", "demo-2", reason="keep it")
    world.recover()
    return world


def late_and_from_outside(folder: Path) -> World:
    """A late fill opens a closed cycle again, while the owner trades and moves money by hand."""
    world = World(folder, plan={"late_fill_ns": 20 * NS_PER_S})
    world.fault("late_fill", call=None, order=3)
    world.fault("altered_reports", number=1)
    world.at(0.5, lambda _life: world.venue.deposit("USDT", Decimal(100)))
    world.at(1.0, lambda _life: world.venue.foreign_order("BTC/USDT", "sell", Decimal("0.001")))
    world.at(1.5, lambda _life: world.venue.withdraw("BTC", Decimal("0.25")))
    world.run()
    world.wait(30)
    world.recover()
    world.ask("pause", reason="look")
    world.ask("unpause")
    return world


def short_and_halted(folder: Path) -> World:
    """The owner takes what a cycle holds; then money appears that nothing explains, and its asset halts."""
    world = World(folder)

    def take() -> None:
        held = world.venue.account.balances()["ETH"].free
        world.venue.withdraw("ETH", held - Decimal("0.1"))
        world.show("ETH/USDT", [("1900", "90")], [("1901", "90")])

    world.on(f.LegSettled, 2, lambda: world.loop.call_soon(take))
    world.fault("refused", number=3)
    world.run()
    world.at(3.0, lambda _life: world.venue.deposit("BTC", Decimal("0.3"), reported=False))
    world.run(cycles=None, duration_s=30)
    world.ask("unpause", reason="a gift")
    return world


def attested(folder: Path) -> World:
    """An operator says that an order was filled, the venue says so later; another shows up after its absence."""
    world = World(folder)
    world.strategies = [world.strategy(retries=0)]
    world.fault("reply_lost", number=2)
    world.fault("read_fails", call="order", times=60)
    world.kill_after(lambda fact: isinstance(fact, f.RecoveryWaiting))
    world.run()
    world.wait(5)
    world.heal()
    order = world.cycle().orders[1].client_order_id
    world.ask("attest", order, verdict="filled", reason="the statement says so")
    world.recover()
    world.ask("reset-risk", "all", reason="its result is known")
    real, kept = world.venue.create, []

    async def create(request: Any) -> Any:
        if not kept:
            kept.append(request)
            raise TimeoutError
        return await real(request)

    world.venue.create = create  # type: ignore[method-assign]
    world.run()
    (first,) = kept
    world.venue.foreign_order(
        first.market,
        first.side,
        first.amount,
        limit=first.limit,
        client_order_id=first.client_order_id,
    )
    world.recover()
    return world


def at_one_moment(folder: Path) -> World:
    """Two strategies that pay at once: one takes what the other one leaves of the book they share."""
    world = World(folder)
    world.strategies = [
        world.strategy("one", min_profit="-500"),
        world.strategy("two", cycle="[USDT, ETH, BTC]", min_profit="-500"),
    ]
    world.run(cycles=2)
    return world


STORIES: Final[Mapping[str, Callable[[Path], World]]] = {
    "three-legs": three_legs,
    "third-currency": third_currency,
    "unknown-fates": unknown_fates,
    "killed-and-sold": killed_and_sold,
    "parked-and-unwound": parked_and_unwound,
    "late-and-from-outside": late_and_from_outside,
    "short-and-halted": short_and_halted,
    "attested": attested,
    "at-one-moment": at_one_moment,
}
