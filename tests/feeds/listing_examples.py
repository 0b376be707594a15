"""A small listing of each venue, in its own words, made up for the tests."""

import copy
import gzip
import json
from pathlib import Path
from typing import Any, Final

_BINANCE_SYMBOL: Final = {
    "symbol": "ETHBTC",
    "status": "TRADING",
    "baseAsset": "ETH",
    "quoteAsset": "BTC",
    "isSpotTradingAllowed": True,
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.00000100", "tickSize": "0.00000100"},
        {
            "filterType": "LOT_SIZE",
            "minQty": "0.00020000",
            "maxQty": "9000.0",
            "stepSize": "0.0001",
        },
        {"filterType": "MIN_NOTIONAL", "minNotional": "0.00010000", "applyToMarket": True},
    ],
}
_KRAKEN_PAIR: Final = {
    "altname": "XBTUSD",
    "wsname": "XBT/USD",
    "base": "XXBT",
    "quote": "ZUSD",
    "pair_decimals": 1,
    "lot_decimals": 8,
    "lot_multiplier": 1,
    "ordermin": "0.0002",
}
_COINBASE_PRODUCT: Final = {
    "id": "BTC-USD",
    "base_currency": "BTC",
    "quote_currency": "USD",
    "base_min_size": "0.001",
    "base_max_size": "280",
    "quote_increment": "0.01",
    "base_increment": "0.00000001",
    "min_market_funds": "10",
    "post_only": False,
    "limit_only": False,
    "cancel_only": False,
    "trading_disabled": False,
    "status": "online",
}
_KUCOIN_SYMBOL: Final = {
    "symbol": "BCHSV-BTC",
    "name": "BSV-BTC",
    "baseCurrency": "BSV",
    "quoteCurrency": "BTC",
    "baseMinSize": "0.001",
    "quoteMinSize": "0.00001",
    "baseMaxSize": "10000000000",
    "baseIncrement": "0.00000001",
    "priceIncrement": "0.000001",
    "enableTrading": True,
}
_OKX_INSTRUMENT: Final = {
    "instId": "BTC-USDT",
    "instType": "SPOT",
    "baseCcy": "BTC",
    "quoteCcy": "USDT",
    "tickSz": "0.1",
    "lotSz": "0.00000001",
    "minSz": "0.00001",
    "maxLmtSz": "9999999999",
    "state": "live",
}
_BODIES: Final[dict[str, Any]] = {
    "binance": {"timezone": "UTC", "symbols": [_BINANCE_SYMBOL]},
    "kraken": {"error": [], "result": {"XXBTZUSD": _KRAKEN_PAIR}},
    "coinbase": [_COINBASE_PRODUCT],
    "kucoin": {"code": "200000", "data": [_KUCOIN_SYMBOL]},
    "okx": {"code": "0", "msg": "", "data": [_OKX_INSTRUMENT]},
    "own": {
        "BTC/USDT": {
            "tick_size": "0.01",
            "step_size": "0.00001",
            "amount_min": "0.0001",
            "amount_max": "9000",
            "notional_min": "5",
            "active": True,
        }
    },
}
VENUES: Final = sorted(_BODIES)


def body(venue: str) -> Any:
    """A listing of one market, to be changed at will."""
    return copy.deepcopy(_BODIES[venue])


def market_of(found: Any, venue: str) -> dict[str, Any]:
    """The one market of such a listing."""
    path: dict[str, list[str | int]] = {
        "binance": ["symbols", 0],
        "kraken": ["result", "XXBTZUSD"],
        "coinbase": [0],
        "kucoin": ["data", 0],
        "okx": ["data", 0],
        "own": ["BTC/USDT"],
    }
    for step in path[venue]:
        found = found[step]
    return found


def written(folder: Path, found: Any, name: str = "markets.json") -> Path:
    """A file of JSON, or of the text or bytes given."""
    data = found if isinstance(found, str | bytes) else json.dumps(found)
    data = data if isinstance(data, bytes) else data.encode()
    path = folder / name
    path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
    return path
