"""Each key of the schema is acted on, as a test that flips it shows; any other is refused by name."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from arb.strategy.reading import ALL_KEYS
from arb.strategy.refused import REFUSED
from tests.strategy.flip_table import FLIPS

ROOT: Final = Path(__file__).parents[2]
PATHS: Final = [".".join(path) for path in ALL_KEYS]
BLOCKS: Final = {path.rpartition(".")[0] for path in PATHS}
LEAVES: Final = [path for path in PATHS if path not in BLOCKS]

Named = dict[str, ast.stmt]


@cache
def top_level(file: str) -> Named:
    """What a test file defines, by name."""
    path = ROOT / file
    if not path.is_file():
        return {}
    found: Named = {}
    for statement in ast.parse(path.read_text(), filename=file).body:
        match statement:
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                found[name] = statement
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                found[name] = statement
    return found


def words(file: str, test: str) -> set[str]:
    """What a test says, in names and in texts; also in what it takes from its own file."""
    here = top_level(file)
    said: set[str] = set()
    waiting, seen = [test], {test}
    while waiting:
        for node in ast.walk(here[waiting.pop()]):
            match node:
                case ast.Name(id=text) | ast.arg(arg=text) | ast.keyword(arg=str(text)):
                    parts = [text]
                case ast.Constant(value=str(text)):
                    parts = re.findall(r"\w+", text)
                case _:
                    continue
            said.update(parts)
            if isinstance(node, ast.Name) and node.id in here.keys() - seen:
                seen.add(node.id)
                waiting.append(node.id)
    return said


def test_there_are_keys_to_look_at() -> None:
    assert len(LEAVES) > 70
    assert {"", "execution.paper.faults", "risk_controls.breaker"} < BLOCKS


@pytest.mark.parametrize("path", LEAVES)
def test_a_key_has_a_test_that_flips_it_or_is_refused_by_name(path: str) -> None:
    assert (path in FLIPS) is not (path in REFUSED)


def test_only_keys_of_the_schema_are_in_the_table() -> None:
    assert FLIPS.keys() - set(LEAVES) == set()


@pytest.mark.parametrize("path", FLIPS)
def test_the_tests_that_flip_a_key_are_there_and_speak_of_it(path: str) -> None:
    assert FLIPS[path]
    for named in FLIPS[path]:
        file, _, test = named.partition("::")
        assert test.startswith("test_"), named
        assert test in top_level(file), f"{named} does not exist"
        assert path.rpartition(".")[2] in words(file, test), f"{named} does not speak of {path}"
