"""Write every table in the transaction of the append: what the log says and what the tables show never differ."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final, get_args

import apsw

from arb.events import facts as f
from arb.events.envelope import Recorded
from arb.events.sqlite.rows import records as read_records
from arb.limits import READ_PAGE_EVENTS
from arb.machine.account import Account, closed_part, follow, shift_closed
from arb.machine.evolve import MOVE_TYPES, begin, evolve
from arb.machine.invariants import postings
from arb.machine.state import Cycle
from arb.machine.table import CLOSED
from arb.projections import counters, rows, snapshots, tables
from arb.projections.fold import ACCOUNT_TYPES, CYCLE_PREFIX, CYCLE_TYPES, Live, load
from arb.projections.rows import Row

# A cycle that is not kept is read back from its row when it is next touched.
KEPT_CYCLES_MAX: Final = 4_096

_POSTED: Final = frozenset(get_args(f.Posted))
_PUT_ACCOUNT: Final = "UPDATE account_state SET snapshot = ?"
_PUT_STRATEGY: Final = "INSERT INTO strategies VALUES (?, ?, ?) ON CONFLICT DO NOTHING"


class _Batch:
    """What one transaction touched."""

    __slots__ = ("account", "counts", "cycles", "declined", "postings", "strategies")

    def __init__(self) -> None:
        self.cycles: dict[str, Live] = {}
        self.postings: list[Row] = []
        self.strategies: list[Row] = []
        self.declined: list[Row] = []
        self.counts: counters.Counts = Counter()
        self.account = False


class Projections:
    """Keep every table equal to a fold of the log.

    `prepare` when the log is opened, then `apply` for each transaction, on the writer's connection
    and inside its transaction. Events of a closed cycle are read again when it is touched once
    more; they are read from `history`, where that is another connection.
    """

    def __init__(self, history: apsw.Connection | None = None) -> None:
        self._history = history
        self._live: dict[str, Live] = {}
        self._account = Account()

    def prepare(self, connection: apsw.Connection, *, anew: bool = False) -> None:
        """Make the tables, or build them anew where that is asked for, other code wrote them or they are not at the head."""
        why = "an unclean end left some that may be old" if anew else tables.stale(connection)
        if why is not None:
            events = connection.execute("SELECT coalesce(max(position), 0) FROM events").get
            if events:  # with very many it takes a while
                import structlog  # noqa: PLC0415 -- whoever only looks starts without it

                structlog.get_logger().warning("tables.rebuild", events=events, why=why)
            self.rebuild(connection, read_records(connection))
            return
        self._live = {}
        self._account = Account()
        for (text,) in connection.execute("SELECT snapshot FROM account_state"):
            self._account = snapshots.decode_account(text)

    def rebuild(self, connection: apsw.Connection, records: Iterable[Recorded]) -> None:
        """Drop every table and write it anew from the events, all or nothing."""
        self._live = {}
        self._account = Account()
        connection.execute("BEGIN IMMEDIATE")
        try:
            tables.create(connection)
            events = iter(records)
            while page := list(islice(events, READ_PAGE_EVENTS)):
                self.apply(connection, page)
            connection.execute("COMMIT")
        except BaseException:
            # Of a full disk SQLite has rolled back by itself, and an error of doing it again would
            # stand in place of the one that says so.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def apply(self, connection: apsw.Connection, records: Sequence[Recorded]) -> None:
        """Follow events that were inserted in this transaction, in order of position."""
        if not records:
            return
        batch = _Batch()
        for record in records:
            fact = record.fact
            kind = type(fact)
            if kind in CYCLE_TYPES and record.stream.startswith(CYCLE_PREFIX):
                self._follow_cycle(connection, batch, record)
            elif kind is f.StrategyLoaded:
                assert isinstance(fact, f.StrategyLoaded)
                batch.strategies.append((fact.config, fact.name, fact.text))
            elif isinstance(fact, f.OpportunitiesDeclined):
                batch.declined += rows.declined_rows(fact)
            elif (name := counters.NAMES.get(kind)) is not None:
                batch.counts[counters.owner(fact), name] += 1
            if kind in ACCOUNT_TYPES:
                follow(self._account, fact, record.at_ns)
                batch.account = True
        cursor = connection.cursor()
        self._write(cursor, batch)
        cursor.execute(tables.SET_POSITION, (records[-1].position,))
        self._forget(batch)

    def _follow_cycle(self, connection: apsw.Connection, batch: _Batch, record: Recorded) -> None:
        stream, fact = record.stream, record.fact
        live = batch.cycles.get(stream)
        if live is None:
            live = self._enter(connection, record)
            batch.cycles[stream] = live
            if live.is_new:
                return
        cycle, kind = live.cycle, type(fact)
        assert cycle.version + 1 == record.version, (stream, cycle.version, record.version)
        if kind is f.CycleValidated:
            live.forget_plan()
        elif kind is f.LegSettled:
            live.remember_orders()
        elif kind in _POSTED:
            batch.postings += _posting_rows(cycle.id, record)
        if kind in MOVE_TYPES or cycle.state in CLOSED:
            batch.account |= self._move(cycle, record, batch.counts)
        else:
            evolve(cycle, fact, record.at_ns)  # type: ignore[arg-type]
        if (name := counters.NAMES.get(kind)) is not None:
            batch.counts[cycle.strategy, name] += 1

    def _enter(self, connection: apsw.Connection, record: Recorded) -> Live:
        """The cycle as it was before this event; for its first event, after it."""
        if record.version == 1:
            live = Live(begin(record.fact, record.at_ns), is_new=True)  # type: ignore[arg-type]
        else:
            kept = self._live.pop(record.stream, None)
            if kept is None:
                history = self._history or connection
                kept = load(connection, history, record.stream, record.version - 1)
            live = kept
        # Last in line to be forgotten.
        self._live[record.stream] = live
        return live

    def _move(self, cycle: Cycle, record: Recorded, counts: counters.Counts) -> bool:
        """Move a cycle, or touch a closed one; tell whether what closed cycles weigh may have changed."""
        was_closed = cycle.state in CLOSED
        outcome, before = cycle.outcome if was_closed else None, closed_part(cycle)
        evolve(cycle, record.fact, record.at_ns)  # type: ignore[arg-type]
        is_closed = cycle.state in CLOSED
        if not was_closed and not is_closed:
            return False
        shift_closed(self._account, before, closed_part(cycle))
        if outcome != cycle.outcome:
            if outcome is not None:
                counts[cycle.strategy, counters.outcome_name(outcome)] -= 1
            if cycle.outcome is not None:
                counts[cycle.strategy, counters.outcome_name(cycle.outcome)] += 1
        return True

    def _write(self, cursor: apsw.Cursor, batch: _Batch) -> None:
        """One statement for each row that was touched."""
        new: list[Row] = []
        changed: list[Row] = []
        moved: list[Row] = []
        new_orders: list[Row] = []
        changed_orders: list[Row] = []
        snapshot: list[Row] = []
        closed: list[Row] = []
        for live in batch.cycles.values():
            cycle = live.cycle
            live.refresh_orders(new_orders, changed_orders)
            moving = snapshots.moving_text(cycle)
            metadata = live.metadata_json(moving)
            if live.is_new:
                new.append(rows.cycle_row(cycle, live.orders_json(), metadata))
                live.is_new = False
            else:
                changed.append(rows.cycle_change(cycle, live.orders_json(), metadata))
                if cycle.state != live.row_state:
                    moved.append((cycle.state, cycle.id))
            live.row_state = cycle.state
            if cycle.state in CLOSED:
                closed.append((cycle.number,))
            else:
                snapshot.append((cycle.number, cycle.id, cycle.version, live.snapshot(moving)))
        for statement, parameters in (
            (rows.INSERT_CYCLE, new),
            (rows.UPDATE_CYCLE, changed),
            (rows.UPDATE_STATE, moved),
            (rows.INSERT_ORDER, new_orders),
            (rows.UPDATE_ORDER, changed_orders),
            (rows.INSERT_POSTING, batch.postings),
            (rows.PUT_SNAPSHOT, snapshot),
            (rows.DROP_SNAPSHOT, closed),
            (_PUT_STRATEGY, batch.strategies),
            (rows.UPSERT_DECLINED, batch.declined),
            (counters.UPSERT_COUNT, [(*key, n) for key, n in batch.counts.items()]),
        ):
            if parameters:
                cursor.executemany(statement, parameters)
        if batch.account:
            cursor.execute(_PUT_ACCOUNT, (snapshots.encode_account(self._account),))

    def _forget(self, batch: _Batch) -> None:
        """Let go of closed cycles, and of the longest untouched ones where there are too many."""
        for stream, live in batch.cycles.items():
            if live.cycle.state in CLOSED:
                del self._live[stream]
        while len(self._live) > KEPT_CYCLES_MAX:
            del self._live[next(iter(self._live))]


def _posting_rows(cycle_id: str, record: Recorded) -> list[Row]:
    fill = record.fact
    assert isinstance(fill, f.Posted)
    rest = (fill.market, fill.trade_id, fill.client_order_id, fill.venue_ns, record.at_ns)
    return [
        (record.position, cycle_id, asset, rows.exact(amount), kind, *rest)
        for kind, asset, amount in postings(fill)
    ]
