"""What goes on around the account: the user's own deeds, halts, and a clock that jumps."""

from decimal import Decimal
from typing import Final

import structlog

from arb.clock import NS_PER_MS, NS_PER_S
from arb.exchange.paper.desk import Placement
from arb.exchange.port import Refused
from arb.exchange.practice.doors import Grounds
from arb.exchange.practice.fault_table import SECOND
from arb.market.book import MarketRules
from arb.money import floor_to, truncate

log = structlog.get_logger()

HALT_NS: Final = 5 * NS_PER_S
# Two jumps in a row stay below the margin with which a client reads trades from before an order.
JUMP_MS_MAX: Final = 2_400
_PERCENT: Final = Decimal("0.01")
_UNIT: Final = Decimal("1E-8")


class World:
    """Draws once a second what happens, and ends what lasted long enough."""

    def __init__(self, grounds: Grounds) -> None:
        self._grounds = grounds
        self._second = grounds.hall.now_ns() // NS_PER_S
        # What was halted in an earlier life opens again: nobody is left who would do it.
        opens_ns = grounds.hall.now_ns() + HALT_NS
        self._halted = dict.fromkeys(grounds.hall.halted(), opens_ns)  # market -> until when

    def tick(self) -> None:
        """Let the time since the last look pass."""
        now_ns = self._grounds.hall.now_ns()
        for market, until_ns in list(self._halted.items()):
            if now_ns >= until_ns:
                del self._halted[market]
                self._grounds.hall.halt(market, halted=False)
        if now_ns // NS_PER_S != self._second:
            self._second = now_ns // NS_PER_S
            fault = self._grounds.faults.strike(SECOND)
            if fault is not None:
                self.strike(fault)

    def strike(self, fault: str) -> None:
        """Let something happen now."""
        log.info("practice.world", fault=fault)
        match fault:
            case "user_withdrawal":
                self._change(-1)
            case "user_deposit":
                self._change(1)
            case "user_order":
                self._order()
            case "market_halt":
                market = self._market().market
                self._halted[market] = self._grounds.hall.now_ns() + HALT_NS
                self._grounds.hall.halt(market, halted=True)
            case "market_delisted":
                market = self._market().market
                self._halted.pop(market, None)
                self._grounds.hall.delist(market)
            case "key_revoked":
                self._grounds.key_revoked = True
            case "clock_jump":
                off_ms = self._grounds.faults.some(2 * JUMP_MS_MAX + 1) - JUMP_MS_MAX
                self._grounds.hall.skew_ns = off_ms * NS_PER_MS

    def _change(self, sign: int) -> None:
        """Move a percent of what is free of some asset."""
        balances = self._grounds.hall.account.balances()
        held = [asset for asset, one in balances.items() if one.free > 0]
        if held:
            asset = held[self._grounds.faults.some(len(held))]
            amount = truncate(balances[asset].free * _PERCENT, _UNIT)
            if amount > 0:
                self._grounds.hall.change(asset, sign * amount)

    def _order(self) -> None:
        """Buy or sell the least that a market takes, at the market."""
        rules, hall = self._market(), self._grounds.hall
        mid = hall.mid(rules.market)
        if mid is None:
            return
        least = max(rules.amount_min, rules.notional_min * 2 / mid)
        amount = floor_to(least, rules.step_size) + rules.step_size
        side = ("buy", "sell")[self._grounds.faults.some(2)]
        name = f"web_{hall.account.next_order_number():020d}"
        try:
            hall.place(Placement(name, rules.market, side, "market", "ioc", amount, None))
        except Refused as refused:
            log.info("practice.user_order", refused=str(refused))

    def _market(self) -> MarketRules:
        markets = list(self._grounds.hall.markets().values())
        return markets[self._grounds.faults.some(len(markets))]
