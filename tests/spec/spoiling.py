"""Data from outside, spoilt: a part missing, doubled, wrapped, or something else in its place."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

from hypothesis import strategies as st

# What stands where a number, a text, a list or an object belongs.
SPOILT: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.just(""),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        [
            "NaN",
            "Infinity",
            "-1",
            "1e999",
            "0x10",
            "1,5",
            "\u0661\u0662",
            "\uff11",
            " 1",
            "1 ",
            "ü",
            "\u0000",
            "9" * 80,
        ]
    ),
    st.decimals(allow_nan=False, allow_infinity=False, places=8).map(str),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
# The same and what makes a whole text no JSON, or its reader stumble.
WORSE: Final = SPOILT | st.sampled_from(
    [
        float("nan"),
        float("inf"),
        10**400,
        "1e-999999999",
        "1e999999999",
        "sNaN",
        "-iNf",
        "1_000",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "\ud800",
        [[[]]],
        {"0": {"0": None}},
    ]
)

Path = tuple[Any, ...]


def _places(told: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    if isinstance(told, dict):
        steps: list[tuple[Any, Any]] = list(told.items())
    else:
        steps = list(enumerate(told)) if isinstance(told, list) else []
    for step, one in steps:
        yield from _places(one, (*path, step))


@st.composite
def spoilt_anywhere(draw: st.DrawFn, whole: Any) -> Any:
    """A body of objects and lists with one to three faults anywhere in it, also at its root."""
    body = deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(sorted(_places(body), key=repr)))
        if not path:
            if draw(st.integers(0, 9)) == 0:
                return deepcopy(draw(WORSE))
            continue
        holder = body
        for step in path[:-1]:
            holder = holder[step]
        _spoil(draw, holder, path[-1])
    return body


def _spoil(draw: st.DrawFn, holder: Any, step: Any) -> None:
    match draw(st.sampled_from(["gone", "other", "other", "other", "more", "wrapped"])):
        case "gone":
            del holder[step]
        case "wrapped":
            holder[step] = [holder[step]]
        case "more" if isinstance(holder, list):
            holder.append(deepcopy(holder[step]))
        case "more":
            holder[draw(st.text(max_size=3))] = deepcopy(draw(WORSE))
        case _:
            holder[step] = deepcopy(draw(WORSE))


@st.composite
def scratched(draw: st.DrawFn, whole: str, *, odd: st.SearchStrategy[str] | None = None) -> str:
    """A text with something cut out of it, put into it, or both."""
    at = draw(st.integers(0, len(whole)))
    gone = draw(st.integers(0, 12))
    put = draw(st.text(max_size=4) if odd is None else odd)
    return whole[:at] + put + whole[at + gone :]
