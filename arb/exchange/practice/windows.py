"""The windows that the practice exchange keeps: short, true and enforced. Pure."""

from typing import Final

from arb.clock import NS_PER_DAY, NS_PER_MS, NS_PER_S

RECV_WINDOW_NS: Final = 2 * NS_PER_S  # a request older than this is refused, whatever it asks for
FUTURE_NS: Final = NS_PER_S  # a request from further ahead than this is refused
BACKEND_LIMIT_NS: Final = 500 * NS_PER_MS  # how long an accepted request may take inside
VISIBILITY_NS: Final = 500 * NS_PER_MS  # how long an order may hide from reads
LATE_FILL_NS: Final = 3 * NS_PER_S  # how much later than its order's end a trade may appear
HISTORY_NS: Final = 90 * NS_PER_DAY  # orders that filled nothing are forgotten after this
OKX_FORGETS_NS: Final = 2 * 3_600 * NS_PER_S  # the same, where OKX is spoken
