"""Whatever a file holds: it is loaded, or refused as ConfigInvalid. Nothing else ever leaves the loader."""

from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from arb.errors import ConfigInvalid
from arb.strategy.canonical import from_canonical
from arb.strategy.loader import load
from arb.strategy.reading import ALL_KEYS
from tests.strategy.conftest import MINIMAL
from tests.strategy.key_table import KEYS

LEAVES = sorted(
    {path[-1] for path in ALL_KEYS} | {"<<", "api_key", "trading_pairs_file", "?", "- a"}
)
VALUES = sorted({text for key in KEYS.values() for text in (*key.good, *key.bad) if len(text) < 99})
ODD = st.sampled_from(
    [
        "\t",
        "\n",
        "  ",
        ": ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        "&a",
        "*a",
        "!!int ",
        ">",
        "'",
        '"',
        "%",
        "@",
        "`",
        "#",
        "\\x",
        "...",
        "---",
        "? ",
        "~",
        "\u2028",
        "\x85",
        "\ufeff",
        "\x00",
        "é",
        "",
    ]
)
lines = st.builds(
    lambda indent, key, value: f"{' ' * indent}{key}: {value}",
    st.integers(0, 6),
    st.sampled_from(LEAVES),
    st.sampled_from(VALUES) | ODD | st.text(max_size=8),
)
files = st.lists(lines | ODD, max_size=30).map("\n".join)


def survives(folder: Path, data: bytes) -> None:
    path = folder / "fuzz.yaml"
    path.write_bytes(data)
    try:
        loaded = load(path)
    except ConfigInvalid as error:
        assert str(error).startswith(str(path))  # noqa: PT017 -- both ends are right
        str(error).encode()  # it can be printed
    else:
        assert from_canonical(loaded.canonical) == loaded.strategy


fuzz = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@fuzz
@given(text=files)
def test_random_keys_and_values(text: str, tmp_path: Path) -> None:
    survives(tmp_path, text.encode())


@fuzz
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@example(data=b'"\\ud800": 1')
@example(data=b"? ")
def test_random_bytes_and_characters(data: bytes, tmp_path: Path) -> None:
    survives(tmp_path, data)


@fuzz
@given(at=st.integers(0, len(MINIMAL)), gone=st.integers(0, 12), odd=ODD | st.text(max_size=4))
def test_a_good_file_with_one_scratch(at: int, gone: int, odd: str, tmp_path: Path) -> None:
    survives(tmp_path, (MINIMAL[:at] + odd + MINIMAL[at + gone :]).encode())
