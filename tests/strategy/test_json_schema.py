"""The schema for editors says what the loader says of every single key."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from arb.strategy.json_schema import as_text, json_schema
from tests.strategy.key_table import KEYS
from tests.strategy.test_keys import SINGLE, with_key

ROOT = Path(__file__).resolve().parents[2]
VALIDATOR = Draft202012Validator(json_schema())


def test_the_file_for_editors_is_the_generated_one() -> None:
    assert (ROOT / "strategies" / "schema.json").read_text() == as_text()


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("file", sorted((ROOT / "strategies").glob("*.yaml")), ids=lambda p: p.name)
def test_every_example_fits_the_schema(file: Path) -> None:
    tree = yaml.safe_load(file.read_text())
    assert [error.message for error in VALIDATOR.iter_errors(tree)] == []


@pytest.mark.parametrize("path", SINGLE)
def test_what_the_loader_takes_the_schema_takes(path: str) -> None:
    for text in KEYS[path].good:
        if text == "1e0":
            continue  # a number in YAML 1.2, which editors speak; text to the library used here
        tree = yaml.safe_load(with_key(path, text)[0])
        if not isinstance(_at(tree, path), str | int | float | list | dict):
            continue  # a date, which JSON does not have
        assert [error.message for error in VALIDATOR.iter_errors(tree)] == [], text


def _at(tree: Any, path: str) -> Any:
    for name in path.split("."):
        tree = tree[name]
    return tree


def test_the_schema_refuses_unknown_keys_and_numbers_out_of_range() -> None:
    tree = yaml.safe_load(with_key("max_slippage_bps", "20")[0])
    assert not list(VALIDATOR.iter_errors(tree))
    for key, value in (("zzz", 1), ("max_slippage_bps", 0), ("min_profit_bps", 1e6), ("name", 5)):
        assert list(VALIDATOR.iter_errors({**tree, key: value})), key
    assert Decimal(VALIDATOR.schema["properties"]["max_hops"]["maximum"]) == 5
