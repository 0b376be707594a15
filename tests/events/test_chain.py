"""The byte form of the chain, computed here by other means, as another program would."""

from hashlib import sha256

import pytest

from arb.events.chain import link
from arb.events.envelope import GENESIS

ROW = (7, "cycle-é", 2, "OrderFilled", 1, 1_700_000_000_000_000_000, '{"a":"é"}', "{}", None)


def field(value: int | str | None) -> bytes:
    if value is None:
        return b"\xff\xff\xff\xff"
    stored = value.to_bytes(8, "big", signed=True) if isinstance(value, int) else value.encode()
    return len(stored).to_bytes(4, "big") + stored


def test_a_hash_covers_the_columns_in_their_order_as_documented() -> None:
    for command in (None, "", "c1"):
        row = (*ROW[:8], command)
        assert link(GENESIS, *row) == sha256(GENESIS + b"".join(map(field, row))).digest()


def test_the_chain_is_the_same_for_ever() -> None:
    one = link(GENESIS, *ROW)
    two = link(one, 8, "cycle-é", 3, "OrderFilled", 1, 5, "{}", '{"run":"r"}', "c")
    assert one.hex() == "25b6fc490d159d28b7f518eb6e06e2b8dd6591547953533b870d1028277026b9"
    assert two.hex() == "ba7151b2984e0b10eccf2142d2d4a84121caa92ff5cf456c70475718f5119f0b"


@pytest.mark.parametrize("column", range(9))
def test_every_column_counts(column: int) -> None:
    value = ROW[column]
    other = value + 1 if isinstance(value, int) else "" if value is None else value + "x"
    changed = (*ROW[:column], other, *ROW[column + 1 :])
    assert link(GENESIS, *changed) != link(GENESIS, *ROW)


def test_a_letter_cannot_move_into_the_next_column() -> None:
    moved = (7, "cycle-éx", 2, "OrderFilled", 1, ROW[5], '{"a":"é"}', "{}", None)
    there = (7, "cycle-é", 2, "xOrderFilled", 1, ROW[5], '{"a":"é"}', "{}", None)
    assert link(GENESIS, *moved) != link(GENESIS, *there)
    assert link(bytes(31) + b"\1", *ROW) != link(GENESIS, *ROW)
