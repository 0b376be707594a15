"""Acting commands: through a Unix socket into the running engine, or through the log's lock.

The socket sits beside the log with mode 0600. Its path may be longer than a socket address holds,
so both sides reach it through a descriptor of its folder. One line of JSON asks, one answers.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec
import structlog
from msgspec import Struct

from arb.errors import ArbError
from arb.events.sqlite.storage import beside
from arb.limits import CONTROL_LINE_BYTES_MAX

log = structlog.get_logger()

ACTIONS: Final = (
    "panic",
    "pause",
    "unpause",
    "unwind",
    "release",
    "attest",
    "cleanup",
    "reset-risk",
    "clear-cooldown",
)
CONNECT_TIMEOUT_S: Final = 10.0


class Request(Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator asks."""

    action: str
    target: str | None = None
    verdict: str | None = None
    reason: str | None = None


class ActResult(Struct, frozen=True):
    """What became of it. `exit_code` is the contract's, for the face to use."""

    ok: bool
    message: str
    exit_code: int = 0


Handler = Callable[[Request], Awaitable[ActResult]]


def socket_path(db: Path) -> Path:
    """Where the running engine of a log listens."""
    return beside(db, ".sock")


@contextlib.contextmanager
def _address(path: Path):  # type: ignore[no-untyped-def]  # noqa: ANN202 -- a string, while the folder is open
    """Name a socket so that the address is short whatever the path's length."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class ControlServer:
    """Serves an engine's control socket; one request a connection."""

    def __init__(self, db: Path, handler: Handler) -> None:
        self._path = socket_path(db)
        self._handler = handler
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; a stale socket of a dead engine is removed (its log's lock is ours)."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with _address(self._path) as address:
            before = os.umask(0o177)
            try:
                listener.bind(address)
            finally:
                os.umask(before)
        self._server = await asyncio.start_unix_server(
            self._serve, sock=listener, limit=CONTROL_LINE_BYTES_MAX
        )

    async def stop(self) -> None:
        """Stop listening and remove the socket."""
        if self._server is None:
            return
        self._server.close()
        await self._server.wait_closed()
        self._server = None
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readline(), CONNECT_TIMEOUT_S)
            result = await self._answer(line)
            writer.write(msgspec.json.encode(result) + b"\n")
            await writer.drain()
        except (OSError, TimeoutError, ValueError) as error:
            log.warning("control.broken", error=str(error))
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> ActResult:
        try:
            request = msgspec.json.decode(line, type=Request)
        except msgspec.DecodeError as error:
            return ActResult(ok=False, message=f"the request cannot be read: {error}", exit_code=2)
        try:
            return await self._handler(request)
        except ArbError as error:
            return ActResult(ok=False, message=str(error), exit_code=error.exit_code)


def ask_engine(db: Path, request: Request) -> ActResult | None:
    """Ask the engine that runs on a log; None when none listens.

    Raises ArbError when an engine took the request and did not answer.
    """
    path = socket_path(db)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(CONNECT_TIMEOUT_S)
    with connection:
        try:
            with _address(path) as address:
                connection.connect(address)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            return None
        try:
            connection.sendall(msgspec.json.encode(request) + b"\n")
            answer = b""
            while not answer.endswith(b"\n") and len(answer) < CONTROL_LINE_BYTES_MAX:
                part = connection.recv(65_536)
                if not part:
                    break
                answer += part
        except OSError as error:
            raise ArbError(f"the engine on {db} did not answer: {error}") from error
    try:
        return msgspec.json.decode(answer, type=ActResult)
    except msgspec.DecodeError as error:
        raise ArbError(f"the engine on {db} gave no readable answer") from error
