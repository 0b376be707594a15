"""The page for those who change the engine names every package and room there is, in the order that imports go."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]


def packages(folder: str) -> set[str]:
    return {one.parent.name for one in (ROOT / folder).glob("*/__init__.py")}


def layers(container: str) -> list[set[str]]:
    (contract,) = (one for one in CONTRACTS if one.get("containers") == [container])
    return [set(re.findall(r"\w+", layer)) for layer in contract["layers"]]


def told(pattern: str) -> list[str]:
    return re.findall(pattern, PAGE)


def is_downwards(names: list[str], container: str) -> bool:
    place = {name: at for at, layer in enumerate(layers(container)) for name in layer}
    places = [place[name] for name in names]
    return places == sorted(places)


def test_every_package_stands_there_in_the_order_of_imports() -> None:
    names = told(r"(?m)^\| `arb/(\w+)` \|")
    assert set(names) == packages("arb")
    assert is_downwards(names, "arb")


@pytest.mark.parametrize("package", ["execution", "exchange"])
def test_every_room_stands_there_in_the_order_of_imports(package: str) -> None:
    (table,) = re.findall(rf"(?m)^`arb/{package}` has rooms[^|]*((?:^\|.*\n)+)", PAGE)
    names = re.findall(r"(?m)^\| `(\w+)` \|", table)
    assert set(names) == packages(f"arb/{package}")
    assert is_downwards(names, f"arb.{package}")


def test_every_file_that_is_named_is_there() -> None:
    named = [one for one in told(r"`((?:\w+/)+\w*\*?\w+\.py)`") if not one.startswith("tools/")]
    assert len(named) > 12
    for name in named:
        inside = [ROOT / name, ROOT / "arb/execution" / name]
        assert any(list(one.parent.glob(one.name)) for one in inside), name
