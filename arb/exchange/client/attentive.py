"""Connections that notice what nobody asked for, and are then not used again.

A pool hands a connection out again once its reply was read, and takes whatever lies on it as the answer
of the next request. A reply that came twice, from a venue or a proxy before it, would so be the fate
of the next order; and a refusal names none.
"""

import asyncio
import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

import aiohttp
import structlog
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader

log = structlog.get_logger()

_SWITCHING: Final = 101  # to a stream
_OK: Final = 200  # what is below, but the one above, only tells that an answer is coming
_ERROR: Final = 400
_USED: Final[ContextVar["list[Attentive] | None"]] = ContextVar("arb_connections", default=None)


class Attentive(ResponseHandler):
    """What hears one connection: at most one reply is awaited on it, and what comes beside that ends it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._awaited = False  # a request has the connection, and its reply did not begin yet

    def set_response_params(self, **params: Any) -> None:  # noqa: ANN401 -- they are aiohttp's
        """Begin a request."""
        self._awaited = True
        used = _USED.get()
        if used is not None:
            used.append(self)
        super().set_response_params(**params)

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Hear the beginning of a reply."""
        code = data[0].code
        if code >= _OK or code == _SWITCHING:
            # Also after an error: its copy, which names no order, must find nobody to read it.
            if code >= _ERROR or not self._awaited:
                self.force_close()
            self._awaited = False
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """Hear bytes; those that nobody asked for are the last ones of the connection."""
        if data and self._rests():
            log.warning("connection.unasked", bytes=len(data))
            self.end()
            return
        super().data_received(data)

    def is_connected(self) -> bool:
        """Whether it can be used; for one that rests: whether nothing lies on it either, read or unread."""
        if not super().is_connected():
            return False
        return not self._rests() or not (self.should_close or _has_news(self.transport))

    def end(self) -> None:
        """Close it, whoever has it now."""
        self.force_close()
        if self.transport is not None:
            self.transport.close()

    def _rests(self) -> bool:
        if self._awaited or self.upgraded:
            return False
        return self._payload is None or self._payload.is_eof()


def _has_news(transport: asyncio.BaseTransport | None) -> bool:
    """Whether bytes, or the end, wait to be read from a socket; where that cannot be told, they do."""
    wire = None if transport is None else transport.get_extra_info("socket")
    number = -1 if wire is None else wire.fileno()
    if number < 0:
        return True
    asked = select.poll()
    asked.register(number, select.POLLIN)
    return bool(asked.poll(0))


@contextmanager
def kept_only_if_well() -> Iterator[None]:
    """Close every connection that a request of the block went over, where the block fails.

    What was read from it may have been another request's reply, and its own is then still to come.
    """
    used: list[Attentive] = []
    token = _USED.set(used)
    try:
        yield
    except BaseException:
        for one in used:
            one.end()
        raise
    finally:
        _USED.reset(token)


def connector(**options: Any) -> aiohttp.TCPConnector:  # noqa: ANN401 -- aiohttp's
    """Make a pool of attentive connections; each serves one request where this aiohttp cannot have them."""
    made = aiohttp.TCPConnector(**options)
    factory = getattr(made, "_factory", None)
    if _is_understood(factory):
        made._factory = partial(_attentive, loop=asyncio.get_running_loop())  # noqa: SLF001 -- there is no other way
        return made
    log.warning("connections.anew", aiohttp=aiohttp.__version__)
    return aiohttp.TCPConnector(force_close=True, **options)


def _attentive(loop: asyncio.AbstractEventLoop) -> ResponseHandler:
    return Attentive(loop)


def _is_understood(factory: Callable[..., object] | None) -> bool:
    """Whether connections are made and heard as `Attentive` relies on."""
    if not isinstance(factory, partial) or factory.func is not ResponseHandler:
        return False
    heard = ("data_received", "set_response_params", "is_connected")
    if not all(name in vars(ResponseHandler) for name in heard):
        return False
    plain = factory()
    told = ("_payload", "upgraded", "should_close", "force_close", "feed_data", "transport")
    return all(hasattr(plain, name) for name in told)
