"""Read the markets of a venue and their rules from a file.

{"BTC/USDT": {"tick_size": "0.01", "step_size": "0.00001", "notional_min": "5"}}
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from arb.errors import FeedInvalid
from arb.feeds.listing_values import AMOUNT_UNLIMITED, BadListing, Item, parse_json, told
from arb.feeds.venue_listings import binance, coinbase, kraken, kucoin, okx
from arb.limits import LISTING_FILE_BYTES_MAX, LISTING_MARKETS_MAX
from arb.market.book import MarketRules
from arb.money import ZERO
from arb.strategy.bounds import shown

_RECORDING: Final = {"_recv_ts", "_source_url", "payload"}  # around a recorded body
_KEYS: Final = (
    "tick_size",
    "step_size",
    "amount_min",
    "amount_max",
    "notional_min",
    "active",
)
_EXPECTED: Final = (
    'expected markets such as {"BTC/USDT": {"tick_size": "0.01", "step_size": "0.00001"}}, or a '
    "listing of Binance (exchangeInfo), Kraken (AssetPairs), Coinbase (products), KuCoin (symbols) "
    "or OKX (instruments)"
)


def read_listing(path: Path) -> dict[str, MarketRules]:
    """Read the rules of markets by name, BASE/QUOTE, from a plain or `.gz` file.

    The file is a venue's own listing, bare or as the `payload` of a recording, or an object of
    market names with `tick_size` and `step_size`, numbers or texts. What else a market may tell,
    and what it has if it does not: `amount_min` (one step), `amount_max` (AMOUNT_UNLIMITED),
    `notional_min` (0) and `active` (true). Halted markets are listed as not active.

    Raises FeedInvalid with the file, the market, what was found and what is expected.
    """
    try:
        return _by_name(_markets(_body(parse_json(_read(path)))))
    except BadListing as error:
        raise FeedInvalid(f"{path}: {error}") from None


def _read(path: Path) -> bytes:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(LISTING_FILE_BYTES_MAX + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadListing(f"not readable as gzip: {error}") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise BadListing(f"cannot be read: {reason or error}") from None
    if len(data) > LISTING_FILE_BYTES_MAX:
        raise BadListing(f"is larger than {LISTING_FILE_BYTES_MAX} bytes")
    return data


def _body(found: object) -> object:
    """Take what was recorded out of its recording."""
    if isinstance(found, dict) and "payload" in found and found.keys() <= _RECORDING:
        return found["payload"]
    return found


def _markets(body: object) -> Iterator[MarketRules]:
    """Tell by its shape whose listing it is."""
    match body:
        case {"symbols": list(symbols)}:
            return binance(symbols)
        case {"error": [], "result": dict(pairs)}:
            return kraken(pairs)
        case {"code": "200000", "data": list(symbols)}:
            return kucoin(symbols)
        case {"code": "0", "data": list(instruments)}:
            return okx(instruments)
        case list(products):
            return coinbase(products)
        case dict(markets) if all("/" in str(name) for name in markets):
            return _own(markets)
    raise BadListing(f"{_EXPECTED}; found {told(body)}")


def _own(markets: Mapping[str, object]) -> Iterator[MarketRules]:
    for name, value in markets.items():
        item = Item(f"market {shown(name)}", value)
        base, _, quote = name.partition("/")
        assets = Item(item.name, {"base": base, "quote": quote})
        item.allow(_KEYS)
        yield item.rules(
            base=assets.asset("base"),
            quote=assets.asset("quote"),
            tick_size=item.unit("tick_size"),
            step_size=item.unit("step_size"),
            amount_min=item.number_or("amount_min", ZERO),
            amount_max=item.number_or("amount_max", AMOUNT_UNLIMITED),
            notional_min=item.number_or("notional_min", ZERO),
            active=item.flag("active") if item.has("active") else True,
        )


def _by_name(markets: Iterable[MarketRules]) -> dict[str, MarketRules]:
    found: dict[str, MarketRules] = {}
    for rules in markets:
        if rules.market in found:
            raise BadListing(f"market {rules.market}: is listed twice")
        if len(found) == LISTING_MARKETS_MAX:
            raise BadListing(f"lists more than {LISTING_MARKETS_MAX} markets")
        found[rules.market] = rules
    if not found:
        raise BadListing(f"lists no market; {_EXPECTED}")
    return found
