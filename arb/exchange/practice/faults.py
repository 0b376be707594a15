"""Everything that goes wrong at the practice exchange: by a rate, or once, on demand."""

import random
from collections import Counter
from collections.abc import Mapping
from typing import Final

from msgspec import Struct, ValidationError, convert

from arb.clock import NS_PER_S
from arb.errors import ConfigInvalid
from arb.exchange.faults.plan import drawn
from arb.exchange.paper.records import PaperOrder
from arb.exchange.practice.fault_table import (
    ALL,
    FAULTS,
    GROUPS,
    MAINTENANCE,
    VIEW,
    Fault,
)
from arb.exchange.practice.windows import LATE_FILL_NS, VISIBILITY_NS

BAN_NS: Final = 2 * NS_PER_S  # of a 418
LIMITED_NS: Final = NS_PER_S  # of a 429
MAINTENANCE_NS: Final = 2 * NS_PER_S
_CLOSES: Final = {"http_418": BAN_NS, "http_429": LIMITED_NS, MAINTENANCE: MAINTENANCE_NS}
_VEILS_NS: Final = {"order_hidden": VISIBILITY_NS, "late_fill": LATE_FILL_NS}


class Armed(Struct):
    """A fault that somebody asked for."""

    fault: Fault
    on: str | None  # a call; None: any that the fault can strike
    nth: int  # such call from now
    times: int


class Faults:
    """Which fault strikes what.

    At most one strikes a call. Those of how an order is shown are a function of the seed and the
    order's id alone, so that a restart changes nothing; the others are drawn in the order of calls.
    `struck` counts what struck, the faults of an order's showing once per order.
    """

    def __init__(self, rates: Mapping[str, float], seed: int, begin: int = 0) -> None:
        self.struck: Final[Counter[str]] = Counter()
        self.rates = dict(rates)
        self.closed_until_ns = 0
        self.closed_by = ""
        self._seed = seed
        self._rng = random.Random(f"{seed}/{begin}")  # noqa: S311 -- repeatable on purpose
        self._armed: list[Armed] = []
        self._asked: set[tuple[str, int]] = set()  # fault, order number
        self._veiled: set[tuple[str, int]] = set()

    def arm(self, name: str, on: str | None = None, nth: int = 1, times: int = 1) -> None:
        """Let a fault strike the n-th such call from now, and the ones after it, `times` in all.

        Raises ConfigInvalid for a fault that is not there or cannot strike that call.
        """
        fault = FAULTS.get(name)
        if fault is None:
            raise ConfigInvalid(f"no fault {name!r}; there are: {', '.join(FAULTS)}")
        if on is not None and on not in fault.calls:
            raise ConfigInvalid(f"{name} strikes {', '.join(sorted(fault.calls))}, not {on!r}")
        if nth < 1 or times < 1:
            raise ConfigInvalid(f"nth {nth} and times {times} begin at 1")
        self._armed.append(Armed(fault, on, nth, times))

    def strike(self, call: str) -> str | None:
        """Say which fault strikes a call, if any, and count it."""
        name = self._demanded(call) or self._drawn(call)
        if name is not None:
            self.struck[name] += 1
        return name

    def some(self, number: int) -> int:
        """Draw from 0 up to below a number."""
        return self._rng.randrange(number)

    def close(self, name: str, now_ns: int, for_ns: int | None = None) -> None:
        """Refuse every request for the time of a ban, a limit or a maintenance."""
        until_ns = now_ns + (_CLOSES[name] if for_ns is None else for_ns)
        if until_ns >= self.closed_until_ns:
            self.closed_until_ns, self.closed_by = until_ns, name

    def closed_for_ns(self, now_ns: int) -> int:
        """For how much longer every request is refused; 0 for not at all."""
        return max(self.closed_until_ns - now_ns, 0)

    # --- how an order is shown

    @property
    def veils(self) -> bool:
        """Whether anything of any order may be hidden now."""
        return bool(self._asked) or any(self.rates.get(name) for name in _VEILS_NS)

    def ask_of(self, order: PaperOrder) -> None:
        """Give a new order the faults that were asked for of the next one's showing."""
        for name in _VEILS_NS:
            if self._demanded(VIEW, name) is not None:
                self._asked.add((name, order.number))

    def until_ns(self, name: str, order: PaperOrder) -> int:
        """Until when a fault keeps something of an order back; its creation for not at all."""
        key = order.client_order_id or f"#{order.number}"
        asked = (name, order.number) in self._asked
        if not asked and drawn(self._seed, name, key) >= self.rates.get(name, 0):
            return order.created_ns
        if (name, order.number) not in self._veiled:
            self._veiled.add((name, order.number))
            self.struck[name] += 1
        share = (1 + drawn(self._seed, f"{name} for", key)) / 2
        return order.created_ns + int(_VEILS_NS[name] * share)

    # --- what strikes

    def _demanded(self, call: str, only: str | None = None) -> str | None:
        found = None
        for armed in list(self._armed):
            fits = call in armed.fault.calls and armed.on in {None, call}
            if not fits or (only is not None and armed.fault.name != only):
                continue
            armed.nth -= 1
            if armed.nth > 0 or found is not None:
                continue
            found = armed.fault.name
            armed.times -= 1
            if armed.times == 0:
                self._armed.remove(armed)
        return found

    def _drawn(self, call: str) -> str | None:
        share = self._rng.random() if self.rates else 1.0
        for name, rate in self.rates.items():
            if call in FAULTS[name].calls:
                if share < rate:
                    return name
                share -= rate
        return None


def read_rates(text: str) -> dict[str, float]:
    """Read `all=0.1` or `reply_dropped=0.05,http_418=0.01`; later ones override.

    `all=R` lets something of each kind strike with a chance of R: a call, an order's showing, a
    message of a stream, each second of the account. What a client cannot live through is left out.
    Raises ConfigInvalid.
    """
    rates: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = part.partition("=")
        try:
            rate = convert(value, float, strict=False)
        except ValidationError:
            raise ConfigInvalid(
                f"--faults {part!r}: expected NAME=RATE, RATE from 0 to 1"
            ) from None
        if not 0 <= rate <= 1:
            raise ConfigInvalid(f"--faults {part!r}: a rate is from 0 to 1")
        if name == ALL:
            for group in GROUPS:
                rates |= {fault.name: rate / len(group) for fault in group}
        elif name in FAULTS:
            rates[name] = rate
        else:
            raise ConfigInvalid(f"--faults: no fault {name!r}; there are: all, {', '.join(FAULTS)}")
    return {name: rate for name, rate in rates.items() if rate}
