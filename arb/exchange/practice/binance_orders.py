"""Binance's order endpoints: checks, filters, and what becomes of an order."""

from collections.abc import Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import Final, NoReturn, TypeVar

from arb import crashpoints
from arb.clock import NS_PER_DAY, NS_PER_MS
from arb.exchange.paper.desk import (
    INSUFFICIENT_BALANCE,
    MARKET_HALTED,
    UNKNOWN_MARKET,
    Placement,
)
from arb.exchange.port import DUPLICATE_ORDER_ID, OrderNotFound, Refused
from arb.exchange.practice.binance_params import Params
from arb.exchange.practice.binance_shapes import (
    DECIMALS,
    PERCENT_DOWN,
    PERCENT_UP,
    Shape,
    ack_shape,
    cancel_shape,
    full_shape,
    ms,
    order_shape,
    price_max,
    result_shape,
    symbol_of,
    trade_shape,
)
from arb.exchange.practice.binance_words import (
    CLOSED_MARKET,
    DUPLICATE,
    INSUFFICIENT,
    NO_ORDER,
    UNKNOWN_ORDER,
    filtered,
    refused,
)
from arb.exchange.practice.doors import Grounds
from arb.exchange.practice.hall import Told
from arb.market.book import MarketRules
from arb.money import ZERO, floor_to, is_multiple

Row = TypeVar("Row")

ROWS_USUAL: Final = 500
ROWS_MAX: Final = 1_000
DAY_MS: Final = NS_PER_DAY // NS_PER_MS
_ANSWERS: Final = {"ACK": ack_shape, "RESULT": result_shape, "FULL": full_shape}
_TYPES: Final = ("LIMIT", "MARKET")
_TIMES: Final = ("GTC", "IOC", "FOK")


class Orders:
    """What can be asked about orders and trades."""

    def __init__(self, grounds: Grounds) -> None:
        self._hall = grounds.hall
        self._markets = {symbol_of(market): market for market in grounds.hall.markets()}

    def market_of(self, symbol: str) -> str:
        """Find the market of a symbol; raises Said for one that is not listed."""
        market = self._markets.get(symbol)
        if market is None or self._hall.rules(market) is None:
            raise refused(-1121, "Invalid symbol.")
        return market

    def place(self, params: Params) -> Shape:
        """Take an order."""
        placed, answer = self._placement(params)
        try:
            told = self._hall.place(placed)
        except Refused as error:
            _refuse(error)
        crashpoints.reach(crashpoints.EXECUTED_NOT_TOLD)
        return _ANSWERS[answer](told)

    def test(self, params: Params) -> Shape:
        """Check an order without taking it."""
        self._placement(params)
        return {}

    def read(self, params: Params) -> Shape:
        """Tell an order."""
        market = self.market_of(params.symbol())
        try:
            return order_shape(self._named(market, params))
        except OrderNotFound:
            raise refused(-2013, NO_ORDER) from None

    def cancel(self, params: Params) -> Shape:
        """Cancel an order that rests."""
        market = self.market_of(params.symbol())
        cancel_id = params.client_id("newClientOrderId")
        try:
            if "orderId" in params or "origClientOrderId" not in params:
                order = self._named(market, params).order
                name = order.client_order_id or ""
                if params.text("origClientOrderId") not in {None, name}:
                    raise refused(-2011, UNKNOWN_ORDER)
            else:
                name = params.client_id("origClientOrderId") or ""
            told = self._hall.cancel(market, name)
        except OrderNotFound:
            raise refused(-2011, UNKNOWN_ORDER) from None
        now_ns = self._hall.now_ns()
        return cancel_shape(told, cancel_id or _minted(f"cancel {name} {now_ns}"), now_ns)

    def open_orders(self, params: Params) -> list[Shape]:
        """List what rests, on a market or on all."""
        market = self.market_of(params.symbol()) if "symbol" in params else None
        return [order_shape(told) for told in self._hall.open_orders(market)]

    def all_orders(self, params: Params) -> list[Shape]:
        """List a market's orders: from an id on, of a time, or the newest."""
        market = self.market_of(params.symbol())
        most = params.limit(ROWS_USUAL, ROWS_MAX)
        start, end = params.span_ms(DAY_MS)
        first = params.whole("orderId")
        found = [
            told
            for told in self._hall.orders(market, first or 0)
            if start <= ms(told.order.created_ns) <= end
        ]
        oldest_first = first is not None or "startTime" in params
        return [order_shape(told) for told in _page(found, most, oldest_first=oldest_first)]

    def my_trades(self, params: Params) -> list[Shape]:
        """List a market's trades: of an order, from an id on, of a time, or the newest."""
        market = self.market_of(params.symbol())
        most = params.limit(ROWS_USUAL, ROWS_MAX)
        timed = "startTime" in params or "endTime" in params
        if timed and ("fromId" in params or "orderId" in params):
            raise refused(-1128, "Combination of optional parameters invalid.")
        start, end = params.span_ms(DAY_MS)
        first, order = params.whole("fromId"), params.whole("orderId")
        found = [
            fill
            for fill in self._hall.fills(market, start * NS_PER_MS)
            if ms(fill.at_ns) <= end
            and (first is None or fill.number >= first)
            and order in {None, fill.order}
        ]
        oldest_first = first is not None or order is not None or "startTime" in params
        return [trade_shape(fill) for fill in _page(found, most, oldest_first=oldest_first)]

    # ---

    def _named(self, market: str, params: Params) -> Told:
        number, name = params.whole("orderId"), params.client_id("origClientOrderId")
        if number is not None:
            return self._hall.order(market, number)
        if name is None:
            text = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
            raise refused(-1102, text)
        return self._hall.order_of_client(market, name)

    def _rules(self, market: str) -> MarketRules:
        rules = self._hall.rules(market)
        assert rules is not None, market
        return rules

    def _placement(self, params: Params) -> tuple[Placement, str]:
        market = self.market_of(params.symbol())
        rules = self._rules(market)
        side = params.one_of("side", ("BUY", "SELL"), -1117, "Invalid side.").lower()
        kind = params.one_of("type", _TYPES, -1116, "Invalid orderType.").lower()
        name = params.client_id("newClientOrderId")
        answer = params.text("newOrderRespType") or "FULL"
        if answer not in _ANSWERS:
            raise refused(-1100, "Illegal characters found in parameter 'newOrderRespType'.")
        amount, limit, time_in_force = (
            self._limit(params, rules) if kind == "limit" else self._market(params, rules, side)
        )
        if not rules.active:
            raise refused(-1013, CLOSED_MARKET)
        self._filter(rules, side, amount, limit)
        number = self._hall.account.next_order_number()
        named = name or _minted(f"order {number}")
        return Placement(named, market, side, kind, time_in_force, amount, limit), answer

    def _limit(self, params: Params, rules: MarketRules) -> tuple[Decimal, Decimal | None, str]:
        time_in_force = params.one_of("timeInForce", _TIMES, -1115, "Invalid timeInForce.").lower()
        params.without("quoteOrderQty")
        amount = params.number("quantity", _decimals(rules.step_size))
        return amount, params.number("price", _decimals(rules.tick_size)), time_in_force

    def _market(
        self, params: Params, rules: MarketRules, side: str
    ) -> tuple[Decimal, Decimal | None, str]:
        params.without("price")
        params.without("timeInForce")
        if "quoteOrderQty" not in params:
            return params.number("quantity", _decimals(rules.step_size)), None, "ioc"
        params.without("quantity")
        left, amount = params.number("quoteOrderQty", DECIMALS), ZERO
        book, _ = self._hall.depth(rules.market)
        for price, size in book.levels(side):
            taken = min(size, floor_to(left / price, rules.step_size))
            amount += taken
            left -= taken * price
            if taken < size:
                break
        return amount, None, "ioc"

    def _filter(
        self, rules: MarketRules, side: str, amount: Decimal, limit: Decimal | None
    ) -> None:
        if limit is not None:
            if not is_multiple(limit, rules.tick_size) or limit > price_max(rules):
                raise filtered("PRICE_FILTER")
            mid = self._hall.mid(rules.market)
            if mid is not None and not mid * PERCENT_DOWN <= limit <= mid * PERCENT_UP:
                raise filtered("PERCENT_PRICE_BY_SIDE")
        if not is_multiple(amount, rules.step_size):
            raise filtered("LOT_SIZE")
        if not rules.amount_min <= amount <= rules.amount_max:
            raise filtered("LOT_SIZE")
        price = limit
        if price is None:
            book, _ = self._hall.depth(rules.market)
            price = book.levels(side)[0][0] if book.levels(side) else None
        if price is not None and amount * price < rules.notional_min:
            raise filtered("NOTIONAL")


def _refuse(error: Refused) -> NoReturn:
    match error.reason:
        case reason if reason == INSUFFICIENT_BALANCE:
            raise refused(-2010, INSUFFICIENT) from None
        case reason if reason == DUPLICATE_ORDER_ID:
            raise refused(-2010, DUPLICATE) from None
        case reason if reason == MARKET_HALTED:
            raise refused(-1013, CLOSED_MARKET) from None
        case reason if reason == UNKNOWN_MARKET:
            raise refused(-1121, "Invalid symbol.") from None
    raise filtered("UNKNOWN") from error


def _page(found: Sequence[Row], most: int, *, oldest_first: bool) -> Sequence[Row]:
    return found[:most] if oldest_first else found[-most:]


def _decimals(unit: Decimal) -> int:
    """How many decimals an amount or price may have: eight, or as many as its market needs."""
    exponent = unit.normalize().as_tuple().exponent
    assert isinstance(exponent, int), unit
    return max(DECIMALS, -exponent)


def _minted(what: str) -> str:
    """Make an id for what has none: of 22 characters, as the venue does."""
    return blake2b(what.encode(), digest_size=11).hexdigest()
