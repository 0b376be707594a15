"""A backtest decides where the recording says that somebody could: between two drains, not within one."""

from decimal import Decimal
from pathlib import Path

import pytest

from arb.clock import NS_PER_S, VirtualClock
from arb.feeds.book_rows import Heading
from arb.feeds.generated import GeneratedMarket
from arb.feeds.recorder import Recorder
from arb.feeds.source import Change
from arb.market.book import Book
from tests.spec.command_line import invoke, paper_strategy

RULES = GeneratedMarket(1).markets
BEGAN_NS = 1_700_000_000 * NS_PER_S


def book(market: str, bid: str, ask: str, number: int) -> Book:
    size = Decimal(50)
    return Book(market, ((Decimal(bid), size),), ((Decimal(ask), size),), number)


def recorded(path: Path, *, apart: bool) -> Path:
    """ETH rises far above its worth, and before anybody can look so does BTC."""
    heading = Heading(
        venue="binance", feed="live", began_ns=BEGAN_NS, markets=tuple(RULES.values())
    )
    quiet = [
        book("BTC/USDT", "40000.00", "40000.01", 1),
        book("ETH/BTC", "0.05000", "0.05001", 1),
        book("ETH/USDT", "2000.00", "2000.01", 1),
    ]
    dear = [book("ETH/USDT", "2040.00", "2040.01", 2), book("BTC/USDT", "41000.00", "41000.01", 2)]
    second = BEGAN_NS + NS_PER_S
    with Recorder(path, heading, VirtualClock()) as recorder:
        for left, one in zip((2, 1, 0), quiet, strict=True):
            recorder.take(Change(BEGAN_NS, one.market, one, left > 0))
        recorder.take(Change(second, "ETH/USDT", dear[0], not apart))
        recorder.take(Change(second + NS_PER_S // 1_000, "BTC/USDT", dear[1]))
        recorder.take(Change(second + 5 * NS_PER_S, "ETH/BTC", quiet[1]))
    return path


@pytest.mark.parametrize(("apart", "taken"), [(True, 1), (False, 0)])
def test_what_came_in_one_go_is_judged_when_all_of_it_is_there(
    folder: Path,
    apart: bool,  # noqa: FBT001 -- drawn
    taken: int,
) -> None:
    strategy = paper_strategy(folder, min_profit="50", open_cycles="1")
    told = invoke(
        *("--strategy", strategy, "--mode", "backtest", "--db", folder / "b.db", "--json"),
        *("--data-file", recorded(folder / "books.rec.gz", apart=apart)),
    )
    assert told.code == 0, told.err
    assert told.summary["opportunities"]["taken"] == taken
    assert told.summary["opportunities"]["states"] == 1, "it is counted, whoever could act on it"
