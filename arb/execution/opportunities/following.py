"""Markets and fees that change while a run goes on: what comes is seen to, and what pays then is decided on."""

import asyncio
from collections.abc import Awaitable, Callable, Collection

import structlog

from arb.exchange.port import Banned, Unreachable
from arb.execution.account.desk import Desk
from arb.execution.opportunities.interest import markets_that_matter
from arb.execution.opportunities.watching import Watching
from arb.limits import SWEEP_INTERVAL_S

log = structlog.get_logger()

# These markets' books matter; gives those that are told, None for all.
Attend = Callable[[Collection[str]], Awaitable[frozenset[str] | None]]


async def see_all(_markets: Collection[str]) -> frozenset[str] | None:
    """Nothing has to be done where every book is there already."""
    return None


class Following:
    """Sees to it that the books of all that matters are told, at the start and when other markets have come."""

    def __init__(self, desk: Desk, watching: Watching, attend: Attend) -> None:
        self._desk, self._watching = desk, watching
        self._attend = attend
        self._others: set[str] = set()  # currencies that matter beside those that are traded
        self._news = asyncio.Event()
        self._tell, desk.on_terms = desk.on_terms, self._on_terms

    def _on_terms(self) -> None:
        self._tell()
        self._news.set()

    def follow(self, asset: str) -> None:
        """See to the books of another currency too, soon."""
        self._others.add(asset)
        self._news.set()

    async def attend(self) -> None:
        """See to the books of all that matters."""
        desk = self._desk
        told = await self._attend(self._wanted())
        if told is None:
            desk.attended = None
            return
        desk.attended = told | (desk.attended or frozenset())  # what was followed before still is

    async def look_for_ever(self, decide: Callable[[], Awaitable[None]]) -> None:
        """Decide on what pays, and attend to what has come, when markets or fees were read again."""
        while True:
            await self._news.wait()
            self._news.clear()
            await decide()  # what pays already may not be told again for long
            if all(map(self._desk.is_attended, self._wanted())):
                continue
            try:
                await self.attend()
            except (Unreachable, Banned) as error:
                log.info("books.later", error=str(error))
                self._news.set()
                await self._desk.clock.sleep(SWEEP_INTERVAL_S)

    def _wanted(self) -> tuple[str, ...]:
        return markets_that_matter(self._desk, self._watching.traded | self._others)
