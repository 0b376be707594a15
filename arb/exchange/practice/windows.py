"""How long the practice exchange's windows are: the server enforces them, and its dialects promise the same numbers. Pure."""

from typing import Final

from arb.clock import NS_PER_DAY, NS_PER_MS, NS_PER_S

RECV_WINDOW_NS: Final = 2 * NS_PER_S  # how long after its timestamp a request is still accepted
BACKEND_LIMIT_NS: Final = 500 * NS_PER_MS  # how long an accepted request may take inside
VISIBILITY_NS: Final = 500 * NS_PER_MS  # how long an order may hide from reads
HISTORY_NS: Final = 30 * NS_PER_DAY
