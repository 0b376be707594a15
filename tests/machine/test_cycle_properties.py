"""Properties of every history: what must hold however the venue, the operator and chance behave."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb.events import facts as f
from arb.machine import commands as c
from arb.machine import table as t
from arb.machine.account import Account, evolve_account, shift_owned
from arb.machine.amounts import add
from arb.machine.evolve import evolve
from arb.machine.invariants import broken, held, total
from arb.machine.net import fees_beside
from arb.machine.order_fold import attested_trade_id
from arb.machine.transitions import fire
from tests.machine.histories import Walk
from tests.spec.given import D
from tests.spec.properties import examples

STEPS = 60
SEEDS = 400
BATCHES = 8
Seen = tuple[set[tuple[str, type]], set[type], set[type]]


@pytest.fixture(scope="module")
def seen() -> Seen:
    """The moves, commands and facts of all seeded walks of this module."""
    return set(), set(), set()


@pytest.mark.parametrize("batch", range(BATCHES))
def test_firing_is_folding_and_money_is_conserved_on_seeded_histories(
    batch: int, seen: Seen
) -> None:
    """Each step of a walk checks all of it; see `Walk.step`."""
    for seed in range(batch, SEEDS, BATCHES):
        walk = Walk(Random(seed))
        try:
            walk.go(STEPS)
        except Exception as error:
            error.add_note(f"Walk(Random({seed})).go({STEPS})")
            raise
        seen[0].update(walk.moves)
        seen[1].update(walk.commands)
        seen[2].update(map(type, walk.facts))
    if batch == BATCHES - 1:
        assert seen[0] == set(t.MOVES), "the walks miss a row of the table"
        assert {c.CorrectEnd, c.AttestOrder} <= seen[1]
        assert f.AttestedFillReversed in seen[2]


@given(st.randoms(use_true_random=False), st.integers(1, 40))
@examples(60)
def test_firing_is_folding_and_money_is_conserved_on_drawn_histories(
    rng: Random, steps: int
) -> None:
    Walk(rng).go(steps)


@pytest.mark.parametrize("seed", range(0, SEEDS, BATCHES))
def test_every_fee_is_in_the_result_or_beside_it_and_none_is_in_both(seed: int) -> None:
    """Beside it stands what the account paid: by so much more is there than the trades left."""
    walk = Walk(Random(seed)).go(STEPS)
    assert walk.cycle is not None
    left = total(fact for fact in walk.facts if isinstance(fact, f.Posted))
    paid = add(held(walk.cycle), {asset: -amount for asset, amount in left.items()})
    assert fees_beside(walk.cycle) == paid


@given(st.integers(0, 2**32), st.integers(0, STEPS))
@examples(60)
def test_a_restart_at_any_point_folds_to_the_cycle_that_lived(seed: int, died_after: int) -> None:
    walk = Walk(Random(seed)).go(died_after)
    folded = fired = None
    for number, fact in enumerate(walk.facts):
        folded = evolve(folded, fact, number)
        fired = fire(fired, fact, number)
    assert folded == fired
    if folded is not None and walk.cycle is not None:
        assert folded.version == len(walk.facts)
        assert folded.holdings == walk.cycle.holdings
        assert [order.trades for order in folded.orders] == [
            order.trades for order in walk.cycle.orders
        ]


@given(st.integers(0, 2**32))
@examples(40)
def test_a_history_told_twice_by_the_venue_changes_nothing(seed: int) -> None:
    """Every trade is booked once: no two fills of a market share an id."""
    walk = Walk(Random(seed)).go(STEPS)
    keys = [
        (fill.market, fill.trade_id)
        for fill in walk.fills
        if fill.trade_id != attested_trade_id(fill.client_order_id)
    ]
    assert len(keys) == len(set(keys))


@given(st.integers(0, 2**32))
@examples(40)
def test_a_tampered_fill_breaks_conservation(seed: int) -> None:
    """The invariant is not empty: a fill that is left out is noticed."""
    walk = Walk(Random(seed)).go(STEPS)
    if walk.cycle is not None and walk.fills:
        assert broken(walk.cycle, walk.fills[:-1]) != []


@given(
    st.integers(0, 2**32),
    st.dictionaries(st.sampled_from(["USDT", "BTC", "BNB"]), st.integers(-50, 50), max_size=3),
)
@examples(40)
def test_the_account_owns_what_closed_cycles_keep_and_expects_what_fills_changed(
    seed: int, opening: dict[str, int]
) -> None:
    rng = Random(seed)
    account, facts, external = Account(), list[f.Fact](), dict[str, D]()
    walks = [Walk(rng, number) for number in range(1, 4)]
    first = f.AccountOpened(
        opening={asset: D(amount) for asset, amount in opening.items()}, venue_ns=0
    )
    evolve_account(account, first)
    for _ in range(STEPS * 2):
        walk = rng.choice(walks)
        before = kept(walk)
        for fact in walk.step():
            evolve_account(account, fact)
            facts.append(fact)
        shift_owned(account, before, kept(walk))
        if rng.random() < 0.05:
            change = f.ExternalChangeFound(
                asset=rng.choice(["USDT", "ADA"]),
                amount=D(rng.randrange(-9, 9)),
                explained=True,
                source="deposit",
                detail="",
            )
            evolve_account(account, change)
            external[change.asset] = external.get(change.asset, D(0)) + change.amount
        owned: dict[str, D] = {}
        for one in walks:
            for asset, amount in kept(one).items():
                owned[asset] = owned.get(asset, D(0)) + amount
        assert account.owned_closed == owned
    changed = total(fact for fact in facts if isinstance(fact, f.Posted))
    for asset in {*account.assets(), *changed, *external, *opening}:
        expected = opening.get(asset, 0) + changed.get(asset, D(0)) + external.get(asset, D(0))
        assert account.expected(asset) == expected


def kept(walk: Walk) -> f.Amounts:
    """What a closed cycle keeps: its dust and parked amounts."""
    if walk.cycle is None or not walk.cycle.is_closed:
        return {}
    parts = [*walk.cycle.dust.items(), *walk.cycle.parked.items()]
    assert dict(item for item in parts if item[1] > 0) == walk.cycle.owned()
    return walk.cycle.owned()
