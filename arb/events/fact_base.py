"""What every fact has in common."""

from decimal import Decimal
from typing import ClassVar

from msgspec import Struct

Amounts = dict[str, Decimal]  # asset -> amount


class Fact(
    Struct,
    frozen=True,
    tag=True,
    tag_field="type",
    forbid_unknown_fields=True,
    gc=False,
    kw_only=True,
):
    """What every fact has in common: a type name in its data, and a shape number beside it."""

    SHAPE: ClassVar[int] = 1


class CycleFact(
    Fact,
    frozen=True,
    tag=True,
    tag_field="type",
    forbid_unknown_fields=True,
    gc=False,
    kw_only=True,
):
    """A fact that moves a cycle: `arb.machine.table` says from which states, and to which one."""


class OrderFact(
    Fact,
    frozen=True,
    tag=True,
    tag_field="type",
    forbid_unknown_fields=True,
    gc=False,
    kw_only=True,
):
    """A fact about one order of a cycle; by itself it never moves the cycle."""

    client_order_id: str
