"""The projections' own fold: the cycles in work as the log tells them, with the pieces of their rows."""

from collections.abc import Iterable
from typing import Final

import apsw

from arb.errors import LogDamaged
from arb.events import facts as f
from arb.events.envelope import Recorded
from arb.events.sqlite.rows import stream_records
from arb.ids import cycle_stream
from arb.machine.evolve import evolve
from arb.machine.state import Cycle, Order, unpacked
from arb.money import written_out
from arb.projections import rows, snapshots
from arb.projections.rows import OrderPiece, Row

CYCLE_PREFIX: Final = cycle_stream("")
CYCLE_TYPES: Final[frozenset[type]] = frozenset(
    (*f.CYCLE_MOVES, *f.ORDER_FACTS, f.DiscrepancyFound)
)
# What may say something about the account.
_MAYBE_ACCOUNT: Final[tuple[type, ...]] = (
    f.CycleOpened,
    f.OrderFilled,
    f.AttestedFillReversed,
    *f.OTHER_FACTS,
)
_NOT_ACCOUNT: Final = {f.DiscrepancyFound, f.StrategyLoaded, f.OpportunitiesDeclined}
ACCOUNT_TYPES: Final = frozenset(_MAYBE_ACCOUNT) - _NOT_ACCOUNT


def fold(events: Iterable[Recorded], through: int | None = None) -> Cycle | None:
    """Fold one cycle's events, up to a version; None when there is none."""
    cycle: Cycle | None = None
    for event in events:
        if through is not None and event.version > through:
            break
        assert type(event.fact) in CYCLE_TYPES, event.type
        cycle = evolve(cycle, event.fact, event.at_ns)  # type: ignore[arg-type]
    return cycle


class Live:
    """A cycle in work. The pieces of its rows that did not change are kept as text."""

    __slots__ = (
        "_before_filing",
        "_extra",
        "_fixed",
        "_stored",
        "cycle",
        "is_new",
        "pieces",
        "row_state",
    )

    def __init__(self, cycle: Cycle, *, is_new: bool) -> None:
        self.cycle = cycle
        self.is_new = is_new  # it has no row yet
        self.row_state = ""  # the state in its row, where it is known
        self.pieces: list[OrderPiece] = []
        self._before_filing: dict[int, Order] = {}
        self._stored = cycle.orders_sent  # they have rows
        self.forget_plan()

    def forget_plan(self) -> None:
        """The plan has changed."""
        self._fixed = ""
        self._extra = ""

    def remember_orders(self) -> None:
        """Its recent orders are about to be filed: keep them, so that they need not be unpacked."""
        for order in self.cycle.recent:
            self._before_filing[order.number] = order

    def refresh_orders(self, new: list[Row], changed: list[Row]) -> None:
        """Write anew the orders that changed, and their rows."""
        cycle, pieces = self.cycle, self.pieces
        for at, packed in enumerate(cycle.filed):
            piece = pieces[at] if at < len(pieces) else None
            if piece is not None and piece.packed is packed:
                continue
            order = self._before_filing.pop(at + 1, None) or unpacked(packed)
            if piece is None or piece.order != order:
                piece = self._put(at, order, new, changed)
            piece.packed, piece.order = packed, None
        for at, order in enumerate(cycle.recent, len(cycle.filed)):
            if at == len(pieces) or pieces[at].order is not order:
                self._put(at, order, new, changed)

    def _put(self, at: int, order: Order, new: list[Row], changed: list[Row]) -> OrderPiece:
        pieces = self.pieces
        filled = rows.exact(order.filled)
        known = at < len(pieces)
        head = pieces[at].head if known else rows.view_head(self.cycle, order)
        piece = rows.order_piece(head, order, filled)
        if known or at < self._stored:
            changed.append(rows.changed_order(order, filled))
        else:
            new.append(rows.new_order(self.cycle, order))
        pieces[at : at + 1] = [piece]
        return piece

    def orders_json(self) -> str:
        """The orders as `cycles.orders_json` has them."""
        return f"[{','.join([piece.view for piece in self.pieces])}]"

    def metadata_json(self, moving: str) -> str:
        """What `cycles.metadata_json` says; `moving` is the cycle's `moving_text`."""
        if not self._extra:
            self._extra = rows.fixed_metadata(self.cycle)
        return written_out(moving[:-1] + self._extra)

    def snapshot(self, moving: str) -> str:
        """The whole cycle as text."""
        if not self._fixed:
            self._fixed = snapshots.fixed_text(self.cycle)
        return snapshots.snapshot_text(self._fixed, moving, self.cycle)


def number_of(cycle_id: str) -> int:
    """The number in a cycle's id; -1 for an id that has none."""
    number = cycle_id.rpartition("-")[2]
    return int(number) if number.isdecimal() else -1


def load(connection: apsw.Connection, history: apsw.Connection, stream: str, version: int) -> Live:
    """A cycle as it was at a version: from its snapshot while it is open, else from its own events."""
    cycle_id = stream.removeprefix(CYCLE_PREFIX)
    for text, at_version in connection.execute(
        "SELECT snapshot, version FROM open_cycles WHERE number = ?", (number_of(cycle_id),)
    ):
        if at_version == version:
            return Live(snapshots.decode_cycle(text), is_new=False)
    cycle = fold(stream_records(history, stream), version)
    if cycle is None or cycle.version != version:
        raise LogDamaged(f"{stream} has no event of version {version}")
    return Live(cycle, is_new=False)
