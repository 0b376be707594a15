"""Connections as a venue's class makes them, sent to this machine where the strategy says so."""

import socket
import ssl

import aiohttp
import certifi
from aiohttp.abc import AbstractResolver, ResolveResult

from arb.errors import ConfigInvalid
from arb.exchange.connection import Address, Connection


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


async def _refuse_redirect(*_: object) -> None:
    # A request that is redirected is sent a second time: an order must not be.
    raise aiohttp.ClientError("the venue answered with a redirection, which is not followed")


def open_session(connection: Connection) -> aiohttp.ClientSession:
    """Open the session that a venue's class is to use; whoever opens it closes it.

    With `connect_to`, every connection goes there. Raises ConfigInvalid where `ca_file` is no
    certificate.
    """
    once = aiohttp.TraceConfig()
    once.on_request_redirect.append(_refuse_redirect)
    if connection.connect_to is None:
        context = ssl.create_default_context(cafile=certifi.where())
        connector = aiohttp.TCPConnector(ssl=context)
        return aiohttp.ClientSession(connector=connector, trust_env=True, trace_configs=[once])
    connector = aiohttp.TCPConnector(
        resolver=Redirected(connection.connect_to), ssl=trust(connection), use_dns_cache=False
    )
    # Without `trust_env` no proxy of the environment can lead elsewhere.
    return aiohttp.ClientSession(connector=connector, trust_env=False, trace_configs=[once])


def trust(connection: Connection) -> ssl.SSLContext:
    """Trust the strategy's own authority and no other one; raises ConfigInvalid."""
    path = connection.ca_file
    if path is None:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=str(path))
    except FileNotFoundError:
        raise ConfigInvalid(
            f"ca_file {path} is not there; for the practice exchange start tools/practice.py first"
        ) from None
    except (OSError, ssl.SSLError) as error:
        raise ConfigInvalid(f"ca_file {path} holds no certificate: {error}") from None
