"""Read a text file of bounded size in blocks of whole lines, plain or gzip, whatever its name.

Compressed data that ends in the middle is read up to there: what comes before is as it was written.
Where it is spoilt nothing is believed, for the one check sum stands at the end.
"""

import codecs
import gzip
import zlib
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import Final

from arb.errors import FeedInvalid
from arb.feeds.blocks import MAGIC
from arb.limits import FEED_FILE_BYTES_MAX, FEED_LINE_BYTES_MAX

_CHUNK_BYTES: Final = 1 << 16


def read_lines(path: Path, on_cut: Callable[[str], None]) -> Iterator[list[str]]:
    """Yield the lines, without their ends, in blocks; all lines of all blocks are the file.

    `on_cut` is told where compressed data ends in the middle; a line that is not whole is left out.
    Raises FeedInvalid as `file:line: what` where this is no text file that can be read.
    """
    given = 0  # lines so far
    size = 0
    rest = b""
    try:
        with path.open("rb") as packed, _unpacked(path, packed) as file:
            while chunk := file.read1(_CHUNK_BYTES):
                size += len(chunk)
                if size > FEED_FILE_BYTES_MAX:
                    raise FeedInvalid(f"{path}:{given + 1}: above {FEED_FILE_BYTES_MAX} bytes")
                whole, newline, rest = (rest + chunk).rpartition(b"\n")
                if newline:
                    lines = _split(path, whole, given)
                    yield lines
                    given += len(lines)
                if len(rest) > FEED_LINE_BYTES_MAX:
                    raise _too_long(path, given + 1)
            if rest:
                yield _split(path, rest, given)
    except EOFError:
        on_cut(f"{path}:{given + 1}: the compressed data ends in the middle; read up to there")
    except (gzip.BadGzipFile, zlib.error) as error:
        raise FeedInvalid(f"{path}:{given + 1}: not readable as gzip: {error}") from None
    except OSError as error:
        raise FeedInvalid(f"{path}: cannot be read: {error.strerror or error}") from None


def _unpacked(path: Path, packed: BufferedReader) -> BufferedReader | gzip.GzipFile:
    """Read through gzip what is named so, and what begins so: no text does."""
    if path.suffix == ".gz" or packed.peek(len(MAGIC)).startswith(MAGIC):
        return gzip.GzipFile(fileobj=packed)
    return packed


def _split(path: Path, whole: bytes, given: int) -> list[str]:
    if not given:  # spreadsheets begin a CSV file with a mark of its encoding
        whole = whole.removeprefix(codecs.BOM_UTF8)
    # A byte that is not ASCII becomes a letter that no name, number or time has: its row is refused.
    text = whole.decode("ascii", "replace")
    lines = text.split("\n")
    if "\r" in text:
        lines = [line.rstrip("\r") for line in lines]
    if max(map(len, lines)) > FEED_LINE_BYTES_MAX:
        first = next(at for at, line in enumerate(lines) if len(line) > FEED_LINE_BYTES_MAX)
        raise _too_long(path, given + first + 1)
    return lines


def _too_long(path: Path, number: int) -> FeedInvalid:
    where = "" if number > 1 else ", where a recorded feed names its columns: is this one?"
    return FeedInvalid(f"{path}:{number}: a line above {FEED_LINE_BYTES_MAX} bytes{where}")
