"""WebSocket connections through picows, the one place that loads it: a message costs it a third of a microsecond."""

import asyncio
import importlib.util
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

if TYPE_CHECKING:
    from picows import WSMsgType, WSTransport

from arb.exchange.client.connection import Connection
from arb.exchange.client.sockets import trust

HANDSHAKE_S: Final = 5.0
FRAME_BYTES_MAX: Final = 1 << 20


class Hearing(Protocol):
    """Who hears a connection. Nothing of it waits, and nothing of it raises."""

    def text(self, payload: memoryview) -> None:
        """Hear a message; what it lies in is used again afterwards."""
        ...

    def pong(self) -> None:
        """Hear the answer to a ping."""
        ...

    def spoilt(self, what: str) -> None:
        """Hear something that nobody should say; the connection is to be ended."""
        ...

    def closed(self) -> None:
        """Learn that the connection is over, once."""
        ...


class Socket(Protocol):
    """A connection that is open."""

    def send(self, text: bytes) -> None:
        """Send a message."""
        ...

    def ping(self) -> None:
        """Ask for a pong."""
        ...

    def end(self) -> None:
        """End it now."""
        ...


Open = Callable[[Hearing], Awaitable[Socket]]


def there() -> bool:
    """Whether picows is installed: it comes with the extra `lightning`."""
    return importlib.util.find_spec("picows") is not None


class Way:
    """The way to a venue's streams: where the strategy says so, all of them go to this machine."""

    def __init__(self, connection: Connection, url: str) -> None:
        self._url = url
        parts = urlsplit(url)
        # What the certificate has to name, whatever address is behind it.
        self._name = parts.hostname if parts.scheme == "wss" else None
        self._trust = trust(connection)
        self._address = connection.connect_to

    async def open(self, hearing: Hearing) -> Socket:
        """Open a connection; raises OSError, TimeoutError or an error of picows where there is none."""
        import picows  # noqa: PLC0415 -- an extra

        class Listener(picows.WSListener):
            def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
                kind = frame.msg_type
                if kind is text and frame.fin:
                    hearing.text(frame.get_payload_as_memoryview())
                elif kind is pong:
                    hearing.pong()
                elif kind is close:
                    transport.disconnect()
                elif kind is not ping:  # picows answers it
                    hearing.spoilt(f"a frame that no stream sends: {kind}")

            def on_ws_disconnected(self, transport: picows.WSTransport) -> None:  # noqa: ARG002 -- theirs
                hearing.closed()

        kinds = picows.WSMsgType
        text, ping, pong, close = kinds.TEXT, kinds.PING, kinds.PONG, kinds.CLOSE
        transport, _ = await picows.ws_connect(
            Listener,
            self._url,
            ssl_context=self._trust,
            websocket_handshake_timeout=HANDSHAKE_S,
            max_frame_size=FRAME_BYTES_MAX,
            max_redirects=0,  # it would lead elsewhere
            proxy=self._proxy(),
            socket_factory=None if self._address is None else self._connected,
            server_hostname=self._name,
        )
        return _Transport(transport, text)

    async def _connected(self, _: object) -> socket.socket:
        """Open a socket to this machine, whatever host the url names."""
        assert self._address is not None
        host, port = self._address.host, self._address.port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.setblocking(False)  # noqa: FBT003 -- it is called so
            await asyncio.get_running_loop().sock_connect(made, (host, port))
        except BaseException:
            made.close()
            raise
        return made

    def _proxy(self) -> str | None:
        if self._address is not None or proxy_bypass(self._name or ""):
            return None
        return getproxies().get("https")


class _Transport:
    """What `Socket` says, of picows."""

    def __init__(self, transport: "WSTransport", text: "WSMsgType") -> None:
        self._transport = transport
        self._text = text

    def send(self, text: bytes) -> None:
        self._transport.send(self._text, text)

    def ping(self) -> None:
        self._transport.send_ping()

    def end(self) -> None:
        self._transport.disconnect(graceful=False)
