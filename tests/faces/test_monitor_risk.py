"""What the monitor says of limits, cooldowns and what was declined."""

import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import Result

from arb.events.facts import (
    BreakerTripped,
    CooldownCleared,
    CooldownStarted,
    CycleDeclined,
    EngineHalted,
    OpportunitiesDeclined,
    RiskReset,
    RiskTripped,
)
from arb.events.sqlite import LogReader
from arb.faces.cli import monitor
from tests.faces.commands import call
from tests.spec import histories as h
from tests.spec.written import write_log


def monitored(db: Path, *arguments: str) -> Result:
    return call(monitor, "--db", db, *arguments)


def test_declined_cycles_are_counted_by_reason(db: Path) -> None:
    rows = json.loads(monitored(db, "--declined", "--json").stdout)
    cycles = [row for row in rows if row["what"] == "cycle"]
    assert {(row["reason"], row["sample"]) for row in cycles} == {("no_depth", "ETH/BTC")}
    with LogReader(db) as reader:
        facts = [one.fact for one in reader.read()]
    assert sum(row["count"] for row in cycles) == sum(
        isinstance(one, CycleDeclined) for one in facts
    )


def test_declined_opportunities_are_added_up_with_their_last_numbers(db: Path) -> None:
    with LogReader(db) as reader:
        facts = [one.fact for one in reader.read() if isinstance(one.fact, OpportunitiesDeclined)]
    assert facts
    counts: Counter[tuple[str, str]] = Counter()
    samples: dict[tuple[str, str], str] = {}
    for fact in facts:
        for reason, count in fact.reasons.items():
            counts[fact.strategy, reason] += count
            samples[fact.strategy, reason] = fact.samples.get(reason) or samples.get(
                (fact.strategy, reason), ""
            )
    rows = json.loads(monitored(db, "--declined", "--json").stdout)
    told = [row for row in rows if row["what"] == "opportunity"]
    assert {(row["strategy"], row["reason"]): row["count"] for row in told} == counts
    assert {(row["strategy"], row["reason"]): row["sample"] for row in told} == samples
    assert all(row["last_ns"] >= h.START_NS for row in told)
    shown = monitored(db, "--declined").stdout
    assert all(row["sample"] in shown for row in told)


def test_a_tripped_limit_is_told_beside_every_view_with_its_way_out(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    tripped = RiskTripped(strategy="demo", limit="daily_loss", reason="12 USDT lost", cycle_id="d")
    write_log(path, [*h.history(1, 2, (h.completed,)), h.Batch(h.ACCOUNT, (tripped,))])
    result = monitored(path)
    assert "TRIPPED (demo: daily_loss): 12 USDT lost" in result.stderr
    assert "`tools/monitor.py --reset-risk demo:daily_loss` resets it" in result.stderr
    assert monitored(path, "health").exit_code == 1


def test_health_tells_a_script_what_stands_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    far_ns = 4_000_000_000 * 10**9
    facts = (
        EngineHalted(scope="BTC", reason="a difference"),
        RiskTripped(strategy="demo", limit="daily_loss", reason="12 USDT lost", cycle_id="d"),
        CooldownStarted(
            strategy="demo", identity="A>B", until_ns=far_ns, cause="latency", cycle_id="d"
        ),
        BreakerTripped(kind="unknown", count=3, until_ns=far_ns),
    )
    write_log(path, [*h.history(1, 2, (h.completed,)), h.Batch(h.ACCOUNT, facts)])
    assert monitored(path, "--pause", "--reason", "looking").exit_code == 0
    result = monitored(path, "health", "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["ok"], result.stderr) == (1, False, "")
    assert told["halts"] == {"BTC": "a difference"}
    assert told["paused"] == "paused by an operator: looking"
    assert told["tripped"] == [
        {"strategy": "demo", "limit": "daily_loss", "reason": "12 USDT lost"}
    ]
    assert [(one["path"], one["until_ns"]) for one in told["cooldowns"]] == [("A>B", far_ns)]
    assert told["breaker_until_ns"] == far_ns
    assert told["parked"] == []
    assert [line.split(":")[0] for line in told["reasons"]] == [
        "HALTED (BTC)",
        "PAUSED",
        "TRIPPED (demo",
    ]


def test_of_a_log_where_cycles_may_open_health_tells_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    past = BreakerTripped(kind="unknown", count=3, until_ns=h.START_NS)
    write_log(path, [*h.history(1, 2, (h.completed,)), h.Batch(h.ACCOUNT, (past,))])
    result = monitored(path, "health", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "ok": True,
        "reasons": [],
        "halts": {},
        "paused": None,
        "tripped": [],
        "breaker_until_ns": None,
        "cooldowns": [],
        "parked": [],
    }


@pytest.mark.parametrize("reason", ["", "looked"])
def test_what_is_done_without_a_reason_says_so(tmp_path: Path, reason: str) -> None:
    path = tmp_path / "log.db"
    tripped = RiskTripped(strategy="demo", limit="daily_loss", reason="12 USDT lost", cycle_id="d")
    write_log(path, [*h.history(1, 2, (h.completed,)), h.Batch(h.ACCOUNT, (tripped,))])
    words = ("--reason", reason) if reason else ()
    for action in (("--reset-risk", "all"), ("--pause",)):
        result = monitored(path, *action, *words)
        assert result.exit_code == 0
        told = "no reason given: --reason TEXT records one" in result.stdout
        assert told is not bool(reason)


def test_running_cooldowns_are_shown_and_ended_ones_are_not(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    far_ns = 4_000_000_000 * 10**9
    facts = [
        CooldownStarted(strategy="demo", identity=name, until_ns=until, cause="latency", cycle_id="d")
        for name, until in (("A>B", far_ns), ("A>C", h.START_NS + 10**12))
    ]  # fmt: skip
    write_log(path, [*h.history(1, 2, (h.completed,)), h.Batch(h.ACCOUNT, tuple(facts))])
    shown = monitored(path, "--cooldowns")
    assert "A>B" in shown.stdout
    assert "A>C" not in shown.stdout
    (row,) = json.loads(monitored(path, "--cooldowns", "--json").stdout)
    assert (row["path"], row["strategy"], row["until_ns"]) == ("A>B", "demo", far_ns)
    assert "COOLDOWN: A>B (demo) until 2096-10-02T07:06:40.000Z" in monitored(path).stderr
    assert monitored(path, "health").exit_code == 0


def test_no_cooldown_is_said_in_words(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    write_log(path, h.history(1, 2, (h.completed,)))
    assert monitored(path, "--cooldowns").stdout == "no cooldown is running\n"


def test_what_is_set_back_between_runs_is_an_event_and_its_line_goes_away(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    facts = (
        RiskTripped(strategy="demo", limit="daily_loss", reason="12 USDT lost", cycle_id="d"),
        CooldownStarted(
            strategy="demo", identity="A>B", until_ns=4 * 10**18, cause="latency", cycle_id="d"
        ),
    )
    write_log(path, [*h.history(1, 2, (h.completed,)), h.Batch(h.ACCOUNT, facts)])
    assert monitored(path, "--reset-risk", "luck").exit_code == 2
    assert monitored(path, "--reset-risk", "consecutive_losses").exit_code == 1
    assert monitored(path, "--reset-risk", "demo:daily_loss", "--reason", "looked").exit_code == 0
    assert monitored(path, "--clear-all-cooldowns").exit_code == 0
    assert monitored(path, "--clear-cooldown", "A>B").exit_code == 1
    assert monitored(path).stderr == ""
    with LogReader(path) as reader:
        told = [one.fact for one in reader.read()][-2:]
    assert told == [
        RiskReset(strategy="demo", limit="daily_loss", reason="looked"),
        CooldownCleared(strategy="*", identity="*", reason=""),
    ]
