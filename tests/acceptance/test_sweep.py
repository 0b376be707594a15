"""`run --sweep`: every point of a grid is what a run of its own would give, however many run at once."""

import json
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import msgspec
import pytest

from arb.errors import ArbError
from arb.execution.analysis.sweep import Job, PointFailed, play_all
from arb.simulation.processes import until
from arb.strategy.loader import load
from tests.spec.command_line import Said, files, invoke
from tests.spec.scripted_feed import chance, end, feed, quiet, strategy

CHANCES = [*quiet(), *chance(10), *chance(40), *end()]
FEES, LATENCIES = ("5", "10"), ("0", "400")
GRID = (
    *("--sweep", f"fees.taker_bps={','.join(FEES)}"),
    *("--sweep", f"execution.backtest.latency_sim_ms={','.join(LATENCIES)}"),
)


@dataclass
class Swept:
    said: Said
    report: Path

    @property
    def points(self) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.said.out.splitlines()]
        return [line for line in lines if line["type"] == "point"]


@pytest.fixture(scope="module")
def one_by_one(tmp_path_factory: pytest.TempPathFactory) -> Swept:
    """A grid of two keys, one backtest after the other."""
    return sweep(tmp_path_factory.mktemp("one"), 1)


def sweep(folder: Path, jobs: int) -> Swept:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.chdir(folder)
        said = invoke(
            *("--strategy", strategy(folder), "--data-file", feed(folder, CHANCES), *GRID),
            *("--db", "log.db", "--report", "report", "--json", "--jobs", jobs),
        )
    assert said.code == 0, said.err
    return Swept(said, folder / "report")


def test_a_point_is_what_a_run_of_its_own_gives(one_by_one: Swept, folder: Path) -> None:
    data = feed(folder, CHANCES)
    expected = []
    for fee in FEES:
        for latency in LATENCIES:
            path = strategy(folder, fee=fee)
            text = path.read_text().replace("_sim_ms: 50", f"_sim_ms: {latency}")
            path.write_text(text.replace(f"maker_bps: {fee}", "maker_bps: 10"))
            db = folder / f"{fee}-{latency}.db"
            said = invoke("--strategy", path, "--data-file", data, "--db", db, "--json")
            settings = {"fees.taker_bps": fee, "execution.backtest.latency_sim_ms": latency}
            expected.append((settings, said.summary))
    assert [(one["settings"], one["summary"]) for one in one_by_one.points] == expected
    assert len({one["summary"]["last_hash"] for one in one_by_one.points}) == 4


def test_two_at_once_give_the_same_bytes(one_by_one: Swept, tmp_path: Path) -> None:
    both = sweep(tmp_path, 2)
    assert both.said.out == one_by_one.said.out
    assert files(both.report) == files(one_by_one.report)


def test_the_summary_of_the_strategy_as_it_stands_comes_last(one_by_one: Swept) -> None:
    assert one_by_one.said.summary["type"] == "summary"
    assert one_by_one.said.summary["opportunities"]["taken"] > 0


def test_a_grid_has_a_picture_against_each_of_its_keys(one_by_one: Swept) -> None:
    named = {path.name for path in one_by_one.report.iterdir()}
    pictures = {f"pnl-by-{one}.svg" for one in one_by_one.points[0]["settings"]}
    assert {"grid.csv", *pictures} <= named
    for picture in pictures:
        assert (one_by_one.report / picture).read_text().count("<polyline") == 2
    best = "with fees.taker\\_bps=5 execution.backtest.latency\\_sim\\_ms=0"
    assert best in (one_by_one.report / "report.md").read_text()


def test_without_a_report_the_grid_is_a_table_and_no_folder(folder: Path) -> None:
    said = invoke(
        *("--strategy", strategy(folder), "--data-file", feed(folder, CHANCES)),
        *("--db", "log.db", "--sweep", "fees.taker_bps=10"),
    )
    assert said.code == 0, said.err
    *_, header, row = said.out.splitlines()
    assert header.split()[:2] == ["fees.taker_bps", "opportunities"]
    assert row.split()[:2] == ["10", "2"]
    assert not [path for path in folder.iterdir() if path.is_dir() and path.name != "state"]


def test_a_key_that_the_file_does_not_have_can_be_swept(folder: Path) -> None:
    said = invoke(
        *("--strategy", strategy(folder), "--data-file", feed(folder, CHANCES), "--db", "log.db"),
        *("--report", "report", "--sweep", "execution.backtest.initial_balances.XRP=1,2"),
    )
    assert said.code == 0, said.err
    picture = "pnl-by-execution.backtest.initial_balances.XRP.svg"
    assert "as configured" not in (folder / "report" / picture).read_text()


@pytest.mark.parametrize(
    ("sweep", "code", "said"),
    [
        ("fees.taker_bps", 2, "write KEY=V,V"),
        ("fees.taker_bps=", 2, "write KEY=V,V"),
        ("=5", 2, "write KEY=V,V"),
        ("fees.takr_bps=5", 3, "unknown key `takr_bps`; did you mean `taker_bps`?"),
        ("fees.taker_bps=5,5000", 3, "taker_bps must be at most 1000, was 5000"),
        ("fees.taker_bps=5,[", 3, "is not valid YAML"),
        ("fees.taker_bps=5,5.0", 3, "of 2 values only 1 differs (5): give each value once"),
        ("execution.mode=paper", 3, "execution.mode cannot be swept"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_before_anything_is_written(
    folder: Path, sweep: str, code: int, said: str
) -> None:
    path, data = strategy(folder), feed(folder, CHANCES)
    before = files(folder)
    told = invoke(
        *("--strategy", path, "--data-file", data, "--db", "log.db"),
        *("--report", "report", "--sweep", sweep),
    )
    assert told.code == code
    assert said in told.err
    assert files(folder) == before
    assert not (folder / "report").exists()


def test_a_point_that_cannot_run_is_named_and_nothing_is_reported(folder: Path) -> None:
    said = invoke(
        *("--strategy", strategy(folder), "--data-file", feed(folder, CHANCES), "--db", "log.db"),
        *("--report", "report", "--sweep", "cycle=[USDT, BTC, ETH], [USDT, BTC, XRP]"),
    )
    assert said.code == 3
    assert 'cycle=["USDT", "BTC", "XRP"]: ' in said.err
    assert not (folder / "report").exists()


# --- what may happen to the processes


@pytest.fixture
def stuck(folder: Path) -> Callable[[Callable[[], None]], None]:
    """Play a backtest whose recording never comes; something is done once it waits for it."""
    loaded = load(strategy(folder), data_file=str(feed(folder, CHANCES)))
    pipe = folder / "never.csv"
    os.mkfifo(pipe)
    job = Job(name="stuck", loaded=(msgspec.structs.replace(loaded, data_file=pipe),))

    def run(do: Callable[[], None]) -> None:
        over = Event()

        def strike() -> None:
            with pipe.open("wb"):  # opens when the other end is read
                if not over.is_set():
                    do()
                    over.wait()

        thread = Thread(target=strike)
        thread.start()
        try:
            play_all([job], at_once=1, told=lambda _done: None)
        finally:
            over.set()
            os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))  # lets one go that still waits
            thread.join()
        pytest.fail("nothing stopped it")

    return run


def test_a_long_temporary_folder_is_no_hindrance(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that makes the others listens there, on a socket whose path cannot be long."""
    long = folder / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    loaded = load(strategy(folder), data_file=str(feed(folder, CHANCES)))
    (played,) = play_all([Job(name="one", loaded=(loaded,))], at_once=1, told=lambda _done: None)
    assert played.spells == 2
    assert list(long.iterdir()) == []


def kill_children() -> None:
    # It may run before the one who started it knows its number.
    for child in until(multiprocessing.active_children, "a process"):
        child.kill()


def test_a_process_that_dies_is_told_and_named(
    stuck: Callable[[Callable[[], None]], None],
) -> None:
    with pytest.raises(PointFailed, match="stuck: its process ended with -9 and gave no result"):
        stuck(kill_children)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_every_process_and_leaves_nothing(
    stuck: Callable[[Callable[[], None]], None], number: int
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        stuck(lambda: os.kill(os.getpid(), number))
    assert multiprocessing.active_children() == []
    assert list(Path(tempfile.gettempdir()).glob(f"arb-sweep-{os.getpid()}-*")) == []
    assert signal.getsignal(signal.SIGTERM) == before


def test_an_error_of_a_point_keeps_its_kind(folder: Path) -> None:
    loaded = load(strategy(folder), data_file=str(feed(folder, CHANCES)))
    (folder / "empty.csv").write_text("")
    job = Job(
        name="empty", loaded=(msgspec.structs.replace(loaded, data_file=folder / "empty.csv"),)
    )
    with pytest.raises(ArbError, match=r"empty: .*empty\.csv") as caught:
        play_all([job], at_once=1, told=lambda _done: None)
    assert caught.value.exit_code == 3
