"""Limits, cooldowns and declined opportunities: as text, and as JSON."""

from collections.abc import Iterable, Sequence

from arb.faces.cycle_json import JsonValue
from arb.faces.text import lasting, table, when
from arb.machine.account import Account
from arb.projections.queries import DeclinedRow


def _running(account: Account, now_ns: int) -> list[tuple[str, str, int]]:
    """Cooldowns at a time: (path, strategy, until_ns), the first to end first."""
    found = [
        (identity, strategy, until_ns)
        for strategy, risk in account.risk.items()
        for identity, until_ns in risk.cooldowns.items()
        if until_ns > now_ns
    ]
    return sorted(found, key=lambda one: (one[2], one[0], one[1]))


def cooldown_note(account: Account, now_ns: int) -> Iterable[str]:
    """One line that says which paths rest."""
    running = _running(account, now_ns)
    if running:
        named = ", ".join(f"{path} ({who}) until {when(until)}" for path, who, until in running)
        yield f"COOLDOWN: {named}"


def cooldown_lines(account: Account, now_ns: int) -> Iterable[str]:
    """The paths that rest, and for how long."""
    running = _running(account, now_ns)
    if not running:
        yield "no cooldown is running"
        return
    rows = [(path, who, when(until), lasting(until - now_ns)) for path, who, until in running]
    yield from table(("PATH", "STRATEGY", "UNTIL", "LEFT"), rows)


def cooldowns_json(account: Account, now_ns: int) -> list[dict[str, JsonValue]]:
    """The same as data."""
    return [
        {"path": path, "strategy": who, "until_ns": until, "left_ns": until - now_ns}
        for path, who, until in _running(account, now_ns)
    ]


def declined_lines(rows: Sequence[DeclinedRow]) -> Iterable[str]:
    """Why opportunities and recorded cycles were declined, the most frequent first."""
    if not rows:
        yield "nothing was declined"
        return
    cells = [
        (one.reason, one.strategy, one.what, str(one.count), when(one.last_ns), one.sample or "-")
        for one in rows
    ]
    yield from table(("REASON", "STRATEGY", "WHAT", "COUNT", "LAST", "FOR EXAMPLE"), cells)


def declined_json(rows: Sequence[DeclinedRow]) -> list[dict[str, JsonValue]]:
    """The same as data."""
    return [
        {
            "strategy": one.strategy,
            "reason": one.reason,
            "what": one.what,
            "count": one.count,
            "last_ns": one.last_ns,
            "sample": one.sample,
        }
        for one in rows
    ]
