"""Cycles and their orders, followed fact by fact: where each stands, and what each has in its hands."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from arb.simulation.checker import moves
from arb.simulation.checker.words import ZERO, Amounts, add, amounts, dec, joined, shown

Wrong = Callable[[str, str], None]  # rule, what


@dataclass(slots=True)
class Order:
    """One order as the log tells it."""

    id: str
    purpose: str
    leg: int
    market: str
    base: str
    quote: str
    side: str
    amount: Decimal
    limit: Decimal
    best: Decimal
    dead_ns: int
    intended_ns: int
    state: str = "intended"
    reason: str = ""
    exchange_id: str | None = None
    told: Decimal | None = None
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    trades: dict[str, dict[str, Any]] = field(default_factory=dict)
    verdicts: list[str] = field(default_factory=list)  # that the venue never had it, by the engine

    @property
    def spends(self) -> str:
        """The asset it gives."""
        return self.quote if self.side == "buy" else self.base

    @property
    def gets(self) -> str:
        """The asset it brings."""
        return self.base if self.side == "buy" else self.quote

    @property
    def need(self) -> Decimal:
        """The most it can spend."""
        return self.amount * self.limit if self.side == "buy" else self.amount

    @property
    def was_sent(self) -> bool:
        """Whether it may have left."""
        return not (self.state == "refused" and self.reason == "not sent")


@dataclass(slots=True)
class Cycle:
    """One cycle as the log tells it."""

    id: str
    strategy: str
    config: str
    legs: list[dict[str, str]]
    start_asset: str
    start_amount: Decimal
    wrong: Wrong
    state: str = "pending"
    outcome: str = ""
    cap: Decimal = ZERO
    slippage_bps: Decimal = ZERO
    reserved: bool = False
    holdings: Amounts = field(default_factory=dict)
    dust: Amounts = field(default_factory=dict)
    parked: Amounts = field(default_factory=dict)
    returned: Amounts = field(default_factory=dict)
    fees: Amounts = field(default_factory=dict)
    paid_apart: Amounts = field(default_factory=dict)  # the part of them that the account paid
    value: Decimal = ZERO  # of what came back in other currencies
    pnl: Decimal | None = None
    fee_value: Decimal | None = ZERO
    parked_why: str = ""
    orders: dict[str, Order] = field(default_factory=dict)
    leg: int = 0  # the one it is in
    leg_spent: Decimal = ZERO
    leg_received: Decimal = ZERO

    @property
    def path(self) -> list[str]:
        """Its currencies, the start first."""
        return [leg["spend_asset"] for leg in self.legs]

    def owned(self) -> Amounts:
        """What nobody else may use."""
        kept = (self.holdings, self.parked, self.dust)
        return {asset: amount for asset, amount in joined(*kept).items() if amount > 0}

    def pending(self) -> list[Order]:
        """Orders whose fate or fills are not known."""
        return [order for order in self.orders.values() if order.state not in moves.FINAL]

    # --- facts about the cycle ----------------------------------------------------------------

    def move(self, kind: str, data: dict[str, Any]) -> None:
        """Follow a fact that moves the cycle."""
        there = moves.MOVES[self.state].get(kind)
        if there is None:
            self.wrong("illegal_move", f"{self.id} is {self.state}, and {kind} follows")
            there = next(one[kind] for one in moves.MOVES.values() if kind in one)
        if kind in {"UnwindStarted", "CycleResumed", "LegResumed", "LegSettled"} or (
            there in moves.AT_REST and kind != "HoldingsReleased"
        ):
            for order in self.pending():
                self.wrong("unproven", f"{self.id}: {kind} while {order.id} is {order.state}")
        if (self.state, kind) == ("active", "CycleCompleted") and self.leg < len(self.legs):
            self.wrong("illegal_move", f"{self.id} is completed in leg {self.leg}")
        self.state = there
        if kind == "CycleValidated":
            self._validated(data)
        elif kind in {"LegPartlyFilled", "LegSettled"}:
            self._leg_told(kind, data)
        elif kind in {"CycleResumed", "LegResumed"}:
            self._enter(data["leg"])
        elif kind in moves.EMPTY_ENDS:
            self._ended_empty(kind)
        elif kind in moves.FULL_ENDS:
            self._ended(kind, data)
        elif kind in moves.REOPENINGS:
            self.holdings = joined(self.holdings, self.parked, self.dust)
            self.parked, self.dust, self.outcome = {}, {}, ""
        elif kind == "HoldingsReleased":
            self._released(data)

    def _validated(self, data: dict[str, Any]) -> None:
        reserved = dec(data["reserved"])
        if reserved != self.start_amount:
            self.wrong("reservation", f"{self.id} starts {self.start_amount}, reserves {reserved}")
        self.cap = dec(data["cap"])
        self.slippage_bps = dec(data["max_slippage_bps"])
        self.holdings = {self.start_asset: reserved}
        self.reserved = True

    def _enter(self, leg: int) -> None:
        if leg != self.leg:
            self.leg, self.leg_spent, self.leg_received = leg, ZERO, ZERO

    def _leg_told(self, kind: str, data: dict[str, Any]) -> None:
        if data["leg"] != self.leg:
            self.wrong(
                "illegal_move", f"{self.id} is in leg {self.leg}, {kind} is of {data['leg']}"
            )
        told = (dec(data["spent"]), dec(data["received"]))
        if told != (self.leg_spent, self.leg_received):
            what = f"{told} are told of leg {self.leg}, its trades say"
            self.wrong("exposure", f"{self.id}: {what} {self.leg_spent}, {self.leg_received}")
        if kind == "LegPartlyFilled":
            return
        asset = self.legs[data["leg"]]["spend_asset"]
        left = self.holdings.get(asset, ZERO)
        if dec(data["left"]) != left:
            what = f"{data['left']} {asset} is left, its trades say {left}"
            self.wrong("exposure", f"{self.id}: {what}")
        self._enter(data["leg"] + 1)

    def _ended_empty(self, kind: str) -> None:
        if any(order.trades for order in self.orders.values()):
            self.wrong("illegal_move", f"{self.id}: {kind}, and it has traded")
        self.returned = joined(self.returned, self.holdings)
        self.holdings = {}
        self.outcome = kind.removeprefix("Cycle").lower()
        self.pnl = ZERO if self.pnl is None else self.pnl

    def _ended(self, kind: str, data: dict[str, Any]) -> None:
        if kind == "CycleCompleted":
            self._enter(len(self.legs))
            back = amounts({self.start_asset: data["returned"]})
        else:
            back = amounts(data["returned"])
            self.value += dec(data["value"])
        self.dust = amounts(data["dust"])
        self.parked = amounts(data.get("parked", {}))
        self.parked_why = data.get("reason", "")
        gone = joined(back, self.dust, self.parked)
        if gone != self.holdings:
            held = shown(self.holdings)
            self.wrong("exposure", f"{self.id} ends with {shown(gone)}, its trades left {held}")
        self.returned = joined(self.returned, back)
        self.holdings = {}
        self.outcome = kind.removeprefix("Cycle").lower()
        self.pnl = dec(data["pnl"])
        self.fee_value = None if data["fee_value"] is None else dec(data["fee_value"])
        came = self.returned.get(self.start_asset, ZERO) + self.value - self.start_amount
        if self.pnl != came:
            self.wrong("profit", f"{self.id} says P/L {self.pnl}, what came back says {came}")
        if self.fee_value and not self.paid_apart:
            what = f"fees worth {self.fee_value} beside its P/L, and the account paid none"
            self.wrong("profit", f"{self.id} says {what}")
        if amounts(data["fees"]) != self.fees:
            said = shown(amounts(data["fees"]))
            self.wrong("profit", f"{self.id} says fees {said}, its trades {shown(self.fees)}")

    def _released(self, data: dict[str, Any]) -> None:
        if amounts(data["released"]) != self.owned():
            owned = shown(self.owned())
            self.wrong("exposure", f"{self.id} releases {data['released']}, it owns {owned}")
        self.returned = joined(self.returned, amounts(data["released"]))
        self.parked = {}
        self.dust = {asset: amount for asset, amount in self.dust.items() if amount < 0}

    # --- facts about its orders ---------------------------------------------------------------

    def intend(self, data: dict[str, Any], at_ns: int) -> Order:
        """Follow an intent: one at a time, where it fits, and within what is in hand."""
        order = Order(
            id=data["client_order_id"],
            purpose=data["purpose"],
            leg=data["leg"],
            market=data["market"],
            base=data["base"],
            quote=data["quote"],
            side=data["side"],
            amount=dec(data["amount"]),
            limit=dec(data["limit"]),
            best=dec(data["best"]),
            dead_ns=data["dead_ns"],
            intended_ns=at_ns,
        )
        for other in self.pending():
            self.wrong("unproven", f"{order.id} is intended while {other.id} is {other.state}")
        fits = (
            self.state in moves.RUNNING if order.purpose == "leg" else self.state == "panic_selling"
        )
        if not fits:
            self.wrong(
                "illegal_move", f"{self.id} is {self.state}: {order.purpose} order {order.id}"
            )
        way = {"market": order.market, "side": order.side}
        way |= {"spend_asset": order.spends, "receive_asset": order.gets}
        if order.purpose == "leg" and (order.leg, way) != (self.leg, self._route()):
            self.wrong("illegal_move", f"{self.id} is in leg {self.leg}, {order.id} is of another")
        held = self.holdings.get(order.spends, ZERO)
        if order.need > held:
            what = f"{order.id} needs {order.need} {order.spends}, {self.id} holds {held}"
            self.wrong("reservation", what)
        self.orders[order.id] = order
        return order

    def _route(self) -> dict[str, str] | None:
        return self.legs[self.leg] if self.leg < len(self.legs) else None

    def tell(self, order: Order, kind: str, data: dict[str, Any]) -> None:
        """Follow a fact about one of its orders."""
        if order.state not in moves.ORDER_MOVES[kind]:
            self.wrong("illegal_move", f"order {order.id} is {order.state}, and {kind} follows")
        match kind:
            case "OrderAccepted":
                order.state, order.told = "open", None
                order.exchange_id = data["exchange_order_id"]
            case "OrderFilled":
                self._filled(order, data)
            case "OrderClosed":
                order.told = dec(data["filled"])
                if order.told < order.filled:
                    what = f"order {order.id} ends at {order.told}, its trades say {order.filled}"
                    self.wrong("illegal_move", what)
                order.state = "settled" if order.filled >= order.told else "terminal"
            case "OrderRefused":
                order.state, order.reason = "refused", data["reason"]
                order.verdicts.append("not sent" if order.reason == "not sent" else "refused")
            case "OrderUnknown":
                order.state = "unknown"
            case "OrderAbsent":
                self._absent(order, data)
            case "CancelIntended":
                order.state = "cancelling"
            case "OrderAttested":
                if data["verdict"] == "absent" and not order.trades:
                    order.state = "absent"
            case "AttestedFillReversed":
                self._reversed(order, data)

    def _filled(self, order: Order, data: dict[str, Any]) -> None:
        amount, cost, fee = dec(data["amount"]), dec(data["cost"]), dec(data["fee"])
        asset = data["fee_asset"]
        if (data["market"], data["side"]) != (order.market, order.side):
            self.wrong("money_words", f"trade {data['trade_id']} is not of order {order.id}")
        if data["trade_id"] in order.trades:
            self.wrong("money_words", f"trade {data['trade_id']} of {order.id} is booked twice")
        order.trades[data["trade_id"]] = data
        order.filled += amount
        order.cost += cost
        spent, got = (cost, amount) if order.side == "buy" else (amount, cost)
        add(self.holdings, order.spends, -spent)
        add(self.holdings, order.gets, got)
        if fee:
            add(self.fees, asset, fee)
            # A third currency is the account's, unless the cycle has enough of it in hand.
            own = asset in {order.gets, self.start_asset} or fee < 0
            if own or self.holdings.get(asset, ZERO) >= fee:
                add(self.holdings, asset, -fee)
            else:
                add(self.paid_apart, asset, fee)
        if order.purpose == "leg" and order.leg == self.leg:
            self.leg_spent += spent
            self.leg_received += got - (fee if asset == order.gets else ZERO)
        if order.told is not None:
            order.state = "settled" if order.filled >= order.told else "terminal"

    def _absent(self, order: Order, data: dict[str, Any]) -> None:
        if order.trades or order.exchange_id is not None:
            self.wrong("unproven", f"order {order.id} is declared absent, and the venue had it")
        if data["venue_time_ns"] <= order.dead_ns:
            self.wrong("unproven", f"order {order.id} is declared absent while it may arrive")
        if data["not_found"] < moves.NOT_FOUND_MIN:
            self.wrong(
                "unproven", f"order {order.id}: {data['not_found']} not-founds prove nothing"
            )
        order.state = "absent"
        order.verdicts.append("absent")

    def _reversed(self, order: Order, data: dict[str, Any]) -> None:
        trade = order.trades.pop(data["trade_id"], None)
        amount, cost = dec(data["amount"]), dec(data["cost"])
        if trade is None or (dec(trade["amount"]), dec(trade["cost"])) != (amount, cost):
            self.wrong(
                "money_words", f"trade {data['trade_id']} of {order.id} cannot be taken back"
            )
        order.filled -= amount
        order.cost -= cost
        spent, got = (cost, amount) if order.side == "buy" else (amount, cost)
        add(self.holdings, order.spends, spent)
        add(self.holdings, order.gets, -got)
        if order.purpose == "leg" and order.leg == self.leg:
            self.leg_spent -= spent
            self.leg_received -= got
        order.told = None
        if order.exchange_id == "attested":
            order.exchange_id = None
        order.state = "unknown" if order.exchange_id is None else "open"
