"""Binance's rate limits: weights per minute, orders per ten seconds and per day, in fixed spans of its clock."""

from typing import Final

from arb.clock import NS_PER_DAY, NS_PER_S

WEIGHT_MAX: Final = 6_000
ORDERS_10S_MAX: Final = 100
ORDERS_DAY_MAX: Final = 200_000
MINUTE_NS: Final = 60 * NS_PER_S
TEN_SECONDS_NS: Final = 10 * NS_PER_S
RATE_LIMITS: Final = (
    ("REQUEST_WEIGHT", "MINUTE", 1, WEIGHT_MAX),
    ("ORDERS", "SECOND", 10, ORDERS_10S_MAX),
    ("ORDERS", "DAY", 1, ORDERS_DAY_MAX),
    ("RAW_REQUESTS", "MINUTE", 5, 61_000),
)


class Span:
    """A count that begins anew with each span of the clock."""

    def __init__(self, length_ns: int, most: int) -> None:
        self._length_ns = length_ns
        self._most = most
        self._number = -1
        self._count = 0

    def count(self, now_ns: int) -> int:
        """What was used in this span."""
        if now_ns // self._length_ns != self._number:
            self._number = now_ns // self._length_ns
            self._count = 0
        return self._count

    def use(self, cost: int, now_ns: int) -> bool:
        """Count a cost; False where it is beyond the limit."""
        self._count = self.count(now_ns) + cost
        return self._count <= self._most

    def left_ns(self, now_ns: int) -> int:
        """How long this span still lasts."""
        return self._length_ns - now_ns % self._length_ns


class Usage:
    """What this machine used of its limits."""

    def __init__(self) -> None:
        self.weight: Final = Span(MINUTE_NS, WEIGHT_MAX)
        self.orders_10s: Final = Span(TEN_SECONDS_NS, ORDERS_10S_MAX)
        self.orders_day: Final = Span(NS_PER_DAY, ORDERS_DAY_MAX)

    def headers(self, now_ns: int, *, of_order: bool) -> dict[str, str]:
        """Tell the usage as every answer does."""
        used = str(self.weight.count(now_ns))
        told = {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}
        if of_order:
            told["X-MBX-ORDER-COUNT-10S"] = str(self.orders_10s.count(now_ns))
            told["X-MBX-ORDER-COUNT-1D"] = str(self.orders_day.count(now_ns))
        return told

    def rows(self, now_ns: int) -> list[dict[str, object]]:
        """Tell the usage as the WebSocket API does."""
        counts = (self.weight, self.orders_10s, self.orders_day)
        return [
            {**row, "count": span.count(now_ns)}
            for row, span in zip(limit_rows(), counts, strict=False)
        ]


def limit_rows() -> list[dict[str, object]]:
    """The limits as the exchange's own description lists them."""
    return [
        {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}
        for kind, interval, number, limit in RATE_LIMITS
    ]
