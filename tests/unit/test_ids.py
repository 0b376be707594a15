"""Client order ids: what they encode comes back, and a lost or changed letter is noticed."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb.errors import BadOrderId
from arb.ids import (
    CYCLE_NUMBER_MAX,
    INSTANCE_MAX,
    ORDER_NUMBER_MAX,
    OrderKey,
    account_stream,
    client_order_id,
    cycle_id,
    cycle_stream,
    instance_from,
    is_ours,
    parse_client_order_id,
    run_stream,
    strategy_stream,
)
from tests.spec.properties import examples

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"

instances = st.text(alphabet=ALPHABET, min_size=4, max_size=4)
cycle_numbers = st.integers(0, CYCLE_NUMBER_MAX)
order_numbers = st.integers(0, ORDER_NUMBER_MAX)
keys = st.tuples(instances, cycle_numbers, order_numbers)


@given(keys)
@examples(300)
def test_what_an_id_encodes_comes_back(key: tuple[str, int, int]) -> None:
    assert parse_client_order_id(client_order_id(*key)) == OrderKey(*key)


@given(keys)
@examples(200)
def test_an_id_suits_every_venue(key: tuple[str, int, int]) -> None:
    text = client_order_id(*key)
    assert len(text) == 18
    assert text[0] == "x"
    assert set(text) <= set(ALPHABET)
    assert is_ours(text)


@given(keys, keys)
@examples(200)
def test_different_orders_have_different_ids(
    one: tuple[str, int, int], other: tuple[str, int, int]
) -> None:
    assert (client_order_id(*one) == client_order_id(*other)) == (one == other)


def test_a_changed_letter_is_noticed() -> None:
    unnoticed = []
    for number in range(40):
        text = client_order_id("q7xa", number * 7_919, number % 64)
        for at in range(len(text)):
            for letter in ALPHABET:
                changed = text[:at] + letter + text[at + 1 :]
                if changed != text and is_ours(changed):
                    unnoticed.append(changed)
    assert unnoticed == []


def test_two_changed_letters_are_noticed_but_for_one_in_a_thousand() -> None:
    rng = Random(1)
    text = client_order_id("q7xa", 123_456_789, 17)
    tries, unnoticed = 20_000, 0
    for _ in range(tries):
        letters = list(text)
        for at in rng.sample(range(1, len(text)), 2):
            letters[at] = rng.choice(ALPHABET.replace(letters[at], ""))
        unnoticed += is_ours("".join(letters))
    assert unnoticed / tries < 0.002


def test_swapped_neighbours_are_noticed() -> None:
    text = client_order_id("q7xa", 123_456_789, 17)
    for at in range(1, len(text) - 1):
        swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        assert swapped == text or not is_ours(swapped)


@pytest.mark.parametrize(
    "text",
    ["", "x", "x" * 18, "t-" + "a" * 16, client_order_id("aaaa", 1, 1)[:-1], "web_1234567890abcd"],
)
def test_an_id_of_others_is_not_ours(text: str) -> None:
    assert not is_ours(text)
    with pytest.raises(BadOrderId):
        parse_client_order_id(text)


def test_a_prefix_that_a_venue_adds_or_upper_case_makes_it_not_ours() -> None:
    text = client_order_id("aaaa", 1, 1)
    assert not is_ours("t-" + text)
    assert not is_ours(text.upper())
    assert not is_ours(None)


@pytest.mark.parametrize("instance", ["", "aaa", "aaaaa", "AAAA", "a1aa"])
def test_an_instance_is_four_letters(instance: str) -> None:
    with pytest.raises(BadOrderId, match="instance"):
        client_order_id(instance, 1, 1)


@pytest.mark.parametrize("number", [-1, CYCLE_NUMBER_MAX + 1])
def test_a_cycle_number_outside_the_id_is_refused(number: int) -> None:
    with pytest.raises(BadOrderId, match="cycle number"):
        client_order_id("aaaa", number, 1)


@pytest.mark.parametrize("number", [-1, ORDER_NUMBER_MAX + 1])
def test_an_order_number_outside_the_id_is_refused(number: int) -> None:
    with pytest.raises(BadOrderId, match="order number"):
        client_order_id("aaaa", 1, number)


@given(st.integers(0, INSTANCE_MAX), st.integers(0, INSTANCE_MAX))
@examples(100)
def test_instances_differ_as_their_numbers_do(one: int, other: int) -> None:
    assert (instance_from(one) == instance_from(other)) == (one == other)
    assert len(instance_from(one)) == 4


def test_an_instance_comes_from_any_number() -> None:
    assert instance_from(INSTANCE_MAX + 1) == instance_from(0) == "aaaa"
    assert instance_from(INSTANCE_MAX) == "7777"


def test_names_of_cycles_and_streams() -> None:
    assert cycle_id("btc-eth", 12) == "btc-eth-12"
    assert cycle_stream("btc-eth-12") == "cycle-btc-eth-12"
    assert account_stream("paper", "f00") == "account-paper-f00"
    assert strategy_stream("btc-eth") == "strategy-btc-eth"
    assert run_stream("r1") == "run-r1"
