"""Fees that rise while a run goes on: a trade that cost more than was told has them read again at once."""

import asyncio
from decimal import Decimal
from typing import Final

import structlog

from arb.events import facts as f
from arb.exchange.port import Banned, Unreachable
from arb.execution.desk import Desk
from arb.limits import SWEEP_INTERVAL_S
from arb.market.booking import BOOKED_UNIT, booked_fee

log = structlog.get_logger()

ROUNDING: Final = Decimal("1.01")  # of a rate: venues round a fee to digits of their own


class FeeWatch:
    """Compares what trades cost with what the venue said they would."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._doubted = asyncio.Event()
        desk.journal.listen(self._hear)

    def _hear(self, _stream: str, fact: f.Fact, _at_ns: int) -> None:
        if not isinstance(fact, f.OrderFilled):
            return
        asset, received = fact.base, fact.amount
        if fact.side == "sell":
            asset, received = fact.quote, fact.cost
        if fact.fee_asset != asset:
            return  # in a third currency it is a matter of that one's price
        told = booked_fee(received, self._desk.fees.taker * ROUNDING)
        if fact.fee > told + BOOKED_UNIT:
            log.warning("fee.above_told", market=fact.market, trade=fact.trade_id)
            self._doubted.set()

    async def look_for_ever(self) -> None:
        """Read the fees again whenever a trade cost more."""
        while True:
            await self._doubted.wait()
            self._doubted.clear()
            try:
                await self._desk.reload_fees()
            except (Unreachable, Banned) as error:
                log.info("fees.later", error=str(error))
                self._doubted.set()
                await self._desk.clock.sleep(SWEEP_INTERVAL_S)
