"""What changed in a cycle between two of its versions."""

from collections.abc import Iterator
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import asdict

from arb.machine.state import Cycle
from arb.money import plain

Flat = dict[str, str]


class Change(Struct, frozen=True):
    """One value that differs; None where it is not there."""

    what: str
    was: str | None
    now: str | None


def changes(one: Cycle, other: Cycle) -> list[Change]:
    """Every value that differs, in the order in which a cycle has them."""
    before, after = dict(_flat(one)), dict(_flat(other))
    names = list(dict.fromkeys([*before, *after]))
    return [
        Change(name, before.get(name), after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    ]


def _flat(cycle: Cycle) -> Iterator[tuple[str, str]]:
    for name, value in asdict(cycle).items():
        if name in {"recent", "filed"}:
            continue  # they are the orders, below
        yield from _values(name, value)
    for order in cycle.orders:
        for name, value in asdict(order).items():
            if name != "client_order_id":
                yield from _values(f"order {order.client_order_id} {name}", value)


def _values(name: str, value: object) -> Iterator[tuple[str, str]]:
    match value:
        case None | "":
            return
        case Decimal():
            yield name, plain(value)
        case dict():
            for key, part in value.items():
                yield from _values(f"{name} {key}", part)
        case tuple():
            yield name, ", ".join(_item(part) for part in value)
        case _:
            yield name, str(value)


def _item(part: object) -> str:
    match part:
        case Struct():
            return " ".join(str(value) for value in asdict(part).values())
        case tuple():
            return str(part[0])
    return str(part)
