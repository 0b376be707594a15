"""What the command line says goes before what the file says, and is checked as strictly."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from arb.errors import ConfigInvalid
from arb.strategy.loader import Loaded
from tests.strategy.conftest import MINIMAL

Loads = Callable[..., Loaded]
Refuses = Callable[..., str]
BACKTEST = MINIMAL + "execution:\n  mode: backtest\n  backtest: {data_file: books.csv}\n"


def test_the_mode_of_the_flag_is_the_mode(loads: Loads) -> None:
    assert loads(MINIMAL, mode="backtest").strategy.execution.mode == "backtest"
    assert (
        loads(MINIMAL + "execution: {mode: live}\n", mode="paper").strategy.execution.mode
        == "paper"
    )


def test_a_recording_beside_the_file_goes_before_the_working_directory(
    loads: Loads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "books.csv").touch()
    (tmp_path / "demo.yaml").write_text(BACKTEST)
    monkeypatch.chdir(work)
    from_file = _load(tmp_path / "demo.yaml")
    assert from_file.data_file == work / "books.csv"
    (tmp_path / "books.csv").touch()
    assert _load(tmp_path / "demo.yaml").data_file == tmp_path / "books.csv"


def _load(path: Path) -> Loaded:
    from arb.strategy.loader import load  # noqa: PLC0415

    return load(path)


def test_a_folder_is_no_recording(refuses: Refuses, tmp_path: Path) -> None:
    (tmp_path / "books.csv").mkdir()
    assert "demo.yaml:11:25: data_file 'books.csv' is neither" in refuses(BACKTEST)


def test_the_flag_names_the_recording_of_the_mode_that_runs(loads: Loads, tmp_path: Path) -> None:
    (tmp_path / "other.csv").touch()
    loaded = loads(BACKTEST, data_file="other.csv")  # books.csv does not exist and is not needed
    assert loaded.data_file == tmp_path / "other.csv"
    assert loaded.required_data_file() == loaded.data_file


def test_where_a_recording_lies_does_not_change_what_is_traded(
    loads: Loads, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "books.csv").touch()
    one, other = (loads(BACKTEST, data_file=f"{folder}/books.csv") for folder in ("a", "b"))
    assert one.data_file != other.data_file
    assert one.canonical == other.canonical


def test_a_recording_makes_a_paper_market_a_recorded_one(loads: Loads, tmp_path: Path) -> None:
    (tmp_path / "other.csv").touch()
    loaded = loads(MINIMAL, data_file="other.csv")
    assert loaded.strategy.execution.paper.feed == "recorded"
    assert "feed: recorded" in loaded.notes


def test_a_missing_recording_is_told_when_it_is_needed(loads: Loads, refuses: Refuses) -> None:
    loaded = loads(MINIMAL, mode="backtest")
    assert loaded.data_file is None
    with pytest.raises(ConfigInvalid, match=r"give `execution.backtest.data_file` or --data-file"):
        loaded.required_data_file()
    assert "--data-file 'gone.csv': no such file" in refuses(MINIMAL, data_file="gone.csv")


def test_the_seed_of_the_flag_goes_to_the_mode_that_runs(loads: Loads) -> None:
    assert loads(MINIMAL, random_seed=7).strategy.execution.paper.random_seed == 7
    execution = loads(MINIMAL, mode="backtest", random_seed=7).strategy.execution
    assert (execution.paper.random_seed, execution.backtest.random_seed) == (42, 7)


def test_a_balance_of_the_flag_takes_the_place_of_that_balance_alone(loads: Loads) -> None:
    balances = "execution: {paper: {initial_balances: {USDT: 5, BTC: 1}}}\n"
    loaded = loads(MINIMAL + balances, paper_balances=[("USDT", "0.1"), ("ETH", "2")])
    assert loaded.strategy.execution.paper.initial_balances == {
        "USDT": Decimal("0.1"),
        "BTC": Decimal(1),
        "ETH": Decimal(2),
    }


def test_times_of_flags_bound_a_backtest(loads: Loads) -> None:
    loaded = loads(MINIMAL, mode="backtest", start_time="2021-04-17", end_time="1618617600.5")
    backtest = loaded.strategy.execution.backtest
    assert (backtest.start_ns, backtest.end_ns) == (
        1_618_617_600 * 10**9,
        1_618_617_600_500_000_000,
    )


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"mode": "papr"}, "demo.yaml: --mode must be one of paper, live, backtest, was 'papr'"),
        ({"random_seed": -1}, "--random-seed must be at least 0, was -1"),
        ({"paper_balances": [("usdt", "1")]}, "--paper-balance must be a currency code in upper"),
        ({"paper_balances": [("USDT", "x")]}, "--paper-balance USDT: 'x' is not a number"),
        ({"paper_balances": [("USDT", "nan")]}, "--paper-balance USDT: 'nan' is not a finite"),
        ({"paper_balances": [("USDT", "-1")]}, "--paper-balance amount of USDT must be at least 0"),
        (
            {"paper_balances": [("USDT", "1e400")]},
            "--paper-balance USDT must have at most 36 digits",
        ),
        ({"paper_balances": [("☃", "5")]}, "--paper-balance must be a currency code such as BTC"),
        ({"paper_balances": [("A", "1"), ("A", "2")]}, "--paper-balance A is given twice"),
        ({"mode": "backtest", "start_time": "noon"}, "--start-time must be a time such as"),
        ({"mode": "backtest", "end_time": "9999999999"}, "--end-time must be between 1970 and"),
        (
            {"mode": "backtest", "start_time": "9", "end_time": "8"},
            "demo.yaml: --end-time 8 must be after --start-time 9",
        ),
        ({"data_file": "/"}, "--data-file '/': a folder; name the file in it"),
        ({"start_time": "0"}, "--start-time has no effect in paper mode"),
        ({"end_time": "0"}, "--end-time has no effect in paper mode"),
        ({"mode": "live", "random_seed": 1}, "--random-seed has no effect in live mode"),
        ({"mode": "live", "data_file": "x"}, "--data-file has no effect in live mode"),
        ({"mode": "live", "paper_balances": [("A", "1")]}, "--paper-balance has no effect in live"),
    ],
)
def test_a_wrong_flag_is_refused_by_name(
    flags: dict[str, object], expected: str, refuses: Refuses
) -> None:
    assert expected in refuses(MINIMAL, **flags)
