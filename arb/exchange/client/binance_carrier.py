"""One connection to Binance's market streams: what it is asked for, and what it hears."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec
import structlog

from arb.clock import NS_PER_S, Clock
from arb.exchange.client.binance_messages import (
    Data,
    Message,
    best_rows,
    best_stream,
    decode,
    levels_stream,
    subscribe,
)
from arb.exchange.client.fast_sockets import Socket
from arb.feeds.lag import Lag
from arb.feeds.live import LiveBooks
from arb.feeds.source import Best
from arb.limits import FEED_LATE_MAX, FEED_LEVELS_BEHIND_S

log = structlog.get_logger()

WHY_CHARS_MAX: Final = 200
_LEVELS_BEHIND_NS: Final = round(FEED_LEVELS_BEHIND_S * NS_PER_S)


class Carried:
    """What was last told of a market on the connection that carries it."""

    __slots__ = ("best", "best_id", "best_late", "levels_id", "levels_late", "name", "overtaken_ns", "symbol")  # fmt: skip

    def __init__(self, name: str, symbol: str) -> None:
        self.name = name
        self.symbol = symbol
        self.forget()

    def forget(self) -> None:
        """Know nothing of it."""
        self.best: Best | None = None
        self.best_id = 0
        self.levels_id = 0
        self.best_late = self.levels_late = 0  # messages of lower numbers in a row
        self.overtaken_ns: int | None = None  # since when best prices are newer than the levels

    @property
    def untold(self) -> bool:
        """Whether its streams have said nothing yet."""
        return not (self.best_id or self.levels_id)


class Group:
    """Some markets, and what is counted of the connections that carry them, one after the other."""

    def __init__(self, name: str, markets: Sequence[Carried], clock: Clock) -> None:
        self.name = name
        self.markets = markets
        self.lag = Lag(clock, name)
        self.messages = 0  # of streams
        self.late = 0  # of them, or told twice
        self.unknown: set[str] = set()  # streams that the venue refused when last asked for


class Carrier:
    """One connection, from its opening to its end; what it says afterwards is not heard."""

    def __init__(self, group: Group, books: LiveBooks, clock: Clock) -> None:
        self._group = group
        self._books = books
        self._now_ns = clock.now_ns
        self._best = {best_stream(one.symbol): one for one in group.markets}
        self._levels = {levels_stream(one.symbol): one for one in group.markets}
        self.socket: Socket | None = None
        self.over = asyncio.Event()
        self._lost = False
        self.why = ""
        self.proved = False  # whether it brought anything
        names = [*self._best, *self._levels]
        known = [name for name in names if name not in group.unknown]
        # What was refused once may have been refused for a moment only: it is asked for again, after
        # the others and apart from them, so that they need not be told apart from it once more.
        refused = [name for name in names if name in group.unknown]
        # Streams that are to be asked for.
        self.wanted = deque(some for some in (known, refused) if some)
        self.asked: dict[int, list[str]] = {}  # by the number of the request
        self._number = 0
        self.heard_ns = self._now_ns()
        self._pinged_ns: list[int] = []  # pings without an answer
        self._known_ns = self.heard_ns  # when the last ping that was answered was sent
        self._lagging = False

    @property
    def untold(self) -> bool:
        """Whether there are markets that have said nothing yet, and will when they change."""
        return any(self._is_quiet(one) for one in self._group.markets)

    @property
    def behind_ns(self) -> int | None:
        """While it lags, up to when everything that was said has been heard."""
        return self._known_ns if self._lagging else None

    def ask(self, names_max: int) -> None:
        """Ask for some of the streams that are wanted."""
        if self.socket is None:
            return
        names = self.wanted.popleft()
        if len(names) > names_max:
            self.wanted.appendleft(names[names_max:])
            names = names[:names_max]
        self._number += 1
        self.asked[self._number] = names
        self.socket.send(subscribe(self._number, names))

    def ping(self) -> None:
        """Ask for a pong: what was said before it has been heard when it comes."""
        if self.socket is None:
            return
        now_ns = self._now_ns()
        if self._pinged_ns:
            self._lagging = self._group.lag.note(now_ns - self._pinged_ns[0])
        self._pinged_ns.append(now_ns)
        self.socket.ping()

    def fill(self, told: object) -> None:
        """Take what stands in markets that have said nothing since they were asked.

        Only where both streams were granted: what stands in a market that none follows is of this
        moment, and would count as fresh for as long as the connection lives.
        """
        by_symbol = {one.symbol: one for one in self._group.markets if self._is_quiet(one)}
        now_ns = self._now_ns()
        for row in best_rows(told):
            market = by_symbol.get(row.symbol)
            if market is None or not (row.bid or row.ask):
                continue
            # It has no number: whatever a stream says is newer.
            best = (row.bid, row.bid_size, row.ask, row.ask_size)
            self._books.put_best(market.name, best, None, now_ns)

    def lose(self) -> None:
        """Forget every book, and hear nothing more: the connection is over. Once is enough."""
        if self._lost:
            return
        self._lost = True
        self.over.set()
        if self.socket is not None:
            self.socket.end()
            self.socket = None
        for market in self._group.markets:
            market.forget()
            self._books.drop(market.name)

    # --- what it hears

    def text(self, payload: memoryview) -> None:
        """Hear a message."""
        if self._lost:
            return
        at_ns = self.heard_ns = self._now_ns()
        try:
            message = decode(payload)
        except msgspec.MsgspecError as error:
            self.spoilt(f"not a message: {error}")
            return
        data = message.data
        if data is None:
            self._answered(message)
            return
        self._group.messages += 1
        market = self._best.get(message.stream)
        if market is None:
            self._take_levels(message.stream, data, at_ns)
        elif data.u > market.best_id:
            market.best_id = data.u
            market.best_late = 0
            market.best = best = (data.b, data.B, data.a, data.A)
            if data.u > market.levels_id:
                since_ns = market.overtaken_ns
                if since_ns is None:
                    since_ns = market.overtaken_ns = at_ns
                # Of a stream that stands still nothing is known any more.
                alone = at_ns - since_ns > _LEVELS_BEHIND_NS
                self._books.put_best(market.name, best, data.u, at_ns, alone=alone)
        else:
            market.best_late += data.u < market.best_id
            self._late(message.stream, market.best_late)

    def pong(self) -> None:
        """Hear the answer to the oldest ping."""
        if self._lost:
            return
        now_ns = self.heard_ns = self._now_ns()
        if self._pinged_ns:
            self._known_ns = self._pinged_ns.pop(0)
            self._lagging = self._group.lag.note(now_ns - self._known_ns)

    def spoilt(self, what: str) -> None:
        """End the connection: nothing that it says is believed any more."""
        self.why = self.why or what
        self.lose()

    def closed(self) -> None:
        """Learn that the connection is over."""
        self.lose()

    def _take_levels(self, stream: str, data: Data, at_ns: int) -> None:
        market = self._levels.get(stream)
        if market is None:
            self.spoilt(f"a stream that was not asked for: {stream[:100]}")
            return
        if data.last_update_id <= market.levels_id:
            market.levels_late += data.last_update_id < market.levels_id
            self._late(stream, market.levels_late)
            return
        market.levels_id = number = data.last_update_id
        market.levels_late = 0
        market.overtaken_ns = at_ns if market.best_id > number else None
        newer = None
        if market.best_id > number:
            newer, number = market.best, market.best_id
        self._books.put_levels(market.name, (data.bids, data.asks), newer, number, at_ns)

    def _is_quiet(self, market: Carried) -> bool:
        streams = {best_stream(market.symbol), levels_stream(market.symbol)}
        return market.untold and not streams & self._group.unknown

    def _late(self, stream: str, in_a_row: int) -> None:
        """Count a message that is no news; a stream that went back for good is believed no longer."""
        self._group.late += 1
        if in_a_row >= FEED_LATE_MAX:
            self.spoilt(f"the numbers of {stream} began anew")

    def _answered(self, message: Message) -> None:
        names = None if message.id is None else self.asked.pop(message.id, None)
        if names is None:
            self.spoilt(f"an answer to nothing that was asked: {message}"[:WHY_CHARS_MAX])
        elif message.error is None:
            self.proved = True
            self._group.unknown.difference_update(names)
        elif len(names) > 1:
            # One of them is not there any more; the others must not go without.
            half = len(names) // 2
            self.wanted.extend((names[:half], names[half:]))
        else:
            self._group.unknown.update(names)
            log.warning("stream.unknown", name=names[0])
