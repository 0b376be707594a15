"""A real process, killed for real: what it was told is in the log."""

import subprocess
import sys
from pathlib import Path

import pytest

from arb.events.sqlite import LogReader, verify_chain
from tests.spec.log_examples import open_paper

ROOT = Path(__file__).parents[2]
WRITE = """
import asyncio, sys
from pathlib import Path
from tests.spec.log_examples import AT_NS, FILL, META, open_paper, to

async def main():
    log = open_paper(Path(sys.argv[1]), on_loop=sys.argv[2] == "loop")

    async def write(name):
        for version in range(log.stream_version(name), 10_000):
            result = await log.append(to(name, version, FILL), at_ns=AT_NS, meta=META)
            print(name, version + 1, result.first, flush=True)

    await asyncio.gather(*(write(f"cycle-{one}") for one in range(8)))

asyncio.run(main())
"""


@pytest.mark.parametrize("mode", ["loop", "thread"])
def test_every_acknowledged_event_outlives_kill_9(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "log.db"
    told: dict[int, tuple[str, int]] = {}
    for lines in (40, 131, 502):
        command = [sys.executable, "-c", WRITE, str(path), mode]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(lines):
                keep(told, process.stdout.readline())
            process.kill()
            for line in process.stdout:  # told before it died
                keep(told, line)
        with LogReader(path) as reader:
            assert verify_chain(reader) == []
            there = {one.position: (one.stream, one.version) for one in reader.read()}
        assert told.items() <= there.items()
        assert sorted(there) == list(range(1, len(there) + 1))
    log = open_paper(path)
    assert log.head().position >= max(told)
    log._committer.abandon()


def keep(told: dict[int, tuple[str, int]], line: str) -> None:
    if line.endswith("\n"):
        stream, version, position = line.split()
        told[int(position)] = stream, int(version)
