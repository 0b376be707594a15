"""docs/declined.md explains every reason that the code counts, and no other."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import arb
from arb.execution.opportunities.trader import QUOTA
from arb.execution.risk.declined import OTHER
from arb.machine.risk import LIMIT_NAMES

ROOT = Path(arb.__file__).parents[1]
PAGE = ROOT / "docs" / "declined.md"
AT = {"Refusal": 0, "Shortfall": 1}  # which argument is the reason
PASSED_ON = {"limit", "paused", "quote.reason"}  # reasons that come from elsewhere in this list
ELSEWHERE = {*LIMIT_NAMES, "breaker", OTHER}


def reasons() -> Iterator[str]:
    """The reasons of every refusal and shortfall that is made anywhere."""
    for path in sorted((ROOT / "arb").rglob("*.py")):
        text = path.read_text()
        if not re.search(r"\b(Refusal|Shortfall)\(", text):
            continue
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        module = importlib.import_module(name)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                where = AT.get(node.func.id)
                if where is None:
                    continue
                told = node.args[where]
                if isinstance(told, ast.Constant):
                    yield str(told.value)
                elif isinstance(told, ast.Name) and hasattr(module, told.id):
                    yield getattr(module, told.id)
                else:
                    assert ast.unparse(told) in PASSED_ON, f"{name}: {ast.unparse(told)}"


def test_every_reason_is_explained_and_no_other() -> None:
    counted = {*reasons(), *ELSEWHERE} - {QUOTA.reason}
    rows = [line.split("|")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    explained = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(explained) == sorted(counted)
