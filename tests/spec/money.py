"""A log's money held against what the venue itself did: each trade and each change, once and unaltered."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from arb.events import facts as f
from arb.exchange.paper.account import PaperAccount
from arb.machine.invariants import total
from arb.money import ZERO

Amounts = dict[str, Decimal]


def wrong_money(told: Iterable[f.Fact], account: PaperAccount) -> list[str]:
    """Say which trade or change stands in a log otherwise than at the venue.

    A difference that the log calls unexplained is right only where the venue made one in silence:
    else a wrongly booked trade would balance itself.
    """
    facts = list(told)
    (opened,) = [fact for fact in facts if isinstance(fact, f.AccountOpened)]
    return [
        *wrong_totals(facts, account),
        *_fills(facts, account),
        *_foreign(facts, opened, account),
        *_changes(facts, opened, account),
    ]


def wrong_totals(facts: list[f.Fact], account: PaperAccount) -> list[str]:
    """Per asset: opening + ledger + external changes must be what the venue holds."""
    (opened,) = [fact for fact in facts if isinstance(fact, f.AccountOpened)]
    book = total(fact for fact in facts if isinstance(fact, f.Posted))
    for fact in facts:
        if isinstance(fact, f.ExternalChangeFound):
            book[fact.asset] = book.get(fact.asset, ZERO) + fact.amount
    return [
        f"{asset}: the log expects {expected}, the venue holds {held}"
        for asset, held in account.totals().items()
        if held != (expected := opened.opening.get(asset, ZERO) + book.get(asset, ZERO))
    ]


def _fills(facts: list[f.Fact], account: PaperAccount) -> list[str]:
    """Every trade of an intended order is in the log once, word by word, and no other is."""
    intended = {fact.client_order_id for fact in facts if isinstance(fact, f.OrderIntended)}
    true = Counter(
        _words(fill.report()) for fill in account.all_fills() if fill.client_order_id in intended
    )
    reversed_ids = {fact.trade_id for fact in facts if isinstance(fact, f.AttestedFillReversed)}
    booked = Counter(
        _words(fact)
        for fact in facts
        if isinstance(fact, f.OrderFilled) and fact.trade_id not in reversed_ids
    )
    return [
        *(f"booked, and the venue made no such trade: {one}" for one in booked - true),
        *(f"the venue's trade is not booked: {one}" for one in true - booked),
    ]


def _words(trade: Any) -> tuple[Any, ...]:
    numbers = (trade.price, trade.amount, trade.cost, trade.fee)
    order = (trade.exchange_order_id, trade.client_order_id)
    return (trade.market, trade.trade_id, *order, trade.side, *numbers, trade.fee_asset)


def _foreign(facts: list[f.Fact], opened: f.AccountOpened, account: PaperAccount) -> list[str]:
    intended = {fact.client_order_id for fact in facts if isinstance(fact, f.OrderIntended)}
    true = {
        (fill.market, fill.trade_id)
        for fill in account.all_fills()
        if fill.client_order_id not in intended and fill.at_ns >= opened.venue_ns
    }
    seen = Counter(
        (fact.market, fact.trade_id) for fact in facts if isinstance(fact, f.ForeignTradeSeen)
    )
    return [
        *(f"seen {times} times: {one}" for one, times in seen.items() if times > 1),
        *(f"no other client made trade {one}" for one in set(seen) - true),
        *(f"not seen: trade {one} of another client" for one in true - set(seen)),
    ]


def _changes(facts: list[f.Fact], opened: f.AccountOpened, account: PaperAccount) -> list[str]:
    since = opened.venue_ns
    reported = account.changes(since, reported_only=True)
    names = {change.change_id for change in reported}
    silent: Amounts = {}
    for change in account.changes(since, reported_only=False):
        if change.change_id not in names:
            silent[change.asset] = silent.get(change.asset, ZERO) + change.amount
    unexplained: Amounts = {}
    found: Counter[str] = Counter()
    for fact in facts:
        if not isinstance(fact, f.ExternalChangeFound):
            continue
        if fact.source == "venue":
            found[fact.detail] += 1
        elif not fact.explained:
            unexplained[fact.asset] = unexplained.get(fact.asset, ZERO) + fact.amount
    return [
        *(f"change {name} is recorded {found[name]} times" for name in names if found[name] != 1),
        *(f"the venue tells of no change {name}" for name in set(found) - names),
        *(
            f"unexplained {asset}: {unexplained.get(asset, ZERO)}, made {silent.get(asset, ZERO)}"
            for asset in sorted({*unexplained, *silent})
            if unexplained.get(asset, ZERO) != silent.get(asset, ZERO)
        ),
    ]
