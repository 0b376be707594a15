"""`run --report`: what it tells is what happened, and what cannot be told is refused before anything is played."""

import csv
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from arb.faces.report.command import CURVES
from arb.faces.report.folder import PAGE, ReportUnwritten, write_folder
from tests.spec.command_line import Said, files, invoke, total
from tests.spec.scripted_feed import (
    FALLEN_ETH,
    SIZE,
    Moment,
    chance,
    end,
    feed,
    of,
    quiet,
    strategy,
)
from tests.spec.shared_data import shared_data

EVERY_TRIANGLE = """\
name: found
exchange: poloniex
min_profit_bps: 0
max_slippage_bps: 50
capital_allocation: {{mode: fixed_fraction, fraction: 0.1}}
fees: {{taker_bps: {fee}, maker_bps: {fee}}}
execution:
  mode: backtest
  backtest: {{initial_balances: {{USDT: 10000, BTC: 1, ETH: 10, USDC: 10000, TRX: 100000}}}}
"""
ONE = "fees.taker_bps=10"  # a grid of the configured point alone, which is not played again
CHANCES = [*quiet(), *chance(10), *chance(40), *end()]
UNIT = Decimal("1E-8")
Reports = Callable[..., tuple[Said, Path]]


@pytest.fixture
def reports(folder: Path) -> Reports:
    """Run a backtest over scripted books with a report; gives what was said, and the report's folder."""

    def run(moments: list[Moment], *more: object, **keys: str) -> tuple[Said, Path]:
        number = len(list(folder.glob("*.db")))
        report = folder / f"report{number}"
        said = invoke(
            *("--strategy", strategy(folder, **keys), "--data-file", feed(folder, moments)),
            *("--db", folder / f"{number}.db", "--json", "--report", report),
            *(more or ("--sweep", ONE)),
        )
        return said, report

    return run


def table(report: Path, name: str) -> list[dict[str, str]]:
    with (report / name).open(newline="") as file:
        return list(csv.DictReader(file))


def page(report: Path) -> str:
    return (report / "report.md").read_text()


def test_opportunities_have_their_life_and_their_fate(reports: Reports) -> None:
    said, report = reports(CHANCES)
    assert said.code == 0, said.err
    rows = table(report, "opportunities.csv")
    assert [row["life_ms"] for row in rows] == ["5000", "5000"]
    assert [row["fate"] for row in rows] == ["taken", "taken"]
    assert {row["cycle"] for row in rows} == {"buy BTC/USDT > buy ETH/BTC > sell ETH/USDT"}
    assert len(rows) == said.summary["opportunities"]["episodes"]
    opened = of(said, "CycleOpened")
    assert sum(int(row["taken"]) for row in rows) == len(opened)
    looks = len(opened) + sum(said.summary["opportunities"]["declined"].values())
    assert sum(int(row["looked_at"]) for row in rows) == looks


def test_an_opportunity_that_still_stands_at_the_end_is_marked(reports: Reports) -> None:
    said, report = reports([*quiet(), chance(10)[0], *end()])
    assert said.code == 0, said.err
    (row,) = table(report, "opportunities.csv")
    assert (row["lasts"], row["life_ms"]) == ("yes", "90000")
    assert "1 still stood when the run ended" in page(report)


def test_the_best_edge_is_that_of_the_books(reports: Reports) -> None:
    _, report = reports(CHANCES)
    edge = (Decimal(1) / 50_000 / Decimal("0.05") * 2510 * Decimal("0.999") ** 3 - 1) * 10_000
    for row in table(report, "opportunities.csv"):
        assert row["best_edge_bps"] == str(edge.quantize(Decimal("0.0001")).normalize())


def test_results_are_those_of_the_events_and_the_summary(reports: Reports) -> None:
    said, report = reports(CHANCES)
    rows = table(report, "cycles.csv")
    completed = of(said, "CycleCompleted")
    assert len(rows) == len(of(said, "CycleOpened")) > 0
    assert [Decimal(row["pnl"]) for row in rows] == [Decimal(str(one["pnl"])) for one in completed]
    earned = Decimal(said.summary["pnl"]["USDT"])
    assert Decimal(rows[-1]["net_pnl_so_far"]) == earned == total(completed, "pnl")
    (point,) = table(report, "pnl-by-fees.taker_bps.csv")
    assert Decimal(point["net_pnl_USDT"]) == Decimal(point["pnl_USDT"]) == earned
    assert point["completed"] == str(len(completed))
    assert point["orders"] == str(len(of(said, "OrderIntended")))
    assert f"{earned:+f}".rstrip("0") in page(report)


def test_what_was_declined_stands_there_with_its_numbers(reports: Reports) -> None:
    said, report = reports(CHANCES, amount="0.001")  # less than a lot
    assert said.summary["opportunities"]["taken"] == 0
    rows = table(report, "declined.csv")
    counted = {row["reason"]: int(row["decisions"]) for row in rows}
    assert counted == said.summary["opportunities"]["declined"]
    assert sum(int(row["opportunities"]) for row in rows) == 2
    assert all(row["last_example"] for row in rows)
    reason = rows[0]["reason"].replace("_", "\\_")
    assert f"2 opportunities seen and none taken, most often because of {reason}." in page(report)
    assert "Nothing was traded" in page(report)
    assert "Not all of the recording" not in page(report)
    assert "no cycle was traded" in (report / "pnl.svg").read_text()


def test_a_market_that_never_paid_gives_a_page_that_says_so(reports: Reports) -> None:
    said, report = reports([*quiet(), *end()])
    assert said.code == 0, said.err
    assert "No cycle was ever above its threshold after fees" in page(report)
    assert table(report, "opportunities.csv") == table(report, "cycles.csv") == []
    assert table(report, "life.csv")[0]["opportunities"] == "0"
    for picture in report.glob("*.svg"):
        ET.parse(picture)


def test_fees_in_another_currency_are_part_of_the_net_result(folder: Path) -> None:
    """A fee in BNB is not in the P/L of the fills; the curve has to know it all the same."""
    path = strategy(folder)
    bnb = "taker_bps: 10, maker_bps: 10, fee_currency: BNB"
    text = path.read_text().replace("taker_bps: 10, maker_bps: 10", bnb)
    path.write_text(text.replace("ETH: 10}", "ETH: 10, BNB: 5}"))
    bnb_book: Moment = (0, ("BNB/USDT", "300.00", "300.00"), "10")
    said = invoke(
        *("--strategy", path, "--data-file", feed(folder, [*CHANCES, bnb_book]), "--json"),
        *("--db", folder / "log.db", "--report", folder / "report", "--sweep", ONE),
    )
    assert said.code == 0, said.err
    assert set(said.summary["fees"]) == {"BNB"}
    fees = Decimal(said.summary["fees"]["BNB"]) * 300
    (point,) = table(folder / "report", "pnl-by-fees.taker_bps.csv")
    assert Decimal(point["net_pnl_USDT"]) == Decimal(point["pnl_USDT"]) - fees
    assert fees > 0


def test_what_is_parked_counts_at_the_last_books_and_not_as_lost(folder: Path) -> None:
    path = strategy(folder)
    path.write_text(path.read_text() + "panic_sell: {enabled: false}\n")
    fallen: Moment = (10.1, FALLEN_ETH, SIZE)
    said = invoke(
        *("--strategy", path, "--json", "--db", folder / "log.db"),
        *("--data-file", feed(folder, [*quiet(), chance(10)[0], fallen, *end()])),
        *("--report", folder / "report", "--sweep", ONE),
    )
    assert said.code == 1, said.err
    held = Decimal(said.summary["parked"]["ETH"])
    worth = held * Decimal(FALLEN_ETH[1])
    booked = Decimal(said.summary["pnl"]["USDT"])
    assert booked < -900 < booked + worth < -50
    (row,) = table(folder / "report", "cycles.csv")
    assert (row["outcome"], Decimal(row["parked_value"])) == ("parked", worth.quantize(UNIT))
    (point,) = table(folder / "report", "pnl-by-fees.taker_bps.csv")
    assert Decimal(point["net_pnl_USDT"]) == booked + worth.quantize(UNIT)
    assert Decimal(point["pnl_USDT"]) == booked


def test_a_run_that_a_limit_stopped_is_reported_and_marked(folder: Path) -> None:
    path = strategy(folder, min_profit="-900")
    text = path.read_text().replace("max_open", "stop_after_consecutive_losses: 1, max_open")
    path.write_text(text)
    said = invoke(
        *("--strategy", path, "--data-file", feed(folder, CHANCES), "--db", folder / "log.db"),
        *("--report", folder / "report", "--sweep", ONE),
    )
    assert said.code == 4, said.err
    (point,) = table(folder / "report", "pnl-by-fees.taker_bps.csv")
    assert point["ended"].startswith("halted: demo: consecutive_losses")
    assert "(1 of 1 runs were stopped early by a limit)" in page(folder / "report")
    picture = (folder / "report" / "pnl-by-fees.taker_bps.svg").read_text()
    assert "hollow: stopped early by a limit" in picture
    assert picture.count('fill="#fff" stroke') == 1


# --- curves


@pytest.fixture(scope="module")
def curves(tmp_path_factory: pytest.TempPathFactory) -> tuple[Said, Path]:
    """A report as it comes without any more flags."""
    folder = tmp_path_factory.mktemp("curves")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.chdir(folder)
        said = invoke(
            *("--strategy", strategy(folder), "--data-file", feed(folder, CHANCES)),
            *("--db", "log.db", "--report", "report", "--json"),
        )
    return said, folder / "report"


def test_a_report_has_a_curve_against_latency_and_one_against_the_fee(
    curves: tuple[Said, Path],
) -> None:
    said, report = curves
    assert said.code == 0, said.err
    configured = {"execution.backtest.latency_sim_ms": 50, "fees.taker_bps": 10}
    for key, values in CURVES:
        rows = table(report, f"pnl-by-{key}.csv")
        assert [Decimal(row[key]) for row in rows] == sorted({*values, configured[key]})
        (own,) = (row for row in rows if Decimal(row[key]) == configured[key])
        assert Decimal(own["net_pnl_USDT"]) == Decimal(said.summary["pnl"]["USDT"])
        picture = ET.parse(report / f"pnl-by-{key}.svg").getroot()
        dots = picture.iter("{http://www.w3.org/2000/svg}circle")
        assert len(list(dots)) == len(rows)


def test_the_more_a_venue_charges_the_less_is_earned(curves: tuple[Said, Path]) -> None:
    rows = table(curves[1], "pnl-by-fees.taker_bps.csv")
    earned = [Decimal(row["net_pnl_USDT"]) for row in rows]
    assert earned == sorted(earned, reverse=True)
    assert earned[0] > 0 == earned[-1], "at 20 bps a leg nothing pays, and nothing is begun"
    assert "P/L in USDT is above zero up to 10, no more at 15" in page(curves[1])


def test_everything_the_page_names_is_there(curves: tuple[Said, Path]) -> None:
    text = page(curves[1])
    linked = {name.partition(")")[0] for name in text.split("](")[1:]}
    assert linked == {path.name for path in curves[1].iterdir()} - {
        "report.md",
        "life.csv",
        "declined.csv",
    }


# Without sizes nothing can be traded, and each says so: but one that was over before the run had
# read its account.
@pytest.mark.parametrize(
    ("fee", "paths", "fates"),
    [(0, 37, {"no_depth": 103, "not_looked_at": 1}), (10, 7, {"no_depth": 11})],
)
def test_each_episode_of_poloniexs_recording_is_an_opportunity_of_the_report(
    folder: Path, fee: int, paths: int, fates: dict[str, int]
) -> None:
    """The figures were computed without this engine."""
    path = folder / "found.yaml"
    path.write_text(EVERY_TRIANGLE.format(fee=fee))
    said = invoke(
        *("--strategy", path, "--db", folder / "log.db", "--report", folder / "report"),
        *("--data-file", shared_data("legacy_feed", "poloniex_all_20210405.csv.gz")),
        *("--sweep", f"fees.taker_bps={fee}"),
    )
    assert said.code == 0, said.err
    rows = table(folder / "report", "opportunities.csv")
    assert len({row["cycle"] for row in rows}) == paths
    assert Counter(row["fate"] for row in rows) == fates


def test_rows_with_a_fee_of_their_own_are_told_beside_a_curve_against_the_fee(
    folder: Path,
) -> None:
    path = strategy(folder, cycle="[USDT, BTC, ETH]")
    text = path.read_text().replace("cycle: [USDT, BTC, ETH]", "trading_pairs_file: paths.csv")
    path.write_text(text)
    header = "base,inter,quote,pair1,pair2,pair3,fee_bps,min_profit_bps"
    (folder / "paths.csv").write_text(f"{header}\nUSDT,BTC,ETH,BTC/USDT,ETH/BTC,ETH/USDT,10,\n")
    said = invoke(
        *("--strategy", path, "--data-file", feed(folder, CHANCES), "--db", folder / "log.db"),
        *("--report", folder / "report", "--sweep", ONE),
    )
    assert said.code == 0, said.err
    assert "1 rows of paths.csv name a figure of their own" in page(folder / "report")


# --- folders


def refused(folder: Path, report: Path, *more: object) -> Said:
    """Ask for a report that cannot be: nothing may be written."""
    path, data = strategy(folder), feed(folder, CHANCES)
    before = files(folder)
    said = invoke(
        *("--strategy", path, "--data-file", data, "--db", folder / "log.db"),
        *("--report", report, *more),
    )
    assert files(folder) == before
    return said


def test_a_folder_with_other_content_is_refused(folder: Path) -> None:
    report = folder / "report"
    report.mkdir()
    (report / "report.md").write_text("an older one")
    (report / "holiday.jpg").write_text("precious")
    said = refused(folder, report)
    assert said.code == 3
    assert "holds holiday.jpg, which is not of a report" in said.err


def test_a_folder_in_the_place_of_a_file_of_a_report_is_other_content(folder: Path) -> None:
    (folder / "report" / "life.csv").mkdir(parents=True)
    assert "holds life.csv" in refused(folder, folder / "report").err


def test_a_report_that_cannot_be_written_at_the_end_is_told(folder: Path) -> None:
    with pytest.raises(ReportUnwritten, match="missing: the report could not be written"):
        write_folder(folder / "is" / "missing", {PAGE: "# Backtest"})


@pytest.mark.parametrize("name", ["feed.csv", "missing/report"])
def test_what_is_no_folder_is_refused(folder: Path, name: str) -> None:
    assert refused(folder, folder / name).code == 3


def test_a_report_is_for_backtests(folder: Path) -> None:
    path = strategy(folder)
    path.write_text(path.read_text().replace("mode: backtest", "mode: paper"))
    for flags in (("--report", "report"), ("--sweep", ONE)):
        said = invoke("--strategy", path, *flags)
        assert said.code == 2
        assert f"{flags[0]} is for backtests, and this is paper" in said.err
    assert not (folder / "report").exists()


@pytest.mark.parametrize("flags", [("--report", "r", "--check"), ("--jobs", "2")])
def test_flags_that_would_do_nothing_are_refused(folder: Path, flags: tuple[str, ...]) -> None:
    said = invoke("--strategy", strategy(folder), *flags)
    assert said.code == 2


def test_an_older_report_is_replaced_whole(folder: Path, reports: Reports) -> None:
    for number in (0, 1):
        old = folder / f"report{number}"
        old.mkdir()
        (old / "pnl-by-min_profit_bps.svg").write_text("of another sweep")
        (old / "report.md").write_text("an older one")
    written = [files(reports(CHANCES)[1]) for _ in range(2)]
    assert written[0] == written[1], "the same inputs give the same bytes"
    assert "pnl-by-min_profit_bps.svg" not in written[0]
