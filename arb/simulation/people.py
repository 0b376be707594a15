"""People: a user who moves money, trades by hand and edits his strategy, an operator, and the market's moods."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any, Final

from arb.errors import IllegalMove, VersionConflict
from arb.events.sqlite import LogReader
from arb.exchange.port import Refused
from arb.simulation.life import Life
from arb.simulation.market import MARKETS, Stage
from arb.simulation.strategies import strategy
from arb.simulation.world import World
from arb.strategy.loader import Loaded

TRADED: Final = ("ETH/USDT", "ETH/BTC", "BTC/USDT")
_MID: Final = {"BTC/USDT": Decimal(50_000), "ETH/BTC": Decimal("0.04"), "ETH/USDT": Decimal(2_010)}
_CYCLES: Final = {
    "one": ("[USDT, BTC, ETH]",),
    "two": ("[USDT, ETH, BTC]",),
    "three": ("[BTC, ETH, USDT]", "[USDT, BTC, USDC]", "[USDT, BTC, ETH]"),
}
PALETTE: Final = 16
WORLD_S: Final = 200
ENOUGH: Final = Decimal(5_000)  # of the start currency, for a cycle


def move_books(stage: Stage, since_ns: int, rng: Random) -> None:
    """Let books move, dislocate, thin out, vanish and go stale for a while."""
    at_s = 0.0
    while (at_s := at_s + rng.expovariate(0.3)) < WORLD_S:
        at_ns = since_ns + int(at_s * 10**9)
        market = rng.choice(TRADED)
        mood = rng.random()
        if mood < 0.06:  # noqa: PLR2004 -- shares of the moods
            stage.hide(at_ns, market)
        elif mood < 0.14:  # noqa: PLR2004
            stage.silence(market, at_ns, at_ns + int(rng.uniform(1, 15) * 10**9))
        else:
            _put(stage, at_ns, market, rng)


def _put(stage: Stage, at_ns: int, market: str, rng: Random) -> None:
    spread_bps = rng.choice([2, 10, 10, 30])
    off_bps = rng.choice([0, 0, rng.randint(-60, 60), rng.randint(-60, 60), rng.randint(-600, 600)])
    thin = rng.choice([1, 1, 1, 1, 1, 50])
    tick, step = MARKETS[market].tick_size, MARKETS[market].step_size
    mid = _MID[market] * (1 + Decimal(off_bps) / 10_000)
    half = mid * spread_bps / 20_000
    base = Decimal(1_000) / Decimal(50_000 if market.startswith("BTC") else 2_000) / thin
    sides: dict[int, list[tuple[str, str]]] = {-1: [], 1: []}
    for sign, levels in sides.items():
        price = ((mid + sign * half) / tick).to_integral_value() * tick
        for _ in range(3):
            size = (base * rng.randint(1, 12) / 8 / step).to_integral_value() * step
            levels.append((str(price), str(max(size, step))))
            price += sign * tick * rng.randint(1, 8)
    stage.show(at_ns, market, sides[-1], sides[1])


def draw_strategies(rng: Random) -> list[Loaded]:
    """One to three strategies that want the same money, each of a palette: reading one takes a while."""
    names = ("one", "two", "three")[: rng.randint(1, 3)]
    return [_of_palette(name, rng.randrange(PALETTE)) for name in names]


def _of_palette(name: str, number: int) -> Loaded:
    rng = Random(f"{name} {number}")  # noqa: S311 -- repeatable on purpose
    cycle = rng.choice(_CYCLES[name])
    small = cycle.startswith("[BTC")
    return strategy(
        name,
        cycle=cycle,
        min_profit=rng.choice(["-100", "-100", "-500", "5"]),
        amount="0.02" if small else str(rng.choice([300, 700, 1000])),
        retries=rng.randint(0, 3),
        extra=_extra(rng, big=not small),
    )


def _extra(rng: Random, *, big: bool) -> str:
    losses = rng.choice([5, 1_000_000, 1_000_000])
    limits = f"stop_after_consecutive_losses: {losses}, max_open_cycles: {rng.randint(1, 4)}"
    limits += f", slippage_cooldown_seconds: {rng.choice([0, 0, 2, 300])}"
    if big and rng.random() < 0.3:  # noqa: PLR2004 -- a share of the strategies
        limits += ", max_daily_loss: 40, max_position_size: 600"
    text = f"risk_controls: {{{limits}}}\n"
    return text + ("panic_sell: {enabled: false}\n" if rng.random() < 0.15 else "")  # noqa: PLR2004


def disturb(world: World, rng: Random) -> None:
    """Let somebody do something while the next life runs."""
    at_s = rng.uniform(0, 6)
    kind = rng.choice(list(_DEEDS))
    deed = _DEEDS[kind](rng)

    def act(life: Life) -> object:
        world.tell(f"somebody: {kind}")
        return deed(world, life)

    world.at(at_s, act)


def panic(world: World, rng: Random) -> None:
    """Let an operator ask for a panic sell, again and again."""
    for at_s in (rng.uniform(0, 1), rng.uniform(1, 3), rng.uniform(3, 9)):
        world.at(at_s, lambda life: ask(life, "panic", reason="x"))


Deed = Callable[[Any, Life], object]


def _deposit(rng: Random) -> Deed:
    asset, amount = rng.choice([("USDT", "10"), ("BTC", "0.01"), ("ETH", "0.5")])
    reported = rng.random() < 0.8  # noqa: PLR2004 -- a share of them
    return lambda world, _life: world.venue.deposit(asset, Decimal(amount), reported=reported)


def _withdraw(rng: Random) -> Deed:
    asset, amount = rng.choice([("USDT", "500"), ("BTC", "0.02"), ("ETH", "0.5")])
    reported = rng.random() < 0.8  # noqa: PLR2004 -- the same
    return lambda world, _life: _refused(
        lambda: world.venue.withdraw(asset, Decimal(amount), reported=reported)
    )


def _trade_by_hand(rng: Random) -> Deed:
    market, side = rng.choice(TRADED), rng.choice(["buy", "sell"])
    amount = Decimal("0.0113" if market.startswith("ETH") else "0.00117")
    # It has a name: of what it sells, a cycle's own order may later ask for as much, and one without
    # a name would stay in doubt, for it could be that.
    return lambda world, _life: _refused(
        lambda: world.venue.foreign_order(market, side, amount, client_order_id="by-hand")
    )


def _rest_by_hand(rng: Random) -> Deed:
    """An order that waits, and locks what it would spend; it is taken back later, if it is still there."""
    market, side = rng.choice(TRADED), rng.choice(["buy", "sell"])
    amount = Decimal("0.0513" if market.startswith("ETH") else "0.00217")
    off = Decimal(rng.choice(["0.003", "0.02"])) * (-1 if side == "buy" else 1)
    tick = MARKETS[market].tick_size
    limit = (_MID[market] * (1 + off) / tick).to_integral_value() * tick
    seconds, name = rng.uniform(1, 40), f"hand-{rng.randrange(10**9)}"

    def deed(world: World, _life: Life) -> None:
        place = partial(
            world.venue.foreign_order,
            market, side, amount, limit=limit, time_in_force="gtc", client_order_id=name,
        )  # fmt: skip
        _refused(place)
        world.later(seconds, lambda: world.venue.take_back(market, name))

    return deed


def _halt_market(rng: Random) -> Deed:
    market, seconds = rng.choice(TRADED), rng.uniform(0.1, 30)

    def deed(world: World, _life: Life) -> None:
        world.venue.halt_market(market, halted=True)
        world.later(seconds, lambda: world.venue.halt_market(market, halted=False))

    return deed


def _look_at_the_log(_rng: Random) -> Deed:
    """Read the log beside the engine, for as long as that lives: its WAL cannot begin anew meanwhile."""

    def deed(world: World, life: Life) -> None:
        reader = LogReader(world.db)
        world.watched = True
        life.beside.append(reader.close)
        reader.connection.execute("BEGIN")
        reader.head()

    return deed


def _ask(action: str, target: str | None = None) -> Callable[[Random], Deed]:
    return lambda _rng: lambda _world, life: ask(life, action, target, reason="x")


def _interrupt(_rng: Random) -> Deed:
    return lambda _world, life: life.engine.interrupt()


def _ask_of_each_cycle(rng: Random) -> Deed:
    action = rng.choice(["unwind", "release"])

    async def deed(world: World, life: Life) -> None:
        for cycle_id in world.cycle_ids():
            await ask(life, action, cycle_id, reason="x")

    return deed


async def attest(world: World, life: Life) -> None:
    """State of each order of unknown fate that the venue does not have that it is absent."""
    for cycle in list(life.parts.desk.journal.cycles.values()):
        for order in cycle.pending_orders():
            if world.venue.account.order_of_client(order.client_order_id) is None:
                await ask(life, "attest", order.client_order_id, verdict="absent", reason="x")


def _attest_what_is_not_there(_rng: Random) -> Deed:
    return attest


_DEEDS: Final[dict[str, Callable[[Random], Deed]]] = {
    "deposits": _deposit,
    "withdraws": _withdraw,
    "trades by hand": _trade_by_hand,
    "rests an order by hand": _rest_by_hand,
    "halts a market": _halt_market,
    "looks at the log": _look_at_the_log,
    "asks for a panic sell": _ask("panic"),
    "pauses": _ask("pause"),
    "unpauses": _ask("unpause"),
    "resets a limit": _ask("reset-risk", "all"),
    "interrupts": _interrupt,
    "asks of each cycle": _ask_of_each_cycle,
    "attests what is not there": _attest_what_is_not_there,
}


def act_between(world: World, rng: Random) -> None:
    """Let an operator act while no engine runs: what he asks is what the next run begins with."""
    action = rng.choice(["panic", "pause", "unpause", "unwind", "release", "reset-risk", "cleanup"])
    target = {"reset-risk": "all", "cleanup": str(world.now_ns())}.get(action)
    if action in {"unwind", "release"}:
        cycles = world.cycle_ids() if world.db.exists() else []
        if not cycles:
            return
        target = rng.choice(cycles)
    world.tell(f"an operator between two lives: {action} {target or ''}")
    with suppress(IllegalMove, VersionConflict):
        world.ask(action, target, reason="x")


async def ask(life: Life, action: str, target: str | None = None, **more: str) -> None:
    """Ask of a running engine; what does not fit is refused."""
    with suppress(IllegalMove, VersionConflict):
        await life.ask(action, target, **more)


def _refused(deed: Callable[[], object]) -> None:
    with suppress(Refused):  # what is not free cannot be taken, what is halted not be traded
        deed()
