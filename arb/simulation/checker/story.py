"""A log read from its first event to its last: cycles, orders, the account's book, and what breaks a rule."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from arb.simulation.checker import moves
from arb.simulation.checker.cycles import Cycle, Order
from arb.simulation.checker.limits import Limits
from arb.simulation.checker.oversold import Intent
from arb.simulation.checker.words import (
    ZERO,
    Amounts,
    Event,
    Violation,
    add,
    amounts,
    dec,
    shown,
)

CYCLE = "cycle-"


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of the ledger."""

    position: int
    cycle_id: str
    asset: str
    amount: Decimal
    kind: str
    trade_id: str


class Story:
    """What the events say, and what of it is wrong."""

    def __init__(self) -> None:
        self.found: list[Violation] = []
        self.cycles: dict[str, Cycle] = {}
        self.orders: dict[str, Order] = {}
        self.postings: list[Posting] = []
        self.instances: set[str] = set()
        self.opening: Amounts | None = None
        self.opened_venue_ns = 0
        self.external: Amounts = {}
        self.expected: Amounts = {}  # opening + ledger + external changes
        self.intents: list[Intent] = []
        # Position, asset, what is expected then, and what was taken by then without an explanation.
        self._booked: list[tuple[int, str, Decimal, Decimal]] = []
        self._taken: Amounts = {}
        self._ended: dict[str, int] = {}  # cycle -> position of the last end of an order
        self.runs: list[int] = []  # positions of their beginnings
        self.run_began_ns = 0
        self.opened_at: dict[str, int] = {}  # cycle -> position
        self.limits = Limits(self.wrong)
        self._at = 0
        self._moment: tuple[int, Amounts] = (0, {})  # the book as this instant began
        self._stale: set[str] = set()  # cycles at work that the present run found and has not moved

    def wrong(self, rule: str, what: str) -> None:
        """Note a violation at the present event."""
        self.found.append(Violation(rule, f"position {self._at}: {what}"))

    def follow(self, event: Event) -> None:
        """Follow one event."""
        self._at = event.position
        if event.at_ns != self._moment[0]:
            self._moment = (event.at_ns, dict(self.expected))
        if event.data.get("type") != event.type:
            self.wrong("illegal_move", f"a {event.type} says it is {event.data.get('type')}")
        if event.stream.startswith(CYCLE):
            self._cycle_event(event)
        else:
            self._account_event(event)

    def end(self) -> None:
        """Judge what stands at the end."""
        self.limits.end()
        self.limits.judge_sent()
        for cycle in self.cycles.values():
            if cycle.state not in moves.AT_REST:
                self.wrong("not_at_rest", f"{cycle.id} is {cycle.state}")
            elif cycle.holdings:
                what = f"{cycle.id} is {cycle.state}, and has {shown(cycle.holdings)} in its hands"
                self.wrong("exposure", what)
            for order in cycle.pending():
                self.wrong("not_at_rest", f"order {order.id} of {cycle.id} is {order.state}")
            if cycle.outcome == "parked" and not (cycle.parked or cycle.dust or cycle.parked_why):
                self.wrong("not_at_rest", f"{cycle.id} is parked and does not say what or why")
            if cycle.parked and not cycle.parked_why:
                self.wrong("not_at_rest", f"{cycle.id} parks without a reason")

    # --- cycles -------------------------------------------------------------------------------

    def _cycle_event(self, event: Event) -> None:
        name, data = event.stream.removeprefix(CYCLE), event.data
        cycle = self.cycles.get(name)
        if cycle is None:
            if event.type != "CycleOpened" or data["cycle_id"] != name:
                self.wrong("illegal_move", f"{name} begins with {event.type}")
                return
            self._open(event)
            return
        if event.type in moves.CYCLE_FACTS or event.type == "OrderIntended":
            if name in self._stale and event.type not in moves.AFTER_A_RESTART:
                self.wrong("illegal_move", f"{name} goes on with {event.type} after a restart")
            self._stale.discard(name)
        if event.type in moves.CYCLE_FACTS:
            was_at_rest = cycle.state in moves.AT_REST
            cycle.move(event.type, data)
            if event.type == "CycleValidated":
                self._reserve(cycle)
            if was_at_rest or cycle.state in moves.AT_REST:
                self.limits.closed(cycle, event.at_ns)
        elif event.type == "OrderIntended":
            self._intend(cycle, data, event.at_ns)
        elif event.type in moves.ORDER_MOVES:
            order = cycle.orders.get(data["client_order_id"])
            if order is None:
                self.wrong("illegal_move", f"{event.type} of an order that {name} never intended")
                return
            cycle.tell(order, event.type, data)
            if order.state in moves.FINAL:
                self._ended[name] = event.position
            self._post(name, event)
        elif event.type != "DiscrepancyFound":
            self.wrong("illegal_move", f"{event.type} stands in the stream of {name}")

    def _open(self, event: Event) -> None:
        data = event.data
        cycle = Cycle(
            id=data["cycle_id"],
            strategy=data["strategy"],
            config=data["config"],
            legs=data["legs"],
            start_asset=data["start_asset"],
            start_amount=dec(data["start_amount"]),
            wrong=self.wrong,
        )
        self.limits.opens(cycle, event.at_ns, self.cycles.values())
        self.cycles[cycle.id] = cycle
        self.opened_at[cycle.id] = event.position

    def _reserve(self, cycle: Cycle) -> None:
        asset = cycle.start_asset
        # Two facts of one instant may have crossed: what was there before either counts too.
        there = max(self.expected.get(asset, ZERO), self._moment[1].get(asset, ZERO))
        taken = sum((one.owned().get(asset, ZERO) for one in self.cycles.values()), ZERO)
        if taken > there:
            what = f"{cycle.id} reserves, and {taken} {asset} of {there} are owned then"
            self.wrong("reservation", what)

    def _intend(self, cycle: Cycle, data: dict[str, Any], at_ns: int) -> None:
        if data["client_order_id"] in self.orders:
            self.wrong("sent_twice", f"order {data['client_order_id']} is intended twice")
        order = cycle.intend(data, at_ns)
        self.orders[order.id] = order
        self.limits.sends(cycle, order)
        self._note_intent(cycle, order, data["venue_time_ns"])

    def _note_intent(self, cycle: Cycle, order: Order, venue_ns: int) -> None:
        since = self._ended.get(cycle.id, 0)
        self.intents.append(
            Intent(
                position=self._at,
                cycle_id=cycle.id,
                order=order,
                venue_ns=venue_ns,
                held=cycle.holdings.get(order.spends, ZERO),
                ended=frozenset(
                    one.id for one in cycle.orders.values() if one.state in moves.FINAL
                ),
                booked=frozenset(
                    (trade["exchange_order_id"], trade_id)
                    for one in cycle.orders.values()
                    for trade_id, trade in one.trades.items()
                ),
                least=self._least(order.spends, since),
            )
        )

    def _post(self, cycle_id: str, event: Event) -> None:
        if event.type not in {"OrderFilled", "AttestedFillReversed"}:
            return
        data = event.data
        sign = 1 if (data["side"] == "buy") == (event.type == "OrderFilled") else -1
        suffix = "" if event.type == "OrderFilled" else " reversed"
        lines = [
            (data["base"], sign * dec(data["amount"]), f"base{suffix}"),
            (data["quote"], -sign * dec(data["cost"]), f"quote{suffix}"),
        ]
        if event.type == "OrderFilled" and dec(data["fee"]):
            lines.append((data["fee_asset"], -dec(data["fee"]), "fee"))
        for asset, amount, kind in lines:
            line = Posting(event.position, cycle_id, asset, amount, kind, data["trade_id"])
            self.postings.append(line)
            self._expect(asset, amount)

    def _expect(self, asset: str, amount: Decimal) -> None:
        add(self.expected, asset, amount)
        taken = self._taken.get(asset, ZERO)
        self._booked.append((self._at, asset, self.expected.get(asset, ZERO), taken))

    def _least(self, asset: str, since: int) -> Decimal:
        """The least that was expected of an asset between a position and now.

        What is booked meanwhile as missing without an explanation is no reason to expect less: it may
        be the trade that the venue has not told.
        """
        least: Decimal | None = None
        for position, one, expected, taken in reversed(self._booked):
            if one == asset:
                least = expected + taken if least is None else min(least, expected + taken)
                if position <= since:
                    return least - taken
        return ZERO if least is None else least

    # --- the account --------------------------------------------------------------------------

    def _account_event(self, event: Event) -> None:
        data = event.data
        match event.type:
            case "LogCreated" | "HeadAccepted":
                self.instances.add(data["instance"])
            case "AccountOpened":
                self.opening = amounts(data["opening"])
                self.opened_venue_ns = data["venue_ns"]
                for asset, amount in self.opening.items():
                    self._expect(asset, amount)
            case "ExternalChangeFound":
                add(self.external, data["asset"], dec(data["amount"]))
                amount = dec(data["amount"])
                if amount < 0 and not data["explained"]:
                    add(self._taken, data["asset"], -amount)
                self._expect(data["asset"], amount)
            case "StrategyLoaded":
                self.limits.loads(data["name"], data["config"], json.loads(data["text"]))
            case "RunStarted":
                self.runs.append(event.position)
                self.run_began_ns = event.at_ns
                self._stale = {
                    name for name, one in self.cycles.items() if one.state not in moves.NOT_AT_WORK
                }
            case _:
                if event.type in moves.CYCLE_FACTS | moves.ORDER_FACTS:
                    self.wrong("illegal_move", f"{event.type} stands in {event.stream}")
                self.limits.follow(event)
