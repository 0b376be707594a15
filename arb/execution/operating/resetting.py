"""What an operator may set back: tripped limits and running cooldowns."""

from typing import Final

from arb.events import facts as f
from arb.execution.operating.control import ActResult
from arb.machine.account import Account
from arb.machine.risk import EVERY, LIMIT_NAMES, identity_of

ALL: Final = "all"
_BETWEEN: Final = ("->", ">", ",", "/")  # currencies of a path, as people write it


def resets(account: Account, target: str | None, reason: str | None) -> list[f.Fact] | ActResult:
    """The events that set back LIMIT or STRATEGY:LIMIT (LIMIT may be "all"), or why there are none."""
    strategy, _, limit = (target or "").rpartition(":")
    if limit not in {*LIMIT_NAMES, ALL}:
        names = ", ".join((*LIMIT_NAMES, ALL))
        message = f"no limit is named {limit!r}; give one of {names}, or STRATEGY:LIMIT"
        return ActResult(ok=False, message=message, exit_code=2)
    facts: list[f.Fact] = [
        f.RiskReset(strategy=name, limit=one, reason=reason or "")
        for name, risk in sorted(account.risk.items())
        for one in LIMIT_NAMES
        if strategy in {"", name} and limit in {ALL, one} and one in risk.tripped
    ]
    if not facts:
        message = "no risk limit of that name is tripped; halts end with --unpause"
        return ActResult(ok=False, message=message, exit_code=1)
    return facts


def clearings(
    account: Account, target: str | None, reason: str | None, now_ns: int
) -> list[f.Fact] | ActResult:
    """The events that end the cooldown of a path, or "all" of them, or why there are none.

    A path is given by its currencies from whichever of them: BTC>ETH>USDT, USDT->BTC->ETH.
    """
    running = [
        (name, identity)
        for name, risk in sorted(account.risk.items())
        for identity in sorted(risk.cooldowns)
        if risk.cools_until_ns(identity, now_ns) is not None
    ]
    if target == ALL and running:
        return [f.CooldownCleared(strategy=EVERY, identity=EVERY, reason=reason or "")]
    wanted = _identity(target or "")
    facts: list[f.Fact] = [
        f.CooldownCleared(strategy=name, identity=identity, reason=reason or "")
        for name, identity in running
        if identity == wanted
    ]
    if not facts:
        there = ", ".join(sorted({identity for _, identity in running})) or "none"
        message = f"no such cooldown is running; running: {there}"
        return ActResult(ok=False, message=message, exit_code=1)
    return facts


def _identity(text: str) -> str:
    """Name a path as people write it; the start may be repeated at the end."""
    for between in _BETWEEN:
        text = text.replace(between, " ")
    path = text.split()
    if len(path) > 1 and path[0] == path[-1]:
        path.pop()
    return identity_of(path) if path else ""
