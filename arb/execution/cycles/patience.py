"""How long a cycle waits for what it cannot do without: a market, a price, the books of its path.

Only what this life waited counts: when the last one ended, or what was there since, is not known. Nor
does time in which the venue did not answer: its feed comes back after it, or it took nothing anyway.
"""

from collections.abc import Iterable

from arb import limits
from arb.clock import NS_PER_S
from arb.events.facts import Amounts
from arb.execution.account.desk import Desk
from arb.execution.account.journal import Draft
from arb.execution.risk import loss_limits
from arb.machine import commands as c
from arb.machine.net import fees_beside

NO_MARKET = "no market takes what is held now"
TOO_LITTLE = "less is there than the cycle holds"
NO_VALUE = "a book is missing to value what was sold or paid, or may be lost"
NO_BOOKS = "the books of its path have not come yet"
UNTOLD = "the balances do not fit what the venue has told of the last orders"
# What a cycle may have waited for long enough.
_AWAITED = frozenset({NO_MARKET, TOO_LITTLE, NO_VALUE, UNTOLD})


def wait(desk: Desk, draft: Draft, trouble: str) -> None:
    """Ask the venue again later, each time after twice as long, up to a limit.

    What the cycle waits for already stays what it waits for: a venue that cannot be asked now and then
    would else make every wait begin anew, and none would ever have been long enough.
    """
    cycle = draft.cycle
    delay_s = min(limits.WAIT_FIRST_S * 2 ** min(cycle.waits, 10), limits.WAIT_MAX_S)
    reason = cycle.wait_reason if cycle.wait_reason in _AWAITED else trouble
    _look_later(desk, draft, reason, delay_s)


def wait_for(desk: Desk, draft: Draft, reason: str) -> None:
    """Look again soon for what may come by itself: after as long as it was waited for already, up to a limit.

    What was waited for before it, or in another life, makes no look later.
    """
    waited_s = _waited_ns(desk, draft, reason) / NS_PER_S
    _look_later(desk, draft, reason, min(limits.WAIT_FIRST_S + waited_s, limits.LOOK_AGAIN_MAX_S))


def _look_later(desk: Desk, draft: Draft, reason: str, delay_s: float) -> None:
    next_try = draft.at_ns + round(delay_s * NS_PER_S)
    draft.do(c.Wait(reason=reason, next_try_ns=max(next_try, desk.access.banned_until_ns)))


def waited_enough(desk: Desk, draft: Draft, reason: str, assets: Iterable[str]) -> bool:
    """Whether the cycle has waited for this, and nothing else, as long as it is worth.

    `assets` are what markets should take or value. A market of theirs without a book says nothing of
    what it would do: then the feed is waited for, which takes longer than a market is worth.
    """
    deaf = any(
        _trades(desk, rules.market) and desk.book(rules.market) is None
        for asset in assets
        for rules in desk.markets_of(asset)
    )
    patience_s = limits.FEED_PATIENCE_S if deaf else limits.PARK_AFTER_S
    return _waited_ns(desk, draft, reason) > patience_s * NS_PER_S


def waited_enough_for_value(desk: Desk, draft: Draft, amounts: Amounts) -> bool:
    """The same of a value: those of the amounts that nothing values now are what it is waited for."""
    start = draft.cycle.start_asset
    assets = [
        one for one, amount in amounts.items() if amount and desk.value(one, amount, start) is None
    ]
    return waited_enough(desk, draft, NO_VALUE, assets)


def _waited_ns(desk: Desk, draft: Draft, reason: str) -> int:
    cycle = draft.cycle
    since_ns = cycle.wait_since_ns if cycle.wait_reason == reason else draft.at_ns
    if desk.attentive_since_ns <= draft.at_ns:  # else the clock was set back since
        since_ns = max(since_ns, desk.attentive_since_ns)
    silent_ns = desk.access.silences.within_ns(since_ns, draft.at_ns)
    return max(0, draft.at_ns - since_ns - silent_ns)


def books_come(desk: Desk, draft: Draft) -> bool:
    """Whether a book that going on needs may still come: in the first moments of a life they do.

    Without it the cycle would be sold, or parked, that could have gone on a moment later. One that
    is being sold has left its path, and one that this life opened has lost a book that was there.
    """
    cycle, since_ns = draft.cycle, desk.attentive_since_ns
    if cycle.unwind_orders or desk.journal.opened(cycle):
        return False
    if not 0 <= draft.at_ns - since_ns < limits.BOOKS_COME_S * NS_PER_S:
        return False
    markets = {leg.market for leg in cycle.legs[cycle.leg :]}
    return any(_trades(desk, market) and desk.book(market) is None for market in markets)


def _trades(desk: Desk, market: str) -> bool:
    """Whether the venue lists a market as open, and its book is told."""
    rules = desk.markets.get(market)
    return rules is not None and rules.active and desk.is_attended(market)


def values_wait(desk: Desk, draft: Draft) -> bool:
    """Whether the cycle's end should wait until what its result and its limits need has a value.

    What fees in a third currency are worth counts for the result, and a limit that nothing values
    allows no loss: the values at its end are what stands.
    """
    cycle = draft.cycle
    needed = loss_limits.unvalued(desk, cycle, draft.at_ns)
    needed |= {
        asset
        for asset, fee in fees_beside(cycle).items()
        if desk.value(asset, fee, cycle.start_asset) is None
    }
    if not needed or waited_enough(desk, draft, NO_VALUE, needed):
        return False
    # Of a currency that fees are only now paid in no book is told yet: it is about to be followed.
    return all(desk.is_traded(asset) for asset in needed)
