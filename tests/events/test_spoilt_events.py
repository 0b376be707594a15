"""Whatever stands in a row of the log: it is the fact that was written, or damage by name. Nothing else leaves the codec."""

import json
from contextlib import closing

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb.errors import ArbError, LogDamaged, UnknownEvent
from arb.events.codec import decode, decode_meta, encode, encode_meta
from arb.events.envelope import Meta
from arb.events.facts import ALL_FACTS, Fact
from tests.spec.log_examples import example
from tests.spec.properties import examples
from tests.spec.spoiling import SPOILT, WORSE, scratched, spoilt_anywhere

META = encode_meta(Meta(run="run1", cause="c", batch=3))


def survives(type_: str, shape: int, data: str) -> None:
    """It is read as a fact that can be written again, or refused with words that can be printed."""
    try:
        fact = decode(type_, shape, data)
    except (LogDamaged, UnknownEvent) as error:
        assert str(error).encode()  # noqa: PT017 -- both ends are right
        return
    assert type(fact).__name__ == type_
    try:
        again = encode(fact)
    except ArbError:
        return  # no finite number, or not of the field's type: `--verify` names it
    assert decode(*again) == fact
    assert encode(decode(*again)) == again


@pytest.mark.parametrize("fact", ALL_FACTS, ids=lambda fact: fact.__name__)
def test_a_spoilt_fact_is_a_fact_or_damage(fact: type[Fact]) -> None:
    type_, shape, whole = encode(example(fact))

    @examples(25)
    @given(spoilt_anywhere(json.loads(whole)))
    def check(body: object) -> None:
        survives(type_, shape, json.dumps(body))

    check()


@examples(300)
@given(data=st.data(), fact=st.sampled_from(ALL_FACTS))
def test_a_scratched_row_is_a_fact_or_damage(data: st.DataObject, fact: type[Fact]) -> None:
    type_, shape, whole = encode(example(fact))
    survives(type_, shape, data.draw(scratched(whole)))


@examples(200)
@given(
    type_=st.sampled_from([fact.__name__ for fact in ALL_FACTS]) | st.text(max_size=12),
    shape=st.integers(),
    fact=st.sampled_from(ALL_FACTS),
)
def test_data_under_another_type_or_shape_is_refused(
    type_: str, shape: int, fact: type[Fact]
) -> None:
    name, newest, data = encode(example(fact))
    if (type_, shape) == (name, newest):
        return
    with pytest.raises((LogDamaged, UnknownEvent)):
        decode(type_, shape, data)


@examples(300)
@given(text=scratched(META) | spoilt_anywhere(json.loads(META)).map(json.dumps))
def test_a_spoilt_meta_is_a_meta_or_damage(text: str) -> None:
    try:
        meta = decode_meta(text)
    except LogDamaged as error:
        assert str(error).encode()  # noqa: PT017 -- both ends are right
        return
    assert decode_meta(encode_meta(meta)) == meta


def test_half_a_character_is_damage() -> None:
    for read in (decode_meta, lambda text: decode("OrderFilled", 1, text)):
        with pytest.raises(LogDamaged):
            read('{"run":"\ud800"}')


@examples(200)
@given(value=SPOILT | WORSE, fact=st.sampled_from(ALL_FACTS), data=st.data())
def test_what_a_fact_does_not_declare_is_never_written(
    value: object, fact: type[Fact], data: st.DataObject
) -> None:
    """A field that holds something else is written as what can be read back, or not at all."""
    whole = example(fact)
    if not whole.__struct_fields__:
        return
    field = data.draw(st.sampled_from(whole.__struct_fields__))
    fields = {name: getattr(whole, name) for name in whole.__struct_fields__}
    spoilt = fact(**{**fields, field: value})
    try:
        written = encode(spoilt)
    except (ArbError, ValueError, TypeError, OverflowError):
        return
    assert decode(*written) == spoilt
    with closing(apsw.Connection(":memory:")) as connection:
        assert connection.execute("SELECT ?", (written[2],)).fetchall() == [(written[2],)]
