"""Keys of the paper venue's faults: each one, always on, does what its name says, and nothing else does."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest
from msgspec import structs

from arb.clock import NS_PER_S
from arb.exchange.port import (
    Banned,
    Maintenance,
    OrderNotFound,
    OrderReport,
    Refused,
    Unreachable,
    VenueError,
)
from arb.strategy.schema import Faults
from tests.exchange.scripted import order
from tests.spec.scripted_feed import BEGIN_S
from tests.spec.wired import Wired, recorded, wired

LATENCY_S: Final = 0.05  # of one call, where the file says nothing else
Story = Callable[[Wired], Awaitable[object]]


async def create(here: Wired) -> OrderReport:
    """Buy BTC; the call alone, with a timestamp that no delay takes out of its window."""
    now_ns = here.clock.now_ns() + NS_PER_S // 2
    told: OrderReport = await here.venue.create(
        order("BTC/USDT", "buy", "0.1", "60000", client_order_id="x", venue_time_ns=now_ns)
    )
    return told


def filled(here: Wired) -> list[str | None]:
    """What the account knows of, whatever was told."""
    return [one.client_order_id for one in here.within.account.all_orders() if one.filled > 0]


def passed_s(here: Wired) -> float:
    """How long the story has taken."""
    return (here.clock.now_ns() - BEGIN_S * NS_PER_S) / NS_PER_S


async def fails(here: Wired, error: type[VenueError]) -> list[str | None]:
    """See a create fail; gives what was executed all the same."""
    with pytest.raises(error):
        await create(here)
    return filled(here)


async def reply_lost(here: Wired) -> object:
    return await fails(here, Unreachable) == ["x"] and passed_s(here) < 1


async def request_lost(here: Wired) -> object:
    return await fails(here, Unreachable) == []


async def reply_never(here: Wired) -> object:
    return await fails(here, Unreachable) == ["x"] and passed_s(here) > 59


async def request_delayed(here: Wired) -> object:
    (fill,) = (await create(here)).fills or ()
    assert fill.venue_ns is not None
    return (fill.venue_ns - BEGIN_S * NS_PER_S) / NS_PER_S > LATENCY_S / 2


async def reply_delayed(here: Wired) -> object:
    await create(here)
    return passed_s(here) > LATENCY_S


async def refused(here: Wired) -> object:
    return await fails(here, Refused) == []


async def banned(here: Wired) -> object:
    return await fails(here, Banned) == []


async def maintenance(here: Wired) -> object:
    return await fails(here, Maintenance) == []


async def read_fails(here: Wired) -> object:
    await create(here)
    with pytest.raises(Unreachable):
        await here.venue.balances()
    return True


async def order_hidden(here: Wired) -> object:
    await create(here)
    with pytest.raises(OrderNotFound):
        await here.venue.order("BTC/USDT", "x")
    await here.clock.sleep(1)
    return (await here.venue.order("BTC/USDT", "x")).status == "closed"


async def late_fill(here: Wired) -> object:
    told = await create(here)
    first = await here.venue.trades("BTC/USDT", 0)
    await here.clock.sleep(5)
    later = await here.venue.trades("BTC/USDT", 0)
    return (told.status, len(first), len(later)) == ("canceled", 0, 1)


async def duplicated_reports(here: Wired) -> object:
    one, two = (await create(here)).fills or ()
    return one == two


async def altered_reports(here: Wired) -> object:
    one, two = (await create(here)).fills or ()
    return one.trade_id == two.trade_id and one.price != two.price


async def reordered_reports(here: Wired) -> object:
    told = await create(here)
    return (told.status, told.filled, filled(here)) == ("open", 0, ["x"])


async def none_fields(here: Wired) -> object:
    told = await create(here)
    reports = (told, *(told.fills or ()))
    values = [getattr(one, name) for one in reports for name in one.__struct_fields__]
    return values.count(None) == 1


async def garbage(here: Wired) -> object:
    told = await create(here)
    return told.exchange_order_id in {None, ""} and filled(here) == ["x"]


STORIES: Final[dict[str, Story]] = {
    "reply_lost": reply_lost,
    "request_lost": request_lost,
    "request_delayed": request_delayed,
    "reply_delayed": reply_delayed,
    "reply_never": reply_never,
    "order_hidden": order_hidden,
    "late_fill": late_fill,
    "duplicated_reports": duplicated_reports,
    "reordered_reports": reordered_reports,
    "altered_reports": altered_reports,
    "refused": refused,
    "banned": banned,
    "maintenance": maintenance,
    "none_fields": none_fields,
    "garbage": garbage,
    "read_fails": read_fails,
}


@pytest.mark.parametrize("fault", STORIES)
def test_a_fault_that_always_strikes_does_what_its_name_says(tmp_path: Path, fault: str) -> None:
    keys = {**recorded(tmp_path, "paper"), f"execution.paper.faults.{fault}": 1}
    assert wired(tmp_path, keys, STORIES[fault])


def test_every_fault_of_the_schema_has_its_story() -> None:
    assert list(STORIES) == list(Faults.__struct_fields__)


def test_without_faults_an_order_is_told_as_it_is(tmp_path: Path) -> None:
    async def story(here: Wired) -> None:
        told = await create(here)
        assert passed_s(here) == LATENCY_S
        assert (told.status, told.filled, filled(here)) == ("closed", told.amount, ["x"])
        assert await here.venue.order("BTC/USDT", "x") == structs.replace(told, fills=None)

    wired(tmp_path, recorded(tmp_path, "paper"), story)
