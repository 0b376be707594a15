"""Fees that change while a run goes on: a trade that cost more than was told has them read again at once.

So has one that was paid for in a currency nobody told of: whatever it is, its books matter from then on.
"""

import asyncio
from collections.abc import Callable
from decimal import Decimal

import structlog

from arb.events import facts as f
from arb.exchange.port import Banned, Unreachable
from arb.execution.account.desk import Desk
from arb.limits import FEE_ROUNDING, FEE_UNITS_MIN, SWEEP_INTERVAL_S
from arb.money import ONE, ZERO

log = structlog.get_logger()


class FeeWatch:
    """Compares what trades cost with what the venue said they would."""

    def __init__(self, desk: Desk, follow: Callable[[str], None]) -> None:
        self._desk = desk
        self._follow = follow  # see to the books of this currency too
        self._strange: set[str] = set()  # third currencies that trades were paid for in, untold
        self._doubted = asyncio.Event()
        self._charged = ZERO  # of what was received, by the dearest trade since fees were read
        desk.journal.listen(self._hear)

    def _hear(self, _stream: str, fact: f.Fact, _at_ns: int) -> None:
        if not isinstance(fact, f.OrderFilled):
            return
        asset, received = fact.base, fact.amount
        if fact.side == "sell":
            asset, received = fact.quote, fact.cost
        # In a third currency it is a matter of that one's price.
        third = fact.fee_asset not in {fact.base, fact.quote} and fact.fee > 0
        if third and fact.fee_asset not in {self._desk.fees.fee_asset, *self._strange}:
            log.warning("fee.in_another", market=fact.market, asset=fact.fee_asset)
            self._strange.add(fact.fee_asset)
            self._follow(fact.fee_asset)
            self._doubted.set()
        if fact.fee_asset == asset and fact.fee >= FEE_UNITS_MIN * _last_digit(fact.fee):
            rate = fact.fee / received if received > 0 else ONE  # it booked as nothing
            if rate > self._desk.fees.taker * FEE_ROUNDING:
                log.warning("fee.above_told", market=fact.market, trade=fact.trade_id)
                self._charged = max(self._charged, rate)
                self._doubted.set()

    async def look_for_ever(self) -> None:
        """Read the fees again whenever a trade cost more, or something else, than was told."""
        while True:
            await self._doubted.wait()
            self._doubted.clear()
            charged, self._charged = self._charged, ZERO  # dearer trades may come meanwhile
            try:
                await self._desk.reload_fees(charged)
            except (Unreachable, Banned) as error:
                log.info("fees.later", error=str(error))
                self._charged = max(self._charged, charged)
                self._doubted.set()
                await self._desk.clock.sleep(SWEEP_INTERVAL_S)


def _last_digit(told: Decimal) -> Decimal:
    """What one is worth in the last place that a number was told with."""
    exponent = told.as_tuple().exponent
    assert isinstance(exponent, int), told
    return Decimal(1).scaleb(exponent)
