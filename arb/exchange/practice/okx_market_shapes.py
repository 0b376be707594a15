"""Markets, their books and best prices, in OKX's own fields."""

from typing import Final

from arb.exchange.practice.okx_shapes import SPOT, inst_id, ms
from arb.exchange.practice.okx_words import Shape
from arb.market.book import Book, Level, MarketRules
from arb.money import ZERO, plain

LISTED_MS: Final = "1548133413000"


def levels(side: tuple[Level, ...], most: int) -> list[list[str]]:
    """Prices, sizes, and how many orders there are, of one side of a book."""
    return [[plain(price), plain(size), "0", "1"] for price, size in side[:most]]


def ticker_shape(market: str, book: Book, at_ns: int) -> Shape:
    """The best prices of a market; what it traded is not told here."""
    bid, bid_size = book.bids[0] if book.bids else (None, ZERO)
    ask, ask_size = book.asks[0] if book.asks else (None, ZERO)
    last = bid if bid is not None else ask
    best: Shape = {
        "instType": SPOT,
        "instId": inst_id(market),
        "last": "" if last is None else plain(last),
        "lastSz": "",
        "askPx": "" if ask is None else plain(ask),
        "askSz": plain(ask_size),
        "bidPx": "" if bid is None else plain(bid),
        "bidSz": plain(bid_size),
        "ts": ms(at_ns),
    }
    traded = ("open24h", "high24h", "low24h", "volCcy24h", "vol24h", "sodUtc0", "sodUtc8")
    return {**best, **dict.fromkeys(traded, "")}


def instrument_shape(rules: MarketRules, code: int) -> Shape:
    """A market with what it takes. There is no least value of an order."""
    most = plain(rules.amount_max)
    return {
        "alias": "",
        "baseCcy": rules.base,
        "category": "1",
        "ctMult": "",
        "ctType": "",
        "ctVal": "",
        "ctValCcy": "",
        "contTdSwTime": "",
        "expTime": "",
        "instFamily": "",
        "instId": inst_id(rules.market),
        "instIdCode": code,
        "instType": SPOT,
        "lever": "",
        "listTime": LISTED_MS,
        "lotSz": plain(rules.step_size),
        "maxIcebergSz": most,
        "maxLmtAmt": "",
        "maxLmtSz": most,
        "maxMktAmt": "",
        "maxMktSz": "",
        "maxStopSz": "",
        "maxTriggerSz": most,
        "maxTwapSz": most,
        "minSz": plain(rules.amount_min),
        "openType": "",
        "optType": "",
        "quoteCcy": rules.quote,
        "ruleType": "normal",
        "settleCcy": "",
        "state": "live" if rules.active else "suspend",
        "stk": "",
        "tickSz": plain(rules.tick_size),
        "tradeQuoteCcyList": [rules.quote],
        "uly": "",
    }
