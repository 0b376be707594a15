"""`run.py --check --json`: the same as the check says in words, a strategy a line."""

from collections.abc import Sequence
from typing import Final

from arb.strategy.loader import Loaded

_MISSING: Final = "missing: "


def check_json(loaded: Loaded, lines: Sequence[str], live: Sequence[str]) -> dict[str, object]:
    """Give what `check_lines` and `live_lines` say of a strategy, and apart what is missing."""
    strategy = loaded.strategy
    said = [line.strip() for line in lines[1:]]  # the first one names what stands here by itself
    return {
        "strategy": strategy.name,
        "file": str(loaded.path),
        "venue": strategy.venue.id,
        "mode": strategy.execution.mode,
        "config": loaded.config_hash,
        "lines": [line for line in said if not line.startswith(_MISSING)],
        "missing": [line.removeprefix(_MISSING) for line in said if line.startswith(_MISSING)],
        "live": [line.strip() for line in live],
    }
