"""A folder for one run: in memory where there is room for it, for what a simulated disk loses is known to the simulation."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

MEMORY: Final = Path("/dev/shm")  # noqa: S108 -- each run has a folder of its own there


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """Make a folder, and remove it."""
    memory = MEMORY if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) else None
    with TemporaryDirectory(prefix=f"arb-{name}-", dir=memory) as folder:
        yield Path(folder)
