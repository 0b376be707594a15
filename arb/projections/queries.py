"""What can be asked of the tables, over any connection to a log. Each answer is one statement: one moment of the log."""

from decimal import Decimal
from typing import Any, ClassVar, Final

import apsw
import msgspec
from msgspec import Struct

from arb.clock import NS_PER_S
from arb.errors import ArbError, LogDamaged, WrongLog
from arb.events import facts as f
from arb.events.facts import Amounts
from arb.machine.account import Account
from arb.machine.net import Net, net_of
from arb.machine.state import Cycle
from arb.machine.table import DECLINED, PARKED
from arb.money import ZERO
from arb.projections import counters, tables
from arb.projections.snapshots import decode_account, decode_cycle

CYCLE_COLUMNS: Final = (
    *("id", "strategy_name", "cycle_json", "initial_amount", "current_amount"),
    *("current_currency", "state", "current_step", "orders_json", "start_time", "end_time"),
    *("profit_loss", "error_message", "metadata_json", "updated_at"),
)
NAMED_MAX: Final = 5  # cycles that an error lists
_LAST_LETTER: Final = "\U0010ffff"


class NoSuchCycle(ArbError):
    """No cycle has this id, or several begin with it. `tools/monitor.py --history` lists them."""

    code = "ARB-302"
    exit_code: ClassVar[int] = 2


class Metadata(Struct, frozen=True):
    """What `metadata_json` says of a cycle; there is more in it."""

    outcome: str | None
    version: int
    start_asset: str
    start_amount: Decimal
    pnl: Decimal | None
    fee_value: Decimal | None
    floor: Decimal
    config: str
    recoveries: int
    next_try_ns: int
    holdings: Amounts
    fees: Amounts
    returned: Amounts
    dust: Amounts
    parked: Amounts


class OrderView(Struct, frozen=True):
    """One order of `orders_json`."""

    id: str
    market_symbol: str
    side: str
    amount: Decimal
    price: Decimal
    state: str
    filled_amount: Decimal
    remaining_amount: Decimal
    average_price: Decimal | None
    timestamp: float
    retry_count: int
    error_message: str | None


class CycleView(Struct, frozen=True):
    """A row of `cycles`, by its documented columns, with what its JSON columns say."""

    columns: dict[str, str | int | float | None]
    path: tuple[str, ...]
    metadata: Metadata
    orders: tuple[OrderView, ...]

    @property
    def id(self) -> str:
        """The cycle's id."""
        return str(self.columns["id"])

    @property
    def state(self) -> str:
        """The cycle's state."""
        return str(self.columns["state"])

    @property
    def net(self) -> Net | None:
        """What it brought after every fee; None before it has ended, and where nothing was spent."""
        data = self.metadata
        if data.pnl is None:
            return None
        return net_of(data.pnl, data.fee_value, data.fees, self.path, data.dust)

    @property
    def current_amount(self) -> Decimal:
        """The exact amount of the asset in `current_currency`."""
        asset = str(self.columns["current_currency"])
        data = self.metadata
        closed = (data.parked, data.returned)
        for part in (data.holdings,) if self.columns["end_time"] is None else closed:
            if asset in part:
                return part[asset]
        # Nothing was reserved yet, or everything was spent.
        return data.start_amount if self.columns["current_amount"] else ZERO


class OrderRow(Struct, frozen=True):
    """A row of `orders`."""

    client_order_id: str
    cycle_id: str
    market: str
    side: str
    amount: Decimal
    price: Decimal
    status: str
    filled: Decimal
    venue_order_id: str | None
    cost: Decimal
    received: Decimal
    purpose: str
    leg: int
    number: int
    word: str
    intended_ns: int
    final_ns: int | None


class DeclinedRow(Struct, frozen=True):
    """How often something was declined for a reason, and the numbers of the last one."""

    strategy: str
    reason: str
    what: str  # "opportunity" | "cycle"
    count: int
    last_ns: int
    sample: str


_metadata: Final = msgspec.json.Decoder(Metadata).decode
_orders: Final = msgspec.json.Decoder(tuple[OrderView, ...]).decode
_path: Final = msgspec.json.Decoder(tuple[str, ...]).decode


def check(connection: apsw.Connection) -> None:
    """Raise WrongLog where the tables do not show the log, for example because another version wrote them."""
    reason = tables.stale(connection)
    if reason is not None:
        raise WrongLog(
            f"{reason}; `tools/replay.py --rebuild` writes the tables anew from the events"
        )


# --- for the engine


def load_open_cycles(connection: apsw.Connection) -> list[Cycle]:
    """Every cycle that is not closed, in the order they were opened."""
    shared: dict[Any, Any] = {}
    found = connection.execute("SELECT snapshot FROM open_cycles ORDER BY number").fetchall()
    return [decode_cycle(str(text), shared) for (text,) in found]


def load_account(connection: apsw.Connection) -> Account:
    """The engine's book of its account."""
    text = connection.execute("SELECT snapshot FROM account_state").get
    if text is None:
        raise LogDamaged(
            "the table account_state is empty; `tools/replay.py --rebuild` writes it anew"
        )
    return decode_account(text)


def known_trades(connection: apsw.Connection, since_ns: int) -> set[tuple[str, str]]:
    """(market, trade id) of every recorded trade that the venue dated at or after a time."""
    found = connection.execute(
        "SELECT market, trade_id FROM ledger WHERE kind = 'base' AND venue_ns >= ?", (since_ns,)
    )
    return {(str(market), str(trade_id)) for market, trade_id in found}


def cycle_of_order(connection: apsw.Connection, client_order_id: str) -> str | None:
    """The cycle that intended an order; None for an order that this log does not know."""
    query = "SELECT cycle_id FROM orders WHERE client_order_id = ?"
    found: str | None = connection.execute(query, (client_order_id,)).get
    return found


def order_of_venue_id(connection: apsw.Connection, market: str, venue_order_id: str) -> str | None:
    """Our id of an order that the venue names so; None for an order that this log does not know."""
    query = "SELECT client_order_id FROM orders WHERE venue_order_id = ? AND market = ?"
    found: str | None = connection.execute(query, (venue_order_id, market)).get
    return found


def given_up_orders(connection: apsw.Connection, market: str, since_ns: int) -> list[str]:
    """Our ids of orders of a market that ended at or after a time and that the venue never named."""
    query = """SELECT client_order_id FROM orders
        WHERE final_ns >= ? AND market = ? AND venue_order_id IS NULL ORDER BY client_order_id"""
    return [str(row[0]) for row in connection.execute(query, (since_ns, market))]


def orders_final_since(connection: apsw.Connection, since_ns: int) -> list[OrderRow]:
    """Orders that became final at or after a time, oldest first: the ones still worth watching."""
    query = "SELECT * FROM orders WHERE final_ns >= ? ORDER BY final_ns, client_order_id"
    return [order_row(row) for row in connection.execute(query, (since_ns,))]


def strategy_text(connection: apsw.Connection, config: str) -> str | None:
    """The canonical configuration of a hash; None if no cycle of this log began with it."""
    query = "SELECT text FROM strategies WHERE config = ?"
    found: str | None = connection.execute(query, (config,)).get
    return found


# --- for whoever looks


def resolve_prefix(connection: apsw.Connection, text: str) -> str:
    """The id of the cycle that is meant: the exact id wins, else the only one that begins with the text.

    Raises NoSuchCycle, which names up to five of several.
    """
    query = "SELECT id FROM cycles WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"
    last = text + _LAST_LETTER
    found = [str(row[0]) for row in connection.execute(query, (text, last, NAMED_MAX + 1))]
    return text if text in found else only_one(text, found)


def only_one(text: str, found: list[str]) -> str:
    """The only id that was found for a text; raises NoSuchCycle, which names up to five of several."""
    if len(found) == 1 and text:
        return found[0]
    if not found or not text:
        raise NoSuchCycle(f"no cycle begins with {text!r}; `tools/monitor.py --history` lists them")
    more = ", ..." if len(found) > NAMED_MAX else ""
    raise NoSuchCycle(f"several cycles begin with {text!r}: {', '.join(found[:NAMED_MAX])}{more}")


def cycle(connection: apsw.Connection, cycle_id: str) -> CycleView | None:
    """One cycle's row; None if there is none."""
    found = _views(connection, "SELECT * FROM cycles WHERE id = ?", (cycle_id,))
    return found[0] if found else None


def active(connection: apsw.Connection) -> list[CycleView]:
    """Cycles that are not closed, oldest first."""
    query = """SELECT cycles.* FROM open_cycles JOIN cycles ON cycles.id = open_cycles.cycle_id
        ORDER BY open_cycles.number"""
    return _views(connection, query)


def parked(connection: apsw.Connection) -> list[CycleView]:
    """Closed cycles that still keep something that could not be sold, oldest first."""
    query = """SELECT * FROM cycles WHERE state = 'failed'
        AND json_extract(metadata_json, '$.outcome') = ? ORDER BY rowid"""
    views = _views(connection, query, (PARKED,)) if load_account(connection).owned_closed else []
    return [view for view in views if view.metadata.parked]


def history(connection: apsw.Connection, limit: int, *, hidden: bool = False) -> list[CycleView]:
    """The cycles opened last, newest first. Finished ones that were cleaned up are left out, unless they hold something."""
    before = 0 if hidden else load_account(connection).hidden_before_ns
    query = """SELECT * FROM cycles WHERE end_time IS NULL OR end_time >= ?
        OR json_extract(metadata_json, '$.parked') <> '{}' ORDER BY rowid DESC LIMIT ?"""
    return _views(connection, query, (before / NS_PER_S, limit))


def hidden_count(connection: apsw.Connection) -> int:
    """How many cycles the default views leave out."""
    before = load_account(connection).hidden_before_ns
    query = """SELECT count(*) FROM cycles WHERE end_time < ?
        AND json_extract(metadata_json, '$.parked') = '{}'"""
    found: int = connection.execute(query, (before / NS_PER_S,)).get
    return found


def declined(connection: apsw.Connection) -> list[DeclinedRow]:
    """Declined opportunities, and recorded cycles that were declined; the most frequent first."""
    found = connection.execute(
        """SELECT strategy, reason, 'opportunity', count, last_ns, sample FROM declined
        UNION ALL
        SELECT strategy_name, reason, 'cycle', count(*), max(at_ns), detail FROM (
            SELECT strategy_name, CAST(round(end_time * 1000) AS INTEGER) * 1000000 AS at_ns,
            CASE instr(error_message, ': ') WHEN 0 THEN error_message
            ELSE substr(error_message, 1, instr(error_message, ': ') - 1) END AS reason,
            CASE instr(error_message, ': ') WHEN 0 THEN ''
            ELSE substr(error_message, instr(error_message, ': ') + 2) END AS detail
            FROM cycles WHERE state = 'failed' AND json_extract(metadata_json, '$.outcome') = ?)
        GROUP BY strategy_name, reason
        ORDER BY 4 DESC, 1, 2, 3""",
        (DECLINED,),
    )
    return [
        DeclinedRow(str(strategy), str(reason), str(what), int(count), int(last_ns), str(sample))
        for strategy, reason, what, count, last_ns, sample in found
    ]


def counts(connection: apsw.Connection) -> dict[tuple[str, str], int]:
    """Cycles by state, and totals of orders and trades: (table, what) -> how many.

    What an operator attested and the venue told otherwise is no trade.
    """
    found = connection.execute(
        """SELECT 'cycles', state, count(*) FROM cycles GROUP BY state
        UNION ALL SELECT 'orders', status, count(*) FROM orders GROUP BY status
        UNION ALL SELECT 'trades', 'all', (SELECT count(*) FROM ledger WHERE kind = 'base')
            - (SELECT coalesce(sum(count), 0) FROM risk WHERE name = ?)""",
        (counters.NAMES[f.AttestedFillReversed],),
    )
    return {(str(table), str(what)): int(number) for table, what, number in found}


def risk(connection: apsw.Connection) -> list[tuple[str, str, int]]:
    """The counters: (strategy, name, count), in order."""
    found = connection.execute("SELECT strategy, name, count FROM risk ORDER BY strategy, name")
    return [(str(strategy), str(name), int(count)) for strategy, name, count in found]


def orders_of(connection: apsw.Connection, cycle_id: str) -> list[OrderRow]:
    """The orders of a cycle, in the order they were intended."""
    query = """SELECT orders.* FROM cycles, json_each(cycles.orders_json) AS one
        JOIN orders ON orders.client_order_id = json_extract(one.value, '$.id')
        WHERE cycles.id = ? ORDER BY orders.number"""
    return [order_row(row) for row in connection.execute(query, (cycle_id,))]


def _views(
    connection: apsw.Connection, query: str, parameters: tuple[str | int | float, ...] = ()
) -> list[CycleView]:
    return [view_of(row) for row in connection.execute(query, parameters).fetchall()]


def view_of(row: tuple[Any, ...]) -> CycleView:
    """Read a row of `cycles`; raises LogDamaged where its JSON is not what we write."""
    columns: dict[str, Any] = dict(zip(CYCLE_COLUMNS, row, strict=True))
    try:
        return CycleView(
            columns=columns,
            path=_path(columns["cycle_json"]),
            metadata=_metadata(columns["metadata_json"]),
            orders=_orders(columns["orders_json"]),
        )
    except (msgspec.DecodeError, TypeError) as error:
        raise LogDamaged(
            f"the row of cycle {columns['id']} cannot be read ({error});"
            " `tools/replay.py --rebuild` writes the tables anew"
        ) from error


def order_row(row: tuple[Any, ...]) -> OrderRow:
    """Read a row of `orders`."""
    return msgspec.convert(dict(zip(OrderRow.__struct_fields__, row, strict=True)), OrderRow)
