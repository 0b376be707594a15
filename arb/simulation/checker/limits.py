"""The limits of the risk gate, counted once more from the log: who may open a cycle, and which order may leave."""

from collections import defaultdict, deque
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from arb.simulation.checker import moves
from arb.simulation.checker.cycles import Cycle, Order, Wrong
from arb.simulation.checker.failures import Failures
from arb.simulation.checker.words import ZERO, Event, dec

SECOND_NS = 10**9
DAY_NS = 86_400 * SECOND_NS
BPS = Decimal(10_000)
ORDERS_PER_SECOND_MAX = 50
NOTIONAL_CAP_FACTOR = Decimal("1.5")
MOVED = Decimal("1.1")  # a price may move by this between two looks at one instant
LOSSES, DAILY = "consecutive_losses", "daily_loss"
COOLDOWN_S_MAX = Decimal(3_600)
EVERY = "*"
COUNTED = frozenset({"completed", "liquidated", "parked"})


class Limits:
    """What each strategy allows, what has happened to it, and what an operator has lifted."""

    def __init__(self, wrong: Wrong) -> None:
        self._wrong = wrong
        self._configs: dict[str, dict[str, Any]] = {}
        self._of: dict[str, list[dict[str, Any]]] = defaultdict(
            list
        )  # strategy -> its configurations
        self._results: dict[str, dict[str, tuple[Decimal, str, int]]] = defaultdict(dict)
        self._ahead: set[str] = set()  # closed on a day that is later than a close since
        self._unknown: set[str] = set()  # closed cycles whose result nothing values
        self._set_back: dict[str, set[str]] = defaultdict(set)  # limit -> cycles that count no more
        self._tripped: dict[tuple[str, str], int] = {}
        self._owed: dict[tuple[str, str], str] = {}  # limits that a close broke -> why
        self._halts: set[str] = set()
        self._paused = False
        self._breaker_until_ns = 0
        self._cooldowns: dict[tuple[str, str], int] = {}
        self._failures = Failures()
        self._began: dict[str, Cycle] = {}
        self._intended: list[tuple[Cycle, Order]] = []

    def loads(self, name: str, config: str, text: dict[str, Any]) -> None:
        """A strategy's configuration is in the log from here on."""
        self._configs[config] = text
        self._of[name].append(text)

    def follow(self, event: Event) -> None:
        """Follow a fact about permissions."""
        data = event.data
        match event.type:
            case "EngineHalted":
                self._halts.add(data["scope"])
            case "NewCyclesPaused":
                self._paused = True
            case "EngineUnpaused":
                self._halts, self._paused, self._breaker_until_ns = set(), False, 0
            case "BreakerTripped":
                self._breaker_until_ns = data["until_ns"]
            case "RiskTripped":
                key = (data["strategy"], data["limit"])
                self._tripped[key] = event.position
                self._owed.pop(key, None)
            case "RiskReset":
                for name in self._meant(data["strategy"]):
                    self._reset(name, data["limit"])
            case "CooldownStarted":
                path = (data["strategy"], data["identity"])
                self._cooldowns[path] = max(data["until_ns"], self._cooldowns.get(path, 0))
                self._rests(data["cycle_id"], path, data["until_ns"] - event.at_ns)
                self._failures.fails(path, data["cycle_id"], event.at_ns)
            case "CooldownCleared":
                self._cooldowns = {
                    path: until
                    for path, until in self._cooldowns.items()
                    if data["strategy"] not in {EVERY, path[0]}
                    or data["identity"] not in {EVERY, path[1]}
                }
                self._failures.clear(data["strategy"], data["identity"])

    def _rests(self, cycle_id: str, path: tuple[str, str], rests_ns: int) -> None:
        """Judge how long a path rests: what its cycle's configuration says, doubled by each failure before."""
        cycle = self._began.get(cycle_id)
        text = None if cycle is None else self._configs.get(cycle.config)
        if text is None:
            self._wrong(
                "limits", f"{path[1]} rests after {cycle_id}, of which the log knows nothing"
            )
            return
        first = dec(text["risk_controls"]["slippage_cooldown_seconds"])
        most = max(first, COOLDOWN_S_MAX)
        counts = self._failures.while_open(path, cycle_id)
        allowed = {int(min(first * 2**count, most) * SECOND_NS) for count in counts}
        if rests_ns not in allowed:
            what = f"{path[1]} rests for {rests_ns} ns after {cycle_id}, not {sorted(allowed)}"
            self._wrong("limits", what)

    def _meant(self, strategy: str) -> list[str]:
        return list(self._of) if strategy == EVERY else [strategy]

    def _reset(self, name: str, limit: str) -> None:
        self._tripped.pop((name, limit), None)
        self._owed.pop((name, limit), None)
        self._set_back[limit] |= self._results[name].keys()

    # --- a cycle opens ------------------------------------------------------------------------

    def opens(self, cycle: Cycle, at_ns: int, others: Iterable[Cycle]) -> None:
        """Judge whether a new cycle may open here."""
        self._began[cycle.id] = cycle
        self._failures.opens((cycle.strategy, _identity(cycle.path)), cycle.id, at_ns)
        for limit in (LOSSES, DAILY):
            if (cycle.strategy, limit) in self._tripped:
                self._wrong("limits", f"{cycle.id} opens behind the tripped limit {limit}")
        self.end(cycle.strategy)
        for scope in sorted(self._halts & {"all", *cycle.path}):
            self._wrong("limits", f"{cycle.id} opens while {scope} is halted")
        if self._paused:
            self._wrong("limits", f"{cycle.id} opens while new cycles are paused")
        if at_ns < self._cooldowns.get((cycle.strategy, _identity(cycle.path)), 0):
            self._wrong("limits", f"{cycle.id} opens while its path cools down")
        text = self._configs.get(cycle.config)
        if text is None:
            self._wrong("limits", f"{cycle.id} begins with a configuration that is not in the log")
            return
        rests_ns = dec(text["risk_controls"]["breaker"]["cooldown_seconds"]) * SECOND_NS
        # One that ends later than a rest can was written by a clock that was ahead.
        if 0 < self._breaker_until_ns - at_ns <= rests_ns:
            self._wrong("limits", f"{cycle.id} opens while the breaker rests")
        mine = [
            one
            for one in others
            if one.strategy == cycle.strategy and one.state not in moves.AT_REST
        ]
        self._capital(cycle, mine, text)
        self._losses(cycle, at_ns, text)

    def _losses(self, cycle: Cycle, at_ns: int, text: dict[str, Any]) -> None:
        """Hold what was lost against the limits that the cycle begins with: they may be lower than before."""
        name, start = cycle.strategy, cycle.start_asset
        streak, allowed = self._streak(name), text["risk_controls"]["stop_after_consecutive_losses"]
        if streak >= allowed:
            what = f"{streak} losses in a row, its limit is {allowed}"
            self._wrong("limits", f"{cycle.id} opens after {what}")
        most, lost = self._most_a_day(name, start, at_ns, text), self._lost(name, start, at_ns)
        if most is not None and lost >= most and lost > 0:
            self._wrong(
                "limits", f"{cycle.id} opens after {lost} lost in a day, its limit is {most}"
            )

    def _capital(self, cycle: Cycle, mine: list[Cycle], text: dict[str, Any]) -> None:
        risk = text["risk_controls"]
        if len(mine) >= risk["max_open_cycles"]:
            self._wrong("limits", f"{cycle.id} opens beside {len(mine)} open ones")
        if "reference_currency" in text:
            return  # what its limits are worth is not in the log
        largest = _money(risk.get("max_position_size"), cycle.start_asset)
        if largest is not None and cycle.start_amount > largest:
            what = f"{cycle.id} opens with {cycle.start_amount}, the largest is {largest}"
            self._wrong("limits", what)
        most = _money(text["capital_allocation"].get("max_allocation"), cycle.start_asset)
        same = [one.start_amount for one in mine if one.start_asset == cycle.start_asset]
        if most is not None and sum(same, cycle.start_amount) > most:
            self._wrong("limits", f"{cycle.id} takes its strategy above the allocation {most}")

    # --- a cycle closes -----------------------------------------------------------------------

    def closed(self, cycle: Cycle, at_ns: int) -> None:
        """Count what a cycle came to; what it came to before is taken back."""
        results = self._results[cycle.strategy]
        if cycle.state not in moves.AT_REST or cycle.outcome not in COUNTED:
            results.pop(cycle.id, None)
            for noted in (self._ahead, self._unknown, *self._set_back.values()):
                noted.discard(cycle.id)
            return
        if cycle.id in results or cycle.id in self._unknown:
            return  # it was closed, and still is: somebody released what it had left
        if cycle.state == "completed":
            self._failures.succeeds((cycle.strategy, _identity(cycle.path)), cycle.id)
        limits = self._of[cycle.strategy]
        if cycle.fee_value is None or any(amount < 0 for amount in cycle.dust.values()):
            self._unknown.add(cycle.id)
            self._owe(cycle.strategy, LOSSES, f"the result of {cycle.id} is unknown")
            return
        assert cycle.pnl is not None
        results[cycle.id] = (cycle.pnl - cycle.fee_value, cycle.start_asset, at_ns)
        day = at_ns // DAY_NS
        self._ahead |= {name for name, one in results.items() if one[2] // DAY_NS > day}
        if not limits:
            return  # the opening has said so
        allowed = max(one["risk_controls"]["stop_after_consecutive_losses"] for one in limits)
        streak = self._streak(cycle.strategy)
        if streak >= allowed:
            self._owe(cycle.strategy, LOSSES, f"{streak} losses in a row, {allowed} are allowed")
        daily = [self._most_a_day(cycle.strategy, cycle.start_asset, at_ns, one) for one in limits]
        known = [one for one in daily if one is not None]
        lost = self._lost(cycle.strategy, cycle.start_asset, at_ns)
        if len(known) == len(daily) and lost >= max(known):
            self._owe(cycle.strategy, DAILY, f"{lost} lost in a day, {max(known)} are allowed")

    def _most_a_day(
        self, strategy: str, start: str, at_ns: int, text: dict[str, Any]
    ) -> Decimal | None:
        """What may be lost in a day in a start currency; None: any amount, or the log does not tell."""
        limit = text["risk_controls"].get("max_daily_loss")
        reference = text.get("reference_currency")
        if limit is not None and not isinstance(limit, dict) and reference is not None:
            # One limit for all currencies: what another one is worth is not in the log.
            day = at_ns // DAY_NS
            of_day = {
                asset
                for _, asset, ended_ns in self._results[strategy].values()
                if ended_ns // DAY_NS == day
            }
            if {reference, start} | of_day != {start}:
                return None
        return _money(limit, start)

    def _owe(self, strategy: str, limit: str, why: str) -> None:
        if (strategy, limit) not in self._tripped:
            self._owed[strategy, limit] = why

    def _streak(self, strategy: str) -> int:
        count = 0
        for name, (value, _, _) in reversed(self._results[strategy].items()):
            if value >= 0 or name in self._set_back[LOSSES]:
                break
            count += 1
        return count

    def _lost(self, strategy: str, asset: str, at_ns: int) -> Decimal:
        return -sum(
            (
                value
                for name, (value, its_asset, ended_ns) in self._results[strategy].items()
                if its_asset == asset
                if name not in self._ahead | self._set_back[DAILY]
                if ended_ns // DAY_NS == at_ns // DAY_NS
            ),
            ZERO,
        )

    def end(self, strategy: str | None = None) -> None:
        """Name limits that were broken and not tripped, of one strategy or of all."""
        for (name, limit), why in list(self._owed.items()):
            if strategy in {None, name}:
                self._wrong("limits", f"limit {limit} of {name} is not tripped: {why}")
                del self._owed[name, limit]

    # --- an order is sent ---------------------------------------------------------------------

    def sends(self, cycle: Cycle, order: Order) -> None:
        """Judge an order as it is intended."""
        self._bounded(cycle, order)
        self._intended.append((cycle, order))

    def judge_sent(self) -> None:
        """Judge every order that may have left, once it is known which did."""
        window: deque[Order] = deque()
        for cycle, order in self._intended:
            if not order.was_sent:
                continue
            cap, worth = cycle.start_amount * NOTIONAL_CAP_FACTOR, _worth(cycle, order)
            if worth > cap:
                self._wrong("limits", f"order {order.id} is worth {worth}, the cap is {cap}")
            if window and order.intended_ns < window[-1].intended_ns:
                window.clear()  # the clock was set back between two lives
            window.append(order)
            while order.intended_ns - window[0].intended_ns >= SECOND_NS:
                window.popleft()
            if len(window) > ORDERS_PER_SECOND_MAX:
                what = f"{len(window)} orders within a second, the last is {order.id}"
                self._wrong("limits", what)

    def _bounded(self, cycle: Cycle, order: Order) -> None:
        bps = cycle.slippage_bps
        if order.purpose == "unwind":
            bps = dec(self._configs[cycle.config]["panic_sell"]["max_slippage_bps"])
        worse = order.limit - order.best if order.side == "buy" else order.best - order.limit
        if worse * BPS > bps * order.best:
            what = (
                f"order {order.id} accepts {order.limit}, that is beyond {bps} bps of {order.best}"
            )
            self._wrong("limits", what)


def _worth(cycle: Cycle, order: Order) -> Decimal:
    """Value an order in the start currency where the log tells how; nothing elsewhere."""
    start = cycle.start_asset
    if order.spends == start:
        return order.need
    if order.gets != start:
        return ZERO
    return (order.amount * order.best if order.side == "sell" else order.amount) / MOVED


def _money(limit: object, asset: str) -> Decimal | None:
    """Read a limit that is one number or one for each currency."""
    if isinstance(limit, dict):
        return dec(limit[asset]) if asset in limit else ZERO
    return None if limit is None else dec(limit)


def _identity(path: list[str]) -> str:
    turned = min([*path[at:], *path[:at]] for at in range(len(path)))
    return ">".join(turned)
