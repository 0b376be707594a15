"""The first thing that a command loads: from here on an interrupt ends it with 130, and never with a traceback.

Loading the rest takes up to a second. Nothing was begun by then and nothing is left, so the process
ends on the spot. Once the command itself runs, an interrupt is raised where it finds it, SIGTERM like
SIGINT, so that what was begun is put in order; an engine listens for itself. This module itself loads next to
nothing: what comes before the guard is not guarded.
"""

import _signal as signal  # type: ignore[import-not-found] # the public one loads enum first, for 5 ms
import atexit
import os
import sys

INTERRUPTED = 130
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def hold_streams() -> None:
    """Let what is said where nobody listens (`2>&-`) be lost: the next file opened would take its place."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
    sys.stdout = sys.stdout or open(1, "w")  # noqa: SIM115 -- for as long as we live
    sys.stderr = sys.stderr or open(2, "w")  # noqa: SIM115 -- the same


def guard() -> None:
    """End the process at once when it is interrupted; how it ends by itself, nobody changes any more."""
    for number in SIGNALS:
        signal.signal(number, _leave)
    atexit.unregister(_ended)
    atexit.register(_ended)


def guarded() -> bool:
    """Tell whether this process is a command of its own: signals belong to whoever runs it otherwise."""
    return signal.getsignal(signal.SIGTERM) in {_leave, _interrupt}


def open_up() -> None:
    """From now on raise KeyboardInterrupt: there is something to put in order."""
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # asyncio looks for this one


def stay_out() -> None:
    """Undo all of that in a process that works for a command: the command is who ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _ended() -> None:
    """Python takes its handlers down before it ends, and a signal would then end it with its number."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _leave(_number: int, _frame: object) -> None:
    os._exit(INTERRUPTED)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
