"""Connections as a venue's class makes them, sent to this machine where the strategy says so."""

import errno
import ipaddress
import socket
import ssl
from typing import Final

import aiohttp
import certifi
from aiohttp.abc import AbstractResolver, ResolveResult

from arb.errors import ConfigInvalid
from arb.exchange.client import attentive
from arb.exchange.client.connection import Address, Connection

_SOCKADDR_PARTS: Final = 2  # host and port; IPv6 adds flow and scope


class Redirected(AbstractResolver):
    """Every host name is this one address. The names stay in TLS and in the requests."""

    def __init__(self, address: Address) -> None:
        self._address = address

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Answer with the address, whatever was asked for."""
        del port, family
        there = "127.0.0.1" if self._address.host == "localhost" else self._address.host
        return [
            ResolveResult(
                hostname=host,
                host=there,
                port=self._address.port,
                family=socket.AF_INET6 if ":" in there else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """There is nothing to close."""


class OnlyThere:
    """Makes the sockets of a session, and none that would lead elsewhere.

    A host that is a number is never asked of a resolver: this is the last door, and it is narrow.
    """

    def __init__(self, address: Address) -> None:
        self._address = address

    def __call__(self, where: aiohttp.AddrInfoType) -> socket.socket:
        """Open a socket for an address; raises OSError where it is not ours."""
        family, kind, proto, _, sockaddr = where
        host, port = sockaddr[:_SOCKADDR_PARTS]
        if (str(host), port) != (self._address.host, self._address.port):
            raise PermissionError(
                errno.EACCES,
                f"{host}:{port} is not {self._address.host}:{self._address.port}, where every"
                " connection of this strategy goes",
            )
        return socket.socket(family, kind, proto)


async def _refuse_redirect(*_: object) -> None:
    # A request that is redirected is sent a second time: an order must not be.
    raise aiohttp.ClientError("the venue answered with a redirection, which is not followed")


def open_session(connection: Connection) -> aiohttp.ClientSession:
    """Open the session that a venue's class is to use; whoever opens it closes it.

    With `connect_to`, every connection goes there, REST and streams alike, and one that would not is
    refused before anything is sent. Raises ConfigInvalid where `ca_file` is no certificate.
    """
    once = aiohttp.TraceConfig()
    once.on_request_redirect.append(_refuse_redirect)
    address = connection.connect_to
    if address is None:
        connector = attentive.connector(ssl=trust(connection))
        return aiohttp.ClientSession(connector=connector, trust_env=True, trace_configs=[once])
    assert ipaddress.ip_address(address.host).is_loopback, address
    connector = attentive.connector(
        resolver=Redirected(address),
        socket_factory=OnlyThere(address),
        ssl=trust(connection),
        use_dns_cache=False,
    )
    # Without `trust_env` no proxy of the environment can lead elsewhere.
    return aiohttp.ClientSession(connector=connector, trust_env=False, trace_configs=[once])


def trust(connection: Connection) -> ssl.SSLContext:
    """Trust the strategy's own authority and no other one, else the public ones; raises ConfigInvalid."""
    path = connection.ca_file
    if path is None:
        return ssl.create_default_context(cafile=certifi.where())
    try:
        return ssl.create_default_context(cafile=str(path))
    except FileNotFoundError:
        raise ConfigInvalid(
            f"ca_file {path} is not there; for the practice exchange start tools/practice.py first"
        ) from None
    except (OSError, ssl.SSLError) as error:
        raise ConfigInvalid(f"ca_file {path} holds no certificate: {error}") from None
