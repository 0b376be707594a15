"""A practice exchange as a process of its own, and a live run that trades at it through the real client."""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import structlog
from msgspec import Struct

import arb
from arb.execution.process.real_clock import RealClock
from arb.execution.runs.assembling import Options, Run
from arb.execution.runs.live import assemble_live
from arb.strategy.loader import load

_LISTENS: Final = re.compile(
    r"on 127\.0\.0\.1:(\d+).*?(\d+) markets.*?127\.0\.0\.1:(\d+)/control", re.DOTALL
)
_TOOL: Final = Path(arb.__file__).parents[1] / "tools" / "practice.py"


class Practice(Struct, frozen=True):
    """Where a practice exchange listens, and how many markets it has."""

    port: int
    markets: int
    control_port: int


@asynccontextmanager
async def practice(folder: Path, *flags: str) -> AsyncIterator[Practice]:
    """Run one; its files are in memory, where there is one: an exchange does not share our disk."""
    with _memory(folder) as there:
        async with _serving(there, *flags) as listening:
            yield listening


@asynccontextmanager
async def live(folder: Path, strategy: str, cycles: int | None) -> AsyncIterator[Run]:
    """Put together a live run of a strategy's text."""
    path = folder / "bench.yaml"
    path.write_text(strategy)
    options = Options(db=folder / "bench.db", cycles=cycles)
    async with assemble_live([load(path)], options, RealClock()) as run:
        yield run


@contextmanager
def quiet() -> Iterator[None]:
    """Log nothing."""
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    try:
        yield
    finally:
        structlog.configure(**before)


@contextmanager
def _memory(folder: Path) -> Iterator[Path]:
    memory = Path("/dev/shm")  # noqa: S108 -- a private folder is made in it
    usable = memory.is_dir() and os.access(memory, os.W_OK)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=memory if usable else folder) as made:
        (folder / "practice").symlink_to(made, target_is_directory=True)
        yield Path(made)


@asynccontextmanager
async def _serving(folder: Path, *flags: str) -> AsyncIterator[Practice]:
    words = (*("--dir", str(folder)), "--port", "0", "--control-port", "0", *flags)
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(_TOOL), *words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = ""
    try:
        while (found := _LISTENS.search(said)) is None:
            line = await process.stderr.readline()
            if not line:
                raise RuntimeError(f"the practice exchange ended: {said}")
            said += line.decode()
        drained = asyncio.create_task(process.stderr.read())
        yield Practice(int(found[1]), int(found[2]), int(found[3]))
        process.kill()
        await drained
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
