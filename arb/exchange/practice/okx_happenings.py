"""OKX's private channels: orders with their trades, the account, trades alone."""

from collections.abc import Callable
from typing import Final

from arb.exchange.practice.hall import Hall, Told
from arb.exchange.practice.happenings import BalancesHappening, Happening, OrderHappening
from arb.exchange.practice.okx_shapes import account_shape, fill_event, inst_id, pushed_shape
from arb.exchange.practice.okx_words import Shape

PRIVATE: Final = ("orders", "account", "fills")
Tell = Callable[[Shape], None]


class PrivateChannel:
    """One subscription to what happens on the account; `over` is called for a key that is revoked."""

    def __init__(self, hall: Hall, arg: Shape, tell: Tell, over: Callable[[], bool]) -> None:
        self._hall = hall
        self._name = arg["channel"]
        self._wanted = arg.get("instId"), arg.get("ccy")
        self._arg = {**arg, "uid": hall.account.uid}
        self._tell = tell
        self._over = over
        self.leave = hall.listen(self._hear)

    def first(self) -> list[Shape]:
        """The balances that there are, to begin with."""
        if self._name != "account":
            return []
        balances = sorted(self._hall.account.balances().items())
        shape = account_shape(balances, self._hall.now_ns())
        return [{"arg": self._arg, "eventType": "snapshot", **_LAST_PAGE, "data": [shape]}]

    def due(self, _: int) -> list[Shape]:
        """Nothing: what happens is told when it happens."""
        return []

    def _hear(self, happening: Happening) -> None:
        if self._over():
            return
        market, asset = self._wanted
        match happening, self._name:
            case OrderHappening(), "orders":
                if market in {None, inst_id(happening.order.market)}:
                    self._tell({"arg": self._arg, "data": [_order(self._hall, happening)]})
            case OrderHappening(), "fills":
                fill = happening.fill
                if fill is not None and market in {None, inst_id(fill.market)}:
                    self._tell({"arg": self._arg, "data": [fill_event(fill)]})
            case BalancesHappening(), "account":
                told = [
                    (name, one) for name, one in happening.balances.items() if asset in {None, name}
                ]
                shape = account_shape(told, happening.at_ns)
                event: Shape = {"arg": self._arg, "eventType": "event_update", **_LAST_PAGE}
                self._tell({**event, "data": [shape]})
            case _:
                pass


_LAST_PAGE: Final = {"curPage": 1, "lastPage": True}


def _order(hall: Hall, happening: OrderHappening) -> Shape:
    """An order with the trades that it had by then."""
    order, fill = happening.order, happening.fill
    fills = hall.account.fills_of(order.number) if happening.what != "new" else ()
    if fill is not None:
        fills = tuple(one for one in fills if one.number <= fill.number)
    return pushed_shape(Told(order, fills), fill)
