"""The one table of the log, and what guards it. The column names, types and meanings are a contract for other programs."""

from typing import Final

import apsw

from arb.errors import LogDamaged

APPLICATION_ID: Final = 0x41524243  # "ARBC", in the header of the file
SCHEMA_VERSION: Final = 1  # the header's user_version; a newer one is refused

_OBJECTS: Final = {
    "events": """\
CREATE TABLE events(
    position INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    type TEXT NOT NULL,
    shape INTEGER NOT NULL,
    at_ns INTEGER NOT NULL,
    data TEXT NOT NULL,
    meta TEXT NOT NULL,
    command TEXT,
    hash BLOB NOT NULL,
    UNIQUE(stream, version)
) STRICT""",
    "events_command": """\
CREATE UNIQUE INDEX events_command ON events(command) WHERE command IS NOT NULL""",
    "events_no_update": """\
CREATE TRIGGER events_no_update BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are never changed'); END""",
    "events_no_delete": """\
CREATE TRIGGER events_no_delete BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END""",
    # INSERT OR REPLACE deletes the old row without firing a DELETE trigger, so an insert must not meet one at all.
    "events_next_position": """\
CREATE TRIGGER events_next_position BEFORE INSERT ON events
WHEN NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM events)
BEGIN SELECT RAISE(ABORT, 'events are appended at the next position'); END""",
    "events_next_version": """\
CREATE TRIGGER events_next_version BEFORE INSERT ON events
WHEN NEW.version IS NOT
    (SELECT coalesce(max(version), 0) + 1 FROM events WHERE stream = NEW.stream)
BEGIN SELECT RAISE(ABORT, 'events are appended at the next version of their stream'); END""",
    "events_new_command": """\
CREATE TRIGGER events_new_command BEFORE INSERT ON events
WHEN NEW.command IS NOT NULL AND EXISTS (SELECT 1 FROM events WHERE command = NEW.command)
BEGIN SELECT RAISE(ABORT, 'a command is appended once'); END""",
}


def create(connection: apsw.Connection) -> None:
    """Lay out an empty log in an empty database."""
    connection.pragma("page_size", 4096)
    connection.pragma("journal_mode", "wal")
    # Whoever fails here throws the file away; of a full disk SQLite has rolled back by itself, and
    # an error of doing it again would stand in place of the one that says so.
    connection.execute("BEGIN IMMEDIATE")
    connection.pragma("application_id", APPLICATION_ID)
    connection.pragma("user_version", SCHEMA_VERSION)
    for statement in _OBJECTS.values():
        connection.execute(statement)
    connection.execute("COMMIT")


def differences(connection: apsw.Connection) -> list[str]:
    """Say which table, index or trigger of the log is missing or not as it was created."""
    stored = dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))
    found = []
    for name, statement in _OBJECTS.items():
        if name not in stored:
            found.append(f"{name} is missing from the schema")
        elif stored[name] != statement:
            found.append(f"{name} is not as the log was created: {stored[name]}")
    return found


def check(connection: apsw.Connection) -> None:
    """Raise LogDamaged for a log whose schema was altered, for example one without its triggers."""
    found = differences(connection)
    if found:
        raise LogDamaged("; ".join(found) + "; restore the file from a backup")
