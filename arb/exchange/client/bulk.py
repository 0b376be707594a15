"""Subscribe to the books of many markets in few requests, where a venue takes few of them."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Final

# OKX takes 480 requests for streams an hour on a connection: venue -> markets to ask for in one.
BULK: Final = {"okx": 50}

Begin = Callable[[str, Coroutine[Any, Any, None]], None]


class Bulk:
    """Asks for all that is not subscribed to yet; each market is waited for by itself afterwards."""

    def __init__(self, ccxt: Any, depth: int | None, carrier_of: Callable[[str], Any]) -> None:  # noqa: ANN401 -- ccxt is untyped
        self._ccxt = ccxt
        self._depth = depth
        self._carrier_of = carrier_of  # the connection that carries a market; None where none does
        self._size = BULK.get(ccxt.id, 0)
        self._asking = asyncio.Lock()
        self._alone: dict[str, object] = {}  # market -> the connection that it was asked for on

    async def ask(self, market: str, markets: Iterable[str], begin: Begin) -> None:
        """Subscribe to a market that is not subscribed to, and with it to all others of that kind."""
        async with self._asking:
            if not self._size or self._carrier_of(market) is not None:
                return
            # One that was delisted would spoil the request of all others.
            listed = self._ccxt.markets or ()
            there = [one for one in markets if one in listed]
            missing = [one for one in there if self._carrier_of(one) is None]
            if len(missing) == 1:
                return
            for first in range(0, len(missing), self._size):
                some = missing[first : first + self._size]
                work = self._ccxt.watch_order_book_for_symbols(some, self._depth)
                begin(f"ask {some[0]}", quietly(asyncio.ensure_future(work)))
            await asyncio.sleep(0)  # each is subscribed to before it is asked for by itself

    def ask_alone(self, market: str) -> None:
        """Let a market that got no book be asked for by itself, once on each connection.

        One that is not there any more may have spoilt the request of all that were asked for with it.
        """
        carrier = self._carrier_of(market)
        if not self._size or carrier is None or self._alone.get(market) is carrier:
            return
        self._alone[market] = carrier
        for key in [one for one in carrier.subscriptions if str(one).endswith(f":{market}")]:
            del carrier.subscriptions[key]


async def quietly(work: Awaitable[object]) -> None:
    """Wait for something whose outcome others' waiting tells as well."""
    await asyncio.gather(work, return_exceptions=True)
