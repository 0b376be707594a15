"""`tools/record.py`, and what `tools/run.py` makes of its files."""

import gzip
import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest
import structlog

from arb.execution.analysis import retracing
from arb.execution.analysis.retracing import Retraced, retrace_file
from arb.faces.cli import replay
from arb.faces.record_cli import record
from arb.feeds.blocks import pack
from arb.feeds.recorded import RecordedMarket
from arb.simulation.practice_process import Exchange
from arb.simulation.processes import ROOT, start, until
from tests.spec.command_line import Said, invoke, paper_strategy

DISCOVERY = ROOT / "strategies" / "discovery.yaml"


def backtest(strategy: Path, feed: Path, db: Path) -> Said:
    return invoke(
        *("--strategy", strategy, "--mode", "backtest"),
        *("--data-file", feed, "--db", db, "--json"),
    )


def recorded(strategy: Path, out: Path, *more: object) -> Said:
    return invoke("--strategy", strategy, "--out", out, *more, "--json", command=record)


def test_what_is_recorded_is_backtested_the_same_each_time(folder: Path) -> None:
    strategy = paper_strategy(folder, step_ms="100")
    told = recorded(strategy, folder / "a.rec.gz", "--duration", 20)
    assert told.code == 0, told.err
    market = RecordedMarket(folder / "a.rec.gz")
    rows = list(market.changes(0))
    assert told.summary["rows"] == len(rows) > 500
    assert told.summary["markets"] == len(market.markets)
    first = backtest(strategy, folder / "a.rec.gz", folder / "first.db")
    again = backtest(strategy, folder / "a.rec.gz", folder / "again.db")
    assert first.code == 0, first.err
    assert first.out == again.out
    assert first.summary["cycles"]["completed"] > 10
    assert "the recorded filters" in first.err
    # Recorded again from the recording it is the same market, and trades the same.
    copied = recorded(
        strategy, folder / "b.rec.gz", "--mode", "backtest", "--data-file", folder / "a.rec.gz"
    )
    assert copied.code == 0, copied.err
    assert copied.summary["last_ns"] == told.summary["last_ns"]
    third = backtest(strategy, folder / "b.rec.gz", folder / "third.db")
    same = ("pnl", "fees", "cycles", "opportunities")
    assert [third.summary[one] for one in same] == [first.summary[one] for one in same]


def test_a_recorder_that_is_killed_leaves_what_it_took(folder: Path) -> None:
    out = folder / "struck.rec.gz"
    running = start(
        folder, "record", "--strategy", DISCOVERY, "--out", out, "--duration", 1_000_000
    )
    try:
        until(lambda: out.exists() and out.stat().st_size > 600_000, "some blocks")
        running.process.kill()
        assert running.wait().code == -signal.SIGKILL
    finally:
        running.end()
    market = RecordedMarket(out)
    assert market.damage is not None
    rows = list(market.changes(0))
    assert len(rows) > 3_000
    told = backtest(DISCOVERY, out, folder / "b.db")
    assert told.code == 0, told.err
    assert f"feed: {market.damage}" in told.err


def test_an_interrupt_closes_the_recording(folder: Path) -> None:
    out = folder / "ended.rec.gz"
    running = start(
        folder, "record", "--strategy", DISCOVERY, "--out", out, "--duration", 1_000_000
    )
    try:
        until(lambda: out.exists() and out.stat().st_size > 100_000, "a block")
        running.interrupt()
        ended = running.wait()
    finally:
        running.end()
    assert ended.code == 130
    assert " rows of 175 markets" in ended.out
    assert RecordedMarket(out).damage is None


def test_a_venues_public_books_are_recorded_as_they_come_and_replayed(folder: Path) -> None:
    exchange = Exchange(folder)
    try:
        strategy = exchange.strategy()
        out = folder / "live.rec.gz"
        running = start(
            folder, "record", "--strategy", strategy, "--out", out, "--duration", 4, "--json"
        )
        try:
            ended = running.wait(120)  # it loads ccxt, and reaches the venue first
        finally:
            running.end()
    finally:
        exchange.end()
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    market = RecordedMarket(out)
    assert market.damage is None
    assert market.recording.heading.feed == "live"  # type: ignore[union-attr]
    assert {"BTC/USDT", "ETH/BTC", "ETH/USDT"} <= set(market.markets)
    rows = list(market.changes(0))
    assert len(rows) == told["rows"] > 20
    assert len({one.book.sequence for one in rows if one.market == "BTC/USDT"}) > 3
    first = backtest(strategy, out, folder / "b1.db")
    again = backtest(strategy, out, folder / "b2.db")
    assert first.code == 0, first.err
    assert first.out == again.out


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [
        ([], 3, "a generated market never ends: give --duration"),
        (["--duration", "nan"], 2, "not a number of seconds"),
        (["--duration", "1e300"], 2, "not a number of seconds"),
        (["--duration", "0"], 2, "0"),
        (["--out", "nowhere/a.rec.gz", "--duration", "1"], 3, "a folder that exists"),
        (["--mode", "backtest"], 3, "data_file"),
    ],
)
def test_what_cannot_be_recorded_is_refused(
    folder: Path, arguments: list[str], code: int, what: str
) -> None:
    told = invoke(
        "--strategy", paper_strategy(folder), "--out", folder / "a.gz", *arguments, command=record
    )
    assert told.code == code
    assert what in told.err
    assert list(folder.glob("*.gz")) == []


def test_a_run_records_the_books_that_it_decided_on(folder: Path) -> None:
    strategy, out = paper_strategy(folder, step_ms="300"), folder / "run.rec.gz"
    told = invoke(
        *("--strategy", strategy, "--cycles", 2, "--db", folder / "log.db"),
        *("--record", out, "--json"),
    )
    assert told.code == 0, told.err
    market = RecordedMarket(out)
    assert market.damage is None
    rows = list(market.changes(0))
    first = [one for one in rows if one.at_ns == rows[0].at_ns]
    assert [one.more for one in first] == [True] * (len(first) - 1) + [False]
    assert {one.market for one in first} == set(market.markets), "what stood when it began"
    known = {(one.market, one.book.sequence) for one in rows}
    opened = [event for event in told.events if event["type"] == "CycleOpened"]
    assert len(opened) >= 2
    for event in opened:
        assert set(event["data"]["books"].items()) <= known
    retraced = invoke("--retrace", out, "--db", folder / "log.db", "--json", command=replay)
    assert retraced.code == 0, retraced.out
    assert retraced.summary["opened"] == len(opened)
    assert retraced.summary["same"] == retraced.summary["decisions"] >= len(opened)
    again = backtest(strategy, out, folder / "b.db")
    assert again.code == 0, again.err
    assert again.summary["opportunities"]["paths"] == told.summary["opportunities"]["paths"]
    assert again.summary["opportunities"]["states"] == told.summary["opportunities"]["states"]


def test_replay_says_which_decisions_of_a_recorded_run_come_out_otherwise(folder: Path) -> None:
    strategy, out = paper_strategy(folder, step_ms="300"), folder / "run.rec.gz"
    asked = ("--strategy", strategy, "--cycles", 2, "--db", folder / "log.db", "--record", out)
    assert invoke(*asked).code == 0
    said = invoke("--retrace", out, "--db", folder / "log.db", command=replay)
    assert said.code == 0, said.out
    first, second = said.out.splitlines()
    count = re.fullmatch(r"retrace: (\d+) of (\d+) decisions are the same", first)
    assert count is not None, first
    assert count[1] == count[2]
    assert re.match(r"at \d+ moments: \d+ cycles opened, \d+ declined", second)
    other = folder / "other.rec.gz"
    fees = b'"taker":"0.001"'
    text = gzip.decompress(out.read_bytes())
    assert text.count(fees) == 1
    other.write_bytes(pack(text.replace(fees, b'"taker":"0.002"')))
    said = invoke("--retrace", other, "--db", folder / "log.db", command=replay)
    assert said.code == 1
    assert "demo-1: edge_bps was " in said.out
    assert invoke("--retrace", strategy, "--db", folder / "log.db", command=replay).code == 3
    assert invoke("--retrace", out, "--verify", "--db", folder / "log.db", command=replay).code == 2


def test_decisions_that_are_later_than_a_cut_recording_are_not_the_same(folder: Path) -> None:
    strategy, out = paper_strategy(folder, step_ms="300"), folder / "run.rec.gz"
    asked = ("--strategy", strategy, "--cycles", 2, "--db", folder / "log.db", "--record", out)
    assert invoke(*asked).code == 0
    retraced = ("--retrace", out, "--db", folder / "log.db")
    decisions = invoke(*retraced, "--json", command=replay).summary["decisions"]
    lines = gzip.decompress(out.read_bytes()).splitlines(keepends=True)
    moment = next(at for at, line in enumerate(lines) if line.startswith(b'["moment"'))
    # Nothing that was decided on is there; then all of it, and only its last line is not.
    for kept, uncompared in ((moment, decisions), (len(lines) - 1, 0)):
        out.write_bytes(pack(b"".join(lines[:kept])))
        said = invoke(*retraced, "--json", command=replay)
        told = said.summary
        assert told["damage"].endswith(f"read up to row {_rows(lines[:kept])}")
        assert (told["uncompared"], told["decisions"]) == (uncompared, decisions)
        assert told["same"] == decisions - uncompared
        assert (said.code, told["ok"]) == ((1, False) if uncompared else (0, True))
        text = invoke(*retraced, command=replay).out
        assert (f"are the same; {decisions} could not be compared" in text) is (uncompared > 0)


def _rows(lines: list[bytes]) -> int:
    return sum(line.startswith(b'["book"') for line in lines)


def test_what_the_engine_logs_while_it_decides_again_is_not_among_the_data(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strategy, out = paper_strategy(folder), folder / "run.rec.gz"
    assert invoke("--strategy", strategy, "--db", "log.db", "--record", out).code == 0

    def talkative(*arguments: Any) -> Retraced:
        structlog.get_logger().warning("fees.changed")
        return retrace_file(*arguments)

    monkeypatch.setattr(retracing, "retrace_file", talkative)
    said = invoke("--retrace", out, "--db", "log.db", "--json", command=replay)
    assert json.loads(said.out)["ok"] is True
    assert "fees.changed" in said.err


@pytest.mark.parametrize(
    ("mode", "name", "what"),
    [
        ("paper", "nowhere/r.gz", "a folder that exists"),
        ("backtest", "r.gz", "in a file already"),
        ("paper", "s.yaml", "never written over"),
    ],
)
def test_a_run_that_cannot_be_recorded_is_refused_before_anything_is_written(
    folder: Path, mode: str, name: str, what: str
) -> None:
    strategy = paper_strategy(folder)
    strategy.write_text(strategy.read_text().replace("[USDT, BTC, ETH]", "[USD, BTC, ETH]"))
    told = invoke(
        *("--strategy", strategy, "--mode", mode, "--db", folder / "log.db", "--record", name),
        *("--data-file", ROOT / "strategies" / "sample_feed.csv"),
    )
    assert (told.code, what in told.err) == (3, True), told.err
    assert not (folder / "log.db").exists()
