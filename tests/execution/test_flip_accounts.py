"""Keys that say what the account of a run holds at first, and what its venue charges."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from arb.exchange.port import FillReport
from tests.exchange.scripted import order, send
from tests.spec.scripted_feed import SIZE, Moment
from tests.spec.wired import MODES, STANDING, Wired, fill_of, recorded, wired

BNB: Moment = (0, ("BNB/USDT", "500.00", "500.00"), SIZE)
FALLEN: Moment = (1, ("BTC/USDT", "48990.00", "49000.00"), SIZE)
pytestmark = pytest.mark.parametrize("mode", MODES)


def bought(folder: Path, mode: str, keys: Mapping[str, object], *moments: Moment) -> FillReport:
    """How 0.1 BTC are bought of such a venue."""

    async def story(here: Wired) -> FillReport:
        return fill_of(await here.buy())

    return wired(folder, {**recorded(folder, mode, (*STANDING, *moments)), **keys}, story)


@pytest.mark.parametrize("bps", [4, 25])
def test_who_takes_pays_the_takers_fee(tmp_path: Path, mode: str, bps: int) -> None:
    told = bought(tmp_path, mode, {"fees.taker_bps": bps})
    assert (told.fee_asset, told.fee) == ("BTC", Decimal("0.1") * bps / 10_000)


@pytest.mark.parametrize("bps", [4, 25])
def test_who_rests_pays_the_makers_fee(tmp_path: Path, mode: str, bps: int) -> None:
    async def story(here: Wired) -> FillReport:
        resting = order("BTC/USDT", "buy", "0.1", "49500", time_in_force="gtc")
        assert (await send(here.venue, resting)).status == "open"
        await here.clock.sleep(2)
        (told,) = await here.venue.trades("BTC/USDT", 0)
        return told

    keys = {**recorded(tmp_path, mode, (*STANDING, FALLEN)), "fees.maker_bps": bps}
    assert wired(tmp_path, keys, story).fee == Decimal("0.1") * bps / 10_000


def test_fees_are_taken_from_a_fee_currency_where_there_is_one(tmp_path: Path, mode: str) -> None:
    usual = bought(tmp_path, mode, {}, BNB)
    third = bought(tmp_path, mode, {"fees.fee_currency": "BNB"}, BNB)
    assert (usual.fee_asset, third.fee_asset) == ("BTC", "BNB")
    assert third.fee is not None
    assert Decimal("0.0099") < third.fee <= Decimal(5000) / 1000 / 500  # at the middle of the book


def test_without_fees_the_exchange_says_what_is_charged(tmp_path: Path, mode: str) -> None:
    left_out = {"fees.taker_bps": None, "fees.maker_bps": None}
    charged = {
        venue: bought(tmp_path, mode, {**left_out, "exchange": venue}).fee
        for venue in ("binance", "coinbase")
    }
    assert charged["binance"] == Decimal("0.0001")
    assert charged["coinbase"] != charged["binance"]


def test_an_account_begins_with_its_initial_balances(tmp_path: Path, mode: str) -> None:
    async def story(here: Wired) -> dict[str, Decimal]:
        return {asset: held.total for asset, held in (await here.venue.balances()).items()}

    for balances in ({"USDT": 5}, {"BTC": 2, "ETH": 3}):
        text = "{" + ", ".join(f"{asset}: {held}" for asset, held in balances.items()) + "}"
        keys = {**recorded(tmp_path, mode), f"execution.{mode}.initial_balances": text}
        assert wired(tmp_path, keys, story) == balances
