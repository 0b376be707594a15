"""Whatever stands in a recording's lines, it is refused with its place, or what is played is sane."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb.errors import FeedInvalid
from arb.feeds.blocks import pack
from arb.feeds.recorded import RecordedMarket
from tests.spec.properties import examples

RULES = {"tick_size": "0.01", "step_size": "0.01", "amount_min": "0.01", "amount_max": "1000"}
MARKET = {"market": "AAA/USDT", "base": "AAA", "quote": "USDT", "notional_min": "5", **RULES}
HEADING = {"arb_recording": 1, "venue": "x", "feed": "live", "began_ns": 5, "markets": [MARKET]}
GOOD = ["book", 1, 10, "AAA/USDT", 7, [["1.5", "2"], ["1.4", "2"]], [["1.6", "1"]], False]

numbers = (
    st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from(
        [
            "NaN",
            "Infinity",
            "-1",
            "0",
            "1E+500",
            "1E-500",
            "0x1",
            "1_0",
            "\u0661",
            "9" * 5_000,
            "",
            "1.5",
        ]
    )
)
anything = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@st.composite
def spoilt(draw: st.DrawFn) -> list[Any]:
    """The lines of a recording, with something else at one or two places."""
    lines: list[Any] = json.loads(
        json.dumps([HEADING, GOOD, [*GOOD[:1], 2, *GOOD[2:]], ["end", 2, 10]])
    )
    for _ in range(draw(st.integers(1, 2))):
        place, key = _somewhere(draw, lines)
        place[key] = draw(anything | numbers)
    return lines


def _somewhere(draw: st.DrawFn, lines: list[Any]) -> tuple[Any, Any]:
    """A container and a key in it."""
    place: Any = lines
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw(st.sampled_from(keys))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or draw(st.booleans()):
            return place, key
        place = inner


@examples(300)
@given(lines=spoilt())
def test_nothing_that_stands_there_is_believed_unseen(
    tmp_path_factory: pytest.TempPathFactory, lines: list[Any]
) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "fuzzed.rec.gz"
    path.write_bytes(pack("\n".join([*map(json.dumps, lines), ""]).encode()))
    try:
        market = RecordedMarket(path)
        played = list(market.changes(-1))
    except FeedInvalid as error:
        assert str(path) in str(error)  # noqa: PT017 -- it may as well be read
        return
    assert played
    newest_ns = 0
    for one in played:
        assert one.market in market.markets
        assert one.at_ns >= newest_ns
        newest_ns = one.at_ns
        bids, asks = one.book.bids, one.book.asks
        for price, size in (*bids, *asks):
            assert 0 < price.adjusted() + 19 < 38
            assert price > 0
            assert size > 0
            assert price.is_finite()
            assert size.is_finite()
        assert list(bids) == sorted(bids, reverse=True)
        assert list(asks) == sorted(asks)
        assert not (bids and asks) or bids[0][0] <= asks[0][0]
        market.book_at(one.market, one.at_ns)
    for rules in market.markets.values():
        assert rules.tick_size > 0
        assert rules.step_size > 0
