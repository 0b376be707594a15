"""The tables themselves: documented columns, exact sums, and what makes them be written anew."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path

import apsw
import pytest
from structlog.testing import capture_logs

from arb.events import facts as f
from arb.events.sqlite import LogReader
from arb.events.sqlite.connections import close, writer
from arb.machine.order_fold import attested_trade_id
from arb.machine.table import CLOSED, OUTCOMES, STATES
from arb.money import ZERO
from arb.projections import queries, tables
from arb.projections.projector import Projections
from arb.projections.rebuilding import rebuild
from arb.projections.replay import fold_cycle, replay_all
from tests.golden.folded import unpack
from tests.spec.written import open_paper

DOCUMENTED = [
    ("id", "TEXT"), ("strategy_name", "TEXT"), ("cycle_json", "TEXT"), ("initial_amount", "REAL"),
    ("current_amount", "REAL"), ("current_currency", "TEXT"), ("state", "TEXT"),
    ("current_step", "INTEGER"), ("orders_json", "TEXT"), ("start_time", "REAL"), ("end_time", "REAL"),
    ("profit_loss", "REAL"), ("error_message", "TEXT"), ("metadata_json", "TEXT"), ("updated_at", "REAL"),
]  # fmt: skip
LEGACY_ORDER = {
    "id", "market_symbol", "side", "amount", "price", "state", "filled_amount", "remaining_amount",
    "average_price", "timestamp", "retry_count", "error_message",
}  # fmt: skip


def test_cycles_has_the_fifteen_documented_columns(db: Path) -> None:
    with LogReader(db) as reader:
        info = list(reader.connection.execute("PRAGMA table_info(cycles)"))
    assert [(row[1], row[2]) for row in info] == DOCUMENTED
    assert [row[1] for row in info if row[5]] == ["id"]
    assert list(queries.CYCLE_COLUMNS) == [name for name, _ in DOCUMENTED]


@pytest.mark.parametrize("name", ["cycles", "orders", "ledger"])
def test_the_documented_tables_are_ordinary_rowid_tables(db: Path, name: str) -> None:
    with LogReader(db) as reader:
        listed = {row[1]: row for row in reader.connection.execute("PRAGMA table_list")}
    assert listed[name][2] == "table"
    assert listed[name][4] == 0  # not WITHOUT ROWID


def test_the_legacy_indexes_are_there(db: Path) -> None:
    with LogReader(db) as reader:
        names = {row[1] for row in reader.connection.execute("PRAGMA index_list(cycles)")}
    assert {"idx_state", "idx_strategy"} <= names


def test_orders_json_has_the_legacy_names_and_exact_decimals(db: Path) -> None:
    with LogReader(db) as reader:
        texts = [row[0] for row in reader.connection.execute("SELECT orders_json FROM cycles")]
    orders = [order for text in texts for order in json.loads(str(text))]
    assert orders
    for order in orders:
        assert set(order) == LEGACY_ORDER
        left = Decimal(order["amount"]) - Decimal(order["filled_amount"])
        assert left == Decimal(order["remaining_amount"])


def test_the_ledger_adds_up_to_what_the_account_says(db: Path) -> None:
    total: dict[str, Decimal] = {}
    with LogReader(db) as reader:
        for asset, amount in reader.connection.execute("SELECT asset, amount FROM ledger"):
            total[asset] = total.get(asset, ZERO) + Decimal(amount)
        assert total == queries.load_account(reader.connection).ledger


def test_no_decimal_column_holds_an_exponent_or_a_float(db: Path) -> None:
    with LogReader(db) as reader:
        found = reader.connection.execute(
            """SELECT count(*) FROM orders, ledger WHERE typeof(ledger.amount) <> 'text'
            OR ledger.amount LIKE '%E%' OR typeof(orders.filled) <> 'text' OR orders.filled LIKE '%E%'"""
        ).get
    assert found == 0


def test_states_and_outcomes_are_those_of_the_table_of_moves(db: Path) -> None:
    with LogReader(db) as reader:
        states = {str(row[0]) for row in reader.connection.execute("SELECT state FROM cycles")}
        views = queries.history(reader.connection, 1_000)
    assert states <= set(STATES)
    assert {view.metadata.outcome for view in views} - {None} == set(OUTCOMES)


def test_each_table_names_its_code_and_stands_at_the_head(db: Path) -> None:
    with LogReader(db) as reader:
        rows = set(reader.connection.execute("SELECT name, code, position FROM projections"))
        head = reader.head().position
    assert rows == {(name, tables.CODES[name], head) for name in tables.NAMES}


async def open_and_close(db: Path) -> None:
    await open_paper(db).close()


def alter(db: Path, statement: str) -> None:
    connection = writer(db)
    connection.execute(statement)
    close(connection)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE projection_codes SET code = 'older' WHERE name = 'orders'",
        # The account of the same shape, from before days that are later than a close were dropped.
        "UPDATE projection_codes SET code = '1' || substr(code, 2) WHERE name = 'account_state'",
        "UPDATE projection_head SET position = position - 1",
        "DELETE FROM projection_codes WHERE name = 'risk'",
        "DROP TABLE ledger",
        "DROP VIEW projections",
    ],
)
def test_other_code_or_another_position_is_written_anew_when_the_log_is_opened(
    db: Path, statement: str
) -> None:
    with LogReader(db) as reader:
        before = {name: tables.dump(reader.connection, name) for name in tables.NAMES}
    alter(db, statement)
    alter(db, "UPDATE cycles SET state = 'active'")
    alter(db, "UPDATE account_state SET snapshot = '{}'")
    with LogReader(db) as reader:
        assert tables.stale(reader.connection) is not None
        head = reader.head().position
    with capture_logs() as told:
        asyncio.run(open_and_close(db))
        asyncio.run(open_and_close(db))
    assert [(one["event"], one["events"]) for one in told] == [("tables.rebuild", head)]
    with LogReader(db) as reader:
        assert tables.stale(reader.connection) is None
        assert {name: tables.dump(reader.connection, name) for name in tables.NAMES} == before


def test_a_rebuild_that_fails_leaves_the_old_tables(db: Path) -> None:
    alter(db, "UPDATE projection_head SET position = 1")
    connection = writer(db)
    before = tables.dump(connection, tables.CYCLES)

    def broken() -> object:
        raise KeyError("disk")
        yield

    with pytest.raises(KeyError):
        Projections().rebuild(connection, broken())  # type: ignore[arg-type]
    assert tables.dump(connection, tables.CYCLES) == before
    close(connection)


def test_a_full_replay_agrees_with_the_tables(db: Path) -> None:
    with LogReader(db) as reader:
        replayed = replay_all(reader)
        counts = queries.counts(reader.connection)
        assert replayed.account == queries.load_account(reader.connection)
        assert replayed.open_cycles == {
            cycle.id: cycle for cycle in queries.load_open_cycles(reader.connection)
        }
        assert replayed.last_hash == reader.head().hash
    states = {what: count for (name, what), count in counts.items() if name == "cycles"}
    assert {state: n for state, n in replayed.states.items() if n} == states
    assert replayed.cycles == sum(states.values())


def test_a_trade_that_was_attested_and_taken_back_is_not_counted(tmp_path: Path) -> None:
    path = unpack("attested", tmp_path)
    rebuild(path)
    with LogReader(path) as reader:
        fills = [one.fact for one in reader.read() if isinstance(one.fact, f.OrderFilled)]
        told = [one for one in fills if one.trade_id != attested_trade_id(one.client_order_id)]
        assert len(told) == len(fills) - 1
        assert queries.counts(reader.connection)["trades", "all"] == len(told)


def test_what_closed_cycles_own_is_their_dust_and_what_they_parked(db: Path) -> None:
    """After late fills, released and unparked cycles too."""
    owned: dict[str, Decimal] = {}
    with LogReader(db) as reader:
        for view in queries.history(reader.connection, 1_000):
            if view.state in CLOSED:
                for asset, amount in fold_cycle(reader, view.id).owned().items():
                    owned[asset] = owned.get(asset, ZERO) + amount
        assert queries.load_account(reader.connection).owned_closed == owned


def test_a_foreign_connection_cannot_make_money_by_reading(db: Path) -> None:
    with LogReader(db) as reader, pytest.raises(apsw.ReadOnlyError):
        reader.connection.execute("UPDATE cycles SET profit_loss = 1")
