"""OKX's endpoints about the account: balances, rates, what its key may do, what came and went."""

from typing import Final

from arb.clock import NS_PER_MS
from arb.exchange.port import BalanceChange
from arb.exchange.practice.doors import Grounds
from arb.exchange.practice.okx_lists import QUARTER_NS, WEEK_NS
from arb.exchange.practice.okx_orders import Orders
from arb.exchange.practice.okx_params import Params, paged
from arb.exchange.practice.okx_shapes import (
    SPOT,
    account_shape,
    charged,
    deposit_shape,
    ms,
    transfer_of,
    transfer_shape,
    withdrawal_shape,
)
from arb.exchange.practice.okx_words import Shape, enveloped

TRANSFER: Final = "1"  # the type of such a bill; trades have bills of another one
_EMPTY_CONFIG: Final = (
    *("enableSpotBorrow", "ip", "liquidationGear", "opAuth", "roleType", "spotRoleType"),
    *("spotOffsetType", "stgyType", "type"),
)


class Account:
    """What can be asked about the account."""

    def __init__(self, grounds: Grounds, orders: Orders) -> None:
        self._grounds = grounds
        self._hall = grounds.hall
        self._orders = orders

    def balance(self, params: Params) -> Shape:
        """Tell the balances: of all assets that were ever held, or of those that are named."""
        named = params.text("ccy")
        wanted = None if named is None else named.split(",")
        balances = [
            (asset, balance)
            for asset, balance in sorted(self._hall.balances().items())
            if wanted is None or asset in wanted
        ]
        return enveloped([account_shape(balances, self._hall.now_ns())])

    def config(self, _: Params) -> Shape:
        """Tell whose account this is, and what the key may do."""
        may = ["read_only", "trade", *(["withdraw"] if self._grounds.may_withdraw else [])]
        uid = self._hall.account.uid
        told: Shape = {
            "acctLv": "1",
            "acctStpMode": "cancel_maker",
            "autoLoan": False,
            "ctIsoMode": "automatic",
            "enableSpotBorrow": False,
            "feeType": "0",
            "greeksType": "PA",
            "kycLv": "2",
            "label": "practice",
            "level": "Lv1",
            "levelTmp": "",
            "mainUid": uid,
            "mgnIsoMode": "automatic",
            "perm": ",".join(may),
            "posMode": "net_mode",
            "settleCcy": "",
            "spotTraderInsts": [],
            "traderInsts": [],
            "uid": uid,
        }
        return enveloped([{**dict.fromkeys(_EMPTY_CONFIG, ""), **told}])

    def trade_fee(self, params: Params) -> Shape:
        """Tell the rates: what is charged is below zero."""
        params.need("instType")
        if "instId" in params:
            self._orders.market_of(params)
        fees = self._hall.fees
        empty = ("delivery", "exercise", "makerU", "takerU", "makerUSDC", "takerUSDC")
        told: Shape = {
            "category": "1",
            "fiat": [],
            "instType": SPOT,
            "level": "Lv1",
            "maker": charged(fees.maker),
            "ruleType": "normal",
            "taker": charged(fees.taker),
            "ts": ms(self._hall.now_ns()),
        }
        return enveloped([{**dict.fromkeys(empty, ""), **told}])

    def deposits(self, params: Params) -> Shape:
        """List what arrived, newest first."""
        return enveloped([deposit_shape(one) for one in self._changes(params, 1)])

    def withdrawals(self, params: Params) -> Shape:
        """List what left, newest first."""
        return enveloped([withdrawal_shape(one) for one in self._changes(params, -1)])

    def bills(self, params: Params) -> Shape:
        """List transfers of a week: how anything but a trade changes a balance."""
        return self._bills(params, WEEK_NS)

    def bills_archive(self, params: Params) -> Shape:
        """List transfers of three months."""
        return self._bills(params, QUARTER_NS)

    def _bills(self, params: Params, back_ns: int) -> Shape:
        begin, end = params.span_ms()
        asset = params.text("ccy")
        found = [
            one
            for one in self._hall.changes(max(self._hall.now_ns() - back_ns, begin * NS_PER_MS))
            if one.venue_ns // NS_PER_MS <= end
            and asset in {None, one.asset}
            and params.text("type") in {None, TRANSFER}
        ]
        return enveloped([transfer_shape(one) for one in paged(params, found, transfer_of)])

    def currencies(self, params: Params) -> Shape:
        """List the currencies, each with the one chain that it has here."""
        named = params.text("ccy")
        markets = self._hall.markets().values()
        listed = sorted({asset for one in markets for asset in (one.base, one.quote)})
        wanted = listed if named is None else [one for one in listed if one in named.split(",")]
        return enveloped(
            [
                {
                    "canDep": False,
                    "canInternal": False,
                    "canWd": False,
                    "ccy": asset,
                    "chain": f"{asset}-Practice",
                    "fee": "0",
                    "logoLink": "",
                    "mainNet": True,
                    "maxFee": "0",
                    "maxWd": "0",
                    "minDep": "0",
                    "minFee": "0",
                    "minWd": "0",
                    "name": asset,
                    "wdTickSz": "8",
                }
                for asset in wanted
            ]
        )

    def _changes(self, params: Params, sign: int) -> list[BalanceChange]:
        """Page by time here: earlier than `after`, later than `before`."""
        after, before, most = params.page()
        asset = params.text("ccy")
        found = [
            one
            for one in self._hall.changes(0)
            if before < one.venue_ns // NS_PER_MS < after
            and asset in {None, one.asset}
            and one.amount * sign > 0
        ]
        return found[::-1][:most]
