"""Connections as a venue's class makes them, sent to this machine where the strategy says so."""

import socket
import ssl

import aiohttp
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


def redirected_session(connection: Connection) -> aiohttp.ClientSession | None:
    """Open the session that sends everything to `connect_to`; None: the class makes its own.

    Whoever opens it closes it. Raises ConfigInvalid where `ca_file` is no certificate.
    """
    if connection.connect_to is None:
        return None
    connector = aiohttp.TCPConnector(
        resolver=Redirected(connection.connect_to), ssl=trust(connection), use_dns_cache=False
    )
    # Without `trust_env` no proxy of the environment can lead elsewhere.
    return aiohttp.ClientSession(connector=connector, trust_env=False)


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
