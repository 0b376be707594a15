"""Orders of the log held against what reached the venue, and how the run ended."""

from collections import Counter

from arb.simulation.checker.story import Story
from arb.simulation.checker.truth import Truth
from arb.simulation.checker.words import Violation, dec

ID_CHARS = 18


def check(story: Story, really: Truth) -> list[Violation]:
    """Judge what was sent, what became of it, and how the run ended."""
    return [
        *_sent(story, really),
        *_fates(story, really),
        *_verdicts(story, really),
        *_ends(story, really),
    ]


def is_ours(story: Story, client_order_id: str | None) -> bool:
    """Whether an order carries an id of this log's making."""
    if client_order_id is None or len(client_order_id) != ID_CHARS:
        return False
    return client_order_id.startswith("x") and client_order_id[1:5] in story.instances


def _sent(story: Story, really: Truth) -> list[Violation]:
    requests = Counter(name for name, _ in really.creates)
    made = Counter(one.client_order_id for one in really.orders if one.client_order_id is not None)
    ours = {name for name in made if name in story.orders or is_ours(story, name)}
    found = [
        Violation("sent_twice", f"order {name} was sent {times} times")
        for name, times in requests.items()
        if times > 1
    ]
    found += [
        Violation("sent_twice", f"the venue has {made[name]} orders {name}")
        for name in sorted(ours)
        if made[name] > 1
    ]
    return found + [
        Violation("forgotten_order", f"order {name} reached the venue, the log never intended it")
        for name in sorted({*requests, *ours} - set(story.orders))
    ]


def _fates(story: Story, really: Truth) -> list[Violation]:
    found: list[Violation] = []
    for one in really.orders:
        order = story.orders.get(one.client_order_id or "")
        if order is None:
            continue
        if one.status == "open":
            found.append(Violation("not_at_rest", f"order {order.id} is open at the venue"))
        if dec(one.filled) != order.filled:
            what = f"order {order.id} filled {one.filled}, the log says {order.filled}"
            found.append(Violation("forgotten_order", what))
        if (one.market, one.side) != (order.market, order.side):
            what = f"order {order.id} is to {one.side} {one.market}, the log says otherwise"
            found.append(Violation("forgotten_order", what))
        if order.exchange_id not in {None, "attested", one.order_id}:
            what = f"order {order.id} is the venue's {one.order_id}, not {order.exchange_id}"
            found.append(Violation("forgotten_order", what))
    known = {one.client_order_id for one in really.orders}
    return found + [
        Violation("forgotten_order", f"the log says {name} was accepted, the venue never had it")
        for name, order in story.orders.items()
        if order.exchange_id not in {None, "attested"} and name not in known
    ]


def _verdicts(story: Story, really: Truth) -> list[Violation]:
    """What the log once called refused, absent or not sent, and the venue had."""
    had = {one.client_order_id for one in really.orders}
    asked = {name for name, _ in really.creates}
    return [
        Violation("unproven", f"order {order.id} was called {verdict}, and reached the venue")
        for order in story.orders.values()
        for verdict in order.verdicts
        if order.id in (asked if verdict == "not sent" else had)
    ]


def _ends(story: Story, really: Truth) -> list[Violation]:
    found: list[Violation] = []
    if really.virtual_s > really.virtual_s_max:
        what = f"it took {really.virtual_s} s of virtual time, {really.virtual_s_max} are allowed"
        found.append(Violation("unbounded", what))
    if really.must_trade:
        since = story.runs[-1] if story.runs else 0
        traded = [
            cycle
            for cycle in story.cycles.values()
            if story.opened_at[cycle.id] > since and cycle.outcome == "completed"
        ]
        if not traded:
            what = "the last run completed no cycle on a market that pays, in fair weather"
            found.append(Violation("liveness", what))
    return found
