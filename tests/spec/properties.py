"""How property tests run: the same examples every time, and a failure prints how to see it again.

`ARB_EXPLORE=1` draws new examples instead, as many as `ARB_EXAMPLES` says.
"""

from __future__ import annotations

import os
from typing import Final

from hypothesis import HealthCheck, settings

EXPLORING: Final = bool(os.environ.get("ARB_EXPLORE"))


def examples(count: int) -> settings:
    """Run this many examples."""
    return settings(
        max_examples=int(os.environ.get("ARB_EXAMPLES", count)) if EXPLORING else count,
        derandomize=not EXPLORING,
        print_blob=True,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
