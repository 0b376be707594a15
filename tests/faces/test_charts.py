"""A chart is valid SVG in which every point stands where its numbers say."""

from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest

from arb.faces.report.svg import Line, Panel, chart, round_ticks

NAMESPACE = "{http://www.w3.org/2000/svg}"


def line(name: str, *points: tuple[str, str]) -> Line:
    return Line(name, [(Decimal(x), Decimal(y)) for x, y in points])


def drawn(*panels: Panel) -> ET.Element:
    return ET.fromstring(chart("P/L", panels))


def parts(root: ET.Element, tag: str, kind: str | None = None) -> list[dict[str, str]]:
    found = (one.attrib for one in root.iter(NAMESPACE + tag))
    return [one for one in found if kind is None or one.get("class") == kind]


def words(root: ET.Element) -> list[str]:
    return [one.text or "" for one in root.iter(NAMESPACE + "text")]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        ("0", "10", "0 2 4 6 8 10"),
        ("-3", "7", "-4 -2 0 2 4 6 8"),
        ("0", "0.00000012", "0 2E-8 4E-8 6E-8 8E-8 1E-7 1.2E-7"),
        ("0", "1234567", "0 500000 1000000 1500000"),
        ("-0.5", "-0.1", "-0.5 -0.4 -0.3 -0.2 -0.1"),
    ],
)
def test_ticks_are_round_and_cover_the_span(low: str, high: str, ticks: str) -> None:
    assert round_ticks(Decimal(low), Decimal(high)) == list(map(Decimal, ticks.split()))


def test_a_point_between_two_others_stands_between_them() -> None:
    root = drawn(Panel("", "", "", [line("", ("0", "0"), ("5", "50"), ("10", "100"))]))
    places = [(Decimal(dot["cx"]), Decimal(dot["cy"])) for dot in parts(root, "circle")]
    (x0, y0), (x1, y1), (x2, y2) = places
    assert x1 - x0 == x2 - x1 > 0
    assert y1 - y0 == y2 - y1 < 0, "more is higher"
    (zero,) = parts(root, "line", "zero")
    assert Decimal(zero["y1"]) == y0


@pytest.mark.parametrize("sign", ["", "-"])
def test_zero_is_always_there(sign: str) -> None:
    root = drawn(Panel("", "", "", [line("", ("1", f"{sign}90"), ("2", f"{sign}100"))]))
    assert len(parts(root, "line", "zero")) == 1
    assert "0" in words(root)


def test_several_lines_have_a_legend_and_a_single_one_has_none() -> None:
    one, two = line("first", ("1", "1")), line("second", ("1", "2"))
    assert "first" not in words(drawn(Panel("", "", "", [one])))
    assert {"first", "second"} <= set(words(drawn(Panel("", "", "", [one, two]))))


def test_a_single_point_at_zero_is_drawn() -> None:
    root = drawn(Panel("", "", "", [line("", ("0", "0"))]))
    assert len(parts(root, "circle")) == 1


def test_a_point_unlike_the_others_is_hollow() -> None:
    odd = Line("", [(Decimal(1), Decimal(1)), (Decimal(2), Decimal(2))], frozenset({Decimal(2)}))
    full, hollow = parts(drawn(Panel("", "", "", [odd])), "circle")
    assert hollow["fill"] == "#fff" != full["fill"]


def test_a_panel_without_lines_says_so() -> None:
    root = drawn(Panel("", "", "", [], nothing="nothing was traded"))
    assert "nothing was traded" in words(root)
    assert parts(root, "polyline") == []


def test_names_cannot_break_out_of_their_text() -> None:
    name = '</text><script>alert("1")</script>&'
    root = drawn(Panel(name, name, name, [line(name, ("1", "1")), line(name, ("1", "2"))]))
    assert words(root).count(name) == 5
    assert list(root.iter(NAMESPACE + "script")) == []


def test_everything_is_within_the_picture() -> None:
    far = line("", ("-1000000", "-0.00000001"), ("1000000", "123456789.12345678"))
    root = drawn(Panel("", "", "", [far]), Panel("", "", "", [far]))
    width = Decimal(root.attrib["width"])
    for dot in parts(root, "circle"):
        assert 0 <= Decimal(dot["cx"]) <= width
        assert 0 <= Decimal(dot["cy"]) <= 300
