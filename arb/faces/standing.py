"""What stands in the way of new cycles, restarts included, each with what lifts it."""

from collections.abc import Iterator
from pathlib import Path

from arb.clock import NS_PER_S
from arb.faces.cycle_json import JsonValue
from arb.faces.text import lasting
from arb.machine.account import KILLED, Account

MONITOR = "tools/monitor.py"


def standing_lines(account: Account) -> Iterator[str]:
    """Every halt, a pause, and every tripped limit."""
    for scope, reason in sorted(account.halts.items()):
        yield halt_line(scope, reason)
    if account.paused is not None:
        yield paused_line(account.paused)
    for strategy, risk in sorted(account.risk.items()):
        for limit, reason in sorted(risk.tripped.items()):
            yield tripped_line(strategy, limit, reason)


def standing_json(account: Account, now_ns: int) -> dict[str, JsonValue]:
    """The same as data; `breaker_until_ns` is null unless the breaker keeps new cycles back just now."""
    until_ns = account.breaker_until_ns
    return {
        "halts": dict(sorted(account.halts.items())),
        "paused": account.paused,
        "tripped": [
            {"strategy": strategy, "limit": limit, "reason": reason}
            for strategy, risk in sorted(account.risk.items())
            for limit, reason in sorted(risk.tripped.items())
        ],
        "breaker_until_ns": until_ns if until_ns > now_ns else None,
    }


def halt_line(scope: str, reason: str) -> str:
    """A halt. The kill switch's file has to be removed first: it would halt the engine again."""
    first = "remove that file, then " if reason.startswith(KILLED) else ""
    return f"HALTED ({scope}): {reason}; {first}`{MONITOR} --unpause --reason TEXT` lifts it"


def paused_line(reason: str) -> str:
    """A pause needs no reason to be lifted."""
    return f"PAUSED: {reason.removesuffix(': ')}; `{MONITOR} --unpause` lifts it"


def waiting_line(account: Account, db: Path, duration_s: float | None) -> str:
    """Of a run that is paused from its start: that it goes on, opens nothing, and what changes that."""
    reason = " --reason TEXT" if account.halts else ""  # it lifts those too, and they demand one
    lifts = f"`{MONITOR} --unpause{reason} --db {db}` lifts the pause"
    end = (
        "until Ctrl-C ends it"
        if duration_s is None
        else f"for up to {lasting(round(duration_s * NS_PER_S))}"
    )
    return f"waiting, {end}: this run opens nothing new until {lifts}"


def tripped_line(strategy: str, limit: str, reason: str) -> str:
    """A limit that stops a strategy."""
    lifts = f"`{MONITOR} --reset-risk {strategy}:{limit}` resets it"
    return f"TRIPPED ({strategy}: {limit}): {reason}; {lifts}"
