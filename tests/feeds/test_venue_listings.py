"""Listings in the words of venues, and the cycles that recorded ones must have."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from arb.errors import FeedInvalid
from arb.feeds.listing_values import AMOUNT_UNLIMITED
from arb.feeds.listings import read_listing
from arb.market.book import MarketRules
from arb.market.cycles import count_cycles, directed_cycles
from arb.money import ZERO
from tests.feeds.listing_examples import VENUES, body, market_of, written
from tests.spec.shared_data import shared_data


def rules(market: str, *numbers: str) -> MarketRules:
    """Rules by tick, step, smallest and largest amount, and smallest notional."""
    base, quote = market.split("/")
    tick_size, step_size, amount_min, amount_max, notional_min = map(Decimal, numbers)
    return MarketRules(
        market=market,
        base=base,
        quote=quote,
        tick_size=tick_size,
        step_size=step_size,
        amount_min=amount_min,
        amount_max=amount_max,
        notional_min=notional_min,
        active=True,
    )


def read_with(folder: Path, venue: str, **changes: Any) -> MarketRules:
    """The market of a venue's example with some values changed; None takes one away."""
    found = body(venue)
    market = market_of(found, venue)
    market.update(changes)
    for key in [key for key, value in changes.items() if value is None]:
        del market[key]
    (one,) = read_listing(written(folder, found)).values()
    return one


@pytest.mark.parametrize(
    ("venue", "expected"),
    [
        ("binance", rules("ETH/BTC", "0.000001", "0.0001", "0.0002", "9000", "0.0001")),
        ("kraken", rules("XBT/USD", "0.1", "0.00000001", "0.0002", str(AMOUNT_UNLIMITED), "0")),
        ("coinbase", rules("BTC/USD", "0.01", "0.00000001", "0.001", "280", "10")),
        ("kucoin", rules("BSV/BTC", "0.000001", "0.00000001", "0.001", "10000000000", "0.00001")),
        ("okx", rules("BTC/USDT", "0.1", "0.00000001", "0.00001", "9999999999", "0")),
    ],
)
def test_a_venue_s_words_are_rules(tmp_path: Path, venue: str, expected: MarketRules) -> None:
    assert read_with(tmp_path, venue) == expected


@pytest.mark.parametrize(
    ("venue", "changes", "active"),
    [
        ("binance", {"status": "BREAK"}, False),
        ("binance", {"isSpotTradingAllowed": False}, False),
        ("kraken", {"status": "online"}, True),
        ("kraken", {"status": "limit_only"}, True),
        ("kraken", {"status": "cancel_only"}, False),
        ("kraken", {"status": "post_only"}, False),
        ("coinbase", {"limit_only": True}, True),
        ("coinbase", {"cancel_only": True}, False),
        ("coinbase", {"post_only": True}, False),
        ("coinbase", {"trading_disabled": True}, False),
        ("coinbase", {"auction_mode": True}, False),
        ("coinbase", {"auction_mode": False}, True),
        ("coinbase", {"status": "delisted"}, False),
        ("kucoin", {"enableTrading": False}, False),
        ("okx", {"state": "suspend"}, False),
        ("own", {"active": False}, False),
    ],
)
def test_a_market_is_active_where_a_limit_order_can_trade(
    tmp_path: Path, venue: str, changes: dict[str, Any], *, active: bool
) -> None:
    assert read_with(tmp_path, venue, **changes).active is active


@pytest.mark.parametrize(
    ("venue", "changes", "what"),
    [
        ("binance", {"status": "NAPPING"}, "symbol 1 'ETHBTC': `status`: expected one of AUCTION_"),
        ("binance", {"status": None}, "symbol 1 'ETHBTC': `status` is missing"),
        ("binance", {"filters": []}, "symbol 1 'ETHBTC': the filter PRICE_FILTER is missing"),
        ("binance", {"filters": {}}, "`filters`: expected a list, found an empty object"),
        ("binance", {"isSpotTradingAllowed": "no"}, "expected true or false, found 'no'"),
        ("kraken", {"wsname": None}, "pair 'XXBTZUSD': `wsname` is missing"),
        ("kraken", {"wsname": "XBTUSD"}, "`wsname`: expected two names such as XBT/USD"),
        ("kraken", {"wsname": "XBT/"}, "`quote of wsname` must be a currency code"),
        ("kraken", {"wsname": "XBT/XBT"}, "name XBT has the code ZUSD here, and the code XXBT"),
        ("kraken", {"lot_multiplier": 10}, "`lot_multiplier`: expected 1, found '10'"),
        ("kraken", {"pair_decimals": 19}, "`pair_decimals`: expected a whole number up to 18"),
        ("kraken", {"lot_decimals": 1.5}, "`lot_decimals`: expected a whole number up to 18"),
        ("kraken", {"ordermin": None}, "`ordermin` is missing"),
        ("kraken", {"status": "napping"}, "`status`: expected one of cancel_only"),
        ("coinbase", {"base_currency": "USD"}, "product 1 'BTC-USD': base and quote are both USD"),
        ("coinbase", {"status": "napping"}, "`status`: expected one of delisted"),
        ("coinbase", {"min_market_funds": None}, "`min_market_funds` is missing"),
        ("coinbase", {"base_max_size": "0"}, "the largest amount 0 is below the smallest, 0.001"),
        ("kucoin", {"enableTrading": 1}, "symbol 1 'BCHSV-BTC': `enableTrading`: expected true or"),
        ("kucoin", {"baseCurrency": ""}, "`baseCurrency` must be a currency code such as BTC"),
        ("okx", {"instType": "SWAP"}, "instrument 1 'BTC-USDT': `instType`: expected one of SPOT"),
        ("okx", {"lotSz": ""}, "`lotSz`: expected a number such as \"0.01\", found ''"),
    ],
)
def test_a_value_that_is_wrong_is_told_with_its_market(
    tmp_path: Path, venue: str, changes: dict[str, Any], what: str
) -> None:
    with pytest.raises(FeedInvalid) as caught:
        read_with(tmp_path, venue, **changes)
    assert what in str(caught.value)


@pytest.mark.parametrize("venue", [venue for venue in VENUES if venue != "own"])
def test_a_market_that_is_listed_twice_is_refused(tmp_path: Path, venue: str) -> None:
    found = body(venue)
    again = market_of(found, venue)
    match found:
        case list(markets) | {"symbols": list(markets)} | {"data": list(markets)}:
            markets.append(again)
        case {"result": pairs}:
            pairs["XBTUSD"] = again
    with pytest.raises(FeedInvalid, match=r": market \w+/\w+: is listed twice"):
        read_listing(written(tmp_path, found))


def test_a_market_must_be_an_object(tmp_path: Path) -> None:
    with pytest.raises(FeedInvalid, match=r"product 1: expected an object .*, found 'BTC-USD'"):
        read_listing(written(tmp_path, ["BTC-USD"]))


def test_of_binance_s_two_notional_filters_the_stricter_one_binds(tmp_path: Path) -> None:
    found = body("binance")
    filters = market_of(found, "binance")["filters"]
    filters.append({"filterType": "NOTIONAL", "minNotional": "5.00", "maxNotional": "9000000"})
    assert read_listing(written(tmp_path, found))["ETH/BTC"].notional_min == Decimal(5)
    del filters[2]
    assert read_listing(written(tmp_path, found))["ETH/BTC"].notional_min == Decimal(5)
    del filters[2]
    with pytest.raises(FeedInvalid, match="the filter MIN_NOTIONAL or NOTIONAL is missing"):
        read_listing(written(tmp_path, found))


def test_newer_listings_tell_more_or_less(tmp_path: Path) -> None:
    kraken = read_with(tmp_path, "kraken", tick_size="0.5", costmin="0.5", status="online")
    assert (kraken.tick_size, kraken.notional_min) == (Decimal("0.5"), Decimal("0.5"))
    coinbase = read_with(tmp_path, "coinbase", base_min_size=None, base_max_size=None)
    assert (coinbase.amount_min, coinbase.amount_max) == (Decimal("1E-8"), AMOUNT_UNLIMITED)
    assert read_with(tmp_path, "kucoin", minFunds="0.1").notional_min == Decimal("0.1")
    assert read_with(tmp_path, "okx").notional_min == ZERO


def test_what_is_no_market_yet_or_has_no_book_is_left_out(tmp_path: Path) -> None:
    okx = body("okx")
    okx["data"].append(
        {"instId": "NEW-USDT", "instType": "SPOT", "state": "preopen", "baseCcy": ""}
    )
    assert list(read_listing(written(tmp_path, okx))) == ["BTC/USDT"]
    kraken = body("kraken")
    kraken["result"]["XXBTZUSD.d"] = {"altname": "XBTUSD.d", "base": "XXBT", "quote": "ZUSD"}
    assert list(read_listing(written(tmp_path, kraken))) == ["XBT/USD"]


def test_one_asset_of_kraken_has_one_name(tmp_path: Path) -> None:
    found = body("kraken")
    pair = market_of(found, "kraken")
    found["result"]["XETHXXBT"] = {**pair, "base": "XETH", "quote": "XXBT", "wsname": "ETH/BTC"}
    with pytest.raises(FeedInvalid, match=r"'XETHXXBT': code XXBT has the name BTC here, and the"):
        read_listing(written(tmp_path, found))
    found["result"]["XETHXXBT"]["wsname"] = "USD/XBT"
    with pytest.raises(FeedInvalid, match=r"name USD has the code XETH here, and the code ZUSD"):
        read_listing(written(tmp_path, found))


class Counted(NamedTuple):
    """Figures of a recording that were computed independently."""

    listed: int
    tradable: int
    assets: int
    edges: int
    threes: int  # undirected cycles of three hops
    fours: int


@pytest.mark.parametrize(
    ("name", "counted"),
    [
        ("binance_20211012", Counted(1_695, 1_222, 345, 1_222, 1_982, 129_158)),
        ("kraken_20210417", Counted(293, 293, 64, 293, 584, 12_677)),
        ("coinbase_20210417", Counted(162, 162, 58, 162, 111, 2_757)),
        ("okx_20220513", Counted(513, 513, 356, 513, 217, 7_091)),
        ("kucoin_20210425", Counted(634, 633, 315, 632, 435, 20_015)),
    ],
)
def test_a_recorded_venue_has_the_cycles_that_were_counted(name: str, counted: Counted) -> None:
    markets = read_listing(shared_data("markets", f"{name}.json.gz"))
    active = [one for one in markets.values() if one.active]
    assert (
        Counted(
            listed=len(markets),
            tradable=len(active),
            assets=len({asset for one in active for asset in (one.base, one.quote)}),
            edges=len({frozenset((one.base, one.quote)) for one in active}),
            threes=count_cycles(markets, 3),
            fours=count_cycles(markets, 4),
        )
        == counted
    )
    if counted.edges == counted.tradable:  # no two markets join the same two assets
        lengths = Counter(len(legs) for legs in directed_cycles(markets, 4))
        assert lengths == {3: 2 * counted.threes, 4: 2 * counted.fours}


def test_kucoin_s_two_books_of_one_pair_are_cycles_of_their_own() -> None:
    markets = read_listing(shared_data("markets", "kucoin_20210425.json.gz"))
    found = list(directed_cycles(markets, 3))
    doubled = [legs for legs in found if {"USDT/USDC", "USDC/USDT"} & {leg.market for leg in legs}]
    assert [len(legs) for legs in found].count(2) == 2
    # Each of the rings through the doubled pair is there once per book, in both directions.
    assert len(found) - 2 == 2 * 435 + (len(doubled) - 2) // 2
    assert len(doubled) > 2
