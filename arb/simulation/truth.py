"""What really happened in a run, in the venue's and the disk's own words: `truth.json` beside the log, for the checker."""

from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from arb.exchange.paper.account import PaperAccount
from arb.money import plain


class Held(Struct, frozen=True):
    """A balance."""

    free: str
    locked: str


class TrueOrder(Struct, frozen=True):
    """An order that the venue took, whoever placed it."""

    order_id: str
    client_order_id: str | None
    market: str
    side: str
    status: str
    filled: str
    at_ns: int


class TrueFill(Struct, frozen=True):
    """A trade as the venue booked it."""

    trade_id: str
    order_id: str
    client_order_id: str | None
    market: str
    side: str
    amount: str
    cost: str
    fee: str
    fee_asset: str
    at_ns: int


class TrueChange(Struct, frozen=True):
    """A deposit (above 0) or a withdrawal."""

    asset: str
    amount: str
    kind: str
    at_ns: int


class TrueCreate(Struct, frozen=True):
    """A request to create an order that reached the venue."""

    client_order_id: str
    at_ns: int


class Account(Struct, frozen=True):
    """The venue's own account of one user."""

    opening: dict[str, str]
    balances: dict[str, Held]
    orders: list[TrueOrder]
    fills: list[TrueFill]
    changes: list[TrueChange]


class Truth(Struct, frozen=True, kw_only=True):
    """All of it."""

    seed: int
    opening: dict[str, str]
    balances: dict[str, Held]
    orders: list[TrueOrder]
    fills: list[TrueFill]
    changes: list[TrueChange]
    creates: list[TrueCreate]
    acknowledged: list[tuple[int, str]]  # position and hash of the head after each append
    virtual_s: float
    virtual_s_max: float
    lives: int
    must_trade: bool  # the last life was fair weather on a market that pays
    candid: bool  # balances showed at once whatever had happened


def account_truth(account: PaperAccount, *, bare_ids: bool = False) -> Account:
    """Read an account; a venue that speaks a real one's protocol tells its ids as bare numbers."""

    def order_id(number: int) -> str:
        return str(number) if bare_ids else f"o{number}"

    return Account(
        opening={asset: plain(amount) for asset, amount in account.opening().items()},
        balances={
            asset: Held(plain(one.free), plain(one.locked))
            for asset, one in account.balances().items()
        },
        orders=[
            TrueOrder(
                order_id=order_id(one.number),
                client_order_id=one.client_order_id,
                market=one.market,
                side=one.side,
                status=one.status,
                filled=plain(one.filled),
                at_ns=one.created_ns,
            )
            for one in account.all_orders()
        ],
        fills=[
            TrueFill(
                trade_id=str(one.number) if bare_ids else one.trade_id,
                order_id=order_id(one.order),
                client_order_id=one.client_order_id,
                market=one.market,
                side=one.side,
                amount=plain(one.amount),
                cost=plain(one.cost),
                fee=plain(one.fee),
                fee_asset=one.fee_asset,
                at_ns=one.at_ns,
            )
            for one in account.all_fills()
        ],
        changes=[
            TrueChange(
                asset=one.asset,
                amount=plain(one.amount),
                kind="deposit" if one.amount > 0 else "withdrawal",
                at_ns=one.venue_ns,
            )
            for one in account.changes(0, reported_only=False)
        ],
    )


def write_truth(
    path: Path,
    account: Account,
    *,
    seed: int,
    creates: Iterable[tuple[str, int]],
    acknowledged: Iterable[tuple[int, str]],
    virtual_s: float,
    virtual_s_max: float,
    lives: int,
    must_trade: bool,
    candid: bool = False,
) -> None:
    """Write it where the checker finds it."""
    told = Truth(
        seed=seed,
        opening=account.opening,
        balances=account.balances,
        orders=account.orders,
        fills=account.fills,
        changes=account.changes,
        creates=[TrueCreate(name, at_ns) for name, at_ns in creates],
        acknowledged=sorted(set(acknowledged)),
        virtual_s=virtual_s,
        virtual_s_max=virtual_s_max,
        lives=lives,
        must_trade=must_trade,
        candid=candid,
    )
    path.write_bytes(msgspec.json.encode(told))
