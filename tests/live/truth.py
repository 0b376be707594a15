"""A log held against the practice exchange's own account, which shares nothing with it."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

from arb.events import facts as f
from arb.events.sqlite import LogReader
from arb.exchange.paper.account import PaperAccount
from arb.exchange.paper.records import PaperFill, PaperOrder
from tests.spec.processes import rows


class Truth:
    """The exchange's account and the log, read when both are at rest."""

    def __init__(self, db: Path, account_file: Path) -> None:
        self.db = db
        account = PaperAccount.audit(account_file)
        try:
            self.orders: tuple[PaperOrder, ...] = account.all_orders()
            self.fills: tuple[PaperFill, ...] = account.all_fills()
            self._totals = account.totals()
            self._opening = account.opening()
            self._changes = account.changes(0, reported_only=False)
        finally:
            account.close()
        exists = db.exists()
        self._ours = (
            {name for (name,) in rows(db, "SELECT client_order_id FROM orders")}
            if exists
            else set()
        )
        self.states = Counter(
            dict(rows(db, "SELECT state, count(*) FROM cycles GROUP BY state")) if exists else {}
        )

    def differences(self) -> dict[str, Decimal]:
        """What the venue holds beyond opening, changes, foreign trades and the ledger: nothing."""
        found = Counter(self._totals)
        found.subtract(self._opening)
        for change in self._changes:
            found[change.asset] -= change.amount
        for fill in self.fills:
            if fill.client_order_id not in self._ours:
                sign = 1 if fill.side == "buy" else -1
                base, quote = fill.market.split("/")
                found[base] -= sign * fill.amount
                found[quote] += sign * fill.cost
                found[fill.fee_asset] += fill.fee
        for asset, amount in rows(self.db, "SELECT asset, amount FROM ledger"):
            found[asset] -= Decimal(amount)
        return {asset: amount for asset, amount in found.items() if amount}

    def sent_twice(self) -> list[str | None]:
        """Client order ids of ours that the venue took more than once."""
        times = Counter(order.client_order_id for order in self.orders)
        return [name for name, count in times.items() if count > 1]

    def unknown_to_the_log(self) -> list[str]:
        """Orders with an id of this engine's shape that the log never intended."""
        names = [order.client_order_id for order in self.orders]
        ours = [name for name in names if name is not None and name.startswith("x")]
        return [name for name in ours if name not in self._ours]

    def facts(self) -> list[f.Fact]:
        """Every fact of the log, in order."""
        if not self.db.exists():
            return []
        with LogReader(self.db) as reader:
            return [record.fact for record in reader.read(0)]
