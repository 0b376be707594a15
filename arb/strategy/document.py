"""From a text to a tree of YAML nodes with their places; what YAML could do to us is refused here."""

from typing import Final, Protocol

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from arb.strategy.source import Place, Problem, Source, split_lines

DEPTH_MAX: Final = 12
NODES_MAX: Final = 10_000
_OPENS: Final = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSES: Final = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


def place_of(node: Node) -> Place | None:
    """Where a node begins; None where it does not stand in the text."""
    return None if node.start_mark is None else _place(node.start_mark)


class _Mark(Protocol):
    """What the two parsers of the YAML library call a place; both count from 0."""

    line: int
    column: int


def _place(mark: _Mark | None) -> Place:
    """Count from 1, as editors do."""
    return Place(mark.line + 1, mark.column + 1) if mark is not None else Place(1, 1)


def compose(source: Source) -> MappingNode:
    """Read the text's one document; raises ConfigInvalid with every structural problem in it."""
    problems = _structure(source)
    if not problems:
        root = yaml.compose(source.text, Loader=yaml.SafeLoader)
        if isinstance(root, MappingNode):
            return root
        place = Place(1, 1) if root is None else place_of(root)
        problems = [Problem(place, f"must be keys with values, was {kind(root)}")]
    raise source.invalid(problems)


def kind(node: Node | None) -> str:
    """Name what a node is, without its value."""
    match node:
        case MappingNode():
            return "a block of keys"
        case SequenceNode():
            return "a list"
        case ScalarNode(value="", style=None):
            return "empty"
        case ScalarNode():
            return "a single value"
    return "an empty file"


def _structure(source: Source) -> list[Problem]:
    """Walk the parser's events: syntax, aliases, tags, depth and size, before a tree is built."""
    problems: list[Problem] = []
    loader: yaml.SafeLoader | None = None
    try:
        loader = yaml.SafeLoader(source.text)
        depth = nodes = documents = 0
        while loader.check_event():
            event: yaml.Event = loader.get_event()  # type: ignore[no-untyped-call]
            place = _place(event.start_mark)
            problems += [Problem(place, text) for text in _unwanted(event)]
            depth += isinstance(event, _OPENS) - isinstance(event, _CLOSES)
            nodes += isinstance(event, yaml.NodeEvent)
            documents += isinstance(event, yaml.DocumentStartEvent)
            if depth > DEPTH_MAX:
                problems.append(Problem(place, f"is nested deeper than {DEPTH_MAX} levels"))
                break
            if nodes > NODES_MAX:
                problems.append(Problem(place, f"holds more than {NODES_MAX} values"))
                break
            if documents > 1:
                problems.append(Problem(place, "a second document begins; a file holds one"))
                break
    except yaml.MarkedYAMLError as error:
        problems.append(_syntax(error))
    except yaml.reader.ReaderError as error:
        problems.append(_unprintable(source.text, error))
    except (ValueError, OverflowError) as error:  # the scanner's own: `"\UFFFFFFFF"`
        place = _place(loader.get_mark() if loader is not None else None)
        problems.append(Problem(place, f"is not valid YAML: {error}"))
    return problems


def _unwanted(event: yaml.Event) -> list[str]:
    if isinstance(event, yaml.AliasEvent):
        return ["aliases (`*name`) are not supported; write the value again"]
    if not isinstance(event, yaml.NodeEvent):
        return []
    unwanted = []
    if event.anchor is not None:
        unwanted.append("anchors (`&name`) are not supported; remove it")
    if getattr(event, "tag", None) is not None:
        unwanted.append("tags (`!name`) are not supported; remove it")
    return unwanted


def _syntax(error: yaml.MarkedYAMLError) -> Problem:
    place = _place(error.problem_mark or error.context_mark)
    problem = error.problem or error.context or "cannot be read"
    if "'\\t'" in problem:
        problem = "a tab cannot begin a value; indent with spaces"
    context = f", {error.context}" if error.context and error.context != problem else ""
    return Problem(place, f"is not valid YAML: {problem}{context}")


def _unprintable(text: str, error: yaml.reader.ReaderError) -> Problem:
    lines = split_lines(text[: error.position])
    place = Place(len(lines), len(lines[-1]) + 1)
    code = error.character if isinstance(error.character, int) else ord(error.character[:1] or "?")
    return Problem(place, f"holds the character U+{code:04X}, which YAML does not allow")
