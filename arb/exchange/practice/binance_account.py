"""Binance's endpoints about the account: balances, rates, what its key may do, what came and went."""

import datetime as dt
from typing import Final

from arb.clock import NS_PER_DAY, NS_PER_MS, NS_PER_S
from arb.exchange.port import BalanceChange
from arb.exchange.practice.binance_orders import Orders
from arb.exchange.practice.binance_params import Params
from arb.exchange.practice.binance_shapes import (
    Shape,
    balance_shape,
    deposit_shape,
    eight,
    ms,
    symbol_of,
    withdrawal_shape,
)
from arb.exchange.practice.binance_words import refused
from arb.exchange.practice.doors import Grounds
from arb.money import ZERO

CHANGES_DAYS_MAX: Final = 90
KEY_MADE_MS: Final = 1_700_000_000_000


class Account:
    """What can be asked about the account."""

    def __init__(self, grounds: Grounds, orders: Orders) -> None:
        self._grounds = grounds
        self._hall = grounds.hall
        self._orders = orders

    def status(self, params: Params) -> Shape:
        """Tell the balances and rates."""
        fees = self._hall.fees
        balances = self._hall.balances()
        rows = [balance_shape(asset, balance) for asset, balance in sorted(balances.items())]
        if params.flag("omitZeroBalances"):
            rows = [
                row
                for row, (_, balance) in zip(rows, sorted(balances.items()), strict=True)
                if balance.total
            ]
        else:
            listed = {
                asset for one in self._hall.markets().values() for asset in (one.base, one.quote)
            }
            nothing = {"free": eight(ZERO), "locked": eight(ZERO)}
            rows += [{"asset": asset, **nothing} for asset in sorted(listed - set(balances))]
        bps = 10_000
        return {
            "makerCommission": int(fees.maker * bps),
            "takerCommission": int(fees.taker * bps),
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": self._rates(charged=True),
            "canTrade": True,
            "canWithdraw": True,
            "canDeposit": True,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": ms(self._hall.now_ns()),
            "accountType": "SPOT",
            "balances": rows,
            "permissions": ["SPOT"],
            "uid": int(self._hall.account.uid),
        }

    def commission(self, params: Params) -> Shape:
        """Tell the rates of a market, and which asset pays less."""
        market = self._orders.market_of(params.symbol())
        third = self._hall.fees.fee_asset
        return {
            "symbol": symbol_of(market),
            "standardCommission": self._rates(charged=True),
            "specialCommission": self._rates(charged=False),
            "taxCommission": self._rates(charged=False),
            "discount": {
                "enabledForAccount": third is not None,
                "enabledForSymbol": third is not None,
                "discountAsset": third or "BNB",
                "discount": eight(self._hall.third_share),
            },
        }

    def _rates(self, *, charged: bool) -> Shape:
        fees = self._hall.fees
        return {
            "maker": eight(fees.maker if charged else ZERO),
            "taker": eight(fees.taker if charged else ZERO),
            "buyer": eight(ZERO),
            "seller": eight(ZERO),
        }

    def trade_fee(self, params: Params) -> list[Shape]:
        """Tell the rates of a market, or of all."""
        chosen = (
            [self._orders.market_of(params.symbol())]
            if "symbol" in params
            else self._hall.markets()
        )
        fees = self._hall.fees
        rates = {"makerCommission": eight(fees.maker), "takerCommission": eight(fees.taker)}
        return [{"symbol": symbol_of(market), **rates} for market in chosen]

    def bnb_burn(self, _: Params) -> Shape:
        """Tell whether fees are paid in BNB."""
        return {"spotBNBBurn": self._hall.fees.fee_asset == "BNB", "interestBNBBurn": False}

    def restrictions(self, _: Params) -> Shape:
        """Tell what the key may do."""
        return {
            "ipRestrict": False,
            "createTime": KEY_MADE_MS,
            "enableReading": True,
            "enableWithdrawals": self._grounds.may_withdraw,
            "enableInternalTransfer": False,
            "enableMargin": False,
            "enableFutures": False,
            "permitsUniversalTransfer": False,
            "enableVanillaOptions": False,
            "enableFixApiTrade": False,
            "enableFixReadOnly": False,
            "enableSpotAndMarginTrading": True,
            "enablePortfolioMarginTrading": False,
        }

    def deposits(self, params: Params) -> list[Shape]:
        """List what arrived, newest first."""
        return [deposit_shape(one) for one in self._changes(params) if one.amount > 0]

    def withdrawals(self, params: Params) -> list[Shape]:
        """List what left, newest first."""
        return [
            withdrawal_shape(one, _words(one.venue_ns))
            for one in self._changes(params)
            if one.amount < 0
        ]

    def _changes(self, params: Params) -> list[BalanceChange]:
        day_ms = NS_PER_DAY // NS_PER_MS
        now_ms = ms(self._hall.now_ns())
        start = params.whole("startTime")
        end = params.whole("endTime")
        if start is None:
            start = (now_ms if end is None else end) - CHANGES_DAYS_MAX * day_ms
        if end is None:
            end = now_ms
        if end - start > CHANGES_DAYS_MAX * day_ms:
            raise refused(-1100, "The time interval must be within 0-90 days")
        coin = params.text("coin")
        found = [
            one
            for one in self._hall.changes(start * NS_PER_MS)
            if ms(one.venue_ns) <= end and coin in {None, one.asset}
        ]
        offset = params.whole("offset") or 0
        return list(reversed(found))[offset : offset + params.limit(1_000, 1_000)]


def _words(at_ns: int) -> str:
    at = dt.datetime.fromtimestamp(at_ns // NS_PER_S, dt.UTC)
    return at.strftime("%Y-%m-%d %H:%M:%S")
