"""Market listings as venues serve them; a key that is not named here is not looked at.

Names of currencies are the venue's own. `active` is whether limit orders can trade now. Venues that
tell no largest amount or no smallest notional have none here: AMOUNT_UNLIMITED and 0. A word for a
market's state that is not known here is an error, because nobody can say whether it trades.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from arb.feeds.listing_values import AMOUNT_UNLIMITED, BadListing, Item
from arb.market.book import MarketRules
from arb.money import ONE, ZERO
from arb.strategy.bounds import shown

_BINANCE_STATES: Final = frozenset(
    {
        "AUCTION_MATCH",
        "BREAK",
        "END_OF_DAY",
        "HALT",
        "PENDING_TRADING",
        "POST_TRADING",
        "PRE_TRADING",
        "TRADING",
    }
)
_COINBASE_STATES: Final = frozenset({"delisted", "internal", "offline", "online"})
_KRAKEN_STATES: Final = frozenset(
    {
        "cancel_only",
        "delisted",
        "hidden",
        "limit_only",
        "maintenance",
        "online",
        "post_only",
        "reduce_only",
    }
)
_OKX_STATES: Final = frozenset(
    {"expired", "live", "post_only", "preopen", "rebase", "settling", "suspend", "test"}
)
_DARK_POOL: Final = ".d"  # of Kraken: no public book


def binance(symbols: Sequence[object]) -> Iterator[MarketRules]:
    """Read the symbols of an exchangeInfo: its PRICE_FILTER, LOT_SIZE and notional filters."""
    for number, value in enumerate(symbols, start=1):
        item = Item(f"symbol {number}", value).called("symbol")
        filters = {one.text("filterType"): one for one in item.items("filters")}
        price, lot = (_filter(item, filters, name) for name in ("PRICE_FILTER", "LOT_SIZE"))
        # Older listings have the one, newer the other; where both stand, both bind.
        notionals = [
            filters[name].number("minNotional")
            for name in ("MIN_NOTIONAL", "NOTIONAL")
            if name in filters
        ]
        if not notionals:
            raise BadListing(f"{item.name}: the filter MIN_NOTIONAL or NOTIONAL is missing")
        state = item.choice("status", _BINANCE_STATES)
        yield item.rules(
            base=item.asset("baseAsset"),
            quote=item.asset("quoteAsset"),
            tick_size=price.unit("tickSize"),
            step_size=lot.unit("stepSize"),
            amount_min=lot.number("minQty"),
            amount_max=lot.number("maxQty"),
            notional_min=max(notionals),
            active=state == "TRADING" and item.flag("isSpotTradingAllowed"),
        )


def _filter(item: Item, filters: Mapping[str, Item], name: str) -> Item:
    if name not in filters:
        raise BadListing(f"{item.name}: the filter {name} is missing")
    return filters[name]


def kraken(pairs: Mapping[str, object]) -> Iterator[MarketRules]:
    """Read the result of AssetPairs: currencies as in `wsname`, dark pools left out.

    A code of the venue, such as XXBT, must have one name, and a name, such as XBT, one code.
    Listings of 2021 tell no status: their pairs are active.
    """
    names: dict[str, str] = {}  # of both kinds: each code has its name, each name its code
    for pair, value in pairs.items():
        item = Item(f"pair {shown(pair)}", value)
        if item.text("altname").endswith(_DARK_POOL):
            continue
        base, slash, quote = item.text("wsname").partition("/")
        if not slash:
            item.refuse("wsname", "expected two names such as XBT/USD", item.text("wsname"))
        named = Item(item.name, {"base of wsname": base, "quote of wsname": quote})
        for key, part in (("base", "base of wsname"), ("quote", "quote of wsname")):
            _one_name(item, names, f"code {item.asset(key)}", f"name {named.asset(part)}")
        if item.number("lot_multiplier") != ONE:
            item.refuse("lot_multiplier", "expected 1", item.get("lot_multiplier"))
        state = item.choice("status", _KRAKEN_STATES) if item.has("status") else "online"
        yield item.rules(
            base=base,
            quote=quote,
            tick_size=item.unit("tick_size")
            if item.has("tick_size")
            else item.place("pair_decimals"),
            step_size=item.place("lot_decimals"),
            amount_min=item.number("ordermin"),
            notional_min=item.number_or("costmin", ZERO),
            active=state in {"online", "limit_only"},
        )


def _one_name(item: Item, names: dict[str, str], code: str, name: str) -> None:
    for one, other in ((code, name), (name, code)):
        known = names.setdefault(one, other)
        if known != other:
            raise BadListing(f"{item.name}: {one} has the {other} here, and the {known} elsewhere")


def coinbase(products: Sequence[object]) -> Iterator[MarketRules]:
    """Read products: min_market_funds is the smallest notional of every order.

    Newer listings tell no sizes: the smallest is a base_increment, and there is no largest.
    """
    for number, value in enumerate(products, start=1):
        item = Item(f"product {number}", value).called("id")
        closed = [item.flag(key) for key in ("trading_disabled", "cancel_only", "post_only")]
        if item.has("auction_mode"):
            closed.append(item.flag("auction_mode"))
        yield item.rules(
            base=item.asset("base_currency"),
            quote=item.asset("quote_currency"),
            tick_size=item.unit("quote_increment"),
            step_size=item.unit("base_increment"),
            amount_min=item.number_or("base_min_size", ZERO),
            amount_max=item.number_or("base_max_size", AMOUNT_UNLIMITED),
            notional_min=item.number("min_market_funds"),
            active=item.choice("status", _COINBASE_STATES) == "online" and not any(closed),
        )


def kucoin(symbols: Sequence[object]) -> Iterator[MarketRules]:
    """Read symbols: minFunds is the smallest notional, quoteMinSize where that is not told.

    A symbol keeps the name that its currency had when it was listed (BCHSV-BTC trades BSV), so it
    is not looked at.
    """
    for number, value in enumerate(symbols, start=1):
        item = Item(f"symbol {number}", value).called("symbol")
        yield item.rules(
            base=item.asset("baseCurrency"),
            quote=item.asset("quoteCurrency"),
            tick_size=item.unit("priceIncrement"),
            step_size=item.unit("baseIncrement"),
            amount_min=item.number("baseMinSize"),
            amount_max=item.number("baseMaxSize"),
            notional_min=item.number("minFunds" if item.has("minFunds") else "quoteMinSize"),
            active=item.flag("enableTrading"),
        )


def okx(instruments: Sequence[object]) -> Iterator[MarketRules]:
    """Read spot instruments; those that are not open for the first time yet are left out.

    They may have no currencies and no sizes.
    """
    for number, value in enumerate(instruments, start=1):
        item = Item(f"instrument {number}", value).called("instId")
        item.choice("instType", frozenset({"SPOT"}))
        state = item.choice("state", _OKX_STATES)
        if state == "preopen":
            continue
        yield item.rules(
            base=item.asset("baseCcy"),
            quote=item.asset("quoteCcy"),
            tick_size=item.unit("tickSz"),
            step_size=item.unit("lotSz"),
            amount_min=item.number("minSz"),
            amount_max=item.number("maxLmtSz"),
            active=state == "live",
        )
