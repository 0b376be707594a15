"""Markets of any size to scan: quote currencies of falling rank, and how their best prices move.

Seeded, and like a large venue's: a few quote currencies have most of the markets, a few markets have
most of the updates, busy ones have narrow spreads. Rarely a market stands off the others for a while.
"""

from collections.abc import Iterator
from decimal import Decimal
from itertools import accumulate
from random import Random
from typing import Final, NamedTuple

from arb.market.book import MarketRules
from arb.money import ZERO

# Of a hundred other currencies, how many are quoted in each quote currency.
QUOTED: Final = (93, 64, 54, 46, 30, 20, 12, 6, 4, *(3,) * 9)
# The same of a venue with few quote currencies, most of which are not traded for each other.
QUOTED_FEW: Final = (95, 70, 30, 20, 10, 8, 6)
TOGETHER: Final = 6  # of the first quote currencies nearly all are joined
_OFF_BPS: Final = (30.0, 80.0)
_OFF_SHARE: Final = 0.001  # of updates put a market off
_OFF_UPDATES: Final = (5, 200)
_HUB_HALF_BPS: Final = 0.3
_HALF_BPS: Final = (1.0, 5.0)
_MOVE_BPS: Final = 0.3
_BACK: Final = 0.02  # of its way from where it was, in a move: prices wander and return
_FALL: Final = 0.9  # how much rarer the n-th market has an update: 1 / n to this
_UNIT: Final = Decimal("1E-8")


class Tick(NamedTuple):
    """A market's new best prices."""

    market: str
    bid: float
    ask: float
    update_id: int


def listed(
    others: int, quoted: tuple[int, ...] = QUOTED, together: int = TOGETHER, seed: int = 1
) -> dict[str, MarketRules]:
    """List the markets of so many currencies beside those that they are quoted in."""
    rng = Random(seed)  # noqa: S311 -- an example, not a secret
    quotes = [f"Q{rank:02}" for rank in range(len(quoted))]
    names = [
        f"{base}/{quote}"
        for rank, base in enumerate(quotes)
        for at, quote in enumerate(quotes[:rank])
        if rng.random() < (0.9 if at < together else 0.3)
    ]
    for number in range(others):
        for quote, share in zip(quotes, quoted, strict=True):
            if rng.randrange(100) < share:
                names.append(f"C{number:04}/{quote}")
    return {name: _rules(name) for name in names}


def ticks(markets: dict[str, MarketRules], count: int, seed: int = 2) -> Iterator[Tick]:
    """Quote every market once, then update so many."""
    rng = Random(seed)  # noqa: S311 -- the same
    assets = sorted({code for rules in markets.values() for code in (rules.base, rules.quote)})
    values = {code: rng.uniform(0.01, 1000.0) for code in assets}
    rest = dict(values)
    names = sorted(markets, key=lambda name: (not _is_hub(markets[name]), rng.random()))
    halves = {
        name: (_HUB_HALF_BPS if _is_hub(markets[name]) else rng.uniform(*_HALF_BPS)) / 10_000
        for name in names
    }
    weights = list(accumulate(1 / (rank + 3) ** _FALL for rank in range(len(names))))
    update_id = 0

    def quote(name: str, off: float = 0.0) -> Tick:
        rules = markets[name]
        middle = values[rules.base] / values[rules.quote] * (1.0 + off)
        half = middle * halves[name] * rng.uniform(0.8, 1.2)
        return Tick(name, middle - half, middle + half, update_id)

    due: dict[int, list[str]] = {}
    for name in names:
        update_id += 1
        yield quote(name)
    for number, name in enumerate(rng.choices(names, cum_weights=weights, k=count)):
        for back in due.pop(number, ()):
            update_id += 1
            yield quote(back)
        update_id += 1
        base = markets[name].base
        move = rng.gauss(0.0, _MOVE_BPS / 10_000) * rest[base]
        values[base] += move + (rest[base] - values[base]) * _BACK
        if rng.random() < _OFF_SHARE:
            due.setdefault(number + rng.randint(*_OFF_UPDATES), []).append(name)
            yield quote(name, rng.choice((-1, 1)) * rng.uniform(*_OFF_BPS) / 10_000)
        else:
            yield quote(name)


def _is_hub(rules: MarketRules) -> bool:
    return rules.base.startswith("Q")


def _rules(name: str) -> MarketRules:
    base, quote = name.split("/")
    return MarketRules(name, base, quote, _UNIT, _UNIT, _UNIT, Decimal(10**9), ZERO)
