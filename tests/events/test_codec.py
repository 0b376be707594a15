"""Facts to JSON and back, for every type and for ever."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from arb.errors import BadNumber, LogDamaged, UnknownEvent
from arb.events.codec import Codec, decode, decode_meta, encode, encode_meta
from arb.events.envelope import Meta
from arb.events.facts import (
    ALL_FACTS,
    CycleResumed,
    Fact,
    HoldingsReleased,
    LegSettled,
    StrategyLoaded,
)
from arb.events.upcast import Data
from tests.spec.log_examples import FILL, example, note
from tests.spec.log_strategies import facts_of

GOLDEN = Path(__file__).parent / "golden"


def has_float(text: str) -> bool:
    found: list[str] = []
    json.loads(text, parse_float=found.append)
    return bool(found)


@pytest.mark.parametrize("fact_type", ALL_FACTS)
def test_every_fact_survives_the_round_trip(fact_type: type[Fact]) -> None:
    @settings(max_examples=15, deadline=None, derandomize=True, database=None)
    @given(facts_of(fact_type))
    def check(fact: Fact) -> None:
        type_, shape, data = encode(fact)
        assert (type_, shape) == (fact_type.__name__, fact_type.SHAPE)
        assert json.loads(data)["type"] == type_
        assert not has_float(data)
        again = decode(type_, shape, data)
        assert again == fact
        assert encode(again) == (type_, shape, data)

    check()


@given(st.builds(Meta, run=st.text(), cause=st.text(), batch=st.integers(1, 4096)))
@settings(max_examples=50, deadline=None, derandomize=True, database=None)
def test_a_meta_survives_the_round_trip(meta: Meta) -> None:
    assert decode_meta(encode_meta(meta)) == meta


def test_the_golden_lines_of_every_shape_decode_for_ever() -> None:
    seen = set()
    for path in sorted(GOLDEN.glob("shape-*.jsonl")):
        shape = int(path.stem.removeprefix("shape-"))
        for line in path.read_text().splitlines():
            type_ = json.loads(line)["type"]
            fact = decode(type_, shape, line)
            assert type(fact).__name__ == type_
            seen.add((type_, shape))
            if shape == fact.SHAPE:
                assert encode(fact) == (type_, shape, line)
    wanted = {(one.__name__, shape) for one in ALL_FACTS for shape in range(1, one.SHAPE + 1)}
    missing = [encode(example(one)) for one in ALL_FACTS if (one.__name__, one.SHAPE) not in seen]
    assert seen == wanted, f"add a line for each new fact or shape: {missing}"


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        (replace(FILL, price=1.5), "OrderFilled.price holds 1.5"),
        (replace(FILL, price="1.5"), "OrderFilled.price holds '1.5'"),
        (replace(FILL, price=None), "Expected `decimal`, got `null`"),
        (replace(FILL, fee_asset=None), "Expected `str`, got `null`"),
        (replace(FILL, venue_ns=1.0), "Expected `int`, got `float`"),
        (replace(FILL, fee=Decimal("Infinity")), "fee holds Infinity"),
        (HoldingsReleased(reason="r", released={"BTC": 0.1}), "released"),
        (HoldingsReleased(reason="r", released={"BTC": Decimal("NaN")}), "released holds NaN"),
    ],
)
def test_a_fact_that_does_not_hold_what_it_declares_is_refused(fact: Fact, words: str) -> None:
    for _ in range(2):  # the second time by what was learned the first time
        encode(FILL)
        with pytest.raises(BadNumber) as caught:
            encode(fact)
        assert words in str(caught.value)


def test_the_words_nan_and_inf_are_innocent_in_a_text() -> None:
    assert decode(*encode(note("NaN in Infinity"))) == note("NaN in Infinity")


def test_none_is_kept_where_it_is_declared() -> None:
    resumed = CycleResumed(leg=1, output=Decimal(2), floor=Decimal(1), liquidation=None)
    assert decode(*encode(resumed)) == resumed
    assert decode(*encode(replace(resumed, liquidation=Decimal(1)))).liquidation == Decimal(1)
    with pytest.raises(BadNumber):
        encode(replace(resumed, floor=None))


def test_amounts_are_in_one_order_however_they_were_collected() -> None:
    one = HoldingsReleased(reason="r", released={"USDT": Decimal(1), "BTC": Decimal(2)})
    two = HoldingsReleased(reason="r", released={"BTC": Decimal(2), "USDT": Decimal(1)})
    assert encode(one) == encode(two)


@pytest.mark.parametrize(
    ("type_", "shape", "words"),
    [
        (
            "OrderTeleported",
            1,
            "an event of type 'OrderTeleported', which this version does not know",
        ),
        ("OrderFilled", 9, "OrderFilled of shape 9, and this version reads shapes 1 to 1"),
        ("OrderFilled", 0, "OrderFilled of shape 0"),
    ],
)
def test_an_unknown_event_says_what_to_do(type_: str, shape: int, words: str) -> None:
    with pytest.raises(
        UnknownEvent, match="use the version that wrote it, or a newer one"
    ) as caught:
        decode(type_, shape, "{}")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace('"type":"OrderFilled"', '"type":"OrderClosed"'),
        lambda data: data.replace('"side"', '"sied"'),
        lambda data: data[:-1] + ',"more":1}',
        lambda data: data[:-1],
        lambda data: data.replace('"0.01"', '"one"'),
        lambda data: data[:0],
        lambda data: data[:0] + "null",
    ],
)
def test_data_that_does_not_fit_its_type_column_is_damage(change: Callable[[str], str]) -> None:
    type_, shape, data = encode(FILL)
    with pytest.raises(LogDamaged, match="OrderFilled, shape 1"):
        decode(type_, shape, change(data))


def test_a_long_text_has_a_bound() -> None:
    with pytest.raises(ValueError, match="1000000 is the most"):
        encode(StrategyLoaded(name="a", config="b", text="x" * 1_000_000))


class Moved(Fact, frozen=True, tag="Moved"):
    SHAPE = 3

    where: str
    metres: Decimal


def rename(data: Data) -> Data:
    return {"type": data["type"], "where": data["place"], "km": data["km"]}


def in_metres(data: Data) -> Data:
    kilometres = Decimal(str(data.pop("km")))
    return {**data, "metres": str(kilometres * 1000)}


def test_old_shapes_are_brought_up_to_date_step_by_step_on_reading() -> None:
    codec = Codec([Moved], {("Moved", 1): rename, ("Moved", 2): in_metres})
    now = Moved(where="here", metres=Decimal(1500))
    assert codec.encode(now) == ("Moved", 3, '{"type":"Moved","where":"here","metres":"1500"}')
    assert codec.decode("Moved", 1, '{"type":"Moved","place":"here","km":"1.5"}') == now
    assert codec.decode("Moved", 2, '{"type":"Moved","where":"here","km":"1.5"}') == now
    assert codec.decode(*codec.encode(now)) == now
    with pytest.raises(UnknownEvent, match="shapes 1 to 3"):
        codec.decode("Moved", 4, "{}")


@pytest.mark.parametrize("data", ['{"type":"Moved","place":"here"}', "[]", '{"type":"Gone"}', "{"])
def test_old_data_that_does_not_fit_its_shape_is_damage(data: str) -> None:
    codec = Codec([Moved], {("Moved", 1): rename, ("Moved", 2): in_metres})
    with pytest.raises(LogDamaged, match="Moved, shape 1"):
        codec.decode("Moved", 1, data)


def test_a_shape_without_its_step_is_found_at_start() -> None:
    with pytest.raises(LookupError, match="no upcast from shape 2"):
        Codec([Moved], {("Moved", 1): rename})


def test_a_fact_of_nobody_is_not_written() -> None:
    with pytest.raises(UnknownEvent, match="not among the facts"):
        encode(Moved(where="here", metres=Decimal(1)))


def test_containers_are_checked_every_time() -> None:
    good: dict[str, Any] = {
        "leg": 1,
        "spent": Decimal(1),
        "received": Decimal(1),
        "left": Decimal(0),
    }
    encode(LegSettled(**good))
    with pytest.raises(BadNumber):
        encode(LegSettled(**{**good, "left": 0.0}))
    encode(HoldingsReleased(reason="r", released={"BTC": Decimal(1)}))
    with pytest.raises(BadNumber):
        encode(HoldingsReleased(reason="r", released={"BTC": 1}))
