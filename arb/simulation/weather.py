"""What goes wrong in a run: each seed draws which faults exist, and how often they strike."""

from decimal import Decimal
from random import Random
from typing import Final

from msgspec import Struct, structs

from arb.clock import NS_PER_MS, NS_PER_S
from arb.exchange.client.pacing import Allowance, Ration
from arb.exchange.faults.plan import FaultPlan
from arb.exchange.paper.frictions import NO_FRICTIONS, Frictions

# The most often that each fault strikes.
RATES_MAX: Final = {
    "request_lost": 0.15,
    "request_delayed": 0.1,
    "refused": 0.15,
    "reply_lost": 0.2,
    "reply_delayed": 0.15,
    "reply_never": 0.06,
    "banned": 0.03,
    "maintenance": 0.03,
    "read_fails": 0.2,
    "order_hidden": 0.3,
    "late_fill": 0.2,
    "duplicated_reports": 0.3,
    "reordered_reports": 0.2,
    "altered_reports": 0.1,
    "none_fields": 0.15,
    "garbage": 0.1,
}
SHARE_PRESENT: Final = 0.4  # of the faults, in a run
UNTOLD: Final = "untold_fill"
SHARE_UNTOLD: Final = 0.4  # of the runs in which balances show everything at once
LIVES_MIN: Final = 3
LIVES_MAX: Final = 7
LASTING: Final = FaultPlan(never_ns=20 * NS_PER_S, ban_ns=3 * NS_PER_S, maintenance_ns=5 * NS_PER_S)
# Orders in so many seconds, each drawn as often as it stands here. Where a venue takes fewer than two
# cycles need, hardly a run has several open at once: that is rare, and most rations let only some wait.
RATIONS: Final = ((4, 2), *2 * ((6, 5),), *9 * ((10, 10),), *4 * ((30, 10),))


class Weather(Struct, frozen=True, kw_only=True):
    """The conditions of one run."""

    faults: FaultPlan
    lives: int
    fee_asset: str | None
    opening: dict[str, Decimal]
    latency_ns: int  # each way
    skew_ns: int  # of the venue's clock
    frictions: Frictions
    live_rules: bool  # absence is declared as late as where money is real
    checkpoint_pages: int  # after which the log checkpoints


def draw_weather(rng: Random) -> Weather:
    """Draw a run's conditions."""
    force = rng.choice([1, 1, 1, 2])  # some weather is worse than any
    rates = {
        fault: most * force * rng.uniform(0.2, 1)
        for fault, most in RATES_MAX.items()
        if rng.random() < SHARE_PRESENT
    }
    third = rng.random() < 0.4  # noqa: PLR2004 -- a share of the runs
    opening = {
        "USDT": Decimal(rng.choice([10_000, 10_000, 2_000])),
        "BTC": Decimal(rng.choice([0, 1])),
        "ETH": Decimal(rng.choice([0, 10])),
    }
    if third:
        opening["BNB"] = Decimal(rng.choice(["10", "10", "0.004"]))
    return Weather(
        faults=structs.replace(LASTING, **rates),
        lives=rng.randint(LIVES_MIN, LIVES_MAX),
        fee_asset="BNB" if third else None,
        opening=opening,
        latency_ns=rng.choice([5, 5, 5, 20, 60]) * NS_PER_MS,
        skew_ns=rng.choice([0, 0, 0, rng.randint(-300, 300)]) * NS_PER_MS,
        frictions=_frictions(rng),
        live_rules=rng.random() < 0.2,  # noqa: PLR2004 -- a share of the runs
        checkpoint_pages=rng.choice([1_000, 60, 20]),
    )


def draw_ration(seed: int) -> Ration | None:
    """Draw how many orders the venue takes in a time; mostly as many as come.

    Apart from the other draws, which it came after: they stay what they were.
    """
    rng = Random(f"ration {seed}")  # noqa: S311 -- repeatable on purpose
    if rng.random() < 0.7:  # noqa: PLR2004 -- a share of the runs
        return None
    orders, window_s = rng.choice(RATIONS)
    return Ration(1_000_000, 60, (Allowance(orders, window_s),))


def with_untold(weather: Weather, seed: int) -> Weather:
    """Let some runs have trades that the venue tells late, and shows in the balances at once.

    Apart from the other draws, which it came after: runs without it stay what they were. Where other
    faults hold something back from the balances, these prove nothing.
    """
    rng = Random(f"untold {seed}")  # noqa: S311 -- repeatable on purpose
    faults = weather.faults
    if faults.order_hidden or faults.late_fill or rng.random() >= SHARE_UNTOLD:
        return weather
    rate, lasting_ns = rng.uniform(0.3, 1), rng.randint(1, 8) * NS_PER_S
    faults = structs.replace(faults, untold_fill=rate, untold_fill_ns=lasting_ns)
    return structs.replace(weather, faults=faults)


def _frictions(rng: Random) -> Frictions:
    """Draw how much less, and how much worse, an order meets than its plan saw."""
    if rng.random() < 0.6:  # noqa: PLR2004 -- a share of the runs
        return NO_FRICTIONS
    return Frictions(
        seed=rng.randrange(1_000_000),
        fill_ratio=Decimal(rng.choice(["1", "0.8", "0.4"])),
        random_bps=Decimal(rng.choice([0, 5, 20])),
        padding_bps=Decimal(rng.choice([0, 0, 5])),
    )
