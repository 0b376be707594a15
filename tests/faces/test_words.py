"""Every fact of a cycle has words of its own."""

from random import Random

from arb.events import facts as f
from arb.faces.words import words
from tests.spec import histories as h

RARE: tuple[f.Fact, ...] = (
    f.OrderAttested(client_order_id="x", verdict="absent", reason="the venue forgot"),
    f.AttestedFillReversed(
        client_order_id="x",
        trade_id="attested-x",
        market="ETH/BTC",
        base="ETH",
        quote="BTC",
        side="buy",
        price=h.ONE,
        amount=h.ONE,
        cost=h.ONE,
        venue_ns=1,
    ),
    f.CancelIntended(client_order_id="x", reason="timeout"),
    f.CycleResumed(leg=1, output=h.ONE, floor=h.ONE, liquidation=None),
    f.LegResumed(leg=1, output=h.ONE, floor=h.ONE, liquidation=h.ONE),
)


def test_no_fact_of_a_cycle_is_told_by_its_type_name_alone() -> None:
    told = {type(fact): words(fact) for fact in RARE}
    for seed in range(8):
        for tale in h.TALES:
            for batch in h.write(tale, 1, Random(seed)).batches:
                told |= {type(fact): words(fact) for fact in batch.facts}
    assert set(told) == {*f.CYCLE_MOVES, *f.ORDER_FACTS, f.DiscrepancyFound}
    assert [kind for kind, text in told.items() if kind.__name__ in text] == []
    assert len(set(told.values())) == len(told)
