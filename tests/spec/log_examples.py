"""Example facts of every type, and short ways to open a log in a test."""

import types
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from msgspec import Struct

from arb.events.envelope import Meta
from arb.events.facts import CancelIntended, OrderFilled
from arb.events.log import StreamAppend
from arb.events.sqlite import Projector, SqliteLog, open_log

META = Meta(run="test")
AT_NS = 1_700_000_000_000_000_000
_S = TypeVar("_S", bound=Struct)

FILL = OrderFilled(
    client_order_id="xabcdaaaaaaaabaazz",
    exchange_order_id="28",
    trade_id="991",
    market="BTC/USDT",
    base="BTC",
    quote="USDT",
    side="buy",
    price=Decimal("60000.12"),
    amount=Decimal("0.01"),
    cost=Decimal("600.0012"),
    fee=Decimal("0.00001"),
    fee_asset="BTC",
    venue_ns=AT_NS,
)


def note(text: str = "because") -> CancelIntended:
    """A small fact that can be told from others."""
    return CancelIntended(client_order_id="xabcdaaaaaaaabaazz", reason=text)


def to(stream: str, expected: int, *facts: Any) -> tuple[StreamAppend]:
    """A batch for one stream."""
    return (StreamAppend(stream, expected, facts or (note(),)),)


def open_paper(
    path: Path,
    *,
    on_loop: bool = True,
    durable: bool = True,
    projector: Projector | None = None,
    vfs: str | None = None,
    account: str = "alice",
) -> SqliteLog:
    """Open or create a paper log."""
    return open_log(
        path,
        mode="paper",
        venue="paper",
        account=account,
        instance="abcd",
        run="test",
        at_ns=AT_NS,
        on_loop=on_loop,
        durable=durable,
        projector=projector,
        vfs=vfs,
    )


def names(folder: Path) -> list[str]:
    """The files in a folder."""
    return sorted(file.name for file in folder.iterdir())


def example(struct: type[_S]) -> _S:
    """One fixed example of a struct."""
    hints = get_type_hints(struct)
    return struct(**{name: _example(hints[name], name) for name in struct.__struct_fields__})


def _example(hint: Any, name: str) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if hint is Decimal:
        return Decimal("-12.00000001") if name == "pnl" else Decimal("0.10")
    if hint is str:
        return f"{name} é"
    if hint is int:
        return AT_NS if name.endswith("_ns") else 3
    if hint is bool:
        return True
    if origin is tuple:
        return (_example(args[0], name),) * 2
    if origin is dict:
        return {"BTC": _example(args[1], name), "USDT": _example(args[1], name)}
    if origin in {types.UnionType, Union}:
        return _example(args[0], name)
    return example(hint)
