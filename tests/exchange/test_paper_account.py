import os
import signal
import sqlite3
import stat
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from arb.clock import VirtualClock
from arb.errors import WrongLog
from arb.exchange.paper.account import AccountBroken, PaperAccount
from arb.exchange.paper.venue import PaperVenue
from tests.exchange.scripted import OPENING, SECOND_NS, START_NS, at, paper_venue
from tests.market.examples import book

ROOT = Path(__file__).resolve().parents[2]

STRUCK = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.exchange.scripted import order, paper_venue

async def story():
    venue = paper_venue(path=Path(sys.argv[1]))
    await venue.create(order(amount="0.3", client_order_id="xfirst"))
    await venue.create(order(amount="1", limit="1990", time_in_force="gtc", client_order_id="xopen"))
    if len(sys.argv) > 2:
        with venue.account.transaction():
            venue.account.book_balance("USDT", free=-__import__("decimal").Decimal(1))
            os.kill(os.getpid(), signal.SIGKILL)
    await venue.create(order(amount="0.1", client_order_id="xsecond"))
    print("told")

asyncio.run(story())
"""


def struck(path: Path, *arguments: str, crash_at: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", STRUCK, str(path), *arguments],
        cwd=ROOT,
        env={**os.environ, "ARB_CRASH_AT": crash_at, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_new_account_holds_its_opening_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    path = tmp_path / "paper.account"
    account = PaperAccount.open(path, uid="first", opening={"USDT": Decimal("10.50")})
    account.close()
    again = PaperAccount.open(path, uid="second", opening={"USDT": Decimal(99)})
    assert again.uid == "first"
    assert again.opening() == {"USDT": Decimal("10.5")}
    assert again.totals() == {"USDT": Decimal("10.5")}
    again.close()


def test_nobody_else_can_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "paper.account"
    account = PaperAccount.open(path, uid="u", opening=OPENING)
    with account.transaction():
        account.book_balance("USDT", free=Decimal(1))
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    account.close()


def test_a_commit_waits_for_the_disk(tmp_path: Path) -> None:
    account = PaperAccount.open(tmp_path / "paper.account", uid="u", opening=OPENING)
    assert account._db.pragma("synchronous") == 2
    assert account._db.pragma("journal_mode") == "wal"
    account.close()


@pytest.mark.parametrize("kind", ["text", "empty", "foreign", "newer"])
def test_a_file_of_another_kind_is_refused_and_not_touched(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "paper.account"
    if kind == "text":
        path.write_text("dear diary, " * 50)
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "foreign":
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE cycles(id)")
        db.close()
    else:
        PaperAccount.open(path, uid="u", opening=OPENING).close()
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA user_version = 99")
        db.close()
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(WrongLog):
        PaperAccount.open(path, uid="u", opening=OPENING)
    with pytest.raises(WrongLog):
        PaperAccount.audit(path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_half_made_file_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "paper.account"
    for name in ("paper.account.new", "paper.account.new-wal", "paper.account.new-shm"):
        path.with_name(name).write_bytes(b"half of it")
    PaperAccount.open(path, uid="u", opening=OPENING).close()
    assert [file.name for file in tmp_path.iterdir()] == ["paper.account"]


def test_an_auditor_reads_beside_the_venue_and_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "paper.account"
    account = PaperAccount.open(path, uid="u", opening=OPENING)
    auditor = PaperAccount.audit(path)
    with account.transaction():
        account.book_balance("USDT", free=Decimal("0.00000001"))
    assert auditor.totals()["USDT"] == Decimal("10000.00000001")
    with pytest.raises(Exception, match="readonly"), auditor.transaction():
        auditor.book_balance("USDT", free=Decimal(1))
    auditor.close()
    account.close()


def test_a_balance_below_zero_is_never_booked(tmp_path: Path) -> None:
    account = PaperAccount.open(None, uid="u", opening={"USDT": Decimal(1)})

    def book() -> None:
        with account.transaction():
            account.book_balance("BTC", free=Decimal(1))
            account.book_balance("USDT", free=Decimal("-1.00000001"))

    with pytest.raises(AccountBroken):
        book()
    assert account.totals() == {"USDT": Decimal(1)}
    account.close()


def of_the_first_shape(path: Path) -> None:
    """Make an account's file as it was before levels were remembered with their sizes."""
    PaperAccount.open(path, uid="first", opening={"USDT": Decimal("10.5")}).close()
    with sqlite3.connect(path) as db:
        db.executescript(
            "DROP TABLE taken;"
            "CREATE TABLE consumed(market TEXT NOT NULL, sequence INTEGER NOT NULL,"
            " side TEXT NOT NULL, price TEXT NOT NULL, amount TEXT NOT NULL,"
            " PRIMARY KEY(market, side, price)) STRICT, WITHOUT ROWID;"
            "INSERT INTO consumed VALUES('ETH/USDT', 7, 'buy', '2000', '0.3');"
            "PRAGMA user_version = 1"
        )
    db.close()


def test_an_account_of_the_first_shape_is_read_as_it_is_and_renewed_where_it_is_opened(
    tmp_path: Path,
) -> None:
    path = tmp_path / "paper.account"
    of_the_first_shape(path)
    auditor = PaperAccount.audit(path)
    assert auditor.totals() == {"USDT": Decimal("10.5")}
    auditor.close()
    assert path.read_bytes()[60:64] == (1).to_bytes(4)
    account = PaperAccount.open(path, uid="second", opening={})
    # An older program looks at the header, and has to refuse what it would not understand.
    assert path.read_bytes()[60:64] == (2).to_bytes(4)
    assert (account.uid, account.totals()) == ("first", {"USDT": Decimal("10.5")})
    assert account.taken("ETH/USDT").levels == {}
    levels = {("buy", Decimal(2000)): (Decimal("0.5"), Decimal("0.3"))}
    with account.transaction():
        account.put_taken("ETH/USDT", START_NS, levels)
    account.close()
    again = PaperAccount.open(path, uid="third", opening={})
    assert (again.uid, again.taken("ETH/USDT").at_ns) == ("first", START_NS)
    assert again.taken("ETH/USDT").levels == levels
    again.close()


def test_a_restart_goes_on_from_the_last_look_and_fills_nothing_twice(tmp_path: Path) -> None:
    path = tmp_path / "paper.account"
    early = at(1, book("ETH/USDT", [("1970", "1")], [("1980", "9")], 2))
    calm = at(2, book("ETH/USDT", [("1999", "1")], [("2000", "9")], 3))
    first = at(5, book("ETH/USDT", [("1980", "1")], [("1990", "0.3")], 4))
    second = at(6, book("ETH/USDT", [("1980", "1")], [("1990", "0.2")], 5))
    rows = [early, calm, first, second]

    def restarted(seconds: int) -> PaperVenue:
        clock = VirtualClock(START_NS + seconds * SECOND_NS)
        return paper_venue(path=path, rows=rows, clock=clock)

    resting = Decimal(1990)
    venue = restarted(3)
    venue.foreign_order("ETH/USDT", "buy", Decimal(1), limit=resting, time_in_force="gtc")
    venue.account.close()
    for seconds, filled in ((4, "0"), (7, "0.5"), (8, "0.5")):
        venue = restarted(seconds)
        venue.statement(0)
        assert venue.account.all_orders()[0].filled == Decimal(filled)
        venue.account.close()


def test_a_killed_venue_remembers_what_it_executed_and_did_not_tell(tmp_path: Path) -> None:
    path = tmp_path / "paper.account"
    run = struck(path, crash_at="executed_not_told:3")
    assert (run.returncode, run.stdout) == (-signal.SIGKILL, ""), run.stderr
    venue = paper_venue(path=path)
    orders = venue.account.all_orders()
    assert [(one.client_order_id, one.status) for one in orders] == [
        ("xfirst", "closed"),
        ("xopen", "open"),
        ("xsecond", "closed"),
    ]
    assert venue.account.totals()["USDT"] == 10_000 - 800
    assert venue.account.balances()["USDT"].locked == 1990
    left = venue.book("ETH/USDT")
    assert left is not None
    assert left.asks[0] == (Decimal(2000), Decimal("0.1"))
    venue.account.close()


def test_a_transaction_that_was_killed_in_the_middle_never_was(tmp_path: Path) -> None:
    path = tmp_path / "paper.account"
    run = struck(path, "middle")
    assert run.returncode == -signal.SIGKILL, run.stderr
    auditor = PaperAccount.audit(path)
    assert auditor.totals()["USDT"] == 10_000 - 600
    auditor.close()
