"""The paper venue's own account, beside a log: its doors for a user, and the truth a log is held against."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

from arb.exchange.paper.account import PaperAccount
from arb.exchange.paper.records import PaperOrder
from tests.spec.processes import rows

AT_NS = 2_000_000_000_000_000_000  # when a user moves money: after everything else


def account_file(db: Path) -> Path:
    return db.with_name(db.name + ".paper")


def move(db: Path, asset: str, amount: Decimal, *, reported: bool) -> None:
    """Deposit (above 0) or withdraw (below 0) between runs; the venue tells of it or not."""
    account = PaperAccount.open(account_file(db), uid="", opening={})
    try:
        with account.transaction():
            account.add_change(asset, amount, AT_NS, reported=reported)
    finally:
        account.close()


def free(db: Path, asset: str) -> Decimal:
    account = PaperAccount.audit(account_file(db))
    try:
        return account.free(asset)
    finally:
        account.close()


def orders(db: Path) -> tuple[PaperOrder, ...]:
    """Every order the venue ever took."""
    account = PaperAccount.audit(account_file(db))
    try:
        return account.all_orders()
    finally:
        account.close()


def differences(db: Path) -> dict[str, Decimal]:
    """What the venue holds beyond its opening, deposits and the log's ledger; empty when all is well."""
    account = PaperAccount.audit(account_file(db))
    try:
        found = Counter(account.totals())
        found.subtract(account.opening())
        for change in account.changes(0, reported_only=False):
            found[change.asset] -= change.amount
    finally:
        account.close()
    for asset, amount in rows(db, "SELECT asset, amount FROM ledger"):
        found[asset] -= Decimal(amount)
    return {asset: amount for asset, amount in found.items() if amount}


def sent_twice(db: Path) -> list[str | None]:
    """Client order ids that the venue took more than once."""
    times = Counter(order.client_order_id for order in orders(db))
    return [name for name, count in times.items() if count > 1]


def assert_nothing_lost(db: Path) -> None:
    """Every unit is accounted for, no order was sent twice, and none is unknown to the log."""
    assert differences(db) == {}
    assert sent_twice(db) == []
    intended = {name for (name,) in rows(db, "SELECT client_order_id FROM orders")}
    assert {order.client_order_id for order in orders(db)} <= intended
