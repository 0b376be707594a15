"""How a cycle leaves its path because of price or time: to recovering, and its path rests for a while."""

from typing import Final

from arb.clock import NS_PER_MS, NS_PER_S
from arb.events import facts as f
from arb.execution.account.desk import Desk
from arb.execution.account.journal import Draft
from arb.machine import commands as c
from arb.machine.risk import cooldown_s, identity_of
from arb.machine.state import path_of

SHORTFALL: Final = "shortfall"  # the depth within `max_slippage_bps` does not take a leg
BELOW_FLOOR: Final = "below_floor"
NOTHING: Final = "nothing"  # a leg after the first got nothing
LATENCY: Final = "latency"
CAUSES: Final = (SHORTFALL, BELOW_FLOOR, NOTHING, LATENCY)


def leave(desk: Desk, draft: Draft, cause: str, reason: str) -> None:
    """Take a running cycle to recovering, and start its path's cooldown in the same batch.

    Each further failure of the path in a row doubles it.
    """
    draft.do(c.StartRecovery(reason=reason))
    cycle = draft.cycle
    first_s = desk.strategy(cycle.config).risk_controls.slippage_cooldown_seconds
    if first_s <= 0:
        return
    identity = identity_of(path_of(cycle))
    risk = desk.journal.account.risk[cycle.strategy]
    seconds = cooldown_s(first_s, risk.failures_before(identity, cycle.id))
    draft.notes.append(
        f.CooldownStarted(
            strategy=cycle.strategy,
            identity=identity,
            until_ns=draft.at_ns + int(seconds * NS_PER_S),
            cause=cause,
            cycle_id=cycle.id,
        )
    )


def slow_leg(desk: Desk, draft: Draft) -> str | None:
    """Say that the current leg takes longer than `max_leg_latency_ms`; None while it does not.

    The time runs from the leg's first order since the cycle came to it, or came back to it: what
    a recovery took is not the leg's.
    """
    cycle = draft.cycle
    limit_ms = desk.strategy(cycle.config).max_leg_latency_ms
    if limit_ms is None or not cycle.attempts:
        return None
    took_ns = draft.at_ns - cycle.orders[-cycle.attempts].intended_ns
    if took_ns <= limit_ms * NS_PER_MS:
        return None
    return f"leg {cycle.leg + 1} took {took_ns // NS_PER_MS} ms, the limit is {limit_ms} ms"
