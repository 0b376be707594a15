"""A small disk of its own for a log, which can be filled to the last byte, and a limit on how long files may grow."""

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

MB: Final = 1 << 20
SIZE_MB: Final = 96  # above the free space that an engine wants before it opens a cycle
BLOCK: Final = 4096
FILLER: Final = "filler"
TRIES: Final = 20


class SmallDisk:
    """A tmpfs where it may be mounted; elsewhere an ordinary folder, and `missing` says why."""

    def __init__(self, folder: Path, missing: str | None) -> None:
        self.folder = folder
        self.missing = missing

    @property
    def filler(self) -> Path:
        """What takes the room."""
        return self.folder / FILLER

    def fill(self, left_bytes: int) -> None:
        """Take all room but a little."""
        assert self.missing is None, "an ordinary folder is never filled"
        descriptor = os.open(self.filler, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            for _ in range(TRIES):
                free = shutil.disk_usage(self.folder).free
                wanted = (free - left_bytes) // BLOCK * BLOCK
                if wanted <= 0:
                    return
                # Whoever writes there meanwhile may take the room first.
                with suppress(OSError):
                    os.posix_fallocate(descriptor, os.fstat(descriptor).st_size, wanted)
        finally:
            os.close(descriptor)

    def empty(self) -> None:
        """Give the room back."""
        self.filler.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """Mount a small disk for as long as it is needed."""
    folder.mkdir()
    missing = _mount(folder)
    try:
        yield SmallDisk(folder, missing)
    finally:
        if missing is None:
            # What was on it stays in the folder, for whoever looks at it afterwards.
            kept = folder.with_suffix(".kept")
            shutil.copytree(
                folder, kept, ignore=shutil.ignore_patterns(FILLER, "*.ballast", "*.sock")
            )
            subprocess.run(["umount", "--lazy", folder], check=True, capture_output=True)  # noqa: S603, S607
            shutil.copytree(kept, folder, dirs_exist_ok=True)
            shutil.rmtree(kept)


def _mount(folder: Path) -> str | None:
    """Mount it; says why not where that is so."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return "mounting a small tmpfs needs root"
    done = subprocess.run(  # noqa: S603
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m,mode=700", "arb-proof", folder],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return None if done.returncode == 0 else f"no tmpfs: {done.stderr.strip()}"


def limit_files(pid: int, size: int) -> None:
    """Let no file that a process writes grow beyond a size: its writes fail from there on."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
