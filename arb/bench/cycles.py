"""Cycles as the engine trades them, made by `decide` from a seed: what each commit of one holds."""

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from random import Random
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from arb.clock import NS_PER_MS, NS_PER_S
from arb.events import facts as f
from arb.execution.account.journal import Draft
from arb.ids import client_order_id, cycle_id, cycle_stream, parse_client_order_id
from arb.machine import commands as c
from arb.machine.state import Cycle, Order
from arb.money import ZERO, floor_to

INSTANCE: Final = "aaaa"
STRATEGY: Final = "bench"
START_NS: Final = 1_700_000_000 * NS_PER_S
TEMPLATES: Final = 64
_STEP: Final = Decimal("0.00001")
_TICK: Final = Decimal("0.01")
_FEE: Final = Decimal("0.001")
_FILLS: Final = (1, 1, 2, 3)  # levels that an order takes
_PRICES: Final = {
    "BTC/USDT": Decimal("50123.45"),
    "ETH/BTC": Decimal("0.05021"),
    "ETH/USDT": Decimal("2518.77"),
}
LEGS: Final = (
    f.LegRoute("BTC/USDT", "buy", "USDT", "BTC"),
    f.LegRoute("ETH/BTC", "buy", "BTC", "ETH"),
    f.LegRoute("ETH/USDT", "sell", "ETH", "USDT"),
)


class Move(Struct, frozen=True):
    """What one commit is decided from, and the facts that it appends."""

    commands: tuple[c.Command, ...]
    facts: tuple[f.CycleEvent, ...]


class Script(Struct, frozen=True):
    """A cycle of three legs: opened with its first intent, each report with the next one, closed."""

    number: int
    moves: tuple[Move, ...]
    at_ns: int = START_NS

    @property
    def stream(self) -> str:
        """The stream of the cycle."""
        return cycle_stream(cycle_id(STRATEGY, self.number))

    @property
    def events(self) -> int:
        """How many events it has in all."""
        return sum(len(move.facts) for move in self.moves)


def script(number: int, seed: int, config: str) -> Script:
    """Write one cycle; its amounts, prices and fills come from the seed."""
    return _Author(number, Random(seed), config).write()  # noqa: S311 -- an example, not a secret


def scripts(count: int, config: str, first: int = 1, step_ns: int = NS_PER_MS) -> Iterator[Script]:
    """Many cycles with numbers of their own, written by renaming a few that were decided."""
    templates = [script(1, seed, config) for seed in range(min(count, TEMPLATES))]
    for at in range(count):
        yield renamed(templates[at % len(templates)], first + at, START_NS + at * step_ns)


def renamed(one: Script, number: int, at_ns: int, through: int | None = None) -> Script:
    """The same cycle under another number and time; `through` leaves its later moves out."""
    moves = [
        Move((), tuple([_rename(fact, number, at_ns) for fact in move.facts]))
        for move in one.moves[:through]
    ]
    return Script(number, tuple(moves), at_ns)


def _rename(fact: f.CycleEvent, number: int, at_ns: int) -> f.CycleEvent:
    if isinstance(fact, f.CycleOpened):
        return replace(fact, number=number, cycle_id=cycle_id(STRATEGY, number))
    if not isinstance(fact, f.OrderFact):
        return fact
    at = _order_number(fact.client_order_id)
    order_id = _order_id(number, at)
    match fact:
        case f.OrderFilled():
            return replace(
                fact,
                client_order_id=order_id,
                exchange_order_id=f"o{number}{at}",
                trade_id=f"t{number}{fact.trade_id[-3:]}",
                venue_ns=at_ns,
            )
        case f.OrderAccepted():
            exchange_id = f"o{number}{at}"
            return replace(fact, client_order_id=order_id, exchange_order_id=exchange_id)
        case _:
            return replace(fact, client_order_id=order_id)


@lru_cache(maxsize=1_024)
def _order_number(order_id: str) -> int:
    return parse_client_order_id(order_id).order_number


@lru_cache(maxsize=64)
def _order_id(number: int, at: int) -> str:
    return client_order_id(INSTANCE, number, at)


class _Author:
    """Decides one cycle on a draft, as the engine does, with a venue that fills everything."""

    def __init__(self, number: int, rng: Random, config: str) -> None:
        self._number = number
        self._rng = rng
        self._config = config
        self._draft = Draft(None)
        self._draft.at_ns = START_NS
        self._moves: list[Move] = []
        self._commands: list[c.Command] = []

    def write(self) -> Script:
        """Decide the whole cycle."""
        self._open()
        for at in range(len(LEGS)):
            self._do(self._intent(at))
            self._commit()
            self._do(self._report(self._draft.cycle.orders[-1]))
            self._do(c.SettleLeg())
        self._do(c.CompleteCycle(fee_value=ZERO))
        self._commit()
        return Script(self._number, tuple(self._moves))

    def _do(self, command: c.Command) -> None:
        self._draft.do(command)
        self._commands.append(command)

    def _commit(self) -> None:
        self._moves.append(Move(tuple(self._commands), tuple(self._draft.facts)))
        self._commands.clear()
        self._draft.facts.clear()

    def _open(self) -> None:
        amount = Decimal(self._rng.randrange(500, 2_000))
        self._do(
            c.OpenCycle(
                cycle_id=cycle_id(STRATEGY, self._number),
                number=self._number,
                strategy=STRATEGY,
                config=self._config,
                legs=LEGS,
                start_amount=amount,
                edge_bps=Decimal("7.31205583"),
                books={leg.market: 40_000 + self._rng.randrange(9_999) for leg in LEGS},
            )
        )
        self._do(c.StartValidation())
        self._do(
            c.ValidateCycle(
                expected=amount * Decimal("1.00073121"),
                floor=amount * Decimal("0.9985"),
                fee_reserve={},
                cap=amount * Decimal("1.5"),
                max_slippage_bps=Decimal(20),
                max_retries=2,
            )
        )

    def _intent(self, leg: int) -> c.IntendOrder:
        cycle: Cycle = self._draft.cycle
        route = LEGS[leg]
        base, quote = route.market.split("/")
        best = _PRICES[route.market]
        bound = Decimal("1.0012") if route.side == "buy" else Decimal("0.9988")
        limit = floor_to(best * bound, _TICK if quote == "USDT" else _STEP)
        held = cycle.holding(route.spend_asset)
        amount = floor_to(held / limit if route.side == "buy" else held, _STEP)
        now_ns = START_NS + self._rng.randrange(NS_PER_S)
        return c.IntendOrder(
            client_order_id=client_order_id(INSTANCE, self._number, leg + 1),
            purpose="leg",
            market=route.market,
            base=base,
            quote=quote,
            side=route.side,
            amount=amount,
            limit=limit,
            best=best,
            expected=amount * (1 - _FEE),
            venue_time_ns=now_ns,
            window_ns=NS_PER_S,
            dead_ns=now_ns + 2 * NS_PER_S,
        )

    def _report(self, order: Order) -> c.ReportOrder:
        parts = self._rng.choice(_FILLS)
        each = floor_to(order.amount / parts, _STEP)
        amounts = [each] * (parts - 1) + [order.amount - each * (parts - 1)]
        exchange_id = f"o{self._number}{order.number}"
        return c.ReportOrder(
            client_order_id=order.client_order_id,
            exchange_order_id=exchange_id,
            status="closed",
            filled=order.amount,
            fills=tuple(
                self._fill(order, exchange_id, at, amount) for at, amount in enumerate(amounts)
            ),
        )

    def _fill(self, order: Order, exchange_id: str, at: int, amount: Decimal) -> c.Fill:
        price = order.best + (at if order.side == "buy" else -at) * (
            _TICK if order.quote == "USDT" else _STEP
        )
        cost = amount * price
        received = amount if order.side == "buy" else cost
        return c.Fill(
            trade_id=f"t{self._number}-{order.number}{at}",
            exchange_order_id=exchange_id,
            price=price,
            amount=amount,
            cost=cost,
            fee=received * _FEE,
            fee_asset=order.receive_asset,
            venue_ns=order.venue_time_ns,
        )
