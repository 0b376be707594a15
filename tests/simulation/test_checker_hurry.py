"""Orders within a second are counted as they left: what the gate held back did not."""

from decimal import Decimal

import pytest

from arb.simulation.checker.cycles import Cycle, Order
from arb.simulation.checker.limits import ORDERS_PER_SECOND_MAX, SECOND_NS, Limits

ONE = Decimal(1)


def judged(times_ns: list[int], *, held_back: int = 0) -> list[str]:
    """What is found where orders were intended at some times, the last ones held back."""
    found: list[str] = []
    limits = Limits(lambda _rule, what: found.append(what))
    cycle = Cycle("c-1", "s", "c", [], "USDT", Decimal(1000), lambda _rule, _what: None)
    orders = [
        Order(f"x{number}", "leg", 0, "BTC/USDT", "BTC", "USDT", "buy", ONE, ONE, ONE, at_ns, at_ns)
        for number, at_ns in enumerate(times_ns)
    ]
    for order in orders:
        limits.sends(cycle, order)
    for order in orders[len(orders) - held_back :]:
        order.state, order.reason = "refused", "not sent"
    limits.judge_sent()
    return found


@pytest.mark.parametrize(
    ("times_ns", "held_back", "told"),
    [
        ([0] * ORDERS_PER_SECOND_MAX, 0, 0),
        ([0] * (ORDERS_PER_SECOND_MAX + 1), 0, 1),
        ([0] * (ORDERS_PER_SECOND_MAX + 1), 1, 0),
        ([*([0] * ORDERS_PER_SECOND_MAX), SECOND_NS], 0, 0),
        ([*([5 * SECOND_NS] * ORDERS_PER_SECOND_MAX), 4 * SECOND_NS], 0, 0),  # a clock set back
    ],
)
def test_too_many_orders_within_a_second_are_named(
    times_ns: list[int], held_back: int, told: int
) -> None:
    assert len(judged(times_ns, held_back=held_back)) == told
