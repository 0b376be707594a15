"""What keeps the projections up to date in the transaction of an append."""

from collections.abc import Sequence
from typing import Protocol

import apsw

from arb.events.envelope import Recorded


class Projector(Protocol):
    """Write projections on the writer's connection. Whatever it raises ends the writing: the log is then Indeterminate."""

    def prepare(self, connection: apsw.Connection, *, anew: bool = False) -> None:
        """Create, catch up or rebuild the tables before the first append; no transaction is open, and none may stay open.

        `anew` tells that what the tables hold is not to be relied on.
        """
        ...

    def apply(self, connection: apsw.Connection, records: Sequence[Recorded]) -> None:
        """Project appended events, in the open transaction that stores them; `fact` is the very object appended."""
        ...


class NoProjections:
    """A log without projections."""

    def prepare(self, connection: apsw.Connection, *, anew: bool = False) -> None:
        """Do nothing."""

    def apply(self, connection: apsw.Connection, records: Sequence[Recorded]) -> None:
        """Do nothing."""
