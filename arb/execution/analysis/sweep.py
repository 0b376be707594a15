"""Play many backtests at once, each in a process of its own with a log of its own that is thrown away."""

import logging
import multiprocessing
import os
import signal
import socket
import tempfile
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Self

import structlog
from msgspec import Struct

from arb.errors import ArbError, ConfigInvalid
from arb.execution.analysis.findings import Findings, Measures, measured
from arb.execution.runs.assembling import Options
from arb.execution.runs.running import EXIT_INTERRUPTED, SIGNALS, Interrupted, run_engine
from arb.strategy.loader import Loaded

SOCKET_FOLDER_CHARS_MAX = 70  # of the 107 that a socket's path may have
SIGNALS_READ = 64  # at once; each is a byte
STOP_PATIENCE_S = 5.0  # after a process was told to end, then it is killed


class PointFailed(ArbError):
    """A backtest of a sweep did not come to its end. The message says which one, and what it said last."""

    code = "ARB-503"


class Job(Struct, frozen=True, kw_only=True):
    """One backtest: its name in messages, its strategies, and what else it was asked."""

    name: str
    loaded: tuple[Loaded, ...]
    cycles: int | None = None
    duration_s: float | None = None


def play_all(jobs: Sequence[Job], *, at_once: int, told: Callable[[int], None]) -> list[Measures]:
    """Play every job, so many at once; `told` hears how many are done. Results are in the jobs' order.

    Raises what the first failing job raised, with the job's name, or PointFailed.
    """
    assert at_once >= 1, at_once
    results: dict[int, Measures] = {}
    ours = f"arb-sweep-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=ours) as folder, _Players(folder) as players:
        waiting = list(enumerate(jobs))
        while waiting or players:
            while waiting and len(players) < at_once:
                number, job = waiting.pop(0)
                players.start(number, job)
            for number, answer in players.hear():
                results[number] = _result(jobs[number], answer)
                told(len(results))
        players.end_if_struck()
    return [results[number] for number in range(len(jobs))]


def _result(job: Job, answer: Measures | ArbError | str) -> Measures:
    match answer:
        case Measures():
            return answer
        case ArbError():
            raise type(answer)(f"{job.name}: {answer}")
    raise PointFailed(f"{job.name}: {answer}")


class _Players:
    """The processes at work. Leaving ends them all.

    SIGINT and SIGTERM strike only while we wait for an answer: a process that was just started is
    ours by then, and ended with the others.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._context = _context()
        self._working: dict[Connection, tuple[int, BaseProcess]] = {}
        self._before = [(number, signal.getsignal(number)) for number in SIGNALS]
        self._struck, self._strike = socket.socketpair()

    def __len__(self) -> int:
        return len(self._working)

    def __enter__(self) -> Self:
        self._strike.setblocking(False)  # noqa: FBT003 -- as the socket module has it
        for number in SIGNALS:
            signal.signal(number, _heard_elsewhere)
        self._woken_before = signal.set_wakeup_fd(self._strike.fileno())
        return self

    def __exit__(self, *_: object) -> None:
        working = [process for _number, process in self._working.values()]
        for process in working:
            process.terminate()
        for process in working:
            process.join(STOP_PATIENCE_S)
            process.kill()
            process.join()
        signal.set_wakeup_fd(self._woken_before)
        for number, handler in self._before:
            signal.signal(number, handler)
        self._struck.close()
        self._strike.close()

    def start(self, number: int, job: Job) -> None:
        """Let a process play a job."""
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=_play, args=(theirs, job, self._folder), name=job.name, daemon=True
        )
        process.start()
        theirs.close()  # so that the end of the process is the end of the pipe
        self._working[ours] = (number, process)

    def end_if_struck(self) -> None:
        """Raise KeyboardInterrupt if somebody wanted us to end."""
        while wait([self._struck], timeout=0):
            if set(self._struck.recv(SIGNALS_READ)) & set(SIGNALS):
                raise KeyboardInterrupt

    def hear(self) -> list[tuple[int, Measures | ArbError | str]]:
        """Wait until at least one process has answered or died."""
        answers: list[tuple[int, Measures | ArbError | str]] = []
        for ready in wait([self._struck, *self._working]):
            if not isinstance(ready, Connection):
                self.end_if_struck()
                continue
            number, process = self._working[ready]
            try:
                answer = ready.recv()
            except EOFError:
                process.join()
                answer = f"its process ended with {process.exitcode} and gave no result"
            ready.close()
            process.join()
            del self._working[ready]
            answers.append((number, answer))
        return sorted(answers, key=lambda one: one[0])


def _context() -> ForkServerContext | SpawnContext:
    """Say how processes begin: quickly, as forks of one that has loaded everything and opened nothing.

    That one listens on a socket in the temporary folder, whose path may be too long for it.
    """
    if len(tempfile.gettempdir()) > SOCKET_FOLDER_CHARS_MAX:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", __name__])
    return context


def _heard_elsewhere(_number: int, _frame: FrameType | None) -> None:
    """The number of the signal is in the socket that we wait for."""


def _play(answers: Connection, job: Job, folder: str) -> None:
    """Play one job in this process, and answer with what it came to."""
    # Ctrl-C strikes the whole group: it is for the one who waits to hear, who then ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)  # what there is to say is in the answer
    try:
        answer: Measures | ArbError | str = _played(job, folder)
    except KeyboardInterrupt:
        answer = Interrupted("interrupted")
    except ArbError as error:
        answer = error
    except Exception:  # noqa: BLE001 -- whatever it is, the one who waits has to hear of it
        answer = traceback.format_exc()
    with suppress(BrokenPipeError):  # nobody waits any more
        answers.send(answer)


def _played(job: Job, folder: str) -> Measures | ArbError:
    findings = Findings()
    with tempfile.TemporaryDirectory(dir=folder) as own:
        options = Options(
            db=Path(own) / "point.db", cycles=job.cycles, duration_s=job.duration_s, recover=True
        )
        ended = run_engine(job.loaded, options, findings.follow)
    if ended.exit_code == EXIT_INTERRUPTED:
        return Interrupted("interrupted")
    if ended.error is not None:
        invalid = ended.exit_code == ConfigInvalid.exit_code  # on these markets
        return (ConfigInvalid if invalid else PointFailed)(ended.error)
    return measured(findings, ended.summary, ended.exit_code)
