"""Several opportunities at one moment: the best first, and nobody counts on what another one takes."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from arb.clock import NS_PER_DAY, NS_PER_MS, NS_PER_S
from arb.events import facts as f
from arb.execution.orders.sending import NOT_SENT
from arb.feeds.source import Change
from arb.limits import BATCH_EVENTS_MAX, OPENED_AT_ONCE_MAX
from arb.machine.state import Cycle
from arb.simulation.market import Stage, rules
from tests.spec.world import World

DEEP = "90"
# Two triangles of USDT share the book of BTC/USDT, whose touch has 1,000 USDT.
BOOKS: dict[str, tuple[list[tuple[str, str]], list[tuple[str, str]]]] = {
    "BTC/USDT": ([("49990", "9")], [("50000", "0.02"), ("50500", "9")]),
    "ETH/BTC": ([("0.0399", DEEP)], [("0.04", DEEP)]),
    "ETH/USDT": ([("2020", DEEP)], [("2021", DEEP)]),
    "SOL/BTC": ([("0.00299", "9000")], [("0.003", "9000")]),
    "SOL/USDT": ([("152", "9000")], [("152.2", "9000")]),
}
THROUGH_ETH, THROUGH_SOL = "[USDT, BTC, ETH]", "[USDT, BTC, SOL]"


class Moments(Stage):
    """A stage whose books are told together, as one drain."""

    def changes(self, after_ns: int) -> Iterator[Change]:
        """Everything that stands, once a second: all but the last of it has `more`."""
        at_ns = after_ns + 100 * NS_PER_MS
        while True:
            standing = [book for name in self.markets if (book := self.book_at(name, at_ns))]
            for left, one in zip(range(len(standing) - 1, -1, -1), standing, strict=True):
                yield Change(at_ns, one.market, one, left > 0)
            at_ns += NS_PER_S


@pytest.fixture
def shared(worlds: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> Callable[..., World]:
    """A world of both triangles."""

    def make(**opening: str) -> World:

        monkeypatch.setattr("tests.spec.world.Stage", Moments)
        markets = {
            "BTC/USDT": rules("BTC/USDT", "0.01", "0.00001"),
            "ETH/BTC": rules("ETH/BTC", "0.00001", "0.0001", "0.0001"),
            "ETH/USDT": rules("ETH/USDT"),
            "SOL/BTC": rules("SOL/BTC", "0.000001", "0.001", "0.0001"),
            "SOL/USDT": rules("SOL/USDT", "0.01", "0.001"),
        }
        world = worlds(
            books=(), markets=markets, opening={"USDT": Decimal(10_000)} | _decimals(opening)
        )
        for name, (bids, asks) in BOOKS.items():
            world.show(name, bids, asks)
        return world

    return make


def _decimals(amounts: dict[str, str]) -> dict[str, Decimal]:
    return {asset: Decimal(amount) for asset, amount in amounts.items()}


def trading(world: World, *, amount: str = "900", min_profit: str = "10", **more: Any) -> None:
    world.strategies = [
        world.strategy("eth", cycle=THROUGH_ETH, amount=amount, min_profit=min_profit, **more),
        world.strategy("sol", cycle=THROUGH_SOL, amount=amount, min_profit=min_profit, **more),
    ]


def opened(world: World) -> list[f.CycleOpened]:
    return world.facts(f.CycleOpened)


def declined(world: World) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for fact in world.facts(f.OpportunitiesDeclined):
        for reason, count in fact.reasons.items():
            found[fact.strategy, reason] = found.get((fact.strategy, reason), 0) + count
    return found


def walked(world: World) -> dict[str, Cycle]:
    return {cycle.strategy: cycle for cycle in world.cycles().values()}


def test_the_one_that_brings_most_is_taken_first_though_another_was_noticed_first(
    shared: Callable[..., World],
) -> None:
    world = shared()
    trading(world)
    assert world.run(cycles=1, duration_s=30) == 0
    world.check()
    (one,) = opened(world)
    assert one.strategy == "sol"  # 103 bps, the other one 68; a wrong order takes "eth"
    assert world.facts(f.OrderIntended)[0].limit == Decimal(50_000)


def test_depth_that_one_is_about_to_take_is_not_offered_to_the_next(
    shared: Callable[..., World],
) -> None:
    world = shared()
    trading(world)
    assert world.run(cycles=2, duration_s=30) == 0
    world.check()
    first, second = opened(world)
    assert (first.strategy, first.claimed) == ("sol", {})
    # 0.01799 BTC of the 0.02 at 50,000 are taken: the other one is sized for what is left there.
    assert second.strategy == "eth"
    assert second.seen_ns == first.seen_ns
    assert second.claimed == {"BTC/USDT": Decimal("0.01800")}
    assert second.start_amount <= Decimal("0.002") * 50_000
    bought = [one for one in world.facts(f.OrderIntended) if one.market == "BTC/USDT"]
    assert sum(one.amount for one in bought) <= Decimal("0.02")
    assert {one.limit for one in bought} == {Decimal(50_000)}


def test_a_claim_ends_when_its_leg_is_over_and_the_book_is_told_again(
    shared: Callable[..., World],
) -> None:
    world = shared()
    trading(world)
    renewed = [("50000", "0.0201"), ("50500", "9")]  # another size: what was taken is back
    world.at(5.0, lambda _life: world.show("BTC/USDT", BOOKS["BTC/USDT"][0], renewed))
    assert world.run(cycles=4, duration_s=30) == 0
    world.check()
    later = [one for one in opened(world) if one.seen_ns != opened(world)[0].seen_ns]
    assert later[0].claimed == {}
    assert later[0].start_amount > 800


def test_a_balance_is_shared_by_what_is_opened_at_one_moment(shared: Callable[..., World]) -> None:
    world = shared(USDT="500")
    trading(world, amount="400")
    assert world.run(cycles=2, duration_s=30) == 0
    world.check()
    first, second = opened(world)[:2]
    assert (first.available, first.seen_ns) == (Decimal(500), second.seen_ns)
    assert second.available == Decimal(500) - first.start_amount
    assert second.start_amount <= second.available


def test_no_more_cycles_begin_at_one_moment_than_one_append_of_the_log_holds(
    shared: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening, checks, validation and intent of each: above the log's bound the engine would have ended."""
    assert 4 * OPENED_AT_ONCE_MAX <= BATCH_EVENTS_MAX
    monkeypatch.setattr("arb.execution.opportunities.trader.OPENED_AT_ONCE_MAX", 1)
    world = shared()
    trading(world, amount="400")
    assert world.run(cycles=2, duration_s=30) == 0
    world.check()
    moments = [one.seen_ns for one in opened(world)]
    assert len(moments) == len(set(moments)) == 2
    assert declined(world)["eth", "crowded"] >= 1


def test_what_is_decided_is_in_the_log_with_what_it_was_decided_on(
    shared: Callable[..., World],
) -> None:
    world = shared()
    trading(world)
    assert world.run(cycles=1, duration_s=30) == 0
    (one,) = opened(world)
    assert one.prices == {
        "BTC/USDT": Decimal(50_000),
        "SOL/BTC": Decimal("0.003"),
        "SOL/USDT": Decimal(152),
    }
    assert one.available == Decimal(10_000)
    sequences = {name: world.stage.book_at(name, one.seen_ns) for name in one.prices}
    assert one.books == {name: book.sequence for name, book in sequences.items() if book}


def test_nothing_is_decided_between_changes_that_were_there_together(
    shared: Callable[..., World],
) -> None:
    """The cheaper book is told first, and with it both pay; what ends that comes with it."""
    world = shared()
    world.show("ETH/USDT", [("1900", DEEP)], [("1901", DEEP)])
    world.show("SOL/USDT", [("140", DEEP)], [("141", DEEP)])
    trading(world)

    def fall() -> None:
        world.show("ETH/BTC", [("0.0299", DEEP)], [("0.03", DEEP)])
        world.show("ETH/USDT", [("1450", DEEP)], [("1451", DEEP)])
        world.show("SOL/BTC", [("0.00199", DEEP)], [("0.002", DEEP)])
        world.show("SOL/USDT", [("95", DEEP)], [("96", DEEP)])

    world.at(5.5, lambda _life: fall())
    assert world.run(duration_s=20) == 0
    assert opened(world) == []
    assert declined(world) == {}


def test_what_pays_when_the_run_begins_is_taken_though_its_books_never_change(
    shared: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are told once, before anything may be opened: it waits until then."""

    def tomorrow(stage: Moments, after_ns: int) -> Iterator[Change]:
        yield next(Stage.changes(stage, after_ns + NS_PER_DAY))

    world = shared()
    monkeypatch.setattr(Moments, "changes", tomorrow)
    trading(world)
    assert world.run(cycles=2, duration_s=30) == 0
    world.check()
    assert [one.strategy for one in opened(world)] == ["sol", "eth"]


def test_what_paid_before_the_run_began_and_pays_no_more_is_not_taken(
    shared: Callable[..., World],
) -> None:
    world = shared()
    trading(world)
    for market, bids, asks in (
        ("ETH/USDT", [("1900", DEEP)], [("1901", DEEP)]),
        ("SOL/USDT", [("140", DEEP)], [("141", DEEP)]),
    ):
        world.later(0.001, partial(world.show, market, bids, asks))
    assert world.run(duration_s=5) == 0
    assert opened(world) == []
    assert declined(world) == {}


def test_an_order_is_not_sent_when_its_cycle_pays_no_more(shared: Callable[..., World]) -> None:
    world = shared()
    trading(world, retries=0)
    gone = ("SOL/USDT", [("140", DEEP)], [("141", DEEP)])
    world.on(f.CycleOpened, 1, lambda: world.show(*gone))
    assert world.run(cycles=1, duration_s=30) == 0
    world.check()
    cycles = walked(world)
    assert cycles["sol"].outcome == "refused"
    (refused,) = [one for one in world.facts(f.OrderRefused) if one.reason == NOT_SENT]
    assert "bps at" in refused.detail
    assert all(one.market != "SOL/BTC" for one in world.orders())


def test_of_two_cycles_on_depth_that_has_shrunk_to_one_of_them_only_the_first_is_sent(
    shared: Callable[..., World],
) -> None:
    world = shared()
    world.strategies = [
        world.strategy(name, cycle=THROUGH_ETH, amount="900", min_profit="10", retries=0)
        for name in ("first", "second")
    ]
    world.show("BTC/USDT", [("49990", "9")], [("50000", "9")])
    shrunk = ("ETH/USDT", [("2020", "0.6"), ("1999", DEEP)], [("2021", DEEP)])
    world.on(f.CycleOpened, 1, lambda: world.show(*shrunk))
    assert world.run(cycles=2, duration_s=0.5) == 0
    world.check()
    at_once = [one for one in opened(world) if one.seen_ns == opened(world)[0].seen_ns]
    outcomes = [world.cycles()[one.cycle_id].outcome for one in at_once]
    assert outcomes == ["completed", "refused"]
    assert {one.reason for one in world.facts(f.OrderRefused)} == {NOT_SENT}


def test_books_of_connections_that_drifted_apart_are_not_traded_on_and_a_quiet_one_is(
    shared: Callable[..., World],
) -> None:
    world = shared()
    trading(world)
    now = world.now_ns()
    world.stage.silence("SOL/BTC", now - 4 * NS_PER_S, now + 100 * NS_PER_S)  # its connection hangs
    assert world.run(cycles=None, duration_s=0.7) == 0
    world.check()
    assert {cycle.strategy for cycle in world.cycles().values()} == {"eth"}
    assert declined(world)["sol", "skew"] > 0


@pytest.mark.parametrize(("reference", "first"), [("USDT", "eth"), ("USDC", "sol")])
def test_what_begins_with_other_currencies_is_ranked_in_the_reference_currency(
    shared: Callable[..., World], reference: str, first: str
) -> None:
    """Some 6 USDT or 0.00005 BTC at a better rate; where nothing values them, the rate decides."""
    world = shared(BTC="1")
    more = {"min_profit": "10", "extra": f"reference_currency: {reference}\n"}
    by_code = "{{mode: fixed_amount, amount: {{{}}}}}"
    world.strategies = [
        world.strategy(
            "sol", cycle="[BTC, SOL, USDT]", capital=by_code.format("BTC: 0.005"), **more
        ),
        world.strategy("eth", cycle=THROUGH_ETH, capital=by_code.format("USDT: 900"), **more),
    ]
    assert world.run(cycles=1, duration_s=30) == 0
    assert [one.strategy for one in opened(world)] == [first]
