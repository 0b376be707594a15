"""The venues' own codes that prove something: the allow-lists. A code that is on no list proves nothing. Pure."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from arb.clock import NS_PER_S

# Reasons of a refusal, as the paper venue says them too.
BAD_ORDER: Final = "bad_order"
FILTER: Final = "filter"
INSUFFICIENT_BALANCE: Final = "insufficient_balance"
MARKET_HALTED: Final = "market_halted"
UNKNOWN_MARKET: Final = "unknown_market"
OUTSIDE_WINDOW: Final = "outside_recv_window"
BAD_SIGNATURE: Final = "bad_signature"
REJECTED: Final = "rejected"
NOT_ALLOWED: Final = "not_allowed"
# The market is listed for others, and this account or key may not trade on it.
MARKET_NOT_ALLOWED: Final = "market_not_allowed"

_BANNED_NS: Final = 120 * NS_PER_S  # the shortest ban of a venue that bans
_LIMITED_NS: Final = 30 * NS_PER_S


class Codes(Struct, frozen=True, kw_only=True):
    """What a venue's codes prove. Texts are compared in lower case, as beginnings."""

    where: tuple[tuple[str, str], ...]  # paths of (code, text) in the body, the telling one first
    well: frozenset[str] = frozenset({"0"})  # codes that say that nothing went wrong
    refused: Mapping[str, str]  # code -> reason
    refused_texts: tuple[tuple[str, str, str], ...] = ()  # (code, text) that say more than the code
    duplicate: tuple[tuple[str, str], ...] = ()  # (code, text); "" is any text
    key_revoked: frozenset[str] = frozenset()
    banned: frozenset[str] = frozenset()  # at any HTTP status; 418 and 429 need no code
    maintenance: frozenset[str] = frozenset()
    maintenance_texts: tuple[str, ...] = ()
    not_found: frozenset[str] = frozenset()
    clock_wrong: frozenset[str] = frozenset()  # our time is not the venue's
    order_ids: tuple[str, ...] = ()  # where the id stands if an order was made after all
    named: tuple[
        tuple[str, str], ...
    ] = ()  # (path of a row, key) where it names the order by our id
    limited_ns: int = _LIMITED_NS  # after a 429 that names no time
    banned_ns: int = _BANNED_NS  # after a 418 that names no time


def _each(reason: str, *codes: str) -> dict[str, str]:
    return dict.fromkeys(codes, reason)


BINANCE: Final = Codes(
    where=(("code", "msg"),),
    refused={
        **{str(code): BAD_ORDER for code in range(-1151, -1099)},
        "-1121": UNKNOWN_MARKET,
        "-1013": FILTER,
        "-1021": OUTSIDE_WINDOW,
        "-1022": BAD_SIGNATURE,
        "-2010": REJECTED,
    },
    refused_texts=(
        ("-2010", "account has insufficient balance", INSUFFICIENT_BALANCE),
        ("-2010", "market is closed", MARKET_HALTED),
        ("-2010", "this symbol is not permitted for this account", MARKET_NOT_ALLOWED),
        ("-2010", "this symbol is restricted for this account", MARKET_NOT_ALLOWED),
        ("-2010", "symbol not whitelisted for api key", MARKET_NOT_ALLOWED),
        ("-1013", "market is closed", MARKET_HALTED),
    ),
    duplicate=(("-2010", "duplicate order sent"),),
    key_revoked=frozenset({"-2008", "-2014", "-2015"}),  # the first of one that was deleted
    maintenance_texts=("system is under maintenance",),
    not_found=frozenset({"-2013", "-2011"}),
    clock_wrong=frozenset({"-1021"}),
    order_ids=("orderId",),
)

OKX: Final = Codes(
    where=(("data.0.sCode", "data.0.sMsg"), ("code", "msg")),
    refused={
        **_each(BAD_ORDER, "50000", "50002", "50006", "50014", "50015", "50016", "50024", "50025"),
        **_each(BAD_ORDER, "51000", "51003", "51204"),
        **_each(
            NOT_ALLOWED, "50007", "50009", "50012", "50027", "50028", "51009", "51010", "51024"
        ),
        **_each(NOT_ALLOWED, "50120", "54008"),
        **_each(MARKET_NOT_ALLOWED, "51155"),
        **_each(OUTSIDE_WINDOW, "50036", "50037", "50102", "50112"),
        **_each(BAD_SIGNATURE, "50113"),
        **_each(UNKNOWN_MARKET, "51001", "51012", "51014", "51015"),
        **_each(FILTER, "51004", "51005", "51006", "51020", "51025", "51031", "51100", "51101"),
        **_each(FILTER, "51102", "51116", "51118", "51120", "51121", "51122", "51135", "51136"),
        **_each(FILTER, "51137", "51138", "51174", "51185", "51203"),
        **_each(INSUFFICIENT_BALANCE, "51008", "51119", "51127", "51131"),
        **_each(MARKET_HALTED, "51021", "51022", "51124", "54072"),
    },
    duplicate=(("51016", ""), ("51011", "")),
    key_revoked=frozenset({"50100", "50101", "50105", "50110", "50111", "50119"}),
    banned=frozenset({"50011", "50061"}),
    maintenance=frozenset({"50001"}),
    not_found=frozenset({"51603", "51400", "51401", "51402"}),
    clock_wrong=frozenset({"50102", "50112"}),
    order_ids=("data.0.ordId",),
    named=(("data.0", "clOrdId"),),
    limited_ns=2 * NS_PER_S,
)

BYBIT: Final = Codes(
    where=(("retCode", "retMsg"),),
    refused={
        **_each(BAD_ORDER, "10001"),
        **_each(OUTSIDE_WINDOW, "10002"),
        **_each(BAD_SIGNATURE, "10004"),
        **_each(NOT_ALLOWED, "10005", "10024", "10027", "10029"),
        **_each(UNKNOWN_MARKET, "170121"),
        **_each(INSUFFICIENT_BALANCE, "170131", "110007", "110012"),
        **_each(FILTER, "170130", "170132", "170133", "170134", "170135", "170136", "170137"),
        **_each(FILTER, "170124", "170140", "110094"),
    },
    duplicate=(("170141", ""), ("110072", "")),
    key_revoked=frozenset({"10003", "33004"}),
    banned=frozenset({"10006", "10018"}),
    not_found=frozenset({"170213", "110001"}),
    clock_wrong=frozenset({"10002"}),
    order_ids=("result.orderId",),
)

KRAKEN: Final = Codes(
    where=(("error.0", "error.0"),),
    refused={
        **_each(BAD_ORDER, "EGeneral:Invalid arguments", "EOrder:Invalid price"),
        **_each(INSUFFICIENT_BALANCE, "EOrder:Insufficient funds"),
        **_each(FILTER, "EOrder:Order minimum not met", "EOrder:Cost minimum not met"),
        **_each(FILTER, "EOrder:Tick size check failed"),
        **_each(UNKNOWN_MARKET, "EQuery:Unknown asset pair"),
        **_each(OUTSIDE_WINDOW, "EService:Deadline elapsed", "EAPI:Invalid nonce"),
        **_each(BAD_SIGNATURE, "EAPI:Invalid signature"),
        **_each(NOT_ALLOWED, "EGeneral:Permission denied"),
        **_each(MARKET_HALTED, "EService:Market in cancel_only mode"),
    },
    key_revoked=frozenset({"EAPI:Invalid key"}),
    banned=frozenset({"EAPI:Rate limit exceeded", "EOrder:Rate limit exceeded"}),
    not_found=frozenset({"EOrder:Unknown order"}),
    order_ids=("result.txid.0",),
)

COINBASE: Final = Codes(
    where=(("error_response.error", "error_response.message"), ("error", "message")),
    refused={
        **_each(INSUFFICIENT_BALANCE, "INSUFFICIENT_FUND"),
        **_each(FILTER, "INVALID_PRICE_PRECISION", "INVALID_SIZE_PRECISION"),
    },
    duplicate=(("DUPLICATE_CLIENT_ORDER_ID", ""),),
    not_found=frozenset({"NOT_FOUND"}),
    order_ids=("success_response.order_id",),
)

# What its "not found" looks like is not proven: an order that it does not show stays unknown.
KUCOIN: Final = Codes(
    where=(("code", "msg"),),
    well=frozenset({"200000", "200"}),
    refused={
        **_each(INSUFFICIENT_BALANCE, "200004"),
        **_each(BAD_ORDER, "400100"),
        **_each(OUTSIDE_WINDOW, "400002"),
        **_each(BAD_SIGNATURE, "400005"),
        **_each(UNKNOWN_MARKET, "900001"),
    },
    duplicate=(("126044", ""),),
    key_revoked=frozenset({"400003", "400004", "400006"}),
    banned=frozenset({"429000"}),
    clock_wrong=frozenset({"400002"}),
    order_ids=("data.orderId",),
)

GATE: Final = Codes(
    where=(("label", "message"),),
    refused={
        **_each(INSUFFICIENT_BALANCE, "BALANCE_NOT_ENOUGH"),
        **_each(BAD_ORDER, "INVALID_PARAM_VALUE", "INVALID_REQUEST_BODY", "MISSING_REQUIRED_PARAM"),
        **_each(UNKNOWN_MARKET, "INVALID_CURRENCY_PAIR"),
        **_each(OUTSIDE_WINDOW, "REQUEST_EXPIRED"),
        **_each(BAD_SIGNATURE, "INVALID_SIGNATURE"),
    },
    key_revoked=frozenset({"INVALID_KEY"}),
    banned=frozenset({"TOO_MANY_REQUESTS"}),
    not_found=frozenset({"ORDER_NOT_FOUND"}),
    clock_wrong=frozenset({"REQUEST_EXPIRED"}),
    order_ids=("id",),
)

BITGET: Final = Codes(
    where=(("code", "msg"),),
    well=frozenset({"00000"}),
    refused={
        **_each(INSUFFICIENT_BALANCE, "43012"),
        **_each(BAD_ORDER, "40808", "40017", "40019"),
        # 30008 is "request expired": the client calls it a timeout, and it was not accepted.
        **_each(OUTSIDE_WINDOW, "40008", "30008"),
        **_each(BAD_SIGNATURE, "40009"),
        **_each(UNKNOWN_MARKET, "40034"),
    },
    duplicate=(("40500", ""),),
    key_revoked=frozenset({"40006", "40037"}),
    banned=frozenset({"30007"}),
    not_found=frozenset({"43001", "40109", "40768"}),
    clock_wrong=frozenset({"40008"}),
    order_ids=("data.orderId",),
)

MEXC: Final = Codes(
    where=(("code", "msg"),),
    well=frozenset({"0", "200"}),
    refused={
        **_each(INSUFFICIENT_BALANCE, "10101", "30004", "30005"),
        **_each(FILTER, "30002", "30003", "30087"),
        **_each(MARKET_HALTED, "30016"),
        **_each(UNKNOWN_MARKET, "-1121", "30014", "30021"),
        **_each(MARKET_NOT_ALLOWED, "10007", "30020"),  # listed, and closed to programs or to us
        **_each(OUTSIDE_WINDOW, "700003"),
        **_each(BAD_SIGNATURE, "700002", "602"),
    },
    key_revoked=frozenset({"10072", "402", "700001"}),
    banned=frozenset({"429", "510"}),
    not_found=frozenset({"-2013", "-2011"}),
    clock_wrong=frozenset({"700003"}),
    order_ids=("orderId",),
)
