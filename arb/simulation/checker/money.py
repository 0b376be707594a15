"""A log's money held against the venue's own account: each trade and each change, once and unaltered."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from decimal import Decimal
from itertools import combinations
from typing import Any

from arb.simulation.checker.oversold import moved_by
from arb.simulation.checker.story import Story
from arb.simulation.checker.truth import Truth
from arb.simulation.checker.words import ZERO, Amounts, Event, Violation, add, dec, joined

WORDS = ("trade_id", "market", "side", "fee_asset")
NUMBERS = ("amount", "cost", "fee")
# A venue may hide an order for so long, from the balances too: what it hid when the account was opened
# came before everything that can be explained.
HIDDEN_NS_MAX = 60_000_000_000
HIDDEN_ORDERS_MAX = 4


def check(events: list[Event], story: Story, really: Truth) -> list[Violation]:
    """Judge the totals, the trades, and what other people did."""
    return [
        *(Violation("conservation", what) for what in _totals(story, really)),
        *(Violation("money_words", what) for what in _fills(events, story, really)),
        *(Violation("money_words", what) for what in _foreign(events, story, really)),
        *(Violation("money_words", what) for what in _changes(events, story, really)),
    ]


def _totals(story: Story, really: Truth) -> list[str]:
    """Hold both books against the balances: the log's, and the venue's own list of what happened."""
    there = joined(really.opening, *(moved_by(fill) for fill in really.fills))
    for change in really.changes:
        add(there, change.asset, dec(change.amount))
    wrong = [
        f"the venue's own account does not add up: {one}" for one in _off(there, really.balances)
    ]
    if story.opening is not None:
        wrong += [f"the log's book: {one}" for one in _off(story.expected, really.balances)]
    elif really.creates:
        wrong.append("orders were sent, and the log never recorded an opening")
    return wrong


def _off(book: Amounts, held: Amounts) -> list[str]:
    return [
        f"{asset} should be {book.get(asset, ZERO)}, the venue holds {held.get(asset, ZERO)}"
        for asset in sorted({*book, *held})
        if book.get(asset, ZERO) != held.get(asset, ZERO)
    ]


def _fills(events: list[Event], story: Story, really: Truth) -> list[str]:
    true = Counter(
        _words(fill.order_id, {name: getattr(fill, name) for name in (*WORDS, *NUMBERS)})
        for fill in really.fills
        if fill.client_order_id in story.orders
    )
    # What an operator stated and the venue never showed is nobody's trade: the totals judge it.
    stated = {f"attested-{name}" for name in story.orders}
    booked = Counter(
        _words(event.data["exchange_order_id"], event.data)
        for event in events
        if event.type == "OrderFilled" and event.data["trade_id"] not in stated
    )
    return [
        *(f"booked, and the venue made no such trade: {one}" for one in (booked - true).elements()),
        *(f"the venue's trade is not booked: {one}" for one in (true - booked).elements()),
    ]


def _words(order_id: str, trade: Mapping[str, Any]) -> tuple[str | Decimal, ...]:
    return (
        order_id,
        *(trade[name] for name in WORDS),
        *(dec(trade[name]).normalize() for name in NUMBERS),
    )


def _foreign(events: list[Event], story: Story, really: Truth) -> list[str]:
    """Each trade of other people is noted once; all of those in markets of ours, up to the last start."""
    others = {
        (fill.market, fill.trade_id): fill
        for fill in really.fills
        if fill.client_order_id not in story.orders
    }
    ours = {order.market for order in story.orders.values()}
    due = {
        key
        for key, fill in others.items()
        if fill.market in ours and story.opened_venue_ns <= fill.at_ns < story.run_began_ns
    }
    seen = Counter(
        (event.data["market"], event.data["trade_id"])
        for event in events
        if event.type == "ForeignTradeSeen"
    )
    return [
        *(f"noted {times} times: {one}" for one, times in seen.items() if times > 1),
        *(f"no other client made trade {one}" for one in sorted(set(seen) - set(others))),
        *(f"trade {one} of another client is not noted" for one in sorted(due - set(seen))),
    ]


def _changes(events: list[Event], story: Story, really: Truth) -> list[str]:
    """Each change that the venue reports is recorded once; what is unexplained, it made in silence."""
    true: dict[str, Counter[Decimal]] = defaultdict(Counter)
    for change in really.changes:
        if change.at_ns >= story.opened_venue_ns:
            true[change.asset][dec(change.amount).normalize()] += 1
    told: dict[str, Counter[Decimal]] = defaultdict(Counter)
    unexplained: Amounts = {}
    names: Counter[str] = Counter()
    for event in events:
        if event.type != "ExternalChangeFound":
            continue
        asset, amount = event.data["asset"], dec(event.data["amount"])
        if event.data["source"] == "venue":
            told[asset][amount.normalize()] += 1
            names[event.data["detail"]] += 1
        elif not event.data["explained"]:
            add(unexplained, asset, amount)
    wrong = [
        f"change {name} is recorded {times} times" for name, times in names.items() if times > 1
    ]
    hidden = _hidden_at_opening(story, really)
    for asset in sorted({*true, *told, *unexplained}):
        extra = told[asset] - true[asset]
        wrong += [f"the venue made no change of {one} {asset}" for one in extra.elements()]
        silent = sum((true[asset] - told[asset]).elements(), hidden.get(asset, ZERO))
        if silent != unexplained.get(asset, ZERO):
            found = unexplained.get(asset, ZERO)
            wrong.append(
                f"{found} {asset} are called unexplained, {silent} are not told of otherwise"
            )
    return wrong


def _hidden_at_opening(story: Story, really: Truth) -> Amounts:
    """What others' orders, or single trades, had moved when the account was opened, and its balances did not show."""
    opened = story.opened_venue_ns
    there = joined(
        really.opening,
        *(moved_by(fill) for fill in really.fills if fill.at_ns < opened),
        *({one.asset: dec(one.amount)} for one in really.changes if one.at_ns < opened),
    )
    off = {
        asset: there.get(asset, ZERO) - (story.opening or {}).get(asset, ZERO)
        for asset in {*there, *(story.opening or {})}
    }
    moved: dict[str, Amounts] = {}
    for fill in really.fills:
        if opened - HIDDEN_NS_MAX <= fill.at_ns < opened:
            moved[fill.order_id] = joined(moved.get(fill.order_id, {}), moved_by(fill))
            # Of an order that was shown in part.
            moved[f"{fill.market} {fill.trade_id}"] = moved_by(fill)
    for number in range(1, min(len(moved), HIDDEN_ORDERS_MAX) + 1):
        for some in combinations(moved.values(), number):
            sum_of_them = joined(*some)
            if all(off.get(asset, ZERO) == sum_of_them.get(asset, ZERO) for asset in off):
                return sum_of_them
    return {}
