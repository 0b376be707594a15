"""A live cycle with three settled legs takes less than 4 KB, and still knows each of its fills."""

from __future__ import annotations

import gc
import tracemalloc
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from arb.events import facts as f
from arb.ids import client_order_id, parse_client_order_id
from arb.machine.evolve import evolve
from arb.machine.state import ORDERS_UNPACKED_KEPT, unpacked
from tests.spec.given import (
    D,
    accepted,
    closed,
    filled,
    fold,
    given,
    intended,
    leg_1_done,
    leg_3_done,
    oid,
    ready,
    report,
    settled,
)
from tests.spec.given import fill as told

if TYPE_CHECKING:
    from arb.machine.state import Cycle

CYCLES = 2_000
VARIANTS = 10  # each is decoded anew for each cycle, so that none shares an object
BYTES_MAX = 4_096
AT_NS = 1_700_000_000_000_000_000
_encode = msgspec.json.Encoder(decimal_format="string").encode
_decode = msgspec.json.Decoder(f.CycleEvent).decode


def leg(number: int, amount: str, cost: str, fee: str, *, fills: int) -> list[f.CycleEvent]:
    asset = ("BTC", "ETH", "USDT")[number - 1]
    parts = (D(1),) if fills == 1 else (D("0.25"), D("0.75"))
    return [
        replace(intended(number), best=D("1.25") * number),
        accepted(number),
        *(
            filled(
                number,
                f"{4_511_234_560 + at}",
                str(D(amount) * part),
                str(D(cost) * part),
                fee=str(D(fee) * part),
                fee_asset=asset,
            )
            for at, part in enumerate(parts)
        ),
        closed(number, amount),
        settled(number - 1, cost, amount),
    ]


def history(number: int) -> list[f.CycleEvent]:
    """Three settled legs, 1.3 fills a leg, with ids as long as a venue's."""
    facts = [
        *ready(),
        *leg(1, "0.01987", "993.5123", "0.00001987", fills=1 + (number % 10 < 3)),
        *leg(2, "0.39701", "0.0198501", "0.00039701", fills=1 + (number % 10 in {3, 4, 5})),
        *leg(3, "0.3966", "1001.2312", "1.0012312", fills=1 + (number % 10 > 6)),
    ]
    return [named(fact, number) for fact in facts]


def named(fact: f.CycleEvent, number: int) -> f.CycleEvent:
    if isinstance(fact, f.CycleOpened):
        return replace(fact, cycle_id=f"demo-{number}", number=number, edge_bps=D(number) / 100)
    if isinstance(fact, f.OrderFact):
        order = parse_client_order_id(fact.client_order_id).order_number
        fact = replace(fact, client_order_id=client_order_id("aaaa", number, order))
        if isinstance(fact, f.OrderAccepted | f.OrderFilled):
            fact = replace(fact, exchange_order_id=str(28_457_112_345 + number * 3 + order))
    return fact


def lived(rows: list[bytes]) -> Cycle:
    cycle = None
    for number, row in enumerate(rows):
        cycle = evolve(cycle, _decode(row), AT_NS + number)
    assert cycle is not None
    return cycle


def test_a_live_cycle_with_three_settled_legs_is_under_4_kb() -> None:
    logs = [[_encode(fact) for fact in history(number)] for number in range(1, VARIANTS + 1)]
    lived(logs[0])  # interned names and shared paths are not the cycles'
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        cycles = [lived(logs[number % VARIANTS]) for number in range(CYCLES)]
        gc.collect()
        mean = (tracemalloc.get_traced_memory()[0] - before) / len(cycles)
    finally:
        tracemalloc.stop()
    assert all(len(cycle.filed) == 3 for cycle in cycles)
    assert mean < BYTES_MAX, f"{mean:.0f} bytes a live cycle"


def test_a_filed_order_is_the_order_it_was() -> None:
    before = fold(*leg_1_done()[:-1])
    after = fold(*leg_1_done())
    assert before.filed == after.recent == ()
    assert after.orders == before.orders
    assert (after.orders_sent, before.orders_sent) == (1, 1)


def test_a_filed_order_still_knows_its_fills() -> None:
    known = told(1, "t1", "0.02", "1000")
    given(leg_3_done()).when(report(1, known)).then_nothing()
    changed = told(1, "t1", "0.02", "1001")
    given(leg_3_done()).when(report(1, changed)).then_facts(f.DiscrepancyFound)


def test_an_order_that_is_spoken_of_again_is_taken_out_of_the_file() -> None:
    cycle = given(leg_3_done()).when(report(1, told(1, "t9", "0.001", "50"))).then_cycle()
    assert cycle.filed == ()
    assert [order.number for order in cycle.orders] == [1, 2, 3]
    assert len(cycle.order(oid(1)).trades) == 2


def test_an_order_that_is_not_final_is_not_filed() -> None:
    history = [fact for fact in leg_1_done() if not isinstance(fact, f.OrderClosed)]
    cycle = fold(*history)
    assert (cycle.filed, len(cycle.pending_orders())) == ((), 1)


def test_unpacked_orders_are_kept_in_bounds() -> None:
    assert unpacked.cache_info().maxsize == ORDERS_UNPACKED_KEPT
