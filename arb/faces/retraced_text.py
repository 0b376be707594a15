"""Whether a run would decide the same again: as text, and as JSON."""

from collections.abc import Iterator

from arb.execution.analysis.retracing import Retraced
from arb.faces.cycle_json import JsonValue
from arb.faces.text import counted

DIFFERENCES_TOLD_MAX = 20


def retraced_lines(retraced: Retraced) -> Iterator[str]:
    """Say which decisions come out otherwise, and how many do not."""
    yield from retraced.differences[:DIFFERENCES_TOLD_MAX]
    more = len(retraced.differences) - DIFFERENCES_TOLD_MAX
    if more > 0:
        yield f"... and {more} more; --json lists all"
    if retraced.damage is not None:
        yield f"{retraced.damage}; what was decided later is not compared"
    if retraced.untold:
        yield f"{counted(retraced.untold, 'decision')} not in the log: the run was cut off before"
    later = f"; {retraced.uncompared} could not be compared" if retraced.uncompared else ""
    yield f"retrace: {retraced.same} of {retraced.decisions} decisions are the same{later}"
    reasons = ", ".join(f"{count} {reason}" for reason, count in retraced.declined.items())
    yield (
        f"at {counted(retraced.moments, 'moment')}: {counted(retraced.opened, 'cycle')} opened, "
        f"{sum(retraced.declined.values())} declined" + (f" ({reasons})" if reasons else "")
    )


def retraced_json(retraced: Retraced) -> dict[str, JsonValue]:
    """The same as data."""
    return {
        "ok": retraced.ok,
        "decisions": retraced.decisions,
        "same": retraced.same,
        "moments": retraced.moments,
        "opened": retraced.opened,
        "declined": dict(retraced.declined),
        "differences": list(retraced.differences),
        "untold": retraced.untold,
        "uncompared": retraced.uncompared,
        "damage": retraced.damage,
    }
