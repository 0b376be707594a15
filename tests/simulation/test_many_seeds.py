"""Many seeds, by the command that anybody can run: the same ones every time, and some that nobody chose."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from arb.faces.prove_cli import prove
from arb.simulation.tally import PAIRS_FROM
from tests.faces.commands import call


def proven(*arguments: str) -> dict[str, Any]:
    done = call(prove, *arguments, "--jobs", "1", "--json")
    told: dict[str, Any] = json.loads(done.stdout)
    told["exit"] = done.exit_code
    return told


def summary(told: dict[str, Any]) -> str:
    return (
        f"{told['kept']} of {told['seeds']} seeds from {told['first']} kept every promise:"
        f" {told['runs']} runs, {told['killed']} killed, {told['cpu_s']:.0f} s of processor time"
    )


@pytest.mark.long
def test_two_thousand_seeds_keep_every_promise_and_have_everything_in_them(
    record_property: Callable[[str, object], None],
) -> None:
    """The floors are asserted as well: how many runs had each outcome, and each fault met each death."""
    told = proven("--seeds", str(PAIRS_FROM))
    record_property("proof", summary(told))
    assert told["failed"] == []
    assert told["missing"] == []
    assert told["exit"] == 0


@pytest.mark.long
def test_five_hundred_seeds_that_nobody_chose_keep_every_promise(
    record_property: Callable[[str, object], None],
) -> None:
    told = proven("--fresh", "500")
    record_property("proof", summary(told))
    assert told["failed"] == [], f"--from {told['first']}"
    assert told["exit"] == 0
