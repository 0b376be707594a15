"""How a cycle waits for a trade that the balances show and the venue has not told of."""

from arb.events import facts as f
from arb.events.facts import Amounts
from arb.execution.account.desk import Desk, targets_of
from arb.execution.account.journal import Draft
from arb.execution.cycles import patience, untold
from arb.execution.cycles.parking import park
from arb.execution.cycles.situation import Situation
from arb.machine.invariants import total
from arb.money import ZERO


def differing(desk: Desk, draft: Draft, situation: Situation) -> Amounts:
    """What keeps the cycle from giving again what it may have given: see `untold.differing`.

    When that was waited for long enough only what is missing counts: more than expected is no loss.
    """
    if situation.balances is None:
        return {}
    # Trades that are in the draft alone were told before the balances were read.
    drafted = total(fact for fact in draft.facts if isinstance(fact, f.Posted))
    found = untold.differing(
        desk, draft.cycle, situation.balances, situation.expected, drafted, draft.at_ns
    )
    if found and _waited_enough(desk, draft):
        return {asset: amount for asset, amount in found.items() if amount < 0}
    return found


def _waited_enough(desk: Desk, draft: Draft) -> bool:
    """Whether the venue had the time to tell: for each order from its own start, whatever was waited for before it."""
    lately = untold.sent_lately(desk, draft.cycle, draft.at_ns)
    return not lately and patience.waited_enough(desk, draft, patience.UNTOLD, ())


def waits(desk: Desk, draft: Draft, situation: Situation) -> bool:
    """Whether a recovering cycle waits for the venue's word; where none came for too long it is parked."""
    cycle = draft.cycle
    found = differing(desk, draft, situation)
    if not found:
        return False
    if not _waited_enough(desk, draft):
        patience.wait_for(desk, draft, patience.UNTOLD)
        return True
    if not cycle.has_traded:
        return False  # nothing of it is sent again: it ends as what the venue says
    for asset, amount in found.items():
        held = cycle.holding(asset)
        actual = max(ZERO, held + amount)
        draft.notes.append(
            f.ShortfallFound(asset=asset, owned=held, actual=actual, borne_by=cycle.id)
        )
    targets = targets_of(desk.strategy(cycle.config), cycle.start_asset)
    park(desk, draft, f"{patience.UNTOLD}: {', '.join(sorted(found))}", targets)
    return True
