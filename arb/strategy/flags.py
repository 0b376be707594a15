"""What the command line says in the place of the strategy file."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, get_args, get_type_hints

from msgspec import Struct, structs

from arb.errors import BadNumber
from arb.money import parse
from arb.strategy.bounds import currency_complaint, digits_complaint, shown
from arb.strategy.schema import Backtest, Execution, Mode, Paper, Strategy
from arb.strategy.times import parse_instant
from arb.strategy.values import shape_of

_HINTS: Final = get_type_hints(Backtest, include_extras=True)


class Flags(Struct, frozen=True, kw_only=True):
    """Values of flags as typed; None and empty where a flag was not given."""

    mode: str | None = None
    data_file: str | None = None
    random_seed: int | None = None
    start_time: str | None = None
    end_time: str | None = None
    paper_balances: tuple[tuple[str, str], ...] = ()

    def mode_over(self, written: Mode) -> Mode:
        """Choose the mode that runs: the flag's, else the file's. An unknown one is told by `apply`."""
        known: tuple[Mode, ...] = get_args(Mode)
        return next((mode for mode in known if mode == self.mode), written)

    def told(self, key: tuple[str, ...], text: str) -> str | None:
        """Say a complaint about a key in the words of flags, where a flag is what is wrong."""
        if key != ("execution", "backtest", "end_time"):
            return None
        given = {"start_time": self.start_time, "end_time": self.end_time}
        if all(value is None for value in given.values()):
            return None
        for name, value in given.items():
            if value is not None:
                text = text.replace(name, f"{_FLAG_OF[name]} {value}")
        return text


def apply(strategy: Strategy, flags: Flags) -> tuple[Strategy, list[str]]:
    """Put flags in the place of keys; returns the strategy and what is wrong with the flags."""
    wrong: list[str] = []
    execution = strategy.execution
    if flags.mode is not None and flags.mode not in get_args(Mode):
        wrong.append(f"--mode must be one of {', '.join(get_args(Mode))}, was {shown(flags.mode)}")
    mode = flags.mode_over(execution.mode)
    wrong += _without_effect(flags, mode)
    changes = _common_changes(flags, execution, mode, wrong)
    if mode == "backtest":
        changes |= _times(flags, wrong)
        backtest = structs.replace(execution.backtest, **changes)
        execution = structs.replace(execution, mode=mode, backtest=backtest)
    else:
        if flags.data_file is not None:
            changes["feed"] = "recorded"
        paper = structs.replace(execution.paper, **changes)
        execution = structs.replace(execution, mode=mode, paper=paper)
    return structs.replace(strategy, execution=execution), wrong


def _without_effect(flags: Flags, mode: Mode) -> list[str]:
    """Name each flag that the mode would ignore: nobody should believe that it did something."""
    given = {
        "--data-file": flags.data_file is not None,
        "--random-seed": flags.random_seed is not None,
        "--start-time": flags.start_time is not None,
        "--end-time": flags.end_time is not None,
        "--paper-balance": bool(flags.paper_balances),
    }
    used = {"backtest": set(given), "live": set()}
    used["paper"] = {"--data-file", "--random-seed", "--paper-balance"}
    idle = [flag for flag, is_given in given.items() if is_given and flag not in used[mode]]
    return [f"{flag} has no effect in {mode} mode; leave it out" for flag in idle]


def _common_changes(
    flags: Flags, execution: Execution, mode: Mode, wrong: list[str]
) -> dict[str, object]:
    """Change what paper and backtest have in common."""
    block: Paper | Backtest = execution.backtest if mode == "backtest" else execution.paper
    changes: dict[str, object] = {}
    if mode == "live":
        return changes
    if flags.data_file is not None:
        # The flag's path stays out of the strategy: where a file lies is no part of what is traded.
        changes["data_file"] = None
    if flags.random_seed is not None:
        _take("random_seed", flags.random_seed, changes, wrong)
    if flags.paper_balances:
        balances = {**block.initial_balances, **_balances(flags.paper_balances, wrong)}
        _take("initial_balances", balances, changes, wrong)
    return changes


def _balances(given: Iterable[tuple[str, str]], wrong: list[str]) -> dict[str, Decimal]:
    """Read balances as strictly as a file's."""
    found: dict[str, Decimal] = {}
    for code, text in given:
        complaint = currency_complaint(code)
        if complaint is not None:
            wrong.append(f"--paper-balance {complaint}")
            continue
        if code in found:
            wrong.append(f"--paper-balance {code} is given twice")
        try:
            found[code] = parse(text, what=f"--paper-balance {code}")
        except BadNumber as error:
            wrong.append(str(error))
            continue
        complaint = digits_complaint(found[code])
        if complaint is not None:
            wrong.append(f"--paper-balance {code} {complaint}, was {shown(text)}")
    return found


def _times(flags: Flags, wrong: list[str]) -> dict[str, object]:
    changes: dict[str, object] = {}
    for key, text in (("start_time", flags.start_time), ("end_time", flags.end_time)):
        if text is None:
            continue
        moment = parse_instant(text)
        if moment is None:
            example = "2021-04-17T16:45:00Z or 1618677900.5"
            flag = key.replace("_", "-")
            wrong.append(f"--{flag} must be a time such as {example}, was {shown(text)}")
        else:
            _take(key, moment, changes, wrong)
    return changes


_FLAG_OF: Final = {
    "initial_balances": "--paper-balance",
    "random_seed": "--random-seed",
    "start_time": "--start-time",
    "end_time": "--end-time",
}


def _take(
    key: str,
    value: Decimal | dict[str, Decimal] | int,
    changes: dict[str, object],
    wrong: list[str],
) -> None:
    """Change a key if the schema's bound agrees."""
    complaint = shape_of(_HINTS[key]).complaint(value)
    if complaint is None:
        changes[key] = value
    else:
        wrong.append(f"{_FLAG_OF[key]} {complaint}")
