"""The requests of nine venues, typed by hand from what the venues document."""

from typing import Any, Final

from tests.exchange.loopback import NOW_NS, ORDER_ID

SINCE_NS: Final = NOW_NS - 3_600 * 10**9
SINCE_MS: Final = SINCE_NS // 10**6
UNTIL_MS: Final = (NOW_NS + 60 * 10**9) // 10**6
T_ID: Final = f"t-{ORDER_ID}"
# What is different in every request.
SIGNED: Final = ("signature", "timestamp", "nonce", "recvWindow")
NOT_THERE: Final = {"code": -2013, "msg": "Order does not exist."}

CREATES: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "binance": (
        "POST",
        "api.binance.com/api/v3/order",
        {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "IOC",
            "quantity": "0.0123",
            "price": "50000.1",
            "newClientOrderId": ORDER_ID,
            "newOrderRespType": "FULL",
        },
    ),
    "okx": (
        "POST",
        "www.okx.com/api/v5/trade/batch-orders",
        {
            "instId": "BTC-USDT",
            "tdMode": "cash",
            "side": "buy",
            "ordType": "ioc",
            "sz": "0.0123",
            "px": "50000.1",
            "tgtCcy": "base_ccy",
            "clOrdId": ORDER_ID,
        },
    ),
    "bybit": (
        "POST",
        "api.bybit.com/v5/order/create",
        {
            "category": "spot",
            "symbol": "BTCUSDT",
            "side": "Buy",
            "orderType": "Limit",
            "timeInForce": "IOC",
            "qty": "0.0123",
            "price": "50000.1",
            "orderLinkId": ORDER_ID,
        },
    ),
    "kraken": (
        "POST",
        "api.kraken.com/0/private/AddOrder",
        {
            "pair": "XBTUSDT",
            "type": "buy",
            "ordertype": "limit",
            "timeinforce": "IOC",
            "volume": "0.0123",
            "price": "50000.1",
            "cl_ord_id": ORDER_ID,
            "deadline": "2023-11-14T22:13:25.123Z",
        },
    ),
    "coinbase": (
        "POST",
        "api.coinbase.com/api/v3/brokerage/orders",
        {
            "client_order_id": ORDER_ID,
            "product_id": "BTC-USDT",
            "side": "BUY",
            "order_configuration": {
                "sor_limit_ioc": {"base_size": "0.0123", "limit_price": "50000.1"}
            },
        },
    ),
    "kucoin": (
        "POST",
        "api.kucoin.com/api/v1/hf/orders",
        {
            "clientOid": ORDER_ID,
            "symbol": "BTC-USDT",
            "side": "buy",
            "type": "limit",
            "timeInForce": "IOC",
            "size": "0.0123",
            "price": "50000.1",
        },
    ),
    "gate": (
        "POST",
        "api.gateio.ws/api/v4/spot/orders",
        {
            "text": T_ID,
            "currency_pair": "BTC_USDT",
            "account": "spot",
            "side": "buy",
            "type": "limit",
            "time_in_force": "ioc",
            "amount": "0.0123",
            "price": "50000.1",
        },
    ),
    "bitget": (
        "POST",
        "api.bitget.com/api/v2/spot/trade/place-order",
        {
            "symbol": "BTCUSDT",
            "side": "buy",
            "orderType": "limit",
            "force": "IOC",
            "size": "0.0123",
            "price": "50000.1",
            "clientOid": ORDER_ID,
        },
    ),
    "mexc": (
        "POST",
        "api.mexc.com/api/v3/order",
        {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "IMMEDIATE_OR_CANCEL",
            "quantity": "0.0123",
            "price": "50000.1",
            "newClientOrderId": ORDER_ID,
        },
    ),
}

QUERIES: Final[dict[str, list[tuple[str, str, dict[str, Any]]]]] = {
    "binance": [
        (
            "GET",
            "api.binance.com/api/v3/order",
            {"symbol": "BTCUSDT", "origClientOrderId": ORDER_ID},
        )
    ],
    "okx": [("GET", "www.okx.com/api/v5/trade/order", {"instId": "BTC-USDT", "clOrdId": ORDER_ID})],
    "bybit": [
        (
            "GET",
            "api.bybit.com/v5/order/realtime",
            {"category": "spot", "symbol": "BTCUSDT", "orderLinkId": ORDER_ID},
        ),
        (
            "GET",
            "api.bybit.com/v5/order/history",
            {"category": "spot", "symbol": "BTCUSDT", "orderLinkId": ORDER_ID},
        ),
    ],
    "kraken": [
        ("POST", "api.kraken.com/0/private/OpenOrders", {"cl_ord_id": ORDER_ID}),
        ("POST", "api.kraken.com/0/private/ClosedOrders", {"cl_ord_id": ORDER_ID}),
    ],
    "kucoin": [
        (
            "GET",
            f"api.kucoin.com/api/v1/hf/orders/client-order/{ORDER_ID}",
            {"symbol": "BTC-USDT"},
        )
    ],
    "gate": [
        (
            "GET",
            f"api.gateio.ws/api/v4/spot/orders/{T_ID}",
            {"account": "spot", "currency_pair": "BTC_USDT"},
        )
    ],
    "bitget": [("GET", "api.bitget.com/api/v2/spot/trade/orderInfo", {"clientOid": ORDER_ID})],
    "mexc": [
        ("GET", "api.mexc.com/api/v3/order", {"symbol": "BTCUSDT", "origClientOrderId": ORDER_ID})
    ],
}

CANCELS: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "binance": (
        "DELETE",
        "api.binance.com/api/v3/order",
        {"symbol": "BTCUSDT", "origClientOrderId": ORDER_ID},
    ),
    "okx": (
        "POST",
        "www.okx.com/api/v5/trade/cancel-order",
        {"instId": "BTC-USDT", "clOrdId": ORDER_ID},
    ),
    "bybit": (
        "POST",
        "api.bybit.com/v5/order/cancel",
        {"category": "spot", "symbol": "BTCUSDT", "orderFilter": "Order", "orderLinkId": ORDER_ID},
    ),
    "kraken": ("POST", "api.kraken.com/0/private/CancelOrder", {"cl_ord_id": ORDER_ID}),
    "kucoin": (
        "DELETE",
        f"api.kucoin.com/api/v1/hf/orders/client-order/{ORDER_ID}",
        {"symbol": "BTC-USDT"},
    ),
    "gate": (
        "DELETE",
        f"api.gateio.ws/api/v4/spot/orders/{T_ID}",
        {"account": "spot", "currency_pair": "BTC_USDT"},
    ),
    "bitget": (
        "POST",
        "api.bitget.com/api/v2/spot/trade/cancel-order",
        {"symbol": "BTCUSDT", "clientOid": ORDER_ID},
    ),
    "mexc": (
        "DELETE",
        "api.mexc.com/api/v3/order",
        # The client sends our id once more under a name that the venue does not know.
        {"symbol": "BTCUSDT", "origClientOrderId": ORDER_ID, "clientOrderId": ORDER_ID},
    ),
}

# A millisecond more on each side, because whether a border is counted in is not told everywhere.
FROM_MS, TO_MS = str(SINCE_MS - 1), str(UNTIL_MS + 1)
FROM_S = (SINCE_NS // 10**9 * 1_000 - 1) // 1_000
TRADES: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "binance": (
        "GET",
        "api.binance.com/api/v3/myTrades",
        {"symbol": "BTCUSDT", "startTime": FROM_MS, "endTime": TO_MS, "limit": "1000"},
    ),
    "okx": (
        "GET",
        "www.okx.com/api/v5/trade/fills",
        {"instType": "SPOT", "instId": "BTC-USDT", "begin": FROM_MS, "end": TO_MS},
    ),
    "bybit": (
        "GET",
        "api.bybit.com/v5/execution/list",
        {
            "category": "spot",
            "symbol": "BTCUSDT",
            "execType": "Trade",
            "startTime": FROM_MS,
            "endTime": TO_MS,
            "limit": "100",
        },
    ),
    "kraken": (
        "POST",
        "api.kraken.com/0/private/TradesHistory",
        {"start": str(FROM_S), "end": str(UNTIL_MS // 1_000 + 1)},
    ),
    "coinbase": (
        "GET",
        "api.coinbase.com/api/v3/brokerage/orders/historical/fills",
        {
            "product_id": "BTC-USDT",
            "start_sequence_timestamp": "2023-11-14T21:13:20.122Z",
            "end_sequence_timestamp": "2023-11-14T22:14:20.124Z",
            "limit": "250",
        },
    ),
    "kucoin": (
        "GET",
        "api.kucoin.com/api/v1/hf/fills",
        {"symbol": "BTC-USDT", "startAt": FROM_MS, "endAt": TO_MS, "limit": "100"},
    ),
    "gate": (
        "GET",
        "api.gateio.ws/api/v4/spot/my_trades",
        {
            "currency_pair": "BTC_USDT",
            "account": "spot",
            "from": str(FROM_S),
            "to": str(UNTIL_MS // 1_000),
            "limit": "1000",
        },
    ),
    "bitget": (
        "GET",
        "api.bitget.com/api/v2/spot/trade/fills",
        {"symbol": "BTCUSDT", "startTime": FROM_MS, "endTime": TO_MS, "limit": "100"},
    ),
    "mexc": (
        "GET",
        "api.mexc.com/api/v3/myTrades",
        {"symbol": "BTCUSDT", "startTime": FROM_MS, "endTime": TO_MS, "limit": "100"},
    ),
}

# Answers that say "there is nothing", so that every list of a recipe is asked for.
NOTHING: Final[dict[str, object]] = {
    "bybit": {"retCode": 0, "retMsg": "OK", "result": {"list": [], "category": "spot"}},
    "kraken": {"error": [], "result": {"open": {}, "closed": {}, "trades": {}}},
}
