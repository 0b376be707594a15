"""A backtest over a feed of the legacy columns: no sizes, and rows that are wrong."""

from pathlib import Path

import pytest

from arb.feeds import recorded
from arb.feeds.recording import Recording, read_recording
from tests.spec.command_line import invoke
from tests.spec.scripted_feed import strategy

FEED = """\
timestamp,symbol,bid,ask,last,volume
1700000000,BTC/USDT,49990.00,50000.00,49995,0
1700000000,ETH/BTC,0.049990,0.050000,0.049995,0
1700000001,ETH/USDT,nan,2490.10,2490,0
1700000002,ETH/USDT,2510.00,2510.10,2510.05,0
1700000001,ETH/USDT,2490.00,2490.10,2490,0
1700000100,BTC/USDT,49990.00,50000.00,49995,0
"""


def test_cycles_are_declined_for_lack_of_depth_and_rows_left_out_are_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Path] = []

    def counted(path: Path, *arguments: None) -> Recording:
        reads.append(path)
        return read_recording(path, *arguments)

    monkeypatch.setattr(recorded, "read_recording", counted)
    path = folder / "feed.csv"
    path.write_text(FEED)
    flags = ["--db", folder / "log.db", "--data-file", path, "--json"]
    said = invoke("--strategy", strategy(folder), *flags)
    assert said.code == 0
    assert said.summary["opportunities"]["paths"] == 1
    assert set(said.summary["opportunities"]["declined"]) == {"no_depth"}
    assert said.summary["opportunities"]["taken"] == 0
    assert "rows of the feed left out: 1 not_a_number, 1 out_of_order" in said.err
    assert f"{path}:4: bid: 'nan' is not a finite number" in said.err
    assert f"{path}:6: 1000000000 ns older than the newest row before it" in said.err
    assert len(reads) == 1


def test_rows_left_out_are_told_also_where_nothing_can_be_traded_on_the_others(
    folder: Path,
) -> None:
    header, *rows = FEED.splitlines()
    path = folder / "feed.csv"
    path.write_text("\n".join([header, *reversed(rows)]))
    flags = ["--db", folder / "log.db", "--data-file", path]
    said = invoke("--strategy", strategy(folder), *flags)
    assert said.code == 3
    assert "no market joins" in said.err
    assert "rows of the feed left out: 4 out_of_order, 1 not_a_number" in said.err
