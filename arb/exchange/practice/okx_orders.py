"""OKX's order endpoints: checks, and what becomes of an order. An answer names the order and no more."""

from decimal import Decimal
from typing import Final

from arb import crashpoints
from arb.exchange.paper.desk import (
    FILTER,
    INSUFFICIENT_BALANCE,
    MARKET_HALTED,
    UNKNOWN_MARKET,
    Placement,
)
from arb.exchange.port import DUPLICATE_ORDER_ID, OrderNotFound, Refused
from arb.exchange.practice.doors import Grounds
from arb.exchange.practice.hall import Told
from arb.exchange.practice.okx_params import Params
from arb.exchange.practice.okx_shapes import client_id, inst_id, order_shape, placed_shape
from arb.exchange.practice.okx_words import (
    ALREADY_CANCELED,
    ALREADY_FILLED,
    DUPLICATE,
    EITHER_ID,
    NO_INSTRUMENT,
    NO_ORDER,
    NOT_CANCELABLE,
    NOT_OF_LOTS,
    OK,
    ORDER_EXPIRED,
    SUSPENDED,
    TOO_LARGE,
    TOO_SMALL,
    Rejected,
    Shape,
    enveloped,
    outcome,
    wrong,
)
from arb.exchange.practice.windows import OKX_FORGETS_NS
from arb.market.book import MarketRules
from arb.money import ZERO, floor_to, is_multiple, plain

BATCH_MAX: Final = 20
PRICE_UP: Final = Decimal("1.1")  # of the middle: a buy may not bid more
PRICE_DOWN: Final = Decimal("0.9")
_TIMES: Final = {"limit": "gtc", "ioc": "ioc", "fok": "fok", "market": "ioc"}


class Orders:
    """What can be asked about single orders."""

    def __init__(self, grounds: Grounds) -> None:
        self._hall = grounds.hall
        names = sorted(grounds.hall.markets())
        self._markets = {inst_id(market): market for market in names}
        self._codes = {market: number for number, market in enumerate(names, 1)}

    def code_of(self, market: str) -> int:
        """The number that stands for a market in requests over a WebSocket."""
        return self._codes[market]

    def market_of(self, params: Params) -> str:
        """Find the market that is meant; raises Rejected for one that is not listed."""
        number = params.whole("instIdCode")
        if number is None:
            market = self._markets.get(params.need("instId"))
        else:
            market = next((name for name, code in self._codes.items() if code == number), None)
        if market is None or self._hall.rules(market) is None:
            raise Rejected(*NO_INSTRUMENT)
        return market

    def place(self, params: Params) -> Shape:
        """Take one order, or several; each of them is taken or refused by itself."""
        if params.until_ns is not None and self._hall.now_ns() > params.until_ns:
            raise Rejected(*ORDER_EXPIRED)
        rows = [self._placed(row) for row in _batch(params)]
        crashpoints.reach(crashpoints.EXECUTED_NOT_TOLD)
        return outcome(rows)

    def cancel(self, params: Params) -> Shape:
        """Cancel one order that rests, or several."""
        return outcome([self._canceled(row) for row in _batch(params)])

    def read(self, params: Params) -> Shape:
        """Tell an order."""
        told = self._named(self.market_of(params), params)
        if self.forgotten(told):
            raise Rejected(*NO_ORDER)
        return enveloped([order_shape(told)])

    def forgotten(self, told: Told) -> bool:
        """Whether an order filled nothing and ended too long ago to be remembered."""
        ended_ns = told.order.closed_ns
        since_ns = self._hall.now_ns() - OKX_FORGETS_NS
        return not told.order.filled and ended_ns is not None and ended_ns < since_ns

    # ---

    def _placed(self, params: Params) -> Shape:
        name = params.text("clOrdId") or ""
        now_ns = self._hall.now_ns()
        try:
            order = self._hall.place(self._placement(params)).order
        except Rejected as refused:
            return placed_shape(name, "", now_ns, refused.code, refused.text)
        except Refused as refused:
            return placed_shape(name, "", now_ns, *_worded(refused))
        return placed_shape(name, str(order.number), order.created_ns, OK, "")

    def _canceled(self, params: Params) -> Shape:
        name, number = params.text("clOrdId") or "", params.text("ordId") or ""
        now_ns = self._hall.now_ns()
        try:
            order = self._hall.cancel(*self._to_cancel(params)).order
        except Rejected as refused:
            return placed_shape(name, number, now_ns, refused.code, refused.text)
        except OrderNotFound:
            return placed_shape(name, number, now_ns, *self._why_not(params))
        return placed_shape(client_id(order.client_order_id), str(order.number), now_ns, OK, "")

    def _to_cancel(self, params: Params) -> tuple[str, str]:
        market, number = self.market_of(params), params.whole("ordId")
        if number is not None:
            # What hides an order from reads does not hide it from its cancel.
            order = self._hall.account.order(number)
            return market, "" if order is None else order.client_order_id or ""
        name = params.client_id()
        if name is None:
            raise Rejected(*EITHER_ID)
        return market, name

    def _why_not(self, params: Params) -> tuple[str, str]:
        try:
            status = self._named(self.market_of(params), params).order.status
        except Rejected:
            return NOT_CANCELABLE
        return ALREADY_FILLED if status == "closed" else ALREADY_CANCELED

    def _named(self, market: str, params: Params) -> Told:
        number, name = params.whole("ordId"), params.client_id()
        if number is None and name is None:
            raise Rejected(*EITHER_ID)
        try:
            if number is not None:
                return self._hall.order(market, number)
            return self._hall.order_of_client(market, name or "")
        except OrderNotFound:
            raise Rejected(*NO_ORDER) from None

    def _placement(self, params: Params) -> Placement:
        market = self.market_of(params)
        rules = self._hall.rules(market)
        assert rules is not None, market
        params.one_of("tdMode", ("cash",))
        side = params.one_of("side", ("buy", "sell"))
        kind = params.one_of("ordType", tuple(_TIMES))
        name = params.client_id()
        if not rules.active:
            raise Rejected(*SUSPENDED)
        limit = None if kind == "market" else params.number("px")
        amount = params.number("sz")
        if limit is None and params.text("tgtCcy") != "base_ccy" and side == "buy":
            amount = self._bought_for(rules, amount)
        self._check(rules, side, amount, limit)
        if name is not None and self._hall.account.order_of_client(name) is not None:
            raise Rejected(*DUPLICATE)  # as long as the venue remembers: always
        named = name or f"_{self._hall.account.next_order_number()}"
        spoken = "market" if kind == "market" else "limit"
        return Placement(named, market, side, spoken, _TIMES[kind], amount, limit)

    def _check(self, rules: MarketRules, side: str, amount: Decimal, limit: Decimal | None) -> None:
        if not is_multiple(amount, rules.step_size):
            raise Rejected(*NOT_OF_LOTS)
        if amount < rules.amount_min:
            raise Rejected(*TOO_SMALL)
        if amount > rules.amount_max:
            raise Rejected(*TOO_LARGE)
        if limit is None:
            return
        if not is_multiple(limit, rules.tick_size):
            raise wrong("px")
        mid = self._hall.mid(rules.market)
        if mid is None:
            return
        highest, lowest = mid * PRICE_UP, mid * PRICE_DOWN
        if limit > highest if side == "buy" else limit < lowest:
            bounds = f"max buy price: {plain(highest)}, min sell price: {plain(lowest)}"
            raise Rejected("51006", f"Order price is not within the price limit ({bounds}).")

    def _bought_for(self, rules: MarketRules, cost: Decimal) -> Decimal:
        book, _ = self._hall.depth(rules.market)
        left, amount = cost, ZERO
        for price, size in book.asks:
            taken = min(size, floor_to(left / price, rules.step_size))
            amount += taken
            left -= taken * price
            if taken < size:
                break
        return amount


def _batch(params: Params) -> tuple[Params, ...]:
    rows = tuple(params.rows) or (params,)
    if len(rows) > BATCH_MAX:
        raise Rejected("51111", f"The maximum number of orders in a batch is {BATCH_MAX}.")
    return rows


def _worded(refused: Refused) -> tuple[str, str]:
    words = {
        INSUFFICIENT_BALANCE: ("51008", "Order failed. Insufficient balance in account."),
        DUPLICATE_ORDER_ID: DUPLICATE,
        MARKET_HALTED: SUSPENDED,
        UNKNOWN_MARKET: NO_INSTRUMENT,
        FILTER: TOO_SMALL,
    }
    return words.get(refused.reason, ("51000", "Parameter error"))
