"""Every error the engine raises on purpose. An exception's docstring is what it means and what to do."""

from typing import ClassVar


class ArbError(Exception):
    """Something the engine refuses to go on with."""

    code: ClassVar[str] = "ARB-000"
    exit_code: ClassVar[int] = 1


class BadNumber(ArbError, ValueError):
    """A value that should be an exact finite number is not one. Nothing is defaulted to 0."""

    code = "ARB-101"


class BadOrderId(ArbError, ValueError):
    """A client order id was not made by this engine, or lost a character on the way."""

    code = "ARB-102"


class VersionConflict(ArbError):
    """Two writers raced for one stream and the other one won. Load it again and decide again."""

    code = "ARB-201"


class UnknownEvent(ArbError):
    """The log holds an event type or shape this version does not know. Use the version that wrote it, or a newer one."""

    code = "ARB-202"
    exit_code = 3


class Indeterminate(ArbError):
    """A write may or may not be in the log. Nothing more is sent; the next start replays and finds out."""

    code = "ARB-203"


class LogDamaged(ArbError):
    """The log does not hold what it acknowledged. `tools/replay.py --verify` names the place; nothing was changed."""

    code = "ARB-204"
    exit_code = 5


class WrongLog(ArbError):
    """The file is not a log of this engine, is newer than it, or belongs to another domain. It was not touched."""

    code = "ARB-205"
    exit_code = 3


class LogLocked(ArbError):
    """Another process writes this log or trades this account. Stop it first, or use another `--db`."""

    code = "ARB-206"


class UnsafeStorage(ArbError):
    """The file system or the SQLite library cannot keep what it acknowledges. Use a local disk and a current apsw."""

    code = "ARB-207"
    exit_code = 3


class DiskFailed(ArbError):
    """A file could not be read or written: no room, no permission, or a bad disk. Nothing was damaged by it."""

    code = "ARB-208"


class IllegalMove(ArbError):
    """A cycle fact does not fit the state the cycle is in. It was not appended."""

    code = "ARB-301"


class ConfigInvalid(ArbError):
    """A strategy or a setting is wrong. The message says file, line, what was found and what to use."""

    code = "ARB-401"
    exit_code = 3


class FeedInvalid(ArbError):
    """A recorded market file is not what its format says. The message says file and line."""

    code = "ARB-402"
    exit_code = 3


class Halted(ArbError):
    """A risk control or an operator stopped new cycles. `tools/monitor.py --unpause --reason TEXT` lifts it."""

    code = "ARB-501"
    exit_code = 4
