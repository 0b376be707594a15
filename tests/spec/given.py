"""Given facts, when a command, then facts: how the tests of the core read.

The example cycle is USDT -> BTC -> ETH -> USDT with 1,000 USDT. Order n is the order of leg n - 1
unless it says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from arb.errors import IllegalMove
from arb.events import facts as f
from arb.ids import client_order_id
from arb.machine import commands as c
from arb.machine.decide import decide
from arb.machine.evolve import evolve
from arb.machine.invariants import broken

if TYPE_CHECKING:
    from arb.machine.state import Cycle

D: Final = Decimal
START: Final = D(1000)
LEGS: Final = (
    f.LegRoute("BTC/USDT", "buy", "USDT", "BTC"),
    f.LegRoute("ETH/BTC", "buy", "BTC", "ETH"),
    f.LegRoute("ETH/USDT", "sell", "ETH", "USDT"),
)
ASSETS: Final = {
    "BTC/USDT": ("BTC", "USDT"),
    "ETH/BTC": ("ETH", "BTC"),
    "ETH/USDT": ("ETH", "USDT"),
}
LIMITS: Final = {"BTC/USDT": D(50_000), "ETH/BTC": D("0.05"), "ETH/USDT": D(2_500)}
AMOUNTS: Final = {"BTC/USDT": D("0.02"), "ETH/BTC": D("0.4"), "ETH/USDT": D("0.4")}
DEAD_NS: Final = 1_000_000
FIRST_NS: Final = 1_000


def oid(number: int) -> str:
    """The client order id of the example cycle's n-th order."""
    return client_order_id("aaaa", 1, number)


def venue_id(number: int) -> str:
    return f"v{number}"


def shape(number: int, market: str | None, side: str | None) -> dict[str, str]:
    leg = LEGS[(number - 1) % 3]
    market = market or leg.market
    base, quote = ASSETS[market]
    return {"market": market, "base": base, "quote": quote, "side": side or leg.side}


# --- facts


def opened() -> f.CycleOpened:
    return f.CycleOpened(
        cycle_id="demo-1",
        number=1,
        strategy="demo",
        config="c0ffee",
        legs=LEGS,
        start_asset="USDT",
        start_amount=START,
        edge_bps=D("12.5"),
        books={"BTC/USDT": 7, "ETH/BTC": 8, "ETH/USDT": 9},
        seen_ns=1_700_000_000_000_000_000,
        prices={"BTC/USDT": D(50_000), "ETH/BTC": D("0.04"), "ETH/USDT": D(2_010)},
        claimed={"ETH/BTC": D("0.3")},
        available=D(10_000),
    )


def started() -> f.ValidationStarted:
    return f.ValidationStarted()


def validated() -> f.CycleValidated:
    return f.CycleValidated(
        reserved=START,
        expected=D("1001.25"),
        floor=D(995),
        fee_reserve={},
        cap=D(1500),
        max_slippage_bps=D(50),
        max_retries=1,
    )


def ready() -> tuple[f.CycleEvent, ...]:
    """An active cycle with its start amount in hand and no order yet."""
    return (opened(), started(), validated())


def intended(
    number: int,
    *,
    amount: str | None = None,
    limit: str | None = None,
    market: str | None = None,
    side: str | None = None,
    purpose: str = "leg",
    leg: int | None = None,
) -> f.OrderIntended:
    where = shape(number, market, side)
    return f.OrderIntended(
        client_order_id=oid(number),
        number=number,
        purpose=purpose,
        leg=number - 1 if leg is None else leg,
        **where,
        time_in_force="ioc",
        amount=D(amount) if amount else AMOUNTS[where["market"]],
        limit=D(limit) if limit else LIMITS[where["market"]],
        best=D(limit) if limit else LIMITS[where["market"]],
        expected=D(1),
        venue_time_ns=0,
        window_ns=DEAD_NS // 2,
        dead_ns=DEAD_NS,
    )


def accepted(number: int) -> f.OrderAccepted:
    return f.OrderAccepted(client_order_id=oid(number), exchange_order_id=venue_id(number))


def unknown(number: int) -> f.OrderUnknown:
    return f.OrderUnknown(client_order_id=oid(number), reason="timeout")


def absent(number: int) -> f.OrderAbsent:
    return f.OrderAbsent(
        client_order_id=oid(number),
        not_found=3,
        venue_time_ns=DEAD_NS + 1,
        trades_read=4,
        evidence="nowhere",
    )


def refused(number: int) -> f.OrderRefused:
    return f.OrderRefused(client_order_id=oid(number), reason="filter", detail="min notional")


def filled(
    number: int,
    trade_id: str,
    amount: str,
    cost: str,
    *,
    fee: str = "0",
    fee_asset: str | None = None,
    market: str | None = None,
    side: str | None = None,
) -> f.OrderFilled:
    where = shape(number, market, side)
    told = fill(
        number, trade_id, amount, cost, fee=fee, fee_asset=fee_asset, market=market, side=side
    )
    return f.OrderFilled(
        client_order_id=oid(number),
        exchange_order_id=told.exchange_order_id,
        trade_id=trade_id,
        **where,
        price=told.price,
        amount=told.amount,
        cost=told.cost,
        fee=told.fee,
        fee_asset=told.fee_asset,
        venue_ns=told.venue_ns,
    )


def closed(number: int, amount: str, status: str = "closed") -> f.OrderClosed:
    return f.OrderClosed(client_order_id=oid(number), status=status, filled=D(amount))


def settled(leg: int, spent: str, received: str, left: str = "0") -> f.LegSettled:
    return f.LegSettled(leg=leg, spent=D(spent), received=D(received), left=D(left))


def recovery() -> f.RecoveryStarted:
    return f.RecoveryStarted(reason="restart")


def unwinding() -> f.UnwindStarted:
    return f.UnwindStarted(reason="panic", targets=("USDT",), liquidation=D(990), resume=None)


def leg_1_done() -> tuple[f.CycleEvent, ...]:
    """0.02 BTC for 1,000 USDT, without fees."""
    return (
        *ready(),
        intended(1),
        accepted(1),
        filled(1, "t1", "0.02", "1000"),
        closed(1, "0.02"),
        settled(0, "1000", "0.02"),
    )


def leg_2_done() -> tuple[f.CycleEvent, ...]:
    """0.4 ETH for 0.02 BTC, without fees."""
    return (
        *leg_1_done(),
        intended(2),
        accepted(2),
        filled(2, "t2", "0.4", "0.02"),
        closed(2, "0.4"),
        settled(1, "0.02", "0.4"),
    )


def leg_3_done() -> tuple[f.CycleEvent, ...]:
    """1,004 USDT for 0.4 ETH, without fees."""
    return (
        *leg_2_done(),
        intended(3),
        accepted(3),
        filled(3, "t3", "0.4", "1004"),
        closed(3, "0.4"),
        settled(2, "0.4", "1004"),
    )


def completed(returned: str, pnl: str, **more: Any) -> f.CycleCompleted:
    return f.CycleCompleted(
        returned=D(returned),
        pnl=D(pnl),
        dust=more.get("dust", {}),
        fees=more.get("fees", {}),
        fee_value=more.get("fee_value", D(0)),
    )


def loop_closed() -> tuple[f.CycleEvent, ...]:
    """A completed cycle that made 4 USDT."""
    return (*leg_3_done(), completed("1004", "4"))


# --- commands


def fill(
    number: int,
    trade_id: str,
    amount: str,
    cost: str,
    *,
    fee: str = "0",
    fee_asset: str | None = None,
    market: str | None = None,
    side: str | None = None,
) -> c.Fill:
    where = shape(number, market, side)
    received = where["base"] if where["side"] == "buy" else where["quote"]
    return c.Fill(
        trade_id=trade_id,
        exchange_order_id=venue_id(number),
        price=D(cost) / D(amount),
        amount=D(amount),
        cost=D(cost),
        fee=D(fee),
        fee_asset=fee_asset or received,
        venue_ns=5,
    )


def report(
    number: int,
    *fills: c.Fill,
    status: str | None = None,
    told: str | None = None,
    exchange_id: str | None = "",
) -> c.ReportOrder:
    return c.ReportOrder(
        client_order_id=oid(number),
        exchange_order_id=venue_id(number) if exchange_id == "" else exchange_id,
        status=status,
        filled=None if told is None else D(told),
        fills=fills,
    )


def intend(number: int, **changes: Any) -> c.IntendOrder:
    fact = intended(number)
    fields = {name: getattr(fact, name) for name in c.IntendOrder.__struct_fields__}
    return c.IntendOrder(**{**fields, **changes})


def complete(fee_value: str = "0") -> c.CompleteCycle:
    return c.CompleteCycle(fee_value=D(fee_value))


def liquidate(*targets: str, value: str = "0", fee_value: str = "0") -> c.LiquidateCycle:
    return c.LiquidateCycle(targets=targets, value=D(value), fee_value=D(fee_value))


def park(*targets: str, dust: tuple[str, ...] = ()) -> c.ParkCycle:
    return c.ParkCycle(reason="no market", targets=targets, dust=dust, fee_value=D(0))


# --- given, when, then


def fold(*facts: f.CycleEvent) -> Cycle:
    """The cycle that these facts prove."""
    cycle = None
    for number, fact in enumerate(facts):
        cycle = evolve(cycle, fact, FIRST_NS + number)
    assert cycle is not None
    return cycle


@dataclass
class Then:
    """What a command led to."""

    before: tuple[f.CycleEvent, ...]
    events: list[f.CycleEvent] | None
    error: IllegalMove | None

    def then(self, *expected: f.CycleEvent) -> Cycle:
        """Exactly these facts."""
        assert self.events == list(expected), self.error
        return self._after()

    def then_facts(self, *expected: type[f.Fact]) -> list[Any]:
        """Facts of exactly these types, in this order; they are returned to look closer."""
        self._after()
        assert self.events is not None
        assert [type(event) for event in self.events] == list(expected)
        return self.events

    def then_last(self, expected: type[f.Fact]) -> Any:
        """The last fact is of this type; it is returned to look closer."""
        self._after()
        assert self.events, self.error
        assert type(self.events[-1]) is expected
        return self.events[-1]

    def then_nothing(self) -> None:
        """No fact."""
        assert self.events == [], self.error

    def then_refused(self, words: str) -> None:
        """Refused, and the message says why."""
        assert self.error is not None, self.events
        assert words in str(self.error)

    def then_cycle(self) -> Cycle:
        """The cycle after whatever facts came."""
        return self._after()

    def _after(self) -> Cycle:
        assert self.events is not None, self.error
        history = (*self.before, *self.events)
        cycle = fold(*history)
        assert broken(cycle, [fact for fact in history if isinstance(fact, f.Posted)]) == []
        return cycle


@dataclass
class Given:
    """A history."""

    facts: tuple[f.CycleEvent, ...]

    def when(self, command: c.Command) -> Then:
        """Ask for something."""
        cycle = fold(*self.facts) if self.facts else None
        try:
            return Then(self.facts, decide(cycle, command), None)
        except IllegalMove as error:
            return Then(self.facts, None, error)

    def cycle(self) -> Cycle:
        """The cycle as it stands."""
        return fold(*self.facts)


def given(*facts: f.CycleEvent | tuple[f.CycleEvent, ...]) -> Given:
    """A history: facts, or parts of histories."""
    flat: list[f.CycleEvent] = []
    for part in facts:
        flat.extend(part if isinstance(part, tuple) else (part,))
    return Given(tuple(flat))
