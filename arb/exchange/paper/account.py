"""The paper venue's own account: balances, orders, fills and used-up depth, in a file of its own.

It stands in for an exchange's database, so it shares nothing with the engine's log and ledger: what
it says is the truth that a ledger is held against. Each group of writes is one durable transaction.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final, Self

import apsw
from msgspec import Struct, convert

from arb.errors import ArbError
from arb.exchange.paper.file import open_file, open_to_read
from arb.exchange.paper.records import PaperFill, PaperOrder
from arb.exchange.port import Balance, BalanceChange
from arb.money import ZERO, plain

# (side taken, price) -> the size that was shown, and what our orders took of it
Levels = Mapping[tuple[str, Decimal], tuple[Decimal, Decimal]]

_ORDER: Final = (
    "number, client_order_id, market, base, quote, side, kind, time_in_force, amount, price,"
    " status, filled, locked, created_ns, closed_ns"
)
_FILL: Final = (
    "number, order_number, client_order_id, market, side, price, amount, cost, fee, fee_asset,"
    " maker, at_ns"
)


class Taken(Struct, frozen=True, gc=False):
    """What our orders took of a market's levels; all of these stood at `at_ns`."""

    at_ns: int
    levels: Levels


_NOTHING: Final = Taken(0, {})


class AccountBroken(ArbError):
    """The paper venue tried to book what its account does not hold. This is a defect of the venue."""

    code = "ARB-620"


class PaperAccount:
    """The account of one user at the paper venue. Writing needs `with account.transaction():`."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._taken: dict[str, Taken] = {}
        self.uid = str(db.execute("SELECT value FROM meta WHERE name = 'uid'").get)

    @classmethod
    def open(cls, path: Path | None, *, uid: str, opening: Mapping[str, Decimal]) -> Self:
        """Open the account in a file, or in memory for None.

        A new account gets the uid and the opening balances; one that exists keeps its own. Raises
        WrongLog for a file of another kind or a newer version.
        """
        return cls(open_file(path, uid, opening))

    @classmethod
    def audit(cls, path: Path) -> Self:
        """Open an existing account to read it only, also while a venue writes it."""
        return cls(open_to_read(path))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Group writes: all of them are on the disk when the block ends, or none is."""
        try:
            with self._db:
                yield
        except BaseException:
            self._taken.clear()
            raise

    # --- for auditors

    def totals(self) -> dict[str, Decimal]:
        """Free and locked together, for every asset ever held."""
        return {asset: balance.total for asset, balance in self.balances().items()}

    def opening(self) -> dict[str, Decimal]:
        """What the account was opened with."""
        rows = self._db.execute("SELECT asset, amount FROM opening ORDER BY asset")
        return {asset: Decimal(amount) for asset, amount in rows}

    def all_orders(self) -> tuple[PaperOrder, ...]:
        """Every order, oldest first."""
        return self._orders("ORDER BY number")

    def all_fills(self) -> tuple[PaperFill, ...]:
        """Every trade, oldest first."""
        return self._fills("ORDER BY number")

    # --- balances

    def balances(self) -> dict[str, Balance]:
        """What is held, by asset."""
        rows = self._db.execute("SELECT asset, free, locked FROM balances ORDER BY asset")
        return {asset: Balance(Decimal(free), Decimal(locked)) for asset, free, locked in rows}

    def free(self, asset: str) -> Decimal:
        """What of an asset can be used."""
        return self._balance(asset).free

    def book_balance(self, asset: str, *, free: Decimal = ZERO, locked: Decimal = ZERO) -> None:
        """Add to free and locked; raises AccountBroken rather than go below 0."""
        was = self._balance(asset)
        now = Balance(was.free + free, was.locked + locked)
        if now.free < 0 or now.locked < 0:
            raise AccountBroken(f"{asset} would be {now.free} free and {now.locked} locked")
        self._db.execute(
            "INSERT INTO balances VALUES(?1, ?2, ?3)"
            " ON CONFLICT(asset) DO UPDATE SET free = ?2, locked = ?3",
            (asset, plain(now.free), plain(now.locked)),
        )

    def _balance(self, asset: str) -> Balance:
        row = self._db.execute("SELECT free, locked FROM balances WHERE asset = ?", (asset,)).get
        return Balance(ZERO, ZERO) if row is None else Balance(Decimal(row[0]), Decimal(row[1]))

    def add_change(self, asset: str, amount: Decimal, at_ns: int, *, reported: bool) -> None:
        """Book a deposit (above 0) or a withdrawal (below 0)."""
        self.book_balance(asset, free=amount)
        self._db.execute(
            "INSERT INTO changes(asset, amount, at_ns, reported) VALUES(?, ?, ?, ?)",
            (asset, plain(amount), at_ns, int(reported)),
        )

    def changes(self, since_ns: int, *, reported_only: bool) -> tuple[BalanceChange, ...]:
        """Deposits and withdrawals since a time, oldest first."""
        rows = self._db.execute(
            "SELECT number, asset, amount, at_ns FROM changes"
            " WHERE at_ns >= ? AND reported >= ? ORDER BY number",
            (since_ns, int(reported_only)),
        )
        return tuple(
            BalanceChange(f"c{number}", asset, Decimal(amount), at_ns)
            for number, asset, amount, at_ns in rows
        )

    def changes_after(self, number: int) -> tuple[BalanceChange, ...]:
        """Deposits and withdrawals after one of them, by its number; reported or not."""
        rows = self._db.execute(
            "SELECT number, asset, amount, at_ns FROM changes WHERE number > ? ORDER BY number",
            (number,),
        )
        return tuple(
            BalanceChange(f"c{number}", asset, Decimal(amount), at_ns)
            for number, asset, amount, at_ns in rows
        )

    def last_change_number(self) -> int:
        """Name the number of the newest deposit or withdrawal; 0 before the first."""
        return int(self._db.execute("SELECT coalesce(max(number), 0) FROM changes").get)

    # --- orders

    def next_order_number(self) -> int:
        """Name the number that the next order gets."""
        return int(self._db.execute("SELECT coalesce(max(number), 0) + 1 FROM orders").get)

    def put_order(self, order: PaperOrder) -> None:
        """Write an order as it stands now."""
        self._db.execute(
            f"INSERT INTO orders({_ORDER}) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
            " ON CONFLICT(number) DO UPDATE SET status = excluded.status, filled = excluded.filled,"
            " locked = excluded.locked, closed_ns = excluded.closed_ns",
            (
                order.number,
                order.client_order_id,
                order.market,
                order.base,
                order.quote,
                order.side,
                order.kind,
                order.time_in_force,
                plain(order.amount),
                None if order.limit is None else plain(order.limit),
                order.status,
                plain(order.filled),
                plain(order.locked),
                order.created_ns,
                order.closed_ns,
            ),
        )

    def order(self, number: int) -> PaperOrder | None:
        """Read an order by its number."""
        return _only(self._orders("WHERE number = ?", number))

    def order_of_client(self, client_order_id: str) -> PaperOrder | None:
        """Read the newest order with a client's id; the venue takes an id again once it is free."""
        where = "WHERE client_order_id = ? ORDER BY number DESC LIMIT 1"
        return _only(self._orders(where, client_order_id))

    def open_orders(self) -> tuple[PaperOrder, ...]:
        """Every resting order, oldest first."""
        return self._orders("WHERE status = 'open' ORDER BY number")

    def orders_since(self, since_ns: int) -> tuple[PaperOrder, ...]:
        """Orders that were created or filled since a time, oldest first."""
        where = (
            "WHERE created_ns >= ?1 OR number IN"
            " (SELECT order_number FROM fills WHERE at_ns >= ?1) ORDER BY number"
        )
        return self._orders(where, since_ns)

    def orders_after(self, number: int) -> tuple[PaperOrder, ...]:
        """Orders after one of them, by its number, oldest first."""
        return self._orders("WHERE number > ? ORDER BY number", number)

    def orders_on(self, market: str, first: int) -> tuple[PaperOrder, ...]:
        """Orders on a market from a number on, oldest first."""
        return self._orders("WHERE market = ? AND number >= ? ORDER BY number", market, first)

    def orders_by_client_id(self, at_least: int) -> dict[str, int]:
        """Count the orders of every client's id that has at least so many."""
        rows = self._db.execute(
            "SELECT client_order_id, count(*) FROM orders WHERE client_order_id IS NOT NULL"
            " GROUP BY client_order_id HAVING count(*) >= ?",
            (at_least,),
        )
        return dict(rows)

    def _orders(self, where: str, *values: int | str) -> tuple[PaperOrder, ...]:
        rows = self._db.execute(f"SELECT {_ORDER} FROM orders {where}", values)  # noqa: S608 -- constants
        return tuple(_read_order(row) for row in rows)

    # --- fills

    def next_fill_number(self) -> int:
        """Name the number that the next trade gets."""
        return int(self._db.execute("SELECT coalesce(max(number), 0) + 1 FROM fills").get)

    def add_fill(self, fill: PaperFill) -> None:
        """Write a trade."""
        self._db.execute(
            f"INSERT INTO fills({_FILL}) VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                fill.number,
                fill.order,
                fill.client_order_id,
                fill.market,
                fill.side,
                plain(fill.price),
                plain(fill.amount),
                plain(fill.cost),
                plain(fill.fee),
                fill.fee_asset,
                int(fill.maker),
                fill.at_ns,
            ),
        )

    def fills_of(self, order: int) -> tuple[PaperFill, ...]:
        """Read the trades of an order, oldest first."""
        return self._fills("WHERE order_number = ? ORDER BY number", order)

    def fills_on(self, market: str, since_ns: int) -> tuple[PaperFill, ...]:
        """Read the trades on a market since a time, oldest first."""
        return self._fills("WHERE market = ? AND at_ns >= ? ORDER BY number", market, since_ns)

    def fills_since(self, since_ns: int) -> tuple[PaperFill, ...]:
        """Read all trades since a time, oldest first."""
        return self._fills("WHERE at_ns >= ? ORDER BY number", since_ns)

    def fills_after(self, number: int) -> tuple[PaperFill, ...]:
        """Read the trades after one of them, by its number, oldest first."""
        return self._fills("WHERE number > ? ORDER BY number", number)

    def _fills(self, where: str, *values: int | str) -> tuple[PaperFill, ...]:
        rows = self._db.execute(f"SELECT {_FILL} FROM fills {where}", values)  # noqa: S608 -- constants
        return tuple(_read_fill(row) for row in rows)

    # --- the market as this account has used it up

    def taken(self, market: str) -> Taken:
        """What was taken of a market's levels, as it was last written: the same object until then."""
        known = self._taken.get(market)
        if known is None:
            rows = self._db.execute(
                "SELECT at_ns, side, price, shown, amount FROM taken WHERE market = ?", (market,)
            )
            known = _NOTHING
            levels = {}
            for at_ns, side, price, shown, amount in rows:
                levels[side, Decimal(price)] = (Decimal(shown), Decimal(amount))
                known = Taken(at_ns, levels)
            self._taken[market] = known
        return known

    def put_taken(self, market: str, at_ns: int, levels: Levels) -> None:
        """Write what is taken of a market's levels that stand at a time, and forget the others."""
        self._db.execute("DELETE FROM taken WHERE market = ?", (market,))
        self._db.executemany(
            "INSERT INTO taken VALUES(?, ?, ?, ?, ?, ?)",
            [
                (market, at_ns, side, plain(price), plain(shown), plain(amount))
                for (side, price), (shown, amount) in levels.items()
            ],
        )
        self._taken[market] = Taken(at_ns, dict(levels))

    def seen_ns(self) -> int:
        """The venue time up to which resting orders were held against the market."""
        return int(self._db.execute("SELECT value FROM meta WHERE name = 'seen_ns'").get or 0)

    def set_seen_ns(self, at_ns: int) -> None:
        """Remember that time."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES('seen_ns', ?)", (str(at_ns),))

    def halted(self) -> frozenset[str]:
        """The markets that are halted."""
        return frozenset(name for (name,) in self._db.execute("SELECT market FROM halted"))

    def set_halted(self, market: str, *, halted: bool) -> None:
        """Halt a market or open it again."""
        if halted:
            self._db.execute("INSERT OR IGNORE INTO halted VALUES(?)", (market,))
        else:
            self._db.execute("DELETE FROM halted WHERE market = ?", (market,))


def _read_order(row: "apsw.SQLiteValues") -> PaperOrder:
    return convert(dict(zip(PaperOrder.__struct_fields__, row, strict=True)), PaperOrder)


def _read_fill(row: "apsw.SQLiteValues") -> PaperFill:
    named = dict(zip(PaperFill.__struct_fields__, row, strict=True))
    return convert({**named, "maker": bool(named["maker"])}, PaperFill)


def _only(found: tuple[PaperOrder, ...]) -> PaperOrder | None:
    return found[0] if found else None
