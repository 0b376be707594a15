"""Whole histories, made by `decide` from a seed: cycles of every ending, interleaved as an engine would write them.

for batch in history(seed=7, cycles=40): ...   # (stream, facts, at_ns), to be appended in this order
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random
from typing import Final, NamedTuple

import msgspec

from arb.events import facts as f
from arb.ids import (
    account_stream,
    client_order_id,
    cycle_id,
    cycle_stream,
    run_stream,
    strategy_stream,
)
from arb.machine import commands as c
from arb.machine.decide import decide
from arb.machine.evolve import evolve
from arb.machine.state import Cycle, Order
from arb.money import ONE, ZERO, floor_to
from tests.spec.risk_facts import risk_fact

INSTANCE: Final = "abcd"
START_NS: Final = 1_700_000_000_000_000_000
STEP_NS: Final = 7_000_000
CONFIG: Final = "c0ffee" + "0" * 58
STRATEGIES: Final = ("demo", "other one")
ACCOUNT: Final = account_stream("paper", "f00d")
D: Final = Decimal
UNIT: Final = D("0.00000001")
PRICES: Final = {
    "BTC/USDT": D("50123.45"),
    "ETH/BTC": D("0.05021"),
    "ETH/USDT": D("2518.77"),
    "BTC/USDC": D("50099.10"),
}
LEGS: Final = (
    f.LegRoute("BTC/USDT", "buy", "USDT", "BTC"),
    f.LegRoute("ETH/BTC", "buy", "BTC", "ETH"),
    f.LegRoute("ETH/USDT", "sell", "ETH", "USDT"),
)


class Batch(NamedTuple):
    """What one append writes to one stream."""

    stream: str
    facts: tuple[f.Fact, ...]


class Author:
    """Write one cycle's history by commands; a venue that fills as told."""

    def __init__(self, number: int, rng: Random) -> None:
        self.rng = rng
        self.number = number
        self.strategy = STRATEGIES[number % len(STRATEGIES)]
        self.id = cycle_id(self.strategy, number)
        self.cycle: Cycle | None = None
        self.batches: list[Batch] = []
        self._trades = 0
        self._now = START_NS
        self.third = rng.random() < 0.4  # fees in a third currency

    @property
    def now(self) -> Cycle:
        assert self.cycle is not None
        return self.cycle

    def do(self, *commands: c.Command) -> None:
        """Append the facts of some commands in one batch."""
        facts: list[f.Fact] = []
        for command in commands:
            for fact in decide(self.cycle, command):
                self.cycle = evolve(self.cycle, fact, self._now)
                facts.append(fact)
        if facts:
            self.batches.append(Batch(cycle_stream(self.id), tuple(facts)))

    def opening(self) -> tuple[c.Command, ...]:
        start = D(self.rng.randrange(100, 2000))
        return (
            c.OpenCycle(
                cycle_id=self.id, number=self.number, strategy=self.strategy, config=CONFIG, legs=LEGS,
                start_amount=start, edge_bps=D("4.25"), books={leg.market: self.number for leg in LEGS},
            ),
            c.StartValidation(),
        )  # fmt: skip

    def begin(self) -> None:
        start = self.opening()
        amount = start[0].start_amount  # type: ignore[attr-defined]
        validated = c.ValidateCycle(
            expected=amount * D("1.0004"), floor=amount * D("0.998"), fee_reserve={},
            cap=amount * D("1.5"), max_slippage_bps=D(20), max_retries=2,
        )  # fmt: skip
        self.do(*start, validated)

    def intend(
        self, market: str, side: str, purpose: str = "leg", spend: Decimal | None = None
    ) -> Order:
        base, quote = market.split("/")
        price = PRICES[market] * (1 + D(self.rng.randrange(-40, 40)) / 10_000)
        limit = floor_to(price, UNIT)
        held = self.now.holding(quote if side == "buy" else base) if spend is None else spend
        amount = floor_to(held / limit if side == "buy" else held, UNIT)
        self.do(
            c.IntendOrder(
                client_order_id=client_order_id(INSTANCE, self.number, len(self.now.orders) + 1),
                purpose=purpose, market=market, base=base, quote=quote, side=side, amount=amount,
                limit=limit, best=limit, expected=amount, venue_time_ns=self._now,
                window_ns=10**9, dead_ns=self._now + 10**9,
            )
        )  # fmt: skip
        return self.now.orders[-1]

    def trade(self, order: Order, amount: Decimal) -> c.Fill:
        self._trades += 1
        price = order.limit
        cost = floor_to(amount * price, UNIT)
        received = amount if order.side == "buy" else cost
        fee = (
            ("BNB", D("0.0001"))
            if self.third
            else (order.receive_asset, floor_to(received / 1000, UNIT))
        )
        return c.Fill(
            trade_id=f"t{self.number}-{self._trades}", exchange_order_id=f"v{order.client_order_id[-6:]}",
            price=price, amount=amount, cost=cost, fee=fee[1], fee_asset=fee[0], venue_ns=self._now,
        )  # fmt: skip

    def report(self, order: Order, share: Decimal = ONE, parts: int = 1, *also: c.Command) -> None:
        """Fill a share of an order in some trades, and end it."""
        total = floor_to(order.amount * share, UNIT)
        fills = [self.trade(order, floor_to(total / parts, UNIT)) for _ in range(parts - 1)]
        rest = total - sum((fill.amount for fill in fills), ZERO)
        if rest:
            fills.append(self.trade(order, rest))
        status = "closed" if share == 1 else "expired"
        told = c.ReportOrder(
            client_order_id=order.client_order_id, exchange_order_id=f"v{order.client_order_id[-6:]}",
            status=status, filled=total, fills=tuple(fills),
        )  # fmt: skip
        self.do(told, *also)

    def leg(self, at: int) -> None:
        """Go through one leg as planned."""
        route = LEGS[at]
        self.report(
            self.intend(route.market, route.side), D(1), self.rng.randrange(1, 4), c.SettleLeg()
        )


Tale = Callable[[Author], None]


def completed(a: Author) -> None:
    a.begin()
    for at in range(3):
        a.leg(at)
    a.do(c.CompleteCycle(fee_value=ZERO))


def partial(a: Author) -> None:
    """The first leg fills in two orders; the second one goes on with what was received."""
    a.begin()
    first = a.intend("BTC/USDT", "buy")
    a.report(first, D("0.6"), 2)
    a.report(a.intend("BTC/USDT", "buy"), D(1), 1, c.SettleLeg())
    a.leg(1)
    a.leg(2)
    a.do(c.CompleteCycle(fee_value=D("0.05")))


def declined(a: Author) -> None:
    a.do(*a.opening(), c.DeclineCycle(reason="no_depth", detail="ETH/BTC"))


def abandoned(a: Author) -> None:
    a.do(*a.opening())
    a.do(c.AbandonCycle(reason="restart"))


def refused(a: Author) -> None:
    a.begin()
    order = a.intend("BTC/USDT", "buy")
    a.do(
        c.ReportRefused(
            client_order_id=order.client_order_id, reason="insufficient", detail="-2010"
        )
    )
    a.do(c.RefuseCycle(reason="insufficient"))


def missed(a: Author) -> None:
    a.begin()
    a.report(a.intend("BTC/USDT", "buy"), ZERO)
    a.do(c.MissCycle(reason="nothing filled"))


def absent(a: Author) -> None:
    a.begin()
    order = a.intend("BTC/USDT", "buy")
    a.do(
        c.ReportUnknown(client_order_id=order.client_order_id, reason="timeout"),
        c.StartRecovery(reason="unknown"),
    )
    a.do(c.Wait(reason="order not proven", next_try_ns=START_NS + 10**9))
    a.do(
        c.ReportAbsent(
            client_order_id=order.client_order_id, not_found=3, venue_time_ns=order.dead_ns + 1,
            trades_read=5, evidence="three times not found",
        ),
        c.MissCycle(reason="absent"),
    )  # fmt: skip


def reappeared(a: Author) -> None:
    absent(a)
    a.report(a.now.orders[0])
    _sell_out(a)


def _sell_out(a: Author, into: str = "USDT", share: Decimal = ONE) -> None:
    """Unwind what is held of BTC."""
    a.do(c.StartUnwind(reason="floor", targets=("USDT", "USDC"), liquidation=D(10), resume=None))
    order = a.intend(f"BTC/{into}", "sell", "unwind")
    a.report(order, share)
    a.do(c.SettleHop(client_order_id=order.client_order_id))
    if share == 1:
        value = a.now.holding("USDC")
        a.do(c.LiquidateCycle(targets=("USDT", "USDC"), value=value, fee_value=ZERO))


def liquidated(a: Author) -> None:
    a.begin()
    a.leg(0)
    a.do(c.StartRecovery(reason="restart"))
    _sell_out(a, a.rng.choice(("USDT", "USDC")))


def parked(a: Author) -> None:
    a.begin()
    a.leg(0)
    _sell_out(a, share=D("0.5"))
    a.do(c.ParkCycle(reason="no route", targets=("USDT", "USDC"), dust=(), fee_value=ZERO))


def unparked(a: Author) -> None:
    parked(a)
    a.do(c.RequestUnwind(reason="operator"))
    _sell_out(a)


def released(a: Author) -> None:
    parked(a)
    a.do(c.ReleaseHoldings(reason="operator sold it by hand"))


def late_fill(a: Author) -> None:
    """A completed cycle is opened again by an overfill of its first order, and ends once more."""
    completed(a)
    order = a.now.orders[0]
    extra = a.trade(order, floor_to(order.amount / 100, UNIT))
    a.do(
        c.ReportOrder(
            client_order_id=order.client_order_id, exchange_order_id=order.exchange_order_id,
            status="closed", filled=order.filled + extra.amount, fills=(extra,),
        )
    )  # fmt: skip
    a.do(c.CompleteCycle(fee_value=ZERO))


def contradicted(a: Author) -> None:
    """A fill of a completed cycle is told again with another price: recorded, and nothing moves."""
    completed(a)
    order = a.now.orders[0]
    trade = order.trades[0]
    other = c.Fill(
        trade_id=trade.trade_id, exchange_order_id=f"v{order.client_order_id[-6:]}",
        price=trade.price * 2, amount=trade.amount, cost=trade.cost, fee=trade.fee,
        fee_asset=trade.fee_asset, venue_ns=START_NS,
    )  # fmt: skip
    a.do(
        c.ReportOrder(
            client_order_id=order.client_order_id, exchange_order_id=order.exchange_order_id,
            status=None, filled=None, fills=(other,),
        )
    )  # fmt: skip


def left_open(a: Author) -> None:
    """The log ends while this one is at work."""
    a.begin()
    stage = a.rng.randrange(5)
    if stage > 0:
        a.leg(0)
    if stage > 1:
        a.intend("ETH/BTC", "buy")
    if stage > 2:
        a.do(c.ReportUnknown(client_order_id=a.now.orders[-1].client_order_id, reason="timeout"))
    if stage > 3:
        a.do(c.StartRecovery(reason="unknown order"))
        a.do(c.Wait(reason="order not proven", next_try_ns=START_NS + 10**10))


TALES: Final[tuple[Tale, ...]] = (
    completed, partial, declined, abandoned, refused, missed, absent, reappeared, liquidated, parked,
    unparked, released, late_fill, contradicted, left_open,
)  # fmt: skip


def write(tale: Tale, number: int, rng: Random) -> Author:
    """Tell one tale."""
    author = Author(number, rng)
    tale(author)
    return author


def preface() -> list[Batch]:
    """What stands before the first cycle: the log's identity, a run, strategies, the account."""
    loaded = [
        Batch(
            strategy_stream(name),
            (f.StrategyLoaded(name=name, config=f"{CONFIG[:-1]}{at}", text="{}"),),
        )
        for at, name in enumerate(STRATEGIES)
    ]
    opening = {"USDT": D(1_000_000), "BNB": D(10)}
    return [
        Batch(
            run_stream("r1"),
            (f.LogCreated(instance=INSTANCE, mode="paper", venue="paper", account="f00d"),),
        ),
        Batch(run_stream("r1"), (f.RunStarted(run="r1", version="0", strategies=STRATEGIES),)),
        *loaded,
        Batch(ACCOUNT, (f.AccountOpened(opening=opening, venue_ns=START_NS),)),
    ]


def account_batch(rng: Random) -> Batch:
    fact: f.Fact = rng.choice(
        (
            f.ExternalChangeFound(asset="USDT", amount=D(-25), explained=True, source="withdrawals", detail="w1"),
            f.ForeignTradeSeen(market="ETH/USDT", trade_id=f"x{rng.random()}", exchange_order_id="9", client_order_id=None),
            f.BalancesReconciled(assets=("BTC", "USDT"), trades_through_ns=START_NS + rng.randrange(10**9)),
            f.AssetsFound(assets=("DOGE",)),
            f.BreakerTripped(kind="unknowns", count=3, until_ns=START_NS + 10**9),
            f.EngineHalted(reason="balance does not fit", scope="BTC"),
            f.EngineUnpaused(reason="checked"),
            f.DiscrepancyFound(kind="garbled reply", subject="fetch_balance", was="a number", now="None"),
        )
    )  # fmt: skip
    return Batch(ACCOUNT, (fact,))


def risk_batch(rng: Random) -> Batch:
    fact = risk_fact(rng, STRATEGIES, START_NS)
    if isinstance(fact, f.OpportunitiesDeclined):
        return Batch(strategy_stream(fact.strategy), (fact,))
    return Batch(ACCOUNT, (fact,))


def history(seed: int, cycles: int = 40, tales: Sequence[Tale] = TALES) -> list[Batch]:
    """Tales of a seed, interleaved; every tale is told about equally often."""
    rng = Random(seed)
    queues = [list(write(tales[n % len(tales)], n + 1, rng).batches) for n in range(cycles)]
    waiting = list(reversed(queues))
    open_: list[list[Batch]] = []
    batches = preface()
    while waiting or open_:
        if waiting and len(open_) < 8:
            open_.append(waiting.pop())
        queue = rng.choice(open_)
        batches.append(queue.pop(0))
        if not queue:
            open_.remove(queue)
        if rng.random() < 0.02:
            batches.append(account_batch(rng))
        if rng.random() < 0.06:
            batches.append(risk_batch(rng))
    return batches


def in_other_currencies(fact: f.Fact) -> f.Fact:
    """The same fact as if the cycle had begun with EUR."""
    text = msgspec.json.encode(fact).replace(b"USDT", b"EUR")
    return msgspec.json.decode(text, type=type(fact))
