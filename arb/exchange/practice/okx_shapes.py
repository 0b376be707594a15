"""Orders, trades, balances and markets in OKX's own fields: everything is text."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from arb.clock import NS_PER_MS
from arb.exchange.paper.records import PaperFill, PaperOrder
from arb.exchange.port import Balance, BalanceChange
from arb.exchange.practice.hall import Told
from arb.exchange.practice.okx_params import is_client_id
from arb.exchange.practice.okx_words import Shape
from arb.money import ZERO, plain

BILL_FIRST: Final = 700_000_000_000_000_000  # a trade's bill has a number of its own
TRANSFER_FIRST: Final = 600_000_000_000_000_000  # and so has a transfer's
AVERAGE_DIGITS: Final = 16
SPOT: Final = "SPOT"
_KINDS: Final = {"gtc": "limit", "ioc": "ioc", "fok": "fok"}
_NO_FEE_SIGN: Final = "0"
_CANCELED_BY: Final = {
    "gtc": "1",
    "ioc": "14",
    "fok": "15",
}  # the user; not filled at once; not whole


def ms(at_ns: int) -> str:
    """Milliseconds, cut."""
    return str(at_ns // NS_PER_MS)


def inst_id(market: str) -> str:
    """`BTC/USDT` is BTC-USDT."""
    return market.replace("/", "-")


def client_id(name: str | None) -> str:
    """The client's id of an order; empty for one that was placed by hand, or without an id."""
    return name if name is not None and is_client_id(name) else ""


def charged(fee: Decimal) -> str:
    """What is charged is below zero."""
    return plain(-fee) if fee else _NO_FEE_SIGN


def state_of(order: PaperOrder) -> str:
    """Name an order's state."""
    if order.status == "open":
        return "partially_filled" if order.filled else "live"
    return "filled" if order.status == "closed" else "canceled"


def bill_of(fill: PaperFill) -> int:
    """The number of a trade's bill, by which trades are paged."""
    return BILL_FIRST + fill.number


def placed_shape(name: str, order_id: str, at_ns: int, code: str, text: str) -> Shape:
    """What became of an order that was sent, or of a cancel: nothing but its id."""
    told: Shape = {"clOrdId": name, "ordId": order_id, "tag": "", "ts": ms(at_ns)}
    return {**told, "sCode": code, "sMsg": text}


def order_shape(told: Told) -> Shape:
    """An order as it is read."""
    order, fills = told.order, told.fills
    last = fills[-1] if fills else None
    cost = sum((fill.cost for fill in fills), ZERO)
    filled = sum((fill.amount for fill in fills), ZERO)
    average = plain(round(cost / filled, AVERAGE_DIGITS)) if filled else ""
    fee_asset = order.received_asset if last is None else last.fee_asset
    fee = sum((fill.fee for fill in fills if fill.fee_asset == fee_asset), ZERO)
    updated_ns = max([order.created_ns, order.closed_ns or 0, *(fill.at_ns for fill in fills)])
    canceled = state_of(order) == "canceled"
    return {
        "accFillSz": plain(order.filled),
        "algoClOrdId": "",
        "algoId": "",
        "attachAlgoClOrdId": "",
        "attachAlgoOrds": [],
        "avgPx": average,
        "cTime": ms(order.created_ns),
        "cancelSource": _CANCELED_BY[order.time_in_force] if canceled else "",
        "cancelSourceReason": "",
        "category": "normal",
        "ccy": "",
        "clOrdId": client_id(order.client_order_id),
        "fee": charged(fee),
        "feeCcy": fee_asset,
        "fillPx": "" if last is None else plain(last.price),
        "fillSz": "0" if last is None else plain(last.amount),
        "fillTime": "" if last is None else ms(last.at_ns),
        "instId": inst_id(order.market),
        "instType": SPOT,
        "isTpLimit": "false",
        "lever": "",
        "linkedAlgoOrd": {"algoId": ""},
        "ordId": str(order.number),
        "ordType": "market" if order.kind == "market" else _KINDS[order.time_in_force],
        "pnl": "0",
        "posSide": "",
        "px": "" if order.limit is None else plain(order.limit),
        "pxType": "",
        "pxUsd": "",
        "pxVol": "",
        "quickMgnType": "",
        "rebate": "0",
        "rebateCcy": order.spent_asset,
        "reduceOnly": "false",
        "side": order.side,
        "slOrdPx": "",
        "slTriggerPx": "",
        "slTriggerPxType": "",
        "source": "",
        "state": state_of(order),
        "stpId": "",
        "stpMode": "cancel_maker",
        "sz": plain(order.amount),
        "tag": "",
        "tdMode": "cash",
        "tgtCcy": "base_ccy" if order.kind == "market" else "",
        "tpOrdPx": "",
        "tpTriggerPx": "",
        "tpTriggerPxType": "",
        "tradeId": "" if last is None else str(last.number),
        "tradeQuoteCcy": order.quote,
        "uTime": ms(updated_ns),
    }


def pushed_shape(told: Told, fill: PaperFill | None) -> Shape:
    """An order as the stream tells it, with the trade that just happened to it."""
    shape = order_shape(told)
    if fill is None:
        shape |= {"fillPx": "", "fillSz": "0", "fillTime": "", "tradeId": ""}
    return {
        **shape,
        "amendResult": "",
        "amendSource": "",
        "code": "0",
        "execType": "" if fill is None else _taker_or_maker(fill),
        "fillFee": "0" if fill is None else charged(fill.fee),
        "fillFeeCcy": "" if fill is None else fill.fee_asset,
        "fillFwdPx": "",
        "fillMarkPx": "",
        "fillMarkVol": "",
        "fillNotionalUsd": "",
        "fillPnl": "0",
        "fillPxUsd": "",
        "fillPxVol": "",
        "lastPx": "",
        "msg": "",
        "notionalUsd": "",
        "reqId": "",
    }


def fill_shape(fill: PaperFill) -> Shape:
    """A trade of the account. It names no quote amount."""
    return {
        "instType": SPOT,
        "instId": inst_id(fill.market),
        "tradeId": str(fill.number),
        "ordId": str(fill.order),
        "clOrdId": client_id(fill.client_order_id),
        "billId": str(bill_of(fill)),
        "subType": "1" if fill.side == "buy" else "2",
        "tag": "",
        "fillPx": plain(fill.price),
        "fillSz": plain(fill.amount),
        "fillIdxPx": "",
        "fillPnl": "0",
        "fillPxVol": "",
        "fillPxUsd": "",
        "fillMarkVol": "",
        "fillFwdPx": "",
        "fillMarkPx": "",
        "side": fill.side,
        "posSide": "net",
        "execType": _taker_or_maker(fill),
        "feeCcy": fill.fee_asset,
        "fee": charged(fill.fee),
        "feeRate": "",
        "ts": ms(fill.at_ns),
        "fillTime": ms(fill.at_ns),
        "tradeQuoteCcy": fill.market.partition("/")[2],
    }


def fill_event(fill: PaperFill) -> Shape:
    """A trade as the channel of trades tells it."""
    whole = fill_shape(fill)
    named = ("instId", "fillSz", "fillPx", "side", "ts", "ordId", "clOrdId", "tradeId", "execType")
    return {**{name: whole[name] for name in named}, "count": "1"}


def _taker_or_maker(fill: PaperFill) -> str:
    return "M" if fill.maker else "T"


def detail_shape(asset: str, balance: Balance, at_ns: int) -> Shape:
    """What the account holds of an asset."""
    total, locked = plain(balance.total), plain(balance.locked)
    return {
        "accAvgPx": "",
        "availBal": plain(balance.free),
        "availEq": "",
        "borrowFroz": "",
        "cashBal": total,
        "ccy": asset,
        "clSpotInUseAmt": "",
        "crossLiab": "",
        "disEq": "",
        "eq": total,
        "eqUsd": "",
        "fixedBal": "0",
        "frozenBal": locked,
        "imr": "",
        "interest": "",
        "isoEq": "",
        "isoLiab": "",
        "isoUpl": "",
        "liab": "",
        "maxLoan": "",
        "mgnRatio": "",
        "mmr": "",
        "notionalLever": "",
        "openAvgPx": "",
        "ordFrozen": locked,
        "rewardBal": "0",
        "smtSyncEq": "0",
        "spotBal": "",
        "spotInUseAmt": "",
        "spotIsoBal": "0",
        "spotUpl": "",
        "spotUplRatio": "",
        "stgyEq": "0",
        "totalPnl": "",
        "totalPnlRatio": "",
        "twap": "0",
        "uTime": ms(at_ns),
        "upl": "",
        "uplLiab": "",
    }


def account_shape(balances: Iterable[tuple[str, Balance]], at_ns: int) -> Shape:
    """Balances as they are read, and as the stream tells them."""
    return {
        "adjEq": "",
        "borrowFroz": "",
        "details": [detail_shape(asset, balance, at_ns) for asset, balance in balances],
        "imr": "",
        "isoEq": "",
        "mgnRatio": "",
        "mmr": "",
        "notionalUsd": "",
        "notionalUsdForBorrow": "",
        "notionalUsdForFutures": "",
        "notionalUsdForOption": "",
        "notionalUsdForSwap": "",
        "ordFroz": "",
        "totalEq": "",
        "uTime": ms(at_ns),
        "upl": "",
    }


def deposit_shape(change: BalanceChange) -> Shape:
    """A deposit that arrived."""
    return {
        "actualDepBlkConfirm": "1",
        "amt": plain(change.amount),
        "areaCodeFrom": "",
        "ccy": change.asset,
        "chain": f"{change.asset}-Practice",
        "depId": change.change_id.removeprefix("c"),
        "from": "",
        "fromWdId": "",
        "state": "2",
        "to": "practice",
        "ts": ms(change.venue_ns),
        "txId": f"practice-{change.change_id}",
    }


def withdrawal_shape(change: BalanceChange) -> Shape:
    """A withdrawal that is done."""
    return {
        "amt": plain(-change.amount),
        "areaCodeFrom": "",
        "areaCodeTo": "",
        "ccy": change.asset,
        "chain": f"{change.asset}-Practice",
        "clientId": "",
        "fee": "0",
        "feeCcy": change.asset,
        "from": "",
        "nonTradableAsset": False,
        "note": "",
        "state": "2",
        "to": "practice",
        "ts": ms(change.venue_ns),
        "txId": f"practice-{change.change_id}",
        "wdId": change.change_id.removeprefix("c"),
    }


def transfer_of(change: BalanceChange) -> int:
    """The number of a transfer's bill."""
    return TRANSFER_FIRST + int(change.change_id.removeprefix("c"))


def transfer_shape(change: BalanceChange) -> Shape:
    """A deposit, or what is withdrawn, on its way between the account that trades and the one that does not."""
    came = change.amount > 0
    funding, trading = "6", "18"
    told: Shape = {
        "bal": "",
        "balChg": plain(change.amount),
        "billId": str(transfer_of(change)),
        "ccy": change.asset,
        "fee": "0",
        "from": funding if came else trading,
        "instType": "",
        "subType": "11" if came else "12",
        "sz": plain(abs(change.amount)),
        "to": trading if came else funding,
        "ts": ms(change.venue_ns),
        "type": "1",
    }
    empty = (
        *(
            "clOrdId",
            "execType",
            "fillFwdPx",
            "fillIdxPx",
            "fillMarkPx",
            "fillMarkVol",
            "fillPxUsd",
        ),
        *("fillPxVol", "fillTime", "instId", "interest", "mgnMode", "notes", "ordId", "pnl"),
        *("posBal", "posBalChg", "px", "tag", "tradeId"),
    )
    return {**dict.fromkeys(empty, ""), **told}
