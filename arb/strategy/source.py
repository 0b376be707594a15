"""A strategy file's text, and messages that point into it.

demo.yaml:6:13: fraction must be at most 1, was 1.5
  6 |   fraction: 1.5
    |             ^
"""

import gzip
import re
import zlib
from pathlib import Path
from typing import Final, NamedTuple

from arb.errors import ConfigInvalid
from arb.limits import STRATEGY_FILE_BYTES_MAX
from arb.strategy.refused import is_secret

PROBLEMS_SHOWN_MAX: Final = 100
LINE_CHARS_SHOWN_MAX: Final = 160
_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # as YAML counts lines
# A word is tried once and as a whole, so that a long one takes no longer than its length.
_KEY: Final = re.compile(r"""(?<![\w.-])[\w.-]++(?=["']?\s*[:=])""")


class Place(NamedTuple):
    """A place in a text; both count from 1."""

    line: int
    column: int


class Problem(NamedTuple):
    """What is wrong, and where; without a place it concerns the whole file or a flag."""

    place: Place | None
    message: str


class Source:
    """A text by lines, with values of secret keys hidden from every message."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._lines = _without_secrets(split_lines(text))

    def invalid(self, problems: list[Problem]) -> ConfigInvalid:
        """Make the error that tells all problems in the order of the file."""
        ordered = sorted(problems, key=lambda problem: problem.place or Place(0, 0))
        told = [self._told(problem) for problem in ordered[:PROBLEMS_SHOWN_MAX]]
        left = len(ordered) - PROBLEMS_SHOWN_MAX
        if left > 0:
            told.append(f"{self.name}: and {left} more")
        return ConfigInvalid("\n".join(told))

    def _told(self, problem: Problem) -> str:
        if problem.place is None:
            return f"{self.name}: {problem.message}"
        line, column = problem.place
        head = f"{self.name}:{line}:{column}: {problem.message}"
        if not 1 <= line <= len(self._lines):
            return head
        text = self._lines[line - 1]
        if column > LINE_CHARS_SHOWN_MAX:
            return head
        text = "".join(c if c.isprintable() or c == "\t" else "?" for c in text)
        gutter = f"  {line} | "
        under = "".join("\t" if c == "\t" else " " for c in text[: column - 1])
        under = under.ljust(column - 1)
        bar = " " * (len(gutter) - 2) + "| "
        return f"{head}\n{gutter}{text[:LINE_CHARS_SHOWN_MAX].rstrip()}\n{bar}{under}^"


def split_lines(text: str) -> list[str]:
    """Split a text where YAML begins a new line."""
    return _BREAK.split(text)


def _without_secrets(lines: list[str]) -> list[str]:
    """Hide what follows a secret's key on its line, and the deeper lines below it."""
    shown: list[str] = []
    hiding_below: int | None = None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if hiding_below is not None and (indent > hiding_below or not line.strip()):
            shown.append("***")
            continue
        hiding_below = None
        secret = next((key for key in _KEY.finditer(line) if is_secret(key.group())), None)
        if secret is None:
            shown.append(line)
            continue
        hiding_below = indent
        shown.append(f"{line[: secret.end()]}: ***")
    return shown


def read_source(path: Path, bytes_max: int = STRATEGY_FILE_BYTES_MAX) -> Source:
    """Read a file, plain or `.gz`; raises ConfigInvalid if it is not UTF-8 text of its size."""
    name = str(path) if str(path).isprintable() else repr(str(path))
    try:
        if not path.exists():
            raise ConfigInvalid(f"{name}: no such file")
        if not path.is_file():
            raise ConfigInvalid(f"{name}: is not a file")
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(bytes_max + 1)
    except (EOFError, zlib.error) as error:
        raise ConfigInvalid(f"{name}: not readable as gzip: {error}") from None
    except (OSError, ValueError) as error:
        raise ConfigInvalid(f"{name}: cannot be read: {error}") from error
    if len(data) > bytes_max:
        raise ConfigInvalid(f"{name}: is larger than {bytes_max} bytes")
    try:
        return Source(name, data.decode())
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        lines = split_lines(before)
        place = f"{len(lines)}:{len(lines[-1]) + 1}"
        found = f"byte 0x{data[error.start]:02x}"
        raise ConfigInvalid(f"{name}:{place}: is not UTF-8 text: {found}") from None
