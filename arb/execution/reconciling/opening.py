"""Read what an account holds at one moment, so that everything after it can be explained."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from arb.events import facts as f
from arb.exchange.port import Balance, Unreachable
from arb.execution.account.desk import Desk


async def read_opening(desk: Desk, markets: Iterable[str]) -> f.AccountOpened:
    """Read balances that hold all that came before a venue time, and nothing that came after it.

    That is proven by two equal readings around that time without a trade or a change since.
    Raises Unreachable while the account moves, and when it or Banned is what the venue answers.
    """
    access, venue = desk.access, desk.access.venue
    first = _totals(await access.balances())
    now = await access.venue_time_ns()
    for market in markets:
        if await _trades(desk, market, now):
            raise Unreachable(f"somebody trades {market} while the balances are read")
    if await access.read(lambda: venue.balance_changes(now)):
        raise Unreachable("money comes or goes while the balances are read")
    if _totals(await access.balances()) != first:
        raise Unreachable("the balances change while they are read")
    return f.AccountOpened(opening=first, venue_ns=now)


async def _trades(desk: Desk, market: str, since_ns: int) -> bool:
    return bool(await desk.access.read(lambda: desk.access.venue.trades(market, since_ns)))


def _totals(balances: Mapping[str, Balance]) -> dict[str, Decimal]:
    return {asset: balance.total for asset, balance in sorted(balances.items())}
