"""OKX's lists: open orders, ended orders, trades. Newest first, a hundred at a time, paged by id."""

from collections.abc import Sequence
from typing import Final

from arb.clock import NS_PER_DAY, NS_PER_MS
from arb.exchange.paper.records import PaperFill
from arb.exchange.practice.doors import Grounds
from arb.exchange.practice.hall import Told
from arb.exchange.practice.okx_orders import Orders
from arb.exchange.practice.okx_params import Params, paged
from arb.exchange.practice.okx_shapes import bill_of, fill_shape, order_shape, state_of
from arb.exchange.practice.okx_words import Shape, enveloped

WEEK_NS: Final = 7 * NS_PER_DAY
QUARTER_NS: Final = 90 * NS_PER_DAY
FILLS_NS: Final = 3 * NS_PER_DAY
_ENDED: Final = ("filled", "canceled")


class Lists:
    """What can be listed of the account's trading."""

    def __init__(self, grounds: Grounds, orders: Orders) -> None:
        self._hall = grounds.hall
        self._orders = orders

    def pending(self, params: Params) -> Shape:
        """List what rests."""
        markets = self._markets(params)
        found = [told for told in self._hall.open_orders() if told.order.market in markets]
        return self._of_orders(params, found)

    def history(self, params: Params) -> Shape:
        """List orders that ended within a week."""
        return self._ended(params, WEEK_NS)

    def archive(self, params: Params) -> Shape:
        """List orders that ended within three months."""
        return self._ended(params, QUARTER_NS)

    def fills(self, params: Params) -> Shape:
        """List trades of three days."""
        return self._fills(params, FILLS_NS)

    def fills_history(self, params: Params) -> Shape:
        """List trades of three months."""
        params.need("instType")
        return self._fills(params, QUARTER_NS)

    # ---

    def _markets(self, params: Params) -> list[str]:
        if params.text("instType") not in {None, "SPOT", "ANY"}:
            return []
        if "instId" in params:
            return [self._orders.market_of(params)]
        return list(self._hall.markets())

    def _ended(self, params: Params, back_ns: int) -> Shape:
        params.need("instType")
        since_ns = self._hall.now_ns() - back_ns
        found = [
            told
            for market in self._markets(params)
            for told in self._hall.orders(market)
            if told.order.closed_ns is not None
            and told.order.closed_ns >= since_ns
            and not self._orders.forgotten(told)
        ]
        state = params.text("state")
        if state is not None:
            params.one_of("state", _ENDED)
            found = [told for told in found if state_of(told.order) == state]
        return self._of_orders(params, found)

    def _of_orders(self, params: Params, found: Sequence[Told]) -> Shape:
        begin, end = params.span_ms()
        kinds = params.text("ordType")
        shown = [
            told
            for told in found
            if begin <= told.order.created_ns // NS_PER_MS <= end
            and (kinds is None or order_shape(told)["ordType"] in kinds.split(","))
        ]
        page = paged(params, shown, lambda told: told.order.number)
        return enveloped([order_shape(told) for told in page])

    def _fills(self, params: Params, back_ns: int) -> Shape:
        begin, end = params.span_ms()
        since_ns = max(self._hall.now_ns() - back_ns, begin * NS_PER_MS)
        order = params.whole("ordId")
        found: list[PaperFill] = [
            fill
            for market in self._markets(params)
            for fill in self._hall.fills(market, since_ns)
            if fill.at_ns // NS_PER_MS <= end and order in {None, fill.order}
        ]
        return enveloped([fill_shape(fill) for fill in paged(params, found, bill_of)])
