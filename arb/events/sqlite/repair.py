"""Getting rid of tables whose pages cannot be read: they cannot be dropped, since that reads them."""

from collections.abc import Sequence

import apsw


def forget(connection: apsw.Connection, names: Sequence[str]) -> None:
    """Take tables, views and their indices out of the schema, then move all that is left to pages without them.

    Each of the two steps is one transaction. The events are copied as they are; no trigger fires.
    """
    marks = ", ".join("?" * len(names))
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 0)
    connection.pragma("writable_schema", 1)
    try:
        sql = f"DELETE FROM sqlite_schema WHERE tbl_name IN ({marks})"  # noqa: S608 -- our own names
        connection.execute(sql, tuple(names))
    finally:
        connection.execute("PRAGMA writable_schema = RESET")
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    _move(connection)


def _move(connection: apsw.Connection) -> None:
    connection.execute("VACUUM")
