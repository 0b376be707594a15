"""A venue as a run puts it together from a strategy file, on a clock that moves when somebody waits."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from arb.clock import NS_PER_S, VirtualClock
from arb.exchange.port import FillReport, OrderReport
from arb.execution.runs.assembling import Options
from arb.execution.runs.sources import open_market
from arb.execution.runs.wiring import assemble
from arb.strategy.loader import load
from tests.exchange.scripted import order, send
from tests.spec.flipped import written
from tests.spec.scripted_feed import BEGIN_S, BTC, ETH, ETH_BTC, SIZE, Moment, feed

MODES: Final = ("paper", "backtest")
ASKED: Final = Decimal(50_000)  # the price at which the recording sells BTC
STANDING: Final[tuple[Moment, ...]] = tuple((0, book, SIZE) for book in (BTC, ETH_BTC, ETH))
Told = TypeVar("Told")


class Wired(NamedTuple):
    """What a run would trade on."""

    venue: Any  # with the faults of the file, if it has some
    clock: VirtualClock

    @property
    def within(self) -> Any:
        """The venue without its faults."""
        return getattr(self.venue, "inner", self.venue)

    async def buy(self, amount: str = "0.1", limit: str = "60000") -> OrderReport:
        """Buy BTC for USDT at once."""
        return await send(self.venue, order("BTC/USDT", "buy", amount, limit))


def recorded(folder: Path, mode: str, moments: tuple[Moment, ...] = STANDING) -> dict[str, object]:
    """Write a recording, and give the keys that play it in a mode to an account that can buy."""
    feed(folder, moments)
    return {
        "execution.mode": mode,
        **({"execution.paper.feed": "recorded"} if mode == "paper" else {}),
        f"execution.{mode}.data_file": "feed.csv",
        f"execution.{mode}.initial_balances": "{USDT: 10000000, BNB: 100}",
    }


def wired(
    folder: Path, keys: Mapping[str, object], story: Callable[[Wired], Awaitable[Told]]
) -> Told:
    """Put a venue together from the base strategy with these keys, and live through a story."""

    loaded = load(written(folder, keys))
    clock = VirtualClock(BEGIN_S * NS_PER_S)
    options = Options(db=folder / f"{len(list(folder.glob('*.db')))}.db")

    async def live() -> Told:
        async with assemble([loaded], options, clock, open_market(loaded)) as run:
            return await story(Wired(run.parts.desk.access.venue, clock))

    return asyncio.run(live())


def fill_of(report: OrderReport) -> FillReport:
    """Give the only fill of an order."""
    assert report.fills is not None
    (fill,) = report.fills
    return fill
