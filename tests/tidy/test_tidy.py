"""The house rules, checked by reading the source tree. Each exception stands here with its reason."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES_MAX = 400
DOOR_LINES_MAX = 40
SOURCES = sorted(path for top in ("arb", "tests", "tools") for path in (ROOT / top).rglob("*.py"))
ARB = [path for path in SOURCES if path.is_relative_to(ROOT / "arb")]
TESTS = [path for path in SOURCES if path.is_relative_to(ROOT / "tests")]
MONEY_PACKAGES = ("machine", "market", "events", "projections", "execution", "exchange", "strategy")

# module -> why it may turn something into a float
FLOATS = {
    "arb/market/slope.py": "floats say where to look; what is found there is priced in Decimal",
    "arb/market/scan/covering.py": "which cycles to look at; decimals decide where floats could be wrong",
    "arb/market/scan/prices.py": "the same",
    "arb/market/scan/scan.py": "the same",
    "arb/projections/rows.py": "the documented REAL columns; exact amounts are in the events",
}
# module -> why it may read the machine's clock
CLOCKS = {
    "arb/execution/process/real_clock.py": "the one clock that is not told the time",
    "arb/bench/lines.py": "benchmarks time themselves, by a clock that never steps",
    "arb/simulation/processes.py": "real processes are waited for, each time until a deadline",
    "arb/faces/prove_cli.py": "it says how long the proof took",
    "arb/faces/demo.py": "it strikes a real process, and says how long the show took",
}
# module -> why it may swallow every error
SWALLOWS: dict[str, str] = {}
# test -> why it may wait on the wall clock
SLEEPS: dict[str, str] = {
    "tests/crash/kills.py": "a kill strikes at a random moment of a real process",
}

LOG_LEVELS = {"debug", "info", "warning", "warn", "error", "critical", "exception", "msg"}
CLOCK_READS = {
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}
BROAD = {"Exception", "BaseException"}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(), filename=str(path)))


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in nodes(path) if isinstance(node, ast.Call))


def place(path: Path, node: ast.AST) -> str:
    return f"{name(path)}:{getattr(node, 'lineno', 0)}"


def test_there_is_something_to_read() -> None:
    assert len(ARB) > 20


def test_files_are_small() -> None:
    lines = {name(path): len(path.read_text().splitlines()) for path in SOURCES}
    assert {path: count for path, count in lines.items() if count > LINES_MAX} == {}


def test_tools_are_doors() -> None:
    lines = {
        name(path): len(path.read_text().splitlines()) for path in (ROOT / "tools").glob("*.py")
    }
    assert {path: count for path, count in lines.items() if count > DOOR_LINES_MAX} == {}


def test_every_module_says_what_it_is() -> None:
    assert [name(path) for path in ARB if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_a_module_is_named_for_its_subject() -> None:
    vague = {"utils", "util", "helpers", "helper", "misc", "common"}
    assert [name(path) for path in SOURCES if vague & {path.stem, path.parent.name}] == []


def test_log_calls_have_an_event_name_and_values() -> None:
    """A text put together by hand cannot be searched or counted."""
    found = [
        place(path, call)
        for path in ARB
        for call in calls(path)
        if isinstance(call.func, ast.Attribute) and call.func.attr in LOG_LEVELS
        if _last_name(call.func.value) in {"log", "_log", "logger", "_logger"}
        if not (call.args and isinstance(call.args[0], ast.Constant))
    ]
    assert found == []


def test_money_is_never_a_float() -> None:
    found = [
        place(path, call)
        for path in ARB
        if path.relative_to(ROOT / "arb").parts[0] in MONEY_PACKAGES and name(path) not in FLOATS
        for call in calls(path)
        if isinstance(call.func, ast.Name) and call.func.id == "float"
    ]
    assert found == []


def test_the_clock_is_read_in_one_place() -> None:
    found = [
        place(path, node)
        for path in ARB
        if name(path) not in CLOCKS
        for node in nodes(path)
        if isinstance(node, ast.Attribute)
        and node.attr in CLOCK_READS.get(_last_name(node.value), set())
    ]
    assert found == []


def test_clocks_are_not_imported_under_other_names() -> None:
    found = [
        place(path, node)
        for path in ARB
        if name(path) not in CLOCKS
        for node in nodes(path)
        if isinstance(node, ast.ImportFrom) and node.module == "time"
    ]
    assert found == []


def test_no_error_is_swallowed() -> None:
    found = [
        place(path, node)
        for path in ARB
        if name(path) not in SWALLOWS
        for node in nodes(path)
        if _swallows(node)
    ]
    assert found == []


def test_tests_never_wait_on_the_wall_clock() -> None:
    found = [
        place(path, call)
        for path in TESTS
        if name(path) not in SLEEPS
        for call in calls(path)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr == "sleep"
        and _last_name(call.func.value) == "time"
    ]
    assert found == []


def test_nothing_is_left_to_do() -> None:
    later = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
    assert [name(path) for path in _texts() if later.search(path.read_text())] == []


def test_texts_speak_of_the_engine_alone() -> None:
    """Not of the machine, the folders or the people that it was written with."""
    foreign = (
        "../sha" + "red",
        "/wo" + "rk/main",
        "py" + "pi.org",
        "python" + "hosted",
        "sub" + "agent",
    )
    found = [
        f"{name(path)}: {word}"
        for path in _texts()
        for word in foreign
        if word in path.read_text().lower()
    ]
    assert found == []


@pytest.mark.parametrize("allowed", [FLOATS, CLOCKS, SWALLOWS, SLEEPS])
def test_exceptions_are_for_files_that_exist(allowed: dict[str, str]) -> None:
    assert [path for path in allowed if not (ROOT / path).is_file()] == []


def test_the_rules_are_the_same_for_everyone() -> None:
    """A rule is switched off with its reason on the line, never for a whole file."""
    off = re.compile(
        r"^# (" + "|".join(("ru" + "ff: noqa", "my" + "py: ", "fl" + "ake8: ")) + ")", re.MULTILINE
    )
    assert [name(path) for path in SOURCES if off.search(path.read_text())] == []


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=last) | ast.Attribute(attr=last):
            return last
        case ast.Call(func=inner):
            return _last_name(inner)
    return ""


def _swallows(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and _last_name(node.func) == "suppress":
        return any(_last_name(arg) in BROAD for arg in node.args)
    if not isinstance(node, ast.ExceptHandler):
        return False
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    broad = any(kind is None or _last_name(kind) in BROAD for kind in caught)
    return broad and all(
        isinstance(step, ast.Pass | ast.Continue) or _is_text(step) for step in node.body
    )


def _is_text(step: ast.stmt) -> bool:
    return isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant)


def _texts() -> list[Path]:
    """Every text file that is ours: the lock file names the places it was made from."""
    tops = ("arb", "tests", "tools", "docs", "strategies", ".ci")
    found = [path for top in tops for path in (ROOT / top).rglob("*") if path.is_file()]
    found += [
        path
        for path in ROOT.iterdir()
        if path.suffix in {".md", ".toml"} or path.name == "Makefile"
    ]
    kinds = {".py", ".md", ".yaml", ".toml", ".csv", ".json", ""}
    return sorted(path for path in found if path.suffix in kinds and path.name != "uv.lock")
