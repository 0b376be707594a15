"""Engine, venue, people and kills in any order that hypothesis thinks of: after each step every promise is kept.

A failure is printed as the steps that lead to it.
"""

from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from arb import crashpoints
from arb.clock import NS_PER_S
from arb.errors import IllegalMove, VersionConflict
from arb.events import facts as f
from arb.events.envelope import Meta
from arb.events.log import StreamAppend
from arb.exchange.port import Refused
from arb.machine import table as t
from arb.simulation.life import Life
from arb.simulation.seeds import check_all
from arb.simulation.truth import account_truth, write_truth
from arb.simulation.world import STEP
from tests.spec.properties import EXPLORING
from tests.spec.world import World

FAULTS: Final = (
    "request_lost",
    "request_delayed",
    "refused",
    "reply_lost",
    "reply_delayed",
    "reply_never",
    "order_hidden",
    "late_fill",
    "duplicated_reports",
    "reordered_reports",
    "altered_reports",
    "none_fields",
    "garbage",
    "banned",
    "maintenance",
)
READS: Final = ("order", "trades", "balances", "open_orders", "time_ns")
MARKETS: Final = ("BTC/USDT", "ETH/BTC", "ETH/USDT")
MIDDLES: Final = {"BTC/USDT": 50_000, "ETH/BTC": Decimal("0.04"), "ETH/USDT": 2_010}
LIVED_S_MAX: Final = 100_000  # in one example, waits of ten minutes included
ENDS: Final = {0, 1, 4}  # of a life that was not struck
# Losses are no reason to stop here, and a path need not rest.
RISK: Final = (
    "risk_controls: {stop_after_consecutive_losses: 1000000, slippage_cooldown_seconds: 0,"
    " max_open_cycles: 2}\n"
)

lives = st.fixed_dictionaries(
    {"cycles": st.integers(0, 3), "duration_s": st.sampled_from([0.3, 2.0, 15.0])}
)


class AnyOrder(RuleBasedStateMachine):
    """Lives of an engine, and what may happen in them and between them."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self.world: World
        self.halted: set[str] = set()
        self.stopped = False  # by an operator's pause
        self.grown: list[str] = []  # hashes of the log so far
        self.opened = 0

    @initialize(
        third=st.sampled_from([None, "10", "0.004"]),
        retries=st.integers(0, 3),
        sells=st.booleans(),
    )
    def begin(self, third: str | None, retries: int, sells: bool) -> None:  # noqa: FBT001 -- drawn
        self.world = world = World(
            Path(self._folder.name),
            fee_asset=None if third is None else "BNB",
            bnb=third,
            plan={
                "never_ns": 20 * NS_PER_S,
                "ban_ns": 3 * NS_PER_S,
                "maintenance_ns": 5 * NS_PER_S,
            },
        )
        extra = RISK + ("" if sells else "panic_sell: {enabled: false}\n")
        world.strategies = [
            world.strategy("one", retries=retries, extra=extra),
            world.strategy(
                "two", cycle="[USDT, ETH, BTC]", min_profit="-500", amount="700", extra=extra
            ),
        ]

    # --- lives --------------------------------------------------------------------------------

    @rule(life=lives)
    def live(self, life: dict[str, Any]) -> None:
        assert self.world.run(**life) in ENDS

    @rule(life=lives, point=st.sampled_from(crashpoints.ALL), nth=st.integers(1, 6))
    def live_until_a_point(self, life: dict[str, Any], point: str, nth: int) -> None:
        self.world.kill_at(point, nth)
        assert self.world.run(**life) in ENDS | {None}

    @rule(life=lives, nth=st.integers(1, 400))
    def live_until_a_step(self, life: dict[str, Any], nth: int) -> None:
        """Struck between any two callbacks of the loop."""
        self.world.kill_at(STEP, nth)
        assert self.world.run(**life) in ENDS | {None}

    @rule(life=lives, left=st.integers(1, 60))
    def live_until_a_fact(self, life: dict[str, Any], left: int) -> None:
        """Struck when a fact is durable and nothing else was done."""
        counted = [left]

        def fatal(_fact: f.Fact) -> bool:
            counted[0] -= 1
            return counted[0] == 0

        self.world.kill_after(fatal)
        assert self.world.run(**life) in ENDS | {None}

    @rule(seconds=st.sampled_from([0.1, 3.0, 25.0, 600.0]))
    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)

    # --- the venue ----------------------------------------------------------------------------

    @rule(fault=st.sampled_from(FAULTS), number=st.integers(1, 3))
    def spoil_an_order(self, fault: str, number: int) -> None:
        call = None if fault in {"order_hidden", "late_fill"} else "create"
        if call is None:
            self.world.fault(fault, call=None, order=number, times=3)
        else:
            self.world.fault(fault, number=number, times=1)

    @rule(call=st.sampled_from(READS), times=st.integers(1, 5))
    def spoil_reads(self, call: str, times: int) -> None:
        self.world.fault("read_fails", call=call, times=times)

    @rule(market=st.sampled_from(MARKETS), move=st.integers(-300, 300))
    def move_a_price(self, market: str, move: int) -> None:
        middle = Decimal(MIDDLES[market]) * (10_000 + move) / 10_000
        tick = self.world.stage.markets[market].tick_size
        bid = middle // tick * tick
        self.world.show(market, [(str(bid), "40")], [(str(bid + tick), "40")])

    @rule(nth=st.integers(1, 3), left=st.sampled_from(["0.004", "0.1", "0.3"]))
    def take_away_depth(self, nth: int, left: str) -> None:
        """When an order is about to leave, little is left of what it was planned on."""
        world, seen = self.world, [nth]

        def thin(fact: f.Fact) -> None:
            if not isinstance(fact, f.OrderIntended):
                return
            seen[0] -= 1
            if seen[0] == 0:
                price = str(fact.best)
                tick = str(world.stage.markets[fact.market].tick_size)
                far = str(
                    fact.best
                    * (2 if fact.side == "sell" else Decimal("0.5"))
                    // Decimal(tick)
                    * Decimal(tick)
                )
                sides = (
                    ([(price, left)], [(far, "40")])
                    if fact.side == "sell"
                    else ([(far, "40")], [(price, left)])
                )
                world.show(fact.market, *sides)

        world.watchers.append(thin)

    @rule(market=st.sampled_from(MARKETS), after_s=st.sampled_from([0.0, 0.2, 1.0]))
    def halt_or_open(self, market: str, after_s: float) -> None:
        self.halted ^= {market}
        halted = market in self.halted
        self.world.later(after_s, lambda: self.world.venue.halt_market(market, halted=halted))

    # --- people -------------------------------------------------------------------------------

    @rule(
        what=st.sampled_from(["deposit", "withdraw", "buy", "sell"]),
        asset=st.sampled_from(["USDT", "BTC", "ETH"]),
        after_s=st.sampled_from([0.0, 0.4, 2.0]),
    )
    def act_by_hand(self, what: str, asset: str, after_s: float) -> None:
        self.world.later(after_s, lambda: self._act_by_hand(what, asset))

    def _act_by_hand(self, what: str, asset: str) -> None:
        venue = self.world.venue
        try:
            if what == "deposit":
                venue.deposit(asset, Decimal("0.01"))
            elif what == "withdraw":
                venue.withdraw(asset, Decimal("0.5"))
            else:
                venue.foreign_order("BTC/USDT", what, Decimal("0.001"))
        except Refused:  # it is not free, or the market is halted
            return

    @rule(action=st.sampled_from(["panic", "panic later", "pause", "unpause"]))
    def ask(self, action: str) -> None:
        if action == "panic later":
            self.world.at(0.3, _panic)  # in the next life
        elif self.world.db.exists() and self.world.ask(action, reason="x").ok:
            self.stopped = {"pause": True, "unpause": False}.get(action, self.stopped)

    @rule(action=st.sampled_from(["unwind", "release", "attest"]), data=st.data())
    def ask_of_a_cycle(self, action: str, data: st.DataObject) -> None:
        """What does not fit is refused."""
        cycles = self.world.cycles() if self.world.db.exists() else {}
        if not cycles:
            return
        cycle = cycles[data.draw(st.sampled_from(sorted(cycles)))]
        try:
            if action != "attest":
                self.world.ask(action, cycle.id, reason="x")
            for order in cycle.pending_orders() if action == "attest" else ():
                if self.world.venue.account.order_of_client(order.client_order_id) is None:
                    self.world.ask("attest", order.client_order_id, verdict="absent", reason="x")
        except IllegalMove:
            return

    # --- the log ------------------------------------------------------------------------------

    @precondition(lambda self: self.world.db.exists())
    @rule(stale=st.integers(-3, 3))
    def append_beside(self, stale: int) -> None:
        """Who is late is told so and leaves nothing; who asks twice is answered once."""
        world = self.world

        async def append() -> None:
            log = world._open("beside")
            try:
                version = log.stream_version("run-beside")
                batch = (
                    StreamAppend("run-beside", version + stale, (f.CooldownCleared(strategy="*", identity="*", reason="x"),)),
                )  # fmt: skip
                command = f"beside-{log.head().position}"
                at = {"at_ns": world.now_ns(), "meta": Meta(run="beside")}
                if stale:
                    head = log.head()
                    with pytest.raises(VersionConflict):
                        await log.append(batch, command_id=command, **at)
                    assert log.head() == head
                else:
                    first = await log.append(batch, command_id=command, **at)
                    again = await log.append(batch, command_id=command, **at)
                    assert (again.first, again.last, again.again) == (first.first, first.last, True)
            finally:
                await log.close()

        world.loop.run_until_complete(append())

    # --- what always holds --------------------------------------------------------------------

    @invariant()
    def every_promise_is_kept(self) -> None:
        if not hasattr(self, "world") or not self.world.db.exists():
            return
        self.world.check(resting=False)
        hashes = [one.hash.hex() for one in self.world.records()]
        assert hashes[: len(self.grown)] == self.grown, "what was written has changed"
        known = dict(enumerate(hashes, start=1))
        for position, told in self.world.acknowledged:
            assert known.get(position) == told, "what was acknowledged is not there"
        opened = len(self.world.facts(f.CycleOpened))
        if self.stopped:
            assert opened == self.opened, "a cycle was opened behind an operator's pause"
        self.grown, self.opened = hashes, opened

    def teardown(self) -> None:
        """With faults off and markets open everything comes to rest, and nothing is missing."""
        if hasattr(self, "world"):
            try:
                self._come_to_rest()
            finally:
                self.world.close()
        self._folder.cleanup()

    def _come_to_rest(self) -> None:
        world = self.world
        world.heal()
        world.wait(5)
        for market in MARKETS:
            world.venue.halt_market(market, halted=False)
        world.wait(30)
        assert world.recover() in {0, 1}
        world.check()
        states = {cycle.state for cycle in world.cycles().values()}
        assert states <= t.CLOSED
        truth = world.folder / "truth.json"
        write_truth(
            truth,
            account_truth(world.venue.account),
            seed=0,
            creates=world.venue.creates,
            acknowledged=world.acknowledged,
            virtual_s=world.loop.now_ns() / NS_PER_S,
            virtual_s_max=LIVED_S_MAX,
            lives=world.lives,
            must_trade=False,
        )
        assert check_all(world.db, truth) == []


async def _panic(life: Life) -> None:
    try:
        await life.ask("panic", reason="x")
    except (IllegalMove, VersionConflict):
        return


def played(examples: int, steps: int, *, derandomize: bool) -> None:
    # To find the fewest steps takes minutes: `ARB_EXPLORE=1` does.
    phases = [Phase.generate, Phase.shrink] if EXPLORING else [Phase.generate]
    run_state_machine_as_test(
        AnyOrder,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=derandomize,
            deadline=None,
            database=None,
            print_blob=True,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_in_any_order_of_things_every_promise_is_kept() -> None:
    played(20, 15, derandomize=not EXPLORING)


@pytest.mark.long
@pytest.mark.parametrize("block", range(4))
def test_in_many_orders_of_things_every_promise_is_kept(block: int) -> None:
    """New ones each time: what fails is printed step by step."""
    played(60, 25, derandomize=False)
