"""What is read of the venue before a cycle's next step is decided."""

from collections.abc import Mapping

from msgspec import Struct

from arb import limits
from arb.events.facts import Amounts
from arb.exchange.port import Balance, Banned, KeyRevoked, Unreachable
from arb.execution.account.desk import Desk
from arb.execution.cycles import untold
from arb.machine import commands as c
from arb.machine import table as t
from arb.machine.state import Cycle


class Situation(Struct, frozen=True):
    """What was read before deciding. Without balances nothing is sold and nothing is resumed."""

    balances: Mapping[str, Balance] | None = None
    expected: Amounts = {}  # by the log, of what the cycle has, as the balances were asked for
    venue_ns: int | None = None  # the venue's clock, estimated
    panic: bool = False  # an operator wants this cycle liquidated
    trouble: str = ""  # why the venue could not be asked
    rested: bool = False  # since the last order ended; the one after a failure waits for that


async def read_situation(
    desk: Desk, cycle: Cycle, commands: tuple[c.Command, ...], trouble: str, *, panic: bool
) -> Situation:
    """Read what a cycle's next step needs; `commands` follow from what its pending order came to."""
    balances, expected = None, untold.expected_now(desk, cycle)
    pending = cycle.pending_orders()
    # While an order's fate is open nothing is chosen, so nothing else is read.
    if not trouble and (not pending or commands):
        try:
            if cycle.state in {t.RECOVERING, t.PANIC_SELLING}:
                balances = await desk.access.balances()
            elif not pending and untold.resells(desk, cycle, desk.clock.now_ns()):
                balances, expected = await _fitting_balances(desk, cycle)
        except (Unreachable, Banned, KeyRevoked) as error:
            trouble = str(error)
    venue_ns = desk.access.venue_time_estimate_ns()
    if venue_ns is None and not trouble:
        try:
            venue_ns = await desk.access.venue_time_ns()
        except (Unreachable, Banned, KeyRevoked) as error:
            trouble = str(error)
    return Situation(
        balances=balances,
        expected=expected,
        venue_ns=venue_ns,
        panic=panic,
        trouble=trouble,
        rested=not pending,
    )


async def _fitting_balances(desk: Desk, cycle: Cycle) -> tuple[Mapping[str, Balance], Amounts]:
    """Read balances, and again for about a second while they do not fit: most lag by less, if they do."""
    for delay_s in limits.RESOLVE_DELAYS_S:
        expected = untold.expected_now(desk, cycle)
        balances = await desk.access.balances()
        now_ns = desk.clock.now_ns()
        if not untold.differing(desk, cycle, balances, expected, {}, now_ns):
            return balances, expected
        await desk.clock.sleep(delay_s)
    expected = untold.expected_now(desk, cycle)
    return await desk.access.balances(), expected
