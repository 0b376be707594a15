"""When an order was decided, durable, handed over, on its way, on the socket, and answered."""

import asyncio
import re
from asyncio import selector_events
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from arb.bench.lines import now_ns
from arb.clock import NS_PER_MS, NS_PER_S
from arb.events import facts as f
from arb.execution.account.journal import Draft
from arb.execution.runs.assembling import Run

TICK_S: Final = 0.002
_INTENT: Final = re.compile(r'"type":"OrderIntended".*"client_order_id":"(\w+)"')
_P99: Final = 0.99
_order: ContextVar[str] = ContextVar("_order", default="")  # whose request is being written


class WayOut:
    """Watches a live run; times are in ns, by an order's client order id."""

    def __init__(self, run: Run) -> None:
        self.seen: dict[str, int] = {}  # the message that a cycle's first order comes from
        self.decided: dict[str, int] = {}
        self.durable: dict[str, int] = {}  # on the disk, in the writer's thread
        self.resumed: dict[str, int] = {}  # our loop has heard of it
        self.called: dict[str, int] = {}
        self.asked: dict[str, int] = {}  # the client has signed it
        self.sent: dict[str, int] = {}  # the socket has it
        self.answered: dict[str, int] = {}
        self.returned: dict[str, int] = {}
        self.late_ns: list[int] = []
        self._clock = run.parts.desk.clock
        self._follow_log(run)
        self._follow_journal(run)
        self._follow_client(run)

    def _follow_log(self, run: Run) -> None:
        committer: Any = run.log._committer  # noqa: SLF001 -- nothing else knows when the disk had it
        write = committer.commit

        def written(batch: Any) -> None:  # noqa: ANN401 -- as it is
            write(batch)
            ended = now_ns()
            for one in batch:
                for _, _, facts in one.draft.streams:
                    for fact in facts:
                        if found := _INTENT.search(str(fact)):
                            self.durable[found[1]] = ended

        committer.commit = written

    def _follow_journal(self, run: Run) -> None:
        journal: Any = run.parts.desk.journal
        commit, open_ = journal.commit, journal.open

        async def committed(draft: Draft, **more: Any) -> Any:  # noqa: ANN401 -- as it is
            began = now_ns()
            result = await commit(draft, **more)
            self._intended(draft, began, now_ns())
            return result

        async def opened_all(drafts: list[Draft], **more: Any) -> None:  # noqa: ANN401 -- as it is
            began, wall_ns = now_ns(), self._clock.now_ns()
            await open_(drafts, **more)
            ended = now_ns()
            for draft in drafts:
                (name,) = self._intended(draft, began, ended)
                opened, *_ = draft.facts
                if isinstance(opened, f.CycleOpened) and opened.seen_ns is not None:
                    self.seen[name] = began - (wall_ns - opened.seen_ns)

        journal.commit, journal.open = committed, opened_all

    def _intended(self, draft: Draft, began: int, ended: int) -> list[str]:
        names = [one.client_order_id for one in draft.facts if isinstance(one, f.OrderIntended)]
        self.decided.update(dict.fromkeys(names, began))
        self.resumed.update(dict.fromkeys(names, ended))
        return names

    def _follow_client(self, run: Run) -> None:
        venue: Any = run.parts.desk.access.venue
        create, fetch = venue.create, venue.ccxt.fetch

        async def created(request: Any) -> Any:  # noqa: ANN401 -- as it is
            name = request.client_order_id
            self.called[name] = now_ns()
            try:
                return await create(request)
            finally:
                self.returned[name] = now_ns()

        async def fetched(*told: Any) -> Any:  # noqa: ANN401 -- url, method, headers, body
            body = str(told[3]) if told[1:2] == ("POST",) else ""
            name = next((one for one in self.called if body and one in body), "")
            if not name:
                return await fetch(*told)
            token = _order.set(name)
            self.asked[name] = now_ns()
            try:
                return await fetch(*told)
            finally:
                self.answered[name] = now_ns()
                _order.reset(token)

        venue.create, venue.ccxt.fetch = created, fetched

    @contextmanager
    def sockets(self) -> Iterator[None]:
        """Notice when an order's request is given to its socket, as long as this lasts.

        Before it is: what is there sends, and may not come back before the other side has answered.
        """
        transports: Any = selector_events._SelectorSocketTransport  # type: ignore[attr-defined]  # noqa: SLF001 -- below every client and TLS
        write = transports.write

        def written(this: object, data: bytes) -> None:
            if name := _order.get():
                self.sent[name] = now_ns()
            write(this, data)

        transports.write = written
        try:
            yield
        finally:
            transports.write = write

    async def tick(self) -> None:
        """Notice how long the loop keeps somebody waiting who is due."""
        while True:
            due = now_ns() + round(TICK_S * NS_PER_S)
            await asyncio.sleep(TICK_S)
            self.late_ns.append(max(0, now_ns() - due))


def between(first: Mapping[str, int], then: Mapping[str, int]) -> list[float]:
    """Give the spans in ms, of the orders that have both, in order of length."""
    return sorted((then[name] - first[name]) / NS_PER_MS for name in first if name in then)


def high(samples: list[float]) -> float:
    """The 99th of 100, of samples in order."""
    return samples[min(len(samples) - 1, round(len(samples) * _P99))]
