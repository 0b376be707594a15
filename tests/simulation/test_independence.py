"""The checker shares no code with the engine: a mistake cannot excuse itself."""

import ast
import sys
from pathlib import Path

CHECKER = Path(__file__).parents[2] / "arb" / "simulation" / "checker"


def test_the_checker_imports_the_standard_library_and_itself_alone() -> None:
    sources = sorted(CHECKER.glob("*.py"))
    assert len(sources) > 5
    foreign = [
        f"{path.name}: {name}"
        for path in sources
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _imported(node)
        if name.partition(".")[0] not in sys.stdlib_module_names
        if not name.startswith("arb.simulation.checker")
    ]
    assert foreign == []


def _imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [one.name for one in names]
        case ast.ImportFrom(module=module, level=level):
            return [f"{'.' * level}{module or ''}"]
    return []
