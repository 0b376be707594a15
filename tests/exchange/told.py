"""What venues say when all is well: bodies of two venues, and what they mean."""

from typing import Any, Final

from tests.exchange.loopback import NOW_MS, ORDER_ID

BINANCE_CREATED: Final[dict[str, Any]] = {
    "symbol": "BTCUSDT",
    "orderId": 28,
    "orderListId": -1,
    "clientOrderId": ORDER_ID,
    "transactTime": NOW_MS,
    "price": "50000.10000000",
    "origQty": "0.01230000",
    "executedQty": "0.01230000",
    "origQuoteOrderQty": "0.00000000",
    "cummulativeQuoteQty": "614.99877000",
    "status": "FILLED",
    "timeInForce": "IOC",
    "type": "LIMIT",
    "side": "BUY",
    "workingTime": NOW_MS,
    "selfTradePreventionMode": "EXPIRE_MAKER",
    "fills": [
        {
            "price": "49999.90000000",
            "qty": "0.01230000",
            "commission": "0.00001230",
            "commissionAsset": "BTC",
            "tradeId": 56,
        }
    ],
}
BINANCE_ORDER: Final[dict[str, Any]] = {
    "symbol": "BTCUSDT",
    "orderId": 28,
    "orderListId": -1,
    "clientOrderId": ORDER_ID,
    "price": "50000.10000000",
    "origQty": "0.01230000",
    "executedQty": "0.00450000",
    "cummulativeQuoteQty": "225.00045000",
    "status": "EXPIRED",
    "timeInForce": "IOC",
    "type": "LIMIT",
    "side": "BUY",
    "time": NOW_MS,
    "updateTime": NOW_MS + 3,
    "isWorking": True,
}
BINANCE_TRADE: Final[dict[str, Any]] = {
    "symbol": "BTCUSDT",
    "id": 56,
    "orderId": 28,
    "orderListId": -1,
    "price": "49999.90000000",
    "qty": "0.01230000",
    "quoteQty": "614.99877000",
    "commission": "0.00001230",
    "commissionAsset": "BTC",
    "time": NOW_MS,
    "isBuyer": True,
    "isMaker": False,
    "isBestMatch": True,
}
OKX_CREATED: Final[dict[str, Any]] = {
    "clOrdId": ORDER_ID,
    "ordId": "312269865356374016",
    "tag": "",
    "ts": str(NOW_MS),
    "sCode": "0",
    "sMsg": "",
}
OKX_ORDER: Final[dict[str, Any]] = {
    "instType": "SPOT",
    "instId": "BTC-USDT",
    "ccy": "",
    "ordId": "312269865356374016",
    "clOrdId": ORDER_ID,
    "px": "50000.1",
    "sz": "0.0123",
    "ordType": "ioc",
    "side": "buy",
    "accFillSz": "0.0045",
    "fillPx": "49999.9",
    "avgPx": "49999.9",
    "state": "canceled",
    "fee": "-0.0000045",
    "feeCcy": "BTC",
    "uTime": str(NOW_MS + 3),
    "cTime": str(NOW_MS),
}
OKX_TRADE: Final[dict[str, Any]] = {
    "instType": "SPOT",
    "instId": "BTC-USDT",
    "tradeId": "123",
    "ordId": "312269865356374016",
    "clOrdId": ORDER_ID,
    "billId": "1111",
    "fillPx": "49999.9",
    "fillSz": "0.0123",
    "side": "buy",
    "execType": "T",
    "feeCcy": "BTC",
    "fee": "-0.0000123",
    "ts": str(NOW_MS),
    "fillTime": str(NOW_MS),
}


def okx(*rows: Any) -> dict[str, Any]:
    """The venue's envelope."""
    return {"code": "0", "msg": "", "data": list(rows)}
