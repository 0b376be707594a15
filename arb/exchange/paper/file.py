"""The paper account's file: how it is made at one stroke, and how a file of another kind is told."""

import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

import apsw

from arb.errors import WrongLog
from arb.money import plain

APPLICATION_ID: Final = 0x61726270  # "arbp"
SHAPE: Final = 2  # since then a level is taken while it stands, and not for one row of the feed
BUSY_TIMEOUT_MS: Final = 5_000

_HEADER_BYTES: Final = 100
_MAGIC: Final = b"SQLite format 3\x00"
_SHAPE_AT: Final = 60  # offsets in the header of an SQLite file
_APPLICATION_AT: Final = 68

_SCHEMA: Final = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE opening(asset TEXT PRIMARY KEY, amount TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE balances(asset TEXT PRIMARY KEY, free TEXT NOT NULL, locked TEXT NOT NULL)
    STRICT, WITHOUT ROWID;
CREATE TABLE orders(
    number INTEGER PRIMARY KEY, client_order_id TEXT, market TEXT NOT NULL, base TEXT NOT NULL,
    quote TEXT NOT NULL, side TEXT NOT NULL, kind TEXT NOT NULL, time_in_force TEXT NOT NULL,
    amount TEXT NOT NULL, price TEXT, status TEXT NOT NULL, filled TEXT NOT NULL,
    locked TEXT NOT NULL, created_ns INTEGER NOT NULL, closed_ns INTEGER
) STRICT;
CREATE INDEX orders_by_client ON orders(client_order_id);
CREATE INDEX orders_open ON orders(number) WHERE status = 'open';
CREATE TABLE fills(
    number INTEGER PRIMARY KEY, order_number INTEGER NOT NULL REFERENCES orders(number),
    client_order_id TEXT, market TEXT NOT NULL, side TEXT NOT NULL, price TEXT NOT NULL,
    amount TEXT NOT NULL, cost TEXT NOT NULL, fee TEXT NOT NULL, fee_asset TEXT NOT NULL,
    maker INTEGER NOT NULL, at_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX fills_by_market ON fills(market, at_ns);
CREATE INDEX fills_by_time ON fills(at_ns);
CREATE INDEX fills_by_order ON fills(order_number);
CREATE TABLE changes(
    number INTEGER PRIMARY KEY, asset TEXT NOT NULL, amount TEXT NOT NULL,
    at_ns INTEGER NOT NULL, reported INTEGER NOT NULL
) STRICT;
CREATE TABLE halted(market TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
"""
# What our orders took of a level that was shown with a size; of a market all of it stood at `at_ns`.
_TAKEN: Final = """
CREATE TABLE taken(
    market TEXT NOT NULL, at_ns INTEGER NOT NULL, side TEXT NOT NULL, price TEXT NOT NULL,
    shown TEXT NOT NULL, amount TEXT NOT NULL, PRIMARY KEY(market, side, price)
) STRICT, WITHOUT ROWID;
"""


def open_file(path: Path | None, uid: str, opening: Mapping[str, Decimal]) -> apsw.Connection:
    """Open an account's file, or make it; None is an account in memory.

    Raises WrongLog for a file that is not a paper account of this version or an older one.
    """
    if path is None:
        memory = apsw.Connection(":memory:")
        _fill(memory, uid, opening)
        return memory
    if not path.exists():
        _make(path, uid, opening)
    check_kind(path)
    db = _connect(path)
    _renew(db)
    return db


def open_to_read(path: Path) -> apsw.Connection:
    """Open an existing account's file without being able to change it."""
    check_kind(path)
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    db.set_busy_timeout(BUSY_TIMEOUT_MS)
    return db


def check_kind(path: Path) -> None:
    """Tell by the file's header, without SQLite touching it, that it is a paper account."""
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        raise WrongLog(f"{path} is not a paper account: it is no SQLite file; move it away")
    application = int.from_bytes(header[_APPLICATION_AT : _APPLICATION_AT + 4], "big")
    if application != APPLICATION_ID:
        raise WrongLog(f"{path} is not a paper account: application id {application:#x}")
    shape = int.from_bytes(header[_SHAPE_AT : _SHAPE_AT + 4], "big")
    if shape > SHAPE:
        raise WrongLog(f"{path} has shape {shape}, this version knows {SHAPE}: use a newer one")


def _make(path: Path, uid: str, opening: Mapping[str, Decimal]) -> None:
    """Build the file beside its place and move it there, so that a kill leaves all of it or none."""
    new = path.with_name(path.name + ".new")
    for left in (new, *(new.with_name(new.name + end) for end in ("-wal", "-shm"))):
        left.unlink(missing_ok=True)
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    db = _connect(new)
    _fill(db, uid, opening)
    db.close()  # the last connection moves the write-ahead log into the file
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _renew(db: apsw.Connection) -> None:
    """Bring an older account to this shape: what it took of one row is whole with the next one."""
    if db.pragma("user_version") == SHAPE:
        return
    with db:
        db.execute("DROP TABLE consumed")
        db.execute(_TAKEN)
        db.pragma("user_version", SHAPE)
    db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)  # an older program reads the header


def _connect(path: Path) -> apsw.Connection:
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    db.set_busy_timeout(BUSY_TIMEOUT_MS)
    db.pragma("journal_mode", "wal")
    db.pragma("synchronous", "full")
    return db


def _fill(db: apsw.Connection, uid: str, opening: Mapping[str, Decimal]) -> None:
    # The file counts for nothing until it has its name. So nothing is rolled back: of a full disk
    # that would fail too, and its error stand in place of the one that says so.
    db.execute("BEGIN IMMEDIATE")
    db.execute(_SCHEMA + _TAKEN)
    db.pragma("application_id", APPLICATION_ID)
    db.pragma("user_version", SHAPE)
    db.execute("INSERT INTO meta VALUES('uid', ?)", (uid,))
    for asset, amount in opening.items():
        if amount < 0:
            raise ValueError(f"an account cannot open with {plain(amount)} {asset}")
        db.execute("INSERT INTO opening VALUES(?, ?)", (asset, plain(amount)))
        db.execute("INSERT INTO balances VALUES(?, ?, '0')", (asset, plain(amount)))
    db.execute("COMMIT")
