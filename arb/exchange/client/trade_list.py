"""An account's trades on a market, read as its venue lists them: all of them, or an error."""

from collections.abc import Sequence
from typing import Final

from arb.clock import NS_PER_MS, NS_PER_S
from arb.exchange.client.ccxt_gateway import Line
from arb.exchange.client.exact_json import at
from arb.exchange.client.paging import Rows, complete
from arb.exchange.client.replies import Names, fill_report, identity, moment_ns, rows
from arb.exchange.dialects.shape import Cursor, Dialect
from arb.exchange.port import FillReport, Unreachable

AHEAD_NS: Final = (
    60 * NS_PER_S
)  # clocks differ: trades are asked for up to a moment that is not yet


class TradeList:
    """Reads the trades of one venue's account."""

    def __init__(self, line: Line, dialect: Dialect, names: Names) -> None:
        self._line = line
        self._dialect = dialect
        self._names = names

    async def since(self, market: str, since_ns: int) -> Sequence[FillReport]:
        """Read all trades of a market since a venue time. Raises a VenueError."""
        dialect = self._dialect
        cursor = dialect.trades_cursor

        async def page(begin_ns: int, end_ns: int) -> Rows:
            return await self._page(market, begin_ns, end_ns)

        async def after(begin_ns: int, end_ns: int, last: object) -> Rows:
            assert cursor is not None
            return await self._page(market, begin_ns, end_ns, _beyond(cursor, last))

        found = await complete(
            page,
            since_ns,
            self._line.now_ns() + AHEAD_NS,
            window_ns=dialect.trades_window_ns,
            page=dialect.trades_page,
            unit_ns=dialect.trades_unit_ns,
            sleep=self._line.sleep,
            after=None if cursor is None else after,
        )
        return tuple(dict.fromkeys(fill_report(dialect, row, self._names) for row in found))

    async def _page(
        self, market: str, begin_ns: int, end_ns: int, beyond: dict[str, str] | None = None
    ) -> Rows:
        """One page of a span; with `beyond`, the page that follows an id there."""
        dialect, ccxt = self._dialect, self._line.ccxt
        more = beyond or {}
        # Whether a venue counts the border in is not always told: ask a little beyond.
        since_ms, until_ms = begin_ns // NS_PER_MS - 1, end_ns // NS_PER_MS + 1
        timed = not (beyond and dialect.trades_cursor and dialect.trades_cursor.untimed)
        recent = dialect.recent_trades
        if recent is not None and self._line.now_ns() - begin_ns < recent.within_ns:
            span = {recent.since: str(since_ms), recent.until: str(until_ms)} if timed else {}
            asked = {recent.market: ccxt.market(market)["id"], **span, **dict(recent.also), **more}
            body, _ = await self._line.ask("resolve", getattr(ccxt, recent.method), asked)
        else:
            body, _ = await self._line.ask(
                "resolve",
                ccxt.fetch_my_trades,
                market,
                since_ms if timed else None,
                dialect.trades_page,
                {"until": until_ms, **more} if timed else more,
            )
        found = rows(dialect, body, dialect.replies.trades)
        if timed:
            return found
        # It goes on to the present: the first page that reaches beyond the span is its last.
        made = [moment_ns(at(row, dialect.trade.made)) for row in found]
        return [
            row
            for row, made_ns in zip(found, made, strict=True)
            if made_ns is None or made_ns <= until_ms * NS_PER_MS
        ]


def _beyond(cursor: Cursor, last: object) -> dict[str, str]:
    """What asks for the page after a row; raises Unreachable where the row does not say its id."""
    told = identity(at(last, cursor.key))
    if told is None or not told.isdecimal():
        raise Unreachable(f"a trade without the id by which the list goes on: {last!r:.120}")
    return {cursor.parameter: str(int(told) + cursor.step)}
