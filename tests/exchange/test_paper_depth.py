"""What our orders took of a level stays taken while the level stands, whoever looks, however often."""

import asyncio
import random
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from arb.clock import VirtualClock
from arb.exchange.paper.account import PaperAccount
from arb.exchange.paper.venue import PaperVenue
from arb.feeds.generated import GeneratedMarket
from arb.feeds.live import LiveBooks
from arb.feeds.live_market import LiveMarket
from arb.feeds.source import Change
from arb.market.book import Level
from tests.exchange.scripted import (
    FEES,
    MARKETS,
    OPENING,
    SECOND_NS,
    START_NS,
    at,
    order,
    paper_venue,
    send,
)
from tests.market.examples import book

M = "ETH/USDT"
BIDS = [("1999", "0.5"), ("1998", "1")]
ASKS = [("2000", "0.5"), ("2001", "1")]


def told(seconds: float, asks: list[tuple[str, str]] = ASKS, *, bids: object = BIDS) -> Change:
    """A row of the market: numbered by its time, so that no two rows have the same number."""
    return at(seconds, book(M, bids, asks, 10 + round(seconds * 1_000)))  # type: ignore[arg-type]


def first_ask(venue: PaperVenue) -> tuple[str, str]:
    shown = venue.book(M)
    assert shown is not None
    price, size = shown.asks[0]
    return str(price), str(size.normalize())


def after_a_buy(rows: Sequence[Change], seconds: float) -> tuple[str, str]:
    """Take 0.3 of the 0.5 at the touch, let rows come, and read the touch."""

    async def story() -> tuple[str, str]:
        clock = VirtualClock(START_NS)
        venue = paper_venue(rows=rows, clock=clock)
        assert (await send(venue, order(amount="0.3"))).filled == Decimal("0.3")
        await clock.sleep(seconds)
        return first_ask(venue)

    return asyncio.run(story())


@pytest.mark.parametrize(
    "rows",
    [
        [told(1), told(2), told(3)],
        [told(1, bids=[("1999", "0.7")]), told(2, bids=[("1998.5", "1")]), told(3, bids=[])],
        [told(1, [("2000", "0.5"), ("2001", "7")]), told(2, [("2000", "0.5")])],
        [told(1, [("1999.5", "9"), *ASKS]), told(2)],
    ],
    ids=["the same row", "the other side", "another level", "a better price comes and goes"],
)
def test_what_was_taken_stays_taken_while_its_level_stands(rows: list[Change]) -> None:
    assert after_a_buy(rows, 4) == ("2000", "0.2")


@pytest.mark.parametrize(
    ("rows", "size"),
    [
        ([told(1, [("2000", "0.6")])], "0.6"),
        ([told(1, [("2000", "0.4")])], "0.4"),
        ([told(1, [("2000", "0.6")]), told(2)], "0.5"),
        ([told(1, [("2001", "1")]), told(2)], "0.5"),
        ([told(1, [], bids=[]), told(2)], "0.5"),
    ],
    ids=["larger", "smaller", "another size for a while", "gone for a while", "no book"],
)
def test_a_level_is_whole_again_once_it_was_another_one(rows: list[Change], size: str) -> None:
    assert after_a_buy(rows, 4) == ("2000", size)


def test_no_more_is_ever_taken_of_a_level_than_stood_there() -> None:
    async def story() -> Decimal:
        clock = VirtualClock(START_NS)
        rows = [told(n, bids=[("1999", str(1 + n % 2))]) for n in range(1, 60)]
        venue = paper_venue(rows=rows, clock=clock)
        for _ in range(50):
            await send(venue, order(amount="0.2"))
            await clock.sleep(1)
        return sum((one.filled for one in venue.account.all_orders()), Decimal(0))

    assert asyncio.run(story()) == Decimal("0.5")


def test_the_shown_size_of_a_level_counts_and_not_what_was_left_of_it() -> None:
    """The second row happens to show as much as we had left: it is another size than before."""
    assert after_a_buy([told(1, [("2000", "0.2")])], 2) == ("2000", "0.2")


def test_both_sides_and_every_market_are_remembered_by_themselves() -> None:
    async def story() -> list[str]:
        venue = paper_venue(rows=[told(1)])
        await send(venue, order(amount="0.3"))
        await send(venue, order(side="sell", amount="0.1", limit="1999"))
        await send(venue, order("BTC/USDT", "sell", "0.25", "50000"))
        shown, other = venue.book(M), venue.book("BTC/USDT")
        assert shown is not None
        assert other is not None
        return [str(level[1].normalize()) for level in (*shown.asks, *shown.bids, *other.bids)]

    assert asyncio.run(story()) == ["0.2", "1", "0.4", "1", "0.75"]


def _walk(seed: int) -> list[Change]:
    """Rows in which levels come, go, and stand."""
    draw = random.Random(seed)
    rows = []
    for n in range(1, 40):
        asks = [
            (p, draw.choice(("0.5", "0.5", "1"))) for p in ("2000", "2001") if draw.random() < 0.9
        ]
        rows.append(told(n / 2, asks, bids=BIDS[: draw.randint(0, 2)]))
    return rows


def _story(
    seed: int, *, looks: int, path: Path | None = None, restarts: bool = False
) -> list[tuple[Level, ...]]:
    """Trade through such rows; the book after each order, read more or less often in between."""

    async def story() -> list[tuple[Level, ...]]:
        clock, rows = VirtualClock(START_NS), _walk(seed)
        venue = paper_venue(path=path, rows=rows, clock=clock)
        draw = random.Random(seed + 1)
        seen = []
        for _ in range(8):
            amount, limit = draw.choice(("0.1", "0.3", "0.7")), draw.choice(("2000", "2001"))
            await send(venue, order(amount=amount, limit=limit))
            wait_s = draw.choice((0.2, 1, 3))
            for _ in range(looks):
                await clock.sleep(wait_s / looks)
                venue.book(M)
            await clock.sleep(wait_s if not looks else 0)
            if restarts:
                venue.account.close()
                venue = paper_venue(path=path, rows=rows, clock=clock)
            shown = venue.book(M)
            seen.append(() if shown is None else shown.asks)
        return seen

    return asyncio.run(story())


@pytest.mark.parametrize("seed", range(12))
def test_what_is_left_depends_on_no_reader_and_on_no_restart(seed: int, tmp_path: Path) -> None:
    unread = _story(seed, looks=0)
    assert _story(seed, looks=1) == _story(seed, looks=16) == unread
    assert _story(seed, looks=0, path=tmp_path / "a", restarts=True) == unread
    assert _story(seed, looks=4, path=tmp_path / "b", restarts=True) == unread


def test_a_look_back_is_not_clouded_by_what_was_seen_since() -> None:
    """A stale book is one of an earlier time: its level stood then, though it was left since."""

    async def story() -> None:
        clock = VirtualClock(START_NS)
        rows = [told(1), told(3, [("2001", "1")])]
        venue = paper_venue(rows=rows, clock=clock)
        await send(venue, order(amount="0.3"))
        await clock.sleep(4)
        assert first_ask(venue) == ("2001", "1")
        stale = venue._desk.book(M, START_NS + 2 * SECOND_NS)
        assert stale is not None
        assert stale.asks[0] == (Decimal(2000), Decimal("0.2"))

    asyncio.run(story())


def test_a_resting_order_takes_a_standing_level_once() -> None:
    async def story() -> Decimal:
        clock = VirtualClock(START_NS)
        crossed = [("1990", "0.3")]
        low = [("1980", "1")]
        rows = [told(n, crossed, bids=low) for n in (1, 2, 3)] + [
            told(4, [("1990", "0.2")], bids=low)
        ]
        venue = paper_venue(rows=rows, clock=clock)
        venue.foreign_order(M, "buy", Decimal(2), limit=Decimal(1990), time_in_force="gtc")
        await clock.sleep(5)
        venue.statement(0)
        return venue.account.all_orders()[0].filled

    assert asyncio.run(story()) == Decimal("0.5")


def test_what_is_remembered_is_never_more_than_stands_in_the_book() -> None:
    async def story() -> int:
        clock = VirtualClock(START_NS)
        rows = [told(n, [(str(2000 + n), "0.5")]) for n in range(1, 40)]
        venue = paper_venue(rows=rows, clock=clock)
        for n in range(40):
            await send(venue, order(amount="0.1", limit=str(2000 + n)))
            await clock.sleep(1)
        assert len(venue.account.all_fills()) == 40
        return len(venue.account.taken(M).levels)

    assert asyncio.run(story()) == 1


def test_what_was_rolled_back_was_not_taken() -> None:
    venue = paper_venue()

    def fail() -> None:
        with venue.account.transaction():
            venue.account.put_taken(
                M, START_NS, {("buy", Decimal(2000)): (Decimal("0.5"), Decimal(1))}
            )
            assert venue.account.taken(M).levels
            venue.account.book_balance("USDT", free=Decimal(-20_000))

    with pytest.raises(Exception, match="USDT would be"):
        fail()
    assert venue.account.taken(M).levels == {}
    assert first_ask(venue) == ("2000", "0.5")


def test_of_live_books_those_count_that_stand_when_an_order_comes() -> None:
    """A live market tells no past; that it is looked at changes nothing."""

    async def story(looks: int) -> list[tuple[str, str]]:
        clock = VirtualClock(START_NS)
        books = LiveBooks(clock)
        venue = PaperVenue(
            PaperAccount.open(None, uid="p", opening=OPENING),
            LiveMarket(books, MARKETS),
            clock,
            fees=FEES,
            latency_ns=0,
        )
        seen = []

        def put(*asks: tuple[str, str]) -> None:
            books.put(M, BIDS, asks)
            for _ in range(looks):
                venue.book(M)

        put(*ASKS)
        await send(venue, order(amount="0.3"))
        put(*ASKS)
        seen.append(first_ask(venue))
        put(("2001", "1"))  # nobody trades on it
        put(*ASKS)
        seen.append(first_ask(venue))
        put(("2001", "1"))
        await send(venue, order(amount="0.1", limit="2001"))
        put(*ASKS)
        seen.append(first_ask(venue))
        return seen

    assert (
        asyncio.run(story(0))
        == asyncio.run(story(3))
        == [("2000", "0.2"), ("2000", "0.2"), ("2000", "0.5")]
    )


def test_a_generated_book_is_new_with_every_step() -> None:
    async def story() -> None:
        clock, market = VirtualClock(START_NS), GeneratedMarket(3)
        account = PaperAccount.open(None, uid="p", opening={"USDT": Decimal(10_000)})
        venue = PaperVenue(account, market, clock, fees=FEES, latency_ns=0)
        before = venue.book(M)
        assert before is not None
        venue.foreign_order(M, "buy", Decimal("0.01"))
        left = venue.book(M)
        assert left is not None
        assert left.asks[0][1] == before.asks[0][1] - Decimal("0.01")
        await clock.sleep(market.step_ns / SECOND_NS)
        assert venue.book(M) == market.book_at(M, clock.now_ns())

    asyncio.run(story())
