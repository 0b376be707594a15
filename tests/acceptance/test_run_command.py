"""`run.py` on good and bad input: exit codes, messages, and what is left on the disk."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from arb.simulation.processes import ROOT
from tests.spec.command_line import files, invoke, paper_strategy
from tests.spec.processes import rows

EVENT_KEYS = ["position", "stream", "version", "type", "at_ns", "data", "hash"]
SUMMARY_KEYS = [
    "type",
    "cycles",
    "outcomes",
    "opportunities",
    "pnl",
    "net",
    "unwound",
    "fees",
    "dust",
    "parked",
    "unresolved",
    "external_changes",
    "slippage_bps",
    "events",
    "last_hash",
]
SAMPLE = ROOT / "strategies" / "sample_feed.csv"
GEMINI = ROOT / "strategies" / "gemini_forward.yaml"
PARTS = ("", ".witness", ".paper", ".ballast", ".lock")
USER_VERSION = slice(60, 64)  # in the header of an SQLite file


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the log of one finished paper run."""
    home = tmp_path_factory.mktemp("written")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(home / "state"))
        said = invoke("--strategy", paper_strategy(home), "--db", home / "log.db")
    assert said.code == 0
    return home


@pytest.fixture
def log(written: Path, folder: Path) -> Path:
    """A copy of that log, to be maltreated."""
    for part in PARTS:
        shutil.copy(written / f"log.db{part}", folder / f"log.db{part}")
    return folder / "log.db"


@pytest.fixture
def strategy(folder: Path) -> Path:
    return paper_strategy(folder)


def refused(folder: Path, *arguments: object, code: int, says: str) -> str:
    """Run what must be refused: with this code and word, no data on stdout, and no file changed."""
    before = files(folder)
    said = invoke(*arguments)
    assert said.code == code, said
    assert says in said.err
    assert said.out == ""
    assert files(folder) == before
    return said.err


# --- usage and configuration


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--bogus"], "--bogus"),
        (["--cycles", "-1"], "--cycles"),
        (["--cycles", "many"], "--cycles"),
        (["--duration", "0"], "--duration"),
        (["--duration", "nan"], "--duration"),
        (["--duration", "inf"], "--duration"),
        (["--duration", "1e300"], "--duration"),
        (["--time-acceleration", "nan"], "--time-acceleration"),
        (["--time-acceleration", "-4"], "--time-acceleration"),
        (["--mode", "practice"], "--mode"),
        (["--random-seed", "-3"], "--random-seed"),
        (["--dry-run", "--mode", "backtest"], "--dry-run"),
        (["--paper-balance", "USDT"], "--paper-balance"),
    ],
)
def test_wrong_usage_is_exit_2(
    folder: Path, strategy: Path, arguments: list[str], says: str
) -> None:
    refused(folder, "--strategy", strategy, *arguments, code=2, says=says)


def test_without_a_strategy_there_is_nothing_to_run(folder: Path) -> None:
    refused(folder, code=2, says="--strategy")


@pytest.mark.parametrize("flag", ["--api-key", "--api-secret"])
def test_secrets_on_the_command_line_are_refused_and_not_repeated(
    folder: Path, strategy: Path, flag: str
) -> None:
    secret = "AKtopsecret"
    for arguments in ([flag, secret], [f"{flag}={secret}"]):
        said = refused(folder, "--strategy", strategy, *arguments, code=2, says="environment")
        assert secret not in said


def test_a_missing_strategy_file_is_named(folder: Path) -> None:
    refused(folder, "--strategy", "none.yaml", code=3, says="none.yaml: no such file")


def test_bad_yaml_is_shown_with_its_place(folder: Path) -> None:
    (folder / "bad.yaml").write_text("name: demo\ncycle: [USDT, BTC\nexchange: binance\n")
    refused(folder, "--strategy", "bad.yaml", code=3, says="bad.yaml:3:")


def test_a_misspelt_key_is_shown_with_its_place_and_the_right_one(folder: Path) -> None:
    path = paper_strategy(folder)
    path.write_text(path.read_text().replace("min_profit_bps", "min_proft_bps"))
    said = refused(folder, "--strategy", path, code=3, says="did you mean `min_profit_bps`?")
    assert f"{path}:4:1: unknown key `min_proft_bps`" in said


def test_live_mode_without_keys_says_what_is_at_stake_and_where_keys_go(folder: Path) -> None:
    path = paper_strategy(folder, min_profit="5")
    said = refused(folder, "--strategy", path, "--mode", "live", code=3, says="ARB_BINANCE_API_KEY")
    assert "LIVE on binance: REAL MONEY" in said
    assert "demo: one cycle at most 1000 USDT" in said
    assert "demo: no loss stops it; set `risk_controls.max_daily_loss`" in said


def test_practising_before_the_exchange_was_started_says_to_start_it(folder: Path) -> None:
    path = ROOT / "strategies" / "practice_binance.yaml"
    refused(folder, "--strategy", path, code=3, says="start tools/practice.py first")


def test_live_mode_refuses_cycles_that_all_lose(folder: Path, strategy: Path) -> None:
    refused(folder, "--strategy", strategy, "--mode", "live", code=3, says="s.yaml:4:17")


def test_strategies_of_one_run_share_their_fees(folder: Path, strategy: Path) -> None:
    other = paper_strategy(folder, file="other.yaml", fee="7")
    other.write_text(other.read_text().replace("name: demo", "name: other"))
    said = refused(folder, "--strategy", strategy, "--strategy", other, code=3, says="`fees`")
    assert "other.yaml" in said


def test_strategies_of_one_run_have_different_names(folder: Path, strategy: Path) -> None:
    other = paper_strategy(folder, file="other.yaml", min_profit="-90")
    refused(folder, "--strategy", strategy, "--strategy", other, code=3, says="used twice")


def test_a_bad_balance_is_refused(folder: Path, strategy: Path) -> None:
    arguments = ["--paper-balance", "USDT", "abc"]
    refused(folder, "--strategy", strategy, *arguments, code=3, says="'abc' is not a number")


@pytest.mark.parametrize("db", ["missing/log.db", "."])
def test_a_log_needs_a_folder_that_exists(folder: Path, strategy: Path, db: str) -> None:
    refused(folder, "--strategy", strategy, "--db", db, code=3, says="--db")


# --- data files


def test_a_backtest_needs_a_data_file(folder: Path, strategy: Path) -> None:
    refused(folder, "--strategy", strategy, "--mode", "backtest", code=3, says="--data-file")


def test_a_data_file_that_is_not_there_is_named(folder: Path, strategy: Path) -> None:
    arguments = ["--mode", "backtest", "--data-file", "none.csv"]
    refused(folder, "--strategy", strategy, *arguments, code=3, says="none.csv")


@pytest.mark.parametrize("mode", ["paper", "backtest"])
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a,b\n1,2\n", "feed.csv:1:"),
        ("recv_ts,base,quote,bid,bid_size,ask,ask_size\n1,BTC,USD,5,1,4,1\n", "feed.csv:2:"),
        ("recv_ts,base,quote,bid,bid_size,ask,ask_size\n1,BTC,USD,nan,1,4,1\n", "feed.csv:2:"),
        ("recv_ts,base,quote,bid,bid_size,ask,ask_size\n", "feed.csv"),
        ("\x00\x01\x02", "feed.csv:1:"),
    ],
)
def test_a_bad_data_file_is_shown_with_its_place(
    folder: Path, strategy: Path, mode: str, text: str, place: str
) -> None:
    (folder / "feed.csv").write_text(text)
    arguments = ["--mode", mode, "--data-file", "feed.csv"]
    refused(folder, "--strategy", strategy, *arguments, code=3, says=place)


# --- logs that are not this run's


def test_a_database_of_another_program_is_not_touched(folder: Path, strategy: Path) -> None:
    with sqlite3.connect(folder / "log.db") as connection:
        connection.execute("CREATE TABLE mine(a)")
    connection.close()
    refused(folder, "--strategy", strategy, "--db", "log.db", code=3, says="another program")


def test_a_text_file_is_not_touched(folder: Path, strategy: Path) -> None:
    (folder / "log.db").write_text("dear diary\n" * 50)
    refused(folder, "--strategy", strategy, "--db", "log.db", code=3, says="not a database")


def test_a_newer_log_is_not_touched(folder: Path, strategy: Path, log: Path) -> None:
    data = bytearray(log.read_bytes())
    data[USER_VERSION] = (99).to_bytes(4, "big")
    log.write_bytes(data)
    refused(folder, "--strategy", strategy, "--db", log, code=3, says="format 99")


def test_a_backtest_never_writes_into_a_log_that_exists(
    folder: Path, strategy: Path, log: Path
) -> None:
    arguments = ["--mode", "backtest", "--data-file", SAMPLE, "--db", log]
    refused(folder, "--strategy", strategy, *arguments, code=3, says="fresh log")


def test_the_default_backtest_log_replaces_only_a_backtest(
    folder: Path, strategy: Path, log: Path
) -> None:
    for part in PARTS:
        log.with_name(log.name + part).rename(folder / f"backtest_state.db{part}")
    arguments = ["--mode", "backtest", "--data-file", SAMPLE]
    refused(folder, "--strategy", strategy, *arguments, code=3, says="not the log of a backtest")


def test_a_log_serves_one_venue(folder: Path, strategy: Path, log: Path) -> None:
    strategy.write_text(strategy.read_text().replace("binance", "kraken"))
    refused(folder, "--strategy", strategy, "--db", log, code=3, says="is a log of")


def test_a_log_serves_one_mode(folder: Path, strategy: Path) -> None:
    until = str(first_second_of(SAMPLE) + 1)
    arguments = ["--data-file", SAMPLE, "--end-time", until, "--db", "log.db"]
    assert invoke("--strategy", GEMINI, *arguments).code == 0
    refused(folder, "--strategy", strategy, "--db", "log.db", code=3, says="is a log of")


def first_second_of(feed: Path) -> int:
    """When a recording begins, in whole seconds, rounded down."""
    first = feed.read_text().splitlines()[1]
    return int(float(first.split(",")[0]))


def test_a_log_serves_one_account(folder: Path, strategy: Path, log: Path) -> None:
    assert invoke("--strategy", strategy, "--db", "other.db", "--cycles", "0").code == 0
    shutil.copy("other.db.paper", "log.db.paper")
    refused(folder, "--strategy", strategy, "--db", log, code=3, says="account")


def test_a_log_whose_paper_account_is_gone_gets_no_new_one(
    folder: Path, strategy: Path, log: Path
) -> None:
    (folder / "log.db.paper").unlink()
    refused(folder, "--strategy", strategy, "--db", log, code=3, says="log.db.paper")


# --- damage


def test_a_missing_witness_is_damage(folder: Path, strategy: Path, log: Path) -> None:
    (folder / "log.db.witness").unlink()
    refused(folder, "--strategy", strategy, "--db", log, code=5, says="--accept-head")


def test_an_unreadable_witness_is_damage(folder: Path, strategy: Path, log: Path) -> None:
    (folder / "log.db.witness").write_bytes(b"\xff" * 8192)
    refused(folder, "--strategy", strategy, "--db", log, code=5, says="witness")


def test_a_witness_without_its_log_is_damage(folder: Path, strategy: Path, log: Path) -> None:
    log.unlink()
    refused(folder, "--strategy", strategy, "--db", log, code=5, says="the log is gone")


def test_a_cut_off_log_is_damage(folder: Path, strategy: Path, log: Path) -> None:
    log.write_bytes(log.read_bytes()[:8192])
    refused(folder, "--strategy", strategy, "--db", log, code=5, says="restore a backup")


def test_an_older_copy_of_a_log_is_damage(
    folder: Path, strategy: Path, log: Path, written: Path
) -> None:
    assert invoke("--strategy", strategy, "--db", log, "--cycles", "0").code == 0
    shutil.copy(written / "log.db", log)
    said = refused(folder, "--strategy", strategy, "--db", log, code=5, says="--accept-head")
    assert "acknowledged events are gone" in said


# --- what a run says


def test_check_describes_and_writes_nothing(folder: Path, strategy: Path) -> None:
    before = files(folder)
    said = invoke("--strategy", strategy, "--check")
    assert said.code == 0
    assert "demo: binance, mode paper" in said.out
    assert "cycle: USDT > BTC > ETH > USDT (buy BTC/USDT, buy ETH/BTC, sell ETH/USDT)" in said.out
    assert "at work at once: at most 3000 USDT" in said.out
    assert "feed: generated" in said.err
    assert files(folder) == before


def test_check_knows_that_the_allocation_limits_what_is_at_work(folder: Path) -> None:
    said = invoke("--strategy", ROOT / "strategies" / "strategy_robust_example.yaml", "--check")
    assert "open cycles hold together at most 2500 USDT" in said.out
    assert "at work at once: at most 2500 USDT" in said.out


def test_check_names_the_bound_of_market_orders(folder: Path, strategy: Path) -> None:
    strategy.write_text(strategy.read_text().replace("order: {", "order: {type: market, "))
    said = invoke("--strategy", strategy, "--check")
    assert "orders: limit IOC at 20 bps from the touch" in said.out


def test_a_path_there_and_back_through_one_market_is_refused_as_it_can_never_trade(
    folder: Path, strategy: Path
) -> None:
    strategy.write_text(strategy.read_text().replace("[USDT, BTC, ETH]", "[USDT, BTC]"))
    says = "USDT > BTC > USDT: goes through BTC/USDT twice"
    refused(folder, "--strategy", strategy, "--check", code=3, says=says)
    said = invoke("--strategy", strategy)
    assert said.code == 3
    assert says in said.err


def test_every_line_of_json_is_an_event_and_the_last_one_a_summary(
    folder: Path, strategy: Path
) -> None:
    said = invoke("--strategy", strategy, "--db", "log.db", "--json")
    assert said.code == 0
    assert all(list(event) == EVENT_KEYS for event in said.events)
    assert list(said.summary) == SUMMARY_KEYS
    assert list(said.summary["opportunities"]) == [
        "paths",
        "episodes",
        "states",
        "taken",
        "declined",
    ]
    stored = rows(
        folder / "log.db",
        "SELECT position, stream, version, type, at_ns, data, lower(hex(hash)) FROM events"
        " ORDER BY position",
    )
    told = [
        (*(event[key] for key in EVENT_KEYS[:5]), event["data"], event["hash"])
        for event in said.events
    ]
    assert told == [(*row[:5], json.loads(row[5]), row[6]) for row in stored]
    assert [event["position"] for event in said.events] == list(range(1, len(stored) + 1))
    assert said.summary["events"] == len(stored)
    assert said.summary["last_hash"] == stored[-1][6]


def test_a_second_run_tells_its_own_events_only(folder: Path, strategy: Path, log: Path) -> None:
    before = rows(log, "SELECT max(position) FROM events")[0][0]
    said = invoke("--strategy", strategy, "--db", log, "--cycles", "0", "--json")
    assert said.events[0]["position"] == before + 1
    assert said.summary["events"] == len(said.events)
    assert said.summary["cycles"] == {}


def test_by_default_a_paper_run_trades_once(folder: Path, strategy: Path) -> None:
    said = invoke("--strategy", strategy, "--dry-run")
    assert said.code == 0
    assert (folder / "trade_state.db").exists()
    assert rows(folder / "trade_state.db", "SELECT count(*), min(state) FROM cycles") == [
        (1, "completed")
    ]
    assert "\x1b" not in said.out + said.err


def test_as_many_cycles_are_traded_as_were_asked_for(folder: Path, strategy: Path) -> None:
    said = invoke("--strategy", strategy, "--db", "log.db", "--cycles", "3", "--json")
    assert sum(said.summary["cycles"].values()) == 3
    assert said.summary["unresolved"] == 0
    assert said.summary["opportunities"]["taken"] == 3


def test_a_paper_balance_of_the_command_line_opens_the_account(
    folder: Path, strategy: Path
) -> None:
    flags = ["--paper-balance", "USDT", "1500.5", "--cycles", "1"]
    said = invoke("--strategy", strategy, "--db", "log.db", "--json", *flags)
    opened = [event for event in said.events if event["type"] == "AccountOpened"]
    assert opened[0]["data"]["opening"]["USDT"] == "1500.5"
