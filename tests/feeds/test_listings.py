import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arb.errors import FeedInvalid
from arb.feeds.listing_values import AMOUNT_UNLIMITED
from arb.feeds.listings import read_listing
from arb.limits import LISTING_FILE_BYTES_MAX, LISTING_MARKETS_MAX
from arb.market.book import MarketRules
from arb.money import ZERO
from tests.feeds.listing_examples import VENUES, body, market_of, written
from tests.spec.properties import examples

MARKET = {"tick_size": "0.01", "step_size": "0.00001"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("listings")


def refused(path: Path) -> str:
    with pytest.raises(FeedInvalid) as caught:
        read_listing(path)
    start = f"{path}: "
    assert str(caught.value).startswith(start)
    return str(caught.value).removeprefix(start)


def test_a_market_has_the_rules_that_are_written(folder: Path) -> None:
    assert read_listing(written(folder, body("own"))) == {
        "BTC/USDT": MarketRules(
            market="BTC/USDT",
            base="BTC",
            quote="USDT",
            tick_size=Decimal("0.01"),
            step_size=Decimal("0.00001"),
            amount_min=Decimal("0.0001"),
            amount_max=Decimal(9000),
            notional_min=Decimal(5),
            active=True,
        )
    }


def test_what_a_market_does_not_tell_is_permissive(folder: Path) -> None:
    (rules,) = read_listing(written(folder, {"LYXe/ETH": MARKET})).values()
    assert (rules.base, rules.quote) == ("LYXe", "ETH")
    assert (rules.amount_min, rules.amount_max) == (Decimal("0.00001"), AMOUNT_UNLIMITED)
    assert (rules.notional_min, rules.active) == (ZERO, True)


def test_a_number_is_exactly_as_it_is_written(folder: Path) -> None:
    text = '{"A/B": {"tick_size": 0.10000000000000001, "step_size": 1e-05, "amount_max": 9000}}'
    (rules,) = read_listing(written(folder, text)).values()
    assert rules.tick_size == Decimal("0.10000000000000001")
    assert rules.step_size == Decimal("0.00001")
    assert rules.amount_max == Decimal(9000)


def test_zeros_at_the_end_of_a_number_say_nothing(folder: Path) -> None:
    text = {"A/B": {"tick_size": "0.0100000", "step_size": "10.000"}}
    (rules,) = read_listing(written(folder, text)).values()
    assert (str(rules.tick_size), str(rules.step_size)) == ("0.01", "10")


def test_a_halted_market_is_listed_as_such(folder: Path) -> None:
    halted = {"A/B": {**MARKET, "active": False}, "B/C": MARKET}
    found = read_listing(written(folder, halted))
    assert {name: rules.active for name, rules in found.items()} == {"A/B": False, "B/C": True}


@pytest.mark.parametrize("venue", VENUES)
def test_a_recording_and_a_compressed_file_are_the_same_listing(folder: Path, venue: str) -> None:
    bare = read_listing(written(folder, body(venue)))
    assert len(bare) == 1
    recorded = {"_source_url": "https://x", "_recv_ts": 1.5, "payload": body(venue)}
    assert read_listing(written(folder, recorded)) == bare
    assert read_listing(written(folder, recorded, "markets.json.gz")) == bare
    assert read_listing(written(folder, "\ufeff" + json.dumps(body(venue)))) == bare


@pytest.mark.parametrize(
    ("name", "changes", "what"),
    [
        ("A/B", {"tick": "1"}, "market 'A/B': unknown key 'tick'; known are tick_size, step_size"),
        ("A/B", {"step_size": None}, "market 'A/B': `step_size` is null"),
        ("A/B", {"amount_max": None}, "market 'A/B': `amount_max` is null"),
        ("A/B", {"tick_size": "0"}, "`tick_size`: expected a number above 0, found '0'"),
        ("A/B", {"tick_size": ""}, "`tick_size`: expected a number such as \"0.01\", found ''"),
        (
            "A/B",
            {"tick_size": "NaN"},
            "`tick_size`: expected a number such as \"0.01\", found 'NaN'",
        ),
        ("A/B", {"tick_size": "-1"}, "`tick_size`: expected a number such as \"0.01\", found '-1'"),
        ("A/B", {"tick_size": True}, '`tick_size`: expected a number such as "0.01", found true'),
        ("A/B", {"tick_size": [1]}, '`tick_size`: expected a number such as "0.01", found a list'),
        (
            "A/B",
            {"tick_size": "1_0"},
            "`tick_size`: expected a number such as \"0.01\", found '1_0'",
        ),
        ("A/B", {"step_size": "1e-19"}, "`step_size`: expected at most 18 digits beside the point"),
        (
            "A/B",
            {"amount_max": "1e18"},
            "`amount_max`: expected at most 18 digits beside the point",
        ),
        ("A/B", {"amount_max": "9" * 51}, '`amount_max`: expected a number such as "0.01"'),
        ("A/B", {"active": "yes"}, "`active`: expected true or false, found 'yes'"),
        (
            "A/B",
            {"amount_min": "2", "amount_max": "1"},
            "the largest amount 1 is below the smallest",
        ),
        ("A/A", {}, "market 'A/A': base and quote are both A"),
        ("A/", {}, "market 'A/': `quote` must be a currency code such as BTC, was ''"),
        ("A/B/C", {}, "market 'A/B/C': `quote` must be a currency code such as BTC, was 'B/C'"),
        ("A\n/B", {}, "market 'A\\n/B': `base` must be a currency code such as BTC, was 'A\\n'"),
        ("\ud800/B", {}, "market '\\ud800/B': `base` must be a currency code"),
    ],
)
def test_a_market_that_is_wrong_is_told_by_name(
    folder: Path, name: str, changes: dict[str, Any], what: str
) -> None:
    assert what in refused(written(folder, {"B/C": MARKET, name: {**MARKET, **changes}}))


@pytest.mark.parametrize("key", ["tick_size", "step_size"])
def test_what_nobody_can_guess_must_be_told(folder: Path, key: str) -> None:
    rules = {name: value for name, value in MARKET.items() if name != key}
    assert refused(written(folder, {"A/B": rules})) == f"market 'A/B': `{key}` is missing"


@pytest.mark.parametrize(
    ("found", "what"),
    [
        ("null", "found null"),
        ("1", "found '1'"),
        ('"BTC/USDT"', "found 'BTC/USDT'"),
        ('{"BTC": {}}', "found an object with the keys 'BTC'"),
        ('{"A/B": {}, "C": {}}', "found an object with the keys 'A/B', 'C'"),
        ('{"error": ["EGeneral:Busy"], "result": {}}', "with the keys 'error', 'result'"),
        ('{"code": "429000", "data": []}', "found an object with the keys 'code', 'data'"),
        ('{"symbols": {}}', "found an object with the keys 'symbols'"),
        ('{"payload": {"payload": []}}', "found an object with the keys 'payload'"),
    ],
)
def test_a_file_of_another_shape_says_what_was_expected(
    folder: Path, found: str, what: str
) -> None:
    told = refused(written(folder, found))
    assert told.startswith('expected markets such as {"BTC/USDT"')
    assert told.endswith(what)


@pytest.mark.parametrize("found", ["{}", "[]", '{"symbols": []}', '{"error": [], "result": {}}'])
def test_a_listing_without_a_market_is_refused(folder: Path, found: str) -> None:
    assert refused(written(folder, found)).startswith("lists no market; expected markets such as")


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (b"", "line 1 column 1: is not JSON: Expecting value"),
        (b'{\n"A/B": }', "line 2 column 8: is not JSON: Expecting value"),
        (b'{"A/B": {"tick_size": NaN}}', "expected a number, found NaN"),
        (b'{"A/B": {"tick_size": -Infinity}}', "expected a number, found -Infinity"),
        (b'{"A/B": {}, "C/D": {}, "A/B": {}}', "the key 'A/B' stands twice in one object"),
        (b'{"A/B\xff": {}}', "is not UTF-8 text: byte 0xff"),
        (b"[" * 200_000, "expected a market listing, found JSON nested too deeply"),
        (b'{"payload":' * 50_000, "expected a market listing, found JSON nested too deeply"),
    ],
)
def test_a_file_that_is_no_json_is_refused(folder: Path, found: bytes, what: str) -> None:
    assert refused(written(folder, found)).startswith(what)


def test_a_file_that_cannot_be_read_is_refused(folder: Path) -> None:
    assert refused(folder / "none.json") == "cannot be read: No such file or directory"
    assert refused(folder) == "cannot be read: Is a directory"
    assert refused(Path("a\0b")).startswith("cannot be read: ")
    packed = gzip.compress(json.dumps(body("binance")).encode() * 9, mtime=0)
    for damaged in (b"{}", packed[:-9], packed[:20] + b"\xff" * 9 + packed[29:]):
        path = folder / "damaged.json.gz"
        path.write_bytes(damaged)
        assert refused(path).startswith("not readable as gzip: ")


def test_the_bounds_of_a_file(folder: Path) -> None:
    large = written(folder, b" " * (LISTING_FILE_BYTES_MAX + 1), "large.json.gz")
    assert refused(large) == f"is larger than {LISTING_FILE_BYTES_MAX} bytes"
    many = {f"A{number}/B": MARKET for number in range(LISTING_MARKETS_MAX + 1)}
    assert refused(written(folder, many)) == f"lists more than {LISTING_MARKETS_MAX} markets"


def survives(path: Path) -> None:
    try:
        found = read_listing(path)
    except FeedInvalid as error:
        assert str(error).startswith(f"{path}: ")  # noqa: PT017 -- both ends are right
        str(error).encode()  # it can be printed
        return
    for name, rules in found.items():
        assert name == rules.market == f"{rules.base}/{rules.quote}"
        assert rules.base != rules.quote
        assert min(rules.tick_size, rules.step_size) > 0
        assert 0 < rules.amount_min <= rules.amount_max < Decimal(10) ** 18
        assert 0 <= rules.notional_min < Decimal(10) ** 18
        assert isinstance(rules.active, bool)
        assert name.isprintable()


odd = st.sampled_from(
    [None, True, False, 0, -1, 1.5, "", "NaN", "-1", "0", "1e99", "0.1", "BTC", "\ud800", [], {}]
) | st.text(max_size=3)


@st.composite
def changed(draw: st.DrawFn) -> Any:
    """A good listing with a few values replaced, removed, doubled or added."""
    venue = draw(st.sampled_from(VENUES))
    found = body(venue)
    market = market_of(found, venue)
    for _ in range(draw(st.integers(1, 3))):
        places: list[tuple[Any, Any]] = [(market, key) for key in market]
        places += [(one, key) for one in market.get("filters") or [] for key in one]
        if isinstance(found, dict):
            places += [(found, key) for key in found]
        holder, key = draw(st.sampled_from(places))
        change = draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "replace":
            holder[key] = draw(odd)
        elif change == "remove":
            del holder[key]
        else:
            holder[draw(st.text(max_size=3))] = draw(odd)
        if not market or not isinstance(market.get("filters", []), list):
            break
    return found


@examples(400)
@given(found=changed())
def test_any_change_of_a_listing_gives_good_rules_or_is_refused(folder: Path, found: Any) -> None:
    survives(written(folder, found))


@examples(200)
@given(
    venue=st.sampled_from(VENUES),
    at=st.integers(0, 900),
    gone=st.integers(0, 9),
    put=st.text(max_size=4),
)
def test_any_scratch_on_a_listing_gives_good_rules_or_is_refused(
    folder: Path, venue: str, at: int, gone: int, put: str
) -> None:
    text = json.dumps(body(venue))
    at %= len(text)
    survives(written(folder, text[:at] + put + text[at + gone :]))


@examples(150)
@given(data=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@example(data=b"\xef\xbb\xbf\xef\xbb\xbf{}")
@example(data=b'{"\\ud800": 1}')
def test_any_bytes_are_refused_or_read(folder: Path, data: bytes) -> None:
    survives(written(folder, data))
