"""What the legacy engine got wrong around kills, lost replies and restarts, one test a defect.

A real process is killed at a named place; the next one runs on what the first left on the disk, and
the paper venue's own account is the judge.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arb.exchange.paper.account import PaperAccount
from arb.execution.operating.acting import act
from arb.faces.monitor_cli import monitor
from tests.spec.accounts import account_file, assert_nothing_lost, orders
from tests.spec.command_line import Said, invoke, paper_strategy
from tests.spec.processes import crash, events, rows

CLOSED = {"completed", "failed"}
MANY_FAULTS = {"reply_lost": "0.5", "order_hidden": "0.5", "duplicated_reports": "0.5"}


@pytest.fixture
def db(folder: Path) -> Path:
    paper_strategy(folder)
    return folder / "log.db"


def struck(folder: Path, db: Path, at: str, **values: str) -> None:
    """A paper engine of one cycle at a time, killed at a place."""
    paper_strategy(folder, open_cycles="1", **values)
    crash(folder, "--strategy", "s.yaml", "--db", db, at=at)


def once_more(db: Path, *flags: object) -> Said:
    return invoke("--strategy", "s.yaml", "--db", db, "--json", *flags)


def recovered(db: Path) -> Said:
    """Run with nothing but recovery; every cycle is over and every unit is accounted for."""
    said = once_more(db, "--cycles", "0")
    assert said.code == 0, said.err
    assert set(states(db).values()) <= CLOSED
    assert_nothing_lost(db)
    return said


def states(db: Path) -> dict[str, str]:
    return dict(rows(db, "SELECT id, state FROM cycles"))


def fills(db: Path) -> dict[str, str | None]:
    """Every trade of the venue's own books: its id, and whose order it was."""
    account = PaperAccount.audit(account_file(db))
    try:
        return {f"t{fill.number}": fill.client_order_id for fill in account.all_fills()}
    finally:
        account.close()


def recorded(db: Path) -> Mapping[str, Any]:
    """Every trade of the log: its id, and whose order it was."""
    return {fill["trade_id"]: fill["client_order_id"] for fill in events(db, "OrderFilled")}


def first_buys(db: Path) -> list[str | None]:
    """The venue's orders of the first leg."""
    return [o.client_order_id for o in orders(db) if (o.market, o.side) == ("BTC/USDT", "buy")]


def test_row_01_every_order_the_venue_has_is_in_the_log_before_it(db: Path) -> None:
    """The first order's record could not be written, so the log never heard of it. Here the intent comes first."""
    said = once_more(db)
    assert said.summary["cycles"] == {"completed": 1}
    sent = [order.client_order_id for order in orders(db)]
    assert len(sent) == 3
    first: dict[str, list[str]] = {}
    for event in events(db, "OrderIntended", "OrderAccepted", "OrderFilled", "OrderClosed"):
        first.setdefault(event["client_order_id"], []).append(event["type"])
    assert list(first) == sent
    assert all(kinds[0] == "OrderIntended" for kinds in first.values())
    ((listed,),) = rows(db, "SELECT json_array_length(orders_json) FROM cycles")
    assert listed == 3


def test_row_01_an_order_that_nobody_was_told_of_is_in_the_log(folder: Path, db: Path) -> None:
    """The venue executed it, and the process died before it heard so."""
    struck(folder, db, "executed_not_told")
    (sent,) = orders(db)
    ((known,),) = rows(db, "SELECT client_order_id FROM orders")
    assert known == sent.client_order_id


def test_row_02_the_cycle_that_is_recovered_does_not_count_against_itself(
    folder: Path, db: Path
) -> None:
    """Recovery bought the first leg again, or dropped the cycle at its own limit. Here neither."""
    struck(folder, db, "executed_not_told")
    assert len(first_buys(db)) == 1
    said = recovered(db)
    assert len(first_buys(db)) == 1
    assert set(said.summary["outcomes"]) <= {"completed", "liquidated"}
    assert said.summary["fees"] != {}


def test_row_04_a_lost_reply_never_makes_a_second_order(folder: Path, db: Path) -> None:
    """A timeout was answered by sending again. Here the order's fate is read, under its own id."""
    paper_strategy(folder, open_cycles="1", faults={"reply_lost": "1"})
    said = once_more(db)
    assert said.code == 0
    assert [event["type"] for event in said.events].count("OrderUnknown") >= 1
    intents = [event["client_order_id"] for event in events(db, "OrderIntended")]
    assert len(intents) == len(set(intents))
    assert_nothing_lost(db)


@pytest.mark.parametrize("at", ["executed_not_told", "told_not_appended"])
def test_row_05_a_kill_after_an_order_forgets_nothing_and_repeats_nothing(
    folder: Path, db: Path, at: str
) -> None:
    """Writes waited up to a second: a kill lost the order, and the leg was sent again. Here the log is ahead."""
    struck(folder, db, at)
    ((order,),) = rows(db, "SELECT client_order_id FROM orders")
    assert [one.client_order_id for one in orders(db)] == [order]
    recovered(db)
    assert first_buys(db) == [order]


@pytest.mark.parametrize("struck_at", ["executed_not_told:1", "executed_not_told:2"])
def test_row_06_recovery_sells_what_was_bought_and_not_more(
    folder: Path, db: Path, struck_at: str
) -> None:
    """The bought amount met the old currency: 5000 coins were to be sold. Here holdings come from fills."""
    struck(folder, db, struck_at)
    recovered(db)
    account = PaperAccount.audit(account_file(db))
    try:
        left = {asset: total for asset, total in account.totals().items() if asset != "USDC"}
        opening = account.opening()
    finally:
        account.close()
    # Beside the dust of one cycle, nothing but dollars has changed.
    for asset in ("BTC", "ETH"):
        assert abs(left[asset] - opening[asset]) < Decimal("0.0001")
        assert left[asset] >= opening[asset]
    assert events(db, "OrderRefused") == [], "an order was taken for one that never left"


def test_row_08_a_stopped_cycle_is_liquidated_in_the_currency_it_holds(
    folder: Path, db: Path
) -> None:
    """A stop after a filled leg sold coins that were spent already. Here what the leg brought is sold."""
    struck(folder, db, "told_not_appended")
    assert act(db, "panic", "demo-1", "stop").ok
    recovered(db)
    (bought, *sold) = orders(db)
    assert {(order.market, order.side) for order in sold} <= {
        ("BTC/USDT", "sell"),
        ("BTC/USDC", "sell"),
    }
    assert sum(order.filled for order in sold) <= bought.filled
    assert sold or events(db, "CycleParked"), "what was bought was forgotten"


def test_row_10_no_order_is_left_open(folder: Path, db: Path) -> None:
    """A timed-out order was never cancelled and could fill later. Here each is immediate, and followed to its end."""
    paper_strategy(folder, open_cycles="1", faults=MANY_FAULTS)
    assert once_more(db, "--cycles", "2").code == 0
    assert {order.time_in_force for order in orders(db)} == {"ioc"}
    assert "open" not in {order.status for order in orders(db)}
    finals = {status for (status,) in rows(db, "SELECT DISTINCT status FROM orders")}
    assert finals <= {"settled", "refused", "absent"}
    assert_nothing_lost(db)


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--active"], ""),
        (["--history"], "demo-1"),
        (["--history", "5"], "demo-1"),
        (["--details", "demo-1"], "demo-1"),
        (["--declined"], ""),
        (["--risk-stats"], "demo"),
        ([], ""),
    ],
)
def test_row_16_every_view_of_the_monitor_works_from_another_process(
    folder: Path, db: Path, flags: list[str], says: str
) -> None:
    """Views failed, or showed the memory of another process. Here they read the log."""
    assert once_more(db).code == 0
    said = invoke("--db", db, *flags, command=monitor)
    assert said.code == 0, said.err
    assert said.out.strip()
    assert says in said.out


def test_row_19_pauses_and_orders_outlive_a_kill(folder: Path, db: Path) -> None:
    """Counters and cooldowns died with the process, and orphaned orders were deleted. Here they are events."""
    struck(folder, db, "told_not_appended")
    assert act(db, "pause", None, "too many losses").ok
    before = rows(db, "SELECT client_order_id FROM orders")
    said = once_more(db, "--duration", "2.5")
    assert said.summary["opportunities"]["taken"] == 0
    assert said.summary["opportunities"]["declined"]["halted"] > 0
    assert set(before) <= set(rows(db, "SELECT client_order_id FROM orders"))
    assert_nothing_lost(db)


def test_row_19_a_tripped_breaker_outlives_a_restart(folder: Path, db: Path) -> None:
    """The cooldown of a breaker is in the log, so a restart does not end it."""
    path = paper_strategy(
        folder, open_cycles="1", retries="0", step_ms="100", faults={"refused": "1"}
    )
    breaker = "breaker: {max_refusals: 1, cooldown_seconds: 600}"
    text = path.read_text().replace("max_open_cycles: 1", f"max_open_cycles: 1, {breaker}")
    path.write_text(text)
    assert once_more(db, "--duration", "1.5").summary["outcomes"] == {"refused": 1}
    assert len(events(db, "BreakerTripped")) == 1
    path.write_text(text.replace("refused: 1", "refused: 0"))
    said = once_more(db, "--duration", "2.5")
    assert said.summary["opportunities"]["taken"] == 0
    assert said.summary["opportunities"]["declined"]["breaker"] > 0


def test_row_20_recovery_asks_the_venue(folder: Path, db: Path) -> None:
    """Recovery never looked at orders or trades. Here the fill it was not told of is found, as the venue has it."""
    struck(folder, db, "executed_not_told")
    assert recorded(db) == {}
    known = fills(db)
    assert known
    recovered(db)
    assert dict(recorded(db)) == fills(db)
    assert known.items() <= recorded(db).items()
    assert events(db, "OrderRefused") == []


def test_row_21_every_trade_of_an_order_counts(folder: Path, db: Path) -> None:
    """Only the newest trade was read, whoever's it was. Here an order of several trades is whole after a restart."""
    paper_strategy(folder, amount="200000", slippage="300", min_profit="-600")
    rich = ["--paper-balance", "USDT", "1000000"]
    crash(folder, "--strategy", "s.yaml", "--db", db, *rich, at="executed_not_told")
    (order,) = orders(db)
    trades = list(fills(db))
    assert len(trades) > 1, "the order should have needed several levels"
    recovered(db)
    found = [fill for fill in events(db, "OrderFilled") if fill["trade_id"] in trades]
    assert sorted(fill["trade_id"] for fill in found) == sorted(trades)
    assert sum(Decimal(fill["amount"]) for fill in found) == order.filled
    assert {fill["client_order_id"] for fill in found} == {order.client_order_id}
    # They were all read before anything else was sent.
    story = events(db, "OrderFilled", "OrderIntended")
    read = [at for at, event in enumerate(story) if event.get("trade_id") in trades]
    assert read == list(range(read[0], read[0] + len(trades)))
