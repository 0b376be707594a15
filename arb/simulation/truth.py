"""The venue's own truth of a run, as a file beside the log: what a log is held against."""

import json
from pathlib import Path
from typing import Any, Final

from arb.exchange.paper_account import PaperAccount
from arb.exchange.paper_records import PaperFill, PaperOrder
from arb.money import plain

TRUTH_FILE: Final = "truth.json"

Words = dict[str, Any]


def truth_of(account: PaperAccount) -> Words:
    """What the venue itself booked."""
    return {
        "opening": {asset: plain(amount) for asset, amount in account.opening().items()},
        "balances": {
            asset: {"free": plain(balance.free), "locked": plain(balance.locked)}
            for asset, balance in account.balances().items()
        },
        "orders": [_order(order) for order in account.all_orders()],
        "fills": [_fill(fill) for fill in account.all_fills()],
        "changes": _changes(account),
    }


def write_truth(folder: Path, truth: Words) -> Path:
    """Write it beside the log."""
    path = folder / TRUTH_FILE
    path.write_text(json.dumps(truth, indent=1) + "\n")
    return path


def _order(order: PaperOrder) -> Words:
    return {
        "order_id": order.exchange_order_id,
        "client_order_id": order.client_order_id,
        "market": order.market,
        "side": order.side,
        "status": order.status,
        "amount": plain(order.amount),
        "filled": plain(order.filled),
        "at_ns": order.created_ns,
    }


def _fill(fill: PaperFill) -> Words:
    return {
        "trade_id": fill.trade_id,
        "order_id": f"o{fill.order}",
        "client_order_id": fill.client_order_id,
        "market": fill.market,
        "side": fill.side,
        "price": plain(fill.price),
        "amount": plain(fill.amount),
        "cost": plain(fill.cost),
        "fee": plain(fill.fee),
        "fee_asset": fill.fee_asset,
        "at_ns": fill.at_ns,
    }


def _changes(account: PaperAccount) -> list[Words]:
    told = {change.change_id for change in account.changes(0, reported_only=True)}
    return [
        {
            "change_id": change.change_id,
            "asset": change.asset,
            "amount": plain(change.amount),
            "kind": "deposit" if change.amount > 0 else "withdrawal",
            "reported": change.change_id in told,
            "at_ns": change.venue_ns,
        }
        for change in account.changes(0, reported_only=False)
    ]
