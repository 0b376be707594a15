"""Keys that say which market a run trades on."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

import pytest

from arb.errors import ConfigInvalid
from arb.execution.runs.assembling import shared
from arb.feeds.generated import GeneratedMarket
from arb.market.book import Book
from arb.strategy.loader import load
from tests.spec.flipped import written
from tests.spec.scripted_feed import BTC, ETH, ETH_BTC, SIZE
from tests.spec.wired import MODES, Wired, fill_of, recorded, wired

PAPER = "execution.paper."
GENERATED = {PAPER + "feed": "generated"}


async def listed(here: Wired) -> set[str]:
    """The markets of the venue."""
    return set(await here.venue.markets())


def shown(market: str, after_s: float = 0) -> Callable[[Wired], Awaitable[Book]]:
    """The book of a market after a while."""

    async def story(here: Wired) -> Book:
        await here.clock.sleep(after_s)
        book: Book = here.venue.book(market)
        return book

    return story


def test_a_paper_market_is_made_up_or_recorded(tmp_path: Path) -> None:
    keys = recorded(tmp_path, "paper")
    assert wired(tmp_path, keys, listed) == {BTC[0], ETH_BTC[0], ETH[0]}
    made_up = {**keys, **GENERATED, PAPER + "data_file": None}
    assert wired(tmp_path, made_up, listed) == set(GeneratedMarket(42).markets)


@pytest.mark.parametrize("count", [6, 9, 20])
def test_a_generated_market_has_as_many_currencies_as_it_is_told(
    tmp_path: Path, count: int
) -> None:
    markets = wired(tmp_path, {**GENERATED, PAPER + "currencies": count}, listed)
    assert len({code for market in markets for code in market.split("/")}) == count


@pytest.mark.parametrize("mode", MODES)
def test_the_recording_that_is_named_is_played(tmp_path: Path, mode: str) -> None:
    async def story(here: Wired) -> Decimal | None:
        return fill_of(await here.buy()).price

    keys = recorded(tmp_path, mode, tuple((0, book, SIZE) for book in (ETH_BTC, ETH, BTC)))
    (tmp_path / "feed.csv").rename(tmp_path / "one.csv")
    cheaper = (0, (BTC[0], "39990.00", "40000.00"), SIZE)
    recorded(tmp_path, mode, (*((0, book, SIZE) for book in (ETH_BTC, ETH)), cheaper))
    (tmp_path / "feed.csv").rename(tmp_path / "two.csv")
    for file, price in (("one.csv", "50000.00"), ("two.csv", "40000.00")):
        named = {**keys, f"execution.{mode}.data_file": file}
        assert wired(tmp_path, named, story) == Decimal(price)


def test_another_random_seed_makes_another_market(tmp_path: Path) -> None:
    one, again, other = (
        wired(tmp_path, {**GENERATED, PAPER + "random_seed": seed}, shown("BTC/USDT"))
        for seed in (1, 1, 2)
    )
    assert one == again
    assert one.bids != other.bids


@pytest.mark.parametrize(("step_ms", "steps"), [(100, 30), (1_000, 3)])
def test_a_generated_market_has_new_books_with_every_step(
    tmp_path: Path, step_ms: int, steps: int
) -> None:
    keys = {**GENERATED, PAPER + "step_ms": step_ms}
    now, later = (wired(tmp_path, keys, shown("BTC/USDT", after_s)) for after_s in (0, 3))
    assert later.sequence - now.sequence == steps


def test_strategies_of_one_run_play_one_recording(tmp_path: Path) -> None:
    """Paths are relative to their files, so that the same words may name two recordings."""
    loaded = []
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        keys = recorded(tmp_path / folder, "backtest")
        loaded.append(load(written(tmp_path / folder, {**keys, "name": folder})))
    with pytest.raises(ConfigInvalid, match="`data_file` differs"):
        shared(loaded)
    (tmp_path / "other" / "feed.csv").unlink()
    (tmp_path / "other" / "feed.csv").symlink_to(tmp_path / "one" / "feed.csv")
    assert shared(loaded) == loaded[0].strategy
