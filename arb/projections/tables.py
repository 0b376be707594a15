"""The tables that show the log: what they look like, which code wrote them, and how they read as text."""

import hashlib
from collections.abc import Iterable
from typing import Final

import apsw
from msgspec.structs import fields

from arb.events.facts import ALL_FACTS, Fact
from arb.limits import SUPPRESSION_S_MAX
from arb.machine import risk
from arb.machine.account import FOREIGN_KEPT, Account
from arb.machine.risk import DayTotal, Failed, Opening, Risk
from arb.machine.state import Cycle, Order, Trade

CYCLES: Final = "cycles"
ORDERS: Final = "orders"
LEDGER: Final = "ledger"
RISK: Final = "risk"
OPEN_CYCLES: Final = "open_cycles"
ACCOUNT_STATE: Final = "account_state"
STRATEGIES: Final = "strategies"
DECLINED: Final = "declined"

_CREATE: Final[dict[str, tuple[str, ...]]] = {
    # The 15 documented columns, with their documented names and types; floats are for looking at.
    CYCLES: (
        """CREATE TABLE cycles (
            id TEXT PRIMARY KEY, strategy_name TEXT, cycle_json TEXT,
            initial_amount REAL, current_amount REAL, current_currency TEXT,
            state TEXT, current_step INTEGER, orders_json TEXT,
            start_time REAL, end_time REAL, profit_loss REAL,
            error_message TEXT, metadata_json TEXT, updated_at REAL)""",
        "CREATE INDEX idx_state ON cycles(state)",
        "CREATE INDEX idx_strategy ON cycles(strategy_name)",
    ),
    ORDERS: (
        """CREATE TABLE orders (
            client_order_id TEXT PRIMARY KEY, cycle_id TEXT NOT NULL, market TEXT NOT NULL,
            side TEXT NOT NULL, amount TEXT NOT NULL, price TEXT NOT NULL, status TEXT NOT NULL,
            filled TEXT NOT NULL, venue_order_id TEXT, cost TEXT NOT NULL, received TEXT NOT NULL,
            purpose TEXT NOT NULL, leg INTEGER NOT NULL, number INTEGER NOT NULL,
            word TEXT NOT NULL, intended_ns INTEGER NOT NULL, final_ns INTEGER)""",
        "CREATE INDEX orders_final ON orders(final_ns) WHERE final_ns IS NOT NULL",
    ),
    LEDGER: (
        """CREATE TABLE ledger (
            position INTEGER NOT NULL, cycle_id TEXT NOT NULL, asset TEXT NOT NULL,
            amount TEXT NOT NULL, kind TEXT NOT NULL, market TEXT NOT NULL,
            trade_id TEXT NOT NULL, client_order_id TEXT NOT NULL,
            venue_ns INTEGER NOT NULL, at_ns INTEGER NOT NULL)""",
        # One row of each trade, by the venue's time: what a sweep asks for.
        "CREATE INDEX ledger_trades ON ledger(venue_ns, market, trade_id) WHERE kind = 'base'",
    ),
    RISK: (
        """CREATE TABLE risk (
            strategy TEXT NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL,
            PRIMARY KEY (strategy, name)) WITHOUT ROWID""",
    ),
    OPEN_CYCLES: (
        """CREATE TABLE open_cycles (
            number INTEGER PRIMARY KEY, cycle_id TEXT NOT NULL, version INTEGER NOT NULL,
            snapshot TEXT NOT NULL)""",
    ),
    ACCOUNT_STATE: (
        "CREATE TABLE account_state (snapshot TEXT NOT NULL)",
        "INSERT INTO account_state VALUES ('{}')",
    ),
    STRATEGIES: (
        """CREATE TABLE strategies (
            config TEXT PRIMARY KEY, name TEXT NOT NULL, text TEXT NOT NULL)""",
    ),
    DECLINED: (
        """CREATE TABLE declined (
            strategy TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL,
            last_ns INTEGER NOT NULL, sample TEXT NOT NULL,
            PRIMARY KEY (strategy, reason)) WITHOUT ROWID""",
    ),
}
_ORDER_BY: Final = {
    CYCLES: "id",
    ORDERS: "client_order_id",
    LEDGER: "position, rowid",
    RISK: "strategy, name",
    OPEN_CYCLES: "number",
    ACCOUNT_STATE: "rowid",
    STRATEGIES: "config",
    DECLINED: "strategy, reason",
}
# The columns that name a row, for whoever has to point at one.
KEYS: Final = {
    CYCLES: ("id",),
    ORDERS: ("client_order_id",),
    LEDGER: ("position", "kind"),
    RISK: ("strategy", "name"),
    OPEN_CYCLES: ("cycle_id",),
    ACCOUNT_STATE: (),
    STRATEGIES: ("config",),
    DECLINED: ("strategy", "reason"),
}
NAMES: Final = tuple(_CREATE)
ALL_NAMES: Final = (*NAMES, "projections", "projection_codes", "projection_head")

# Every table is written in every transaction, so all stand at one position: one row to write, not one each.
_CREATE_PLACES: Final = (
    "DROP VIEW IF EXISTS projections",
    "DROP TABLE IF EXISTS projection_codes",
    "DROP TABLE IF EXISTS projection_head",
    "CREATE TABLE projection_codes (name TEXT PRIMARY KEY, code TEXT NOT NULL)",
    "CREATE TABLE projection_head (position INTEGER NOT NULL)",
    "INSERT INTO projection_head VALUES (0)",
    """CREATE VIEW projections (name, code, position) AS
        SELECT name, code, position FROM projection_codes, projection_head""",
)
SET_POSITION: Final = "UPDATE projection_head SET position = ?"

# Raise a table's number when what is written into it changes without its columns changing.
_REVISION: Final = {
    **dict.fromkeys(_CREATE, 1),
    CYCLES: 2,  # amounts in its JSON are written out
    ACCOUNT_STATE: 2,  # days later than a close are dropped
}
_SHAPES: Final = {
    OPEN_CYCLES: (Cycle, Order, Trade),
    ACCOUNT_STATE: (Account, Risk, DayTotal, Opening, Failed),
}
# How much of what was is kept in a table.
_KEPT: Final = {
    ACCOUNT_STATE: (
        *(FOREIGN_KEPT, SUPPRESSION_S_MAX, risk.RESULTS_KEPT, risk.DAYS_KEPT, risk.OPENINGS_KEPT),
        *(risk.EARLIER_KEPT, risk.COOLDOWNS_KEPT, risk.FAILURES_KEPT),
    ),
}


def code_of(name: str, facts: Iterable[type[Fact]] = ALL_FACTS) -> str:
    """Fingerprint a table's definition and what its snapshots hold: a changed field is another code.

    What an account is follows from every fact that its version knows. So a log that a newer one went
    on with is read from the beginning by an older one, which then stops at what it does not know.
    """
    shapes = [
        f"{shape.__name__}({','.join(f'{field.name}:{field.type}' for field in fields(shape))})"
        for shape in _SHAPES.get(name, ())
    ]
    known = [f"{fact.__name__} {fact.SHAPE}" for fact in facts if name == ACCOUNT_STATE]
    kept = [str(count) for count in _KEPT.get(name, ())]
    text = "\n".join([*_CREATE[name], *shapes, *known, *kept])
    return f"{_REVISION[name]}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


CODES: Final = {name: code_of(name) for name in NAMES}


def create(connection: apsw.Connection) -> None:
    """Make every table anew and empty, at position 0."""
    for statement in _CREATE_PLACES:
        connection.execute(statement)
    for name, statements in _CREATE.items():
        connection.execute(f"DROP TABLE IF EXISTS {name}")
        for statement in statements:
            connection.execute(statement)
        connection.execute("INSERT INTO projection_codes VALUES (?, ?)", (name, CODES[name]))


def stale(connection: apsw.Connection) -> str | None:
    """Say why the tables do not show the log up to its head; None when they do."""
    if not _has(connection, "projections"):
        return "the log has no projection tables"
    # One statement, so that head and position are of one moment.
    rows_ = connection.execute(
        "SELECT name, code, position, (SELECT coalesce(max(position), 0) FROM events) FROM projections"
    ).fetchall()
    found = {str(name): (str(code), position, head) for name, code, position, head in rows_}
    for name, code in CODES.items():
        if name not in found or not _has(connection, name):
            return f"table {name} is missing"
        other, position, head = found[name]
        if other != code:
            return f"table {name} was written by code {other}, this version's is {code}"
        if position != head:
            return f"table {name} stands at position {position}, the log at {head}"
    return None


def _has(connection: apsw.Connection, name: str) -> bool:
    return bool(
        connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = ?", (name,)).get
    )


def columns(connection: apsw.Connection, name: str) -> list[str]:
    """The names of a table's columns, in order."""
    return [str(row[1]) for row in connection.execute(f"PRAGMA table_info({name})")]


def keyed_rows(connection: apsw.Connection, name: str) -> apsw.Cursor:
    """A table's rows in the order of what names a row (`KEYS`)."""
    order = ", ".join(KEYS[name]) or "rowid"
    return connection.execute(f"SELECT * FROM {name} ORDER BY {order}")  # noqa: S608 -- our names


def rows(connection: apsw.Connection, name: str) -> apsw.Cursor:
    """A table's rows in the order of its dump."""
    return connection.execute(f"SELECT * FROM {name} ORDER BY {_ORDER_BY[name]}")  # noqa: S608 -- our names


def dump(connection: apsw.Connection, name: str) -> str:
    """A table as ordered text: equal tables have equal dumps, whatever order they were written in."""
    return "".join(f"{row!r}\n" for row in rows(connection, name))
