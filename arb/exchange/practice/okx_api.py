"""OKX's endpoints over a hall. REST and the private WebSocket both end here."""

from typing import Final

from arb.exchange.practice import fault_table as calls
from arb.exchange.practice.doors import Grounds
from arb.exchange.practice.okx_account import Account
from arb.exchange.practice.okx_admission import Admission, Endpoint
from arb.exchange.practice.okx_lists import Lists
from arb.exchange.practice.okx_market_shapes import instrument_shape, levels, ticker_shape
from arb.exchange.practice.okx_orders import Orders
from arb.exchange.practice.okx_params import Params
from arb.exchange.practice.okx_shapes import SPOT, ms
from arb.exchange.practice.okx_words import Shape, enveloped

BOOK_MAX: Final = 400
FULL_BOOK_MAX: Final = 5_000
_TYPES: Final = (SPOT, "MARGIN", "SWAP", "FUTURES", "OPTION")
_PREFIX: Final = "/api/v5/"


class OkxApi:
    """The endpoints, and who is let in to them."""

    def __init__(self, grounds: Grounds) -> None:
        self.admission: Final = Admission(grounds)
        self.orders: Final = Orders(grounds)
        self._lists = Lists(grounds, self.orders)
        self._account = Account(grounds, self.orders)
        self._hall = grounds.hall

    # --- the market

    def time(self, _: Params) -> Shape:
        """Tell the venue's clock."""
        return enveloped([{"ts": ms(self._hall.now_ns())}])

    def status(self, _: Params) -> Shape:
        """Tell that nothing is being mended."""
        return enveloped([])

    def instruments(self, params: Params) -> Shape:
        """List the markets and what they take."""
        kind = params.one_of("instType", _TYPES)
        markets = self._hall.markets()
        chosen = list(markets) if kind == SPOT else []
        if "instId" in params:
            chosen = [self.orders.market_of(params)]
        return enveloped(
            [instrument_shape(markets[name], self.orders.code_of(name)) for name in chosen]
        )

    def books(self, params: Params) -> Shape:
        """Tell a book."""
        return self._book(params, BOOK_MAX)

    def full_books(self, params: Params) -> Shape:
        """Tell a book, however deep."""
        return self._book(params, FULL_BOOK_MAX)

    def _book(self, params: Params, deepest: int) -> Shape:
        market = self.orders.market_of(params)
        most = params.limit("sz", 1, deepest)
        book, update_id = self._hall.depth(market)
        return enveloped(
            [
                {
                    "asks": levels(book.asks, most),
                    "bids": levels(book.bids, most),
                    "ts": ms(self._hall.now_ns()),
                    "seqId": update_id,
                }
            ]
        )

    def tickers(self, params: Params) -> Shape:
        """Tell the best prices of all markets."""
        kind = params.one_of("instType", _TYPES)
        chosen = self._hall.markets() if kind == SPOT else ()
        return enveloped([self.best(market) for market in chosen])

    def ticker(self, params: Params) -> Shape:
        """Tell the best prices of a market."""
        return enveloped([self.best(self.orders.market_of(params))])

    def best(self, market: str) -> Shape:
        """The best prices of a market."""
        return ticker_shape(market, self._hall.depth(market)[0], self._hall.now_ns())

    # --- the table

    def endpoints(self) -> dict[tuple[str, str], Endpoint]:
        """Every endpoint by method and path."""
        return {
            (method, _PREFIX + path): endpoint
            for (method, path), endpoint in {**self._public(), **self._private()}.items()
        }

    def _public(self) -> dict[tuple[str, str], Endpoint]:
        return {
            ("GET", "public/time"): Endpoint(calls.TIME, self.time, 10, signed=False),
            ("GET", "system/status"): Endpoint(calls.TIME, self.status, 10, signed=False),
            ("GET", "public/instruments"): Endpoint(
                calls.MARKETS, self.instruments, 20, signed=False
            ),
            ("GET", "market/books"): Endpoint(calls.DEPTH, self.books, 40, signed=False),
            ("GET", "market/books-full"): Endpoint(calls.DEPTH, self.full_books, 10, signed=False),
            ("GET", "market/tickers"): Endpoint(calls.TICKER, self.tickers, 20, signed=False),
            ("GET", "market/ticker"): Endpoint(calls.TICKER, self.ticker, 20, signed=False),
        }

    def _private(self) -> dict[tuple[str, str], Endpoint]:
        orders, lists, account = self.orders, self._lists, self._account
        return {
            ("GET", "account/config"): Endpoint(calls.KEY, account.config, 5),
            ("GET", "account/balance"): Endpoint(calls.ACCOUNT, account.balance, 10),
            ("GET", "account/trade-fee"): Endpoint(calls.FEES, account.trade_fee, 5),
            ("GET", "account/bills"): Endpoint(calls.CHANGES, account.bills, 10),
            ("GET", "account/bills-archive"): Endpoint(calls.CHANGES, account.bills_archive, 10),
            ("POST", "trade/order"): Endpoint(calls.CREATE, orders.place, 60),
            ("POST", "trade/batch-orders"): Endpoint(calls.CREATE, orders.place, 300),
            ("GET", "trade/order"): Endpoint(calls.ORDER, orders.read, 60),
            ("POST", "trade/cancel-order"): Endpoint(calls.CANCEL, orders.cancel, 60),
            ("POST", "trade/cancel-batch-orders"): Endpoint(calls.CANCEL, orders.cancel, 300),
            ("GET", "trade/orders-pending"): Endpoint(calls.OPEN_ORDERS, lists.pending, 60),
            ("GET", "trade/orders-history"): Endpoint(calls.ORDERS, lists.history, 40),
            ("GET", "trade/orders-history-archive"): Endpoint(calls.ORDERS, lists.archive, 20),
            ("GET", "trade/fills"): Endpoint(calls.TRADES, lists.fills, 60),
            ("GET", "trade/fills-history"): Endpoint(calls.TRADES, lists.fills_history, 10),
            ("GET", "asset/deposit-history"): Endpoint(calls.CHANGES, account.deposits, 12),
            ("GET", "asset/withdrawal-history"): Endpoint(calls.CHANGES, account.withdrawals, 12),
            ("GET", "asset/currencies"): Endpoint(calls.MARKETS, account.currencies, 12),
        }
