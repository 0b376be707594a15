"""How a command ends: one clear line on stderr and the contract's exit code, never a traceback for what comes from outside."""

import os
import sys
from collections.abc import Callable
from typing import Final, TextIO

import click

from arb import door
from arb.errors import ArbError

FAILED: Final = 1
USAGE: Final = 2
INVALID: Final = 3
INTERRUPTED: Final = door.INTERRUPTED


def of_the_log(error: Exception) -> ArbError | None:
    """Say what an error of SQLite means; None for any other."""
    from arb.events.sqlite.trouble import explained  # noqa: PLC0415 -- only where something is wrong

    return explained(error)


def ending(body: Callable[[], int]) -> int:
    """Run a command's body and turn what went wrong into a line and an exit code."""
    try:
        if door.guarded():
            door.open_up()
        code = body()
        sys.stdout.flush()
    except click.UsageError as error:
        click.echo(f"error: {error.format_message()}", err=True)
        return USAGE
    except BrokenPipeError:
        # Whoever read us has gone, and knows it.
        _let_go(sys.stdout)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except ArbError as error:
        return _named(error)
    except OSError as error:
        return _of_the_system(error)
    except Exception as error:  # noqa: BLE001 -- raised again where it is a defect
        return _of_elsewhere(error)
    finally:
        _finish_stderr()
        if door.guarded():
            door.guard()
    return code


def _named(error: ArbError) -> int:
    first, *more = str(error).splitlines() or [""]
    click.echo("\n".join([f"error: {first} [{error.code}]", *more]), err=True)
    return error.exit_code


def _of_the_system(error: OSError) -> int:
    if _of_stdout(error):
        click.echo(
            f"error: cannot write to standard output: {error.strerror}; the output is incomplete",
            err=True,
        )
        _let_go(sys.stdout)
        return FAILED
    where = f"{error.filename}: " if error.filename else ""
    click.echo(f"error: {where}{error.strerror or error}", err=True)
    return INVALID


def _of_elsewhere(error: Exception) -> int:
    """Say what an error of SQLite, or of an argument, means; any other is a defect, and goes on."""
    if isinstance(error, UnicodeEncodeError):
        # A command line holds bytes; those that are no text come as halves of letters.
        if not "\ud800" <= error.object[error.start] <= "\udfff":
            raise error
        click.echo("error: an argument is not valid UTF-8", err=True)
        return USAGE
    told = of_the_log(error)
    if told is None:
        raise error
    return _named(told)


def _of_stdout(error: OSError) -> bool:
    """Tell whether it was raised by writing to stdout: such an error names no file."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return step is not None and step.tb_frame.f_globals.get("__name__") in {"click.utils", __name__}


def _finish_stderr() -> None:
    """Flush stderr, and drop it where nobody reads it: Python would exit with 120."""
    try:
        sys.stderr.flush()
    except OSError:
        _let_go(sys.stderr)


def _let_go(stream: TextIO) -> None:
    """Point a broken stream at /dev/null: Python would complain about it once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
