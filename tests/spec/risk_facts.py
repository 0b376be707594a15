"""Facts about limits, cooldowns and declined opportunities, at random from a seed."""

from collections.abc import Sequence
from random import Random

from arb.events import facts as f


def risk_fact(rng: Random, strategies: Sequence[str], start_ns: int) -> f.Fact:
    """One of them, of one strategy or of every one."""
    name, every = rng.choice(strategies), rng.choice((*strategies, "*"))
    limit = rng.choice(("consecutive_losses", "daily_loss"))
    path = rng.choice(("BTC>ETH>USDT", "BTC>USDT>ETH"))
    until_ns = start_ns + rng.randrange(10**10)
    fact: f.Fact = rng.choice(
        (
            f.RiskTripped(strategy=name, limit=limit, reason=f"{rng.random():.3f}", cycle_id="demo-1"),
            f.RiskReset(strategy=every, limit=limit, reason="looked"),
            f.CooldownStarted(strategy=name, identity=path, until_ns=until_ns, cause="latency", cycle_id="demo-1"),
            f.CooldownCleared(strategy=every, identity=rng.choice((path, "*")), reason=""),
            f.OpportunitiesDeclined(
                strategy=name, from_ns=start_ns, to_ns=until_ns,
                reasons={"no_depth": rng.randrange(1, 9), limit: 1},
                samples=rng.choice(({}, {limit: f"{rng.random():.3f}"})),
            ),
        )
    )  # fmt: skip
    return fact
