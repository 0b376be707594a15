"""With `connect_to` every connection goes there, under the venue's own names, and to nowhere else."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import certifi
import pytest
from aiohttp import web
from msgspec import Struct

from arb.errors import ConfigInvalid
from arb.exchange.client.connection import Address, Connection
from arb.exchange.client.sockets import open_session, trust
from arb.exchange.practice.certificates import Certificates, ensure_certificates
from arb.execution.process.real_clock import RealClock

WITHIN_S = 10


class Place(Struct):
    """A local TLS server, and what it was asked."""

    port: int
    named: list[str]  # by TLS, before anything is sent
    asked: list[str]  # host and path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return ensure_certificates(tmp_path_factory.mktemp("ca"), RealClock().now_ns())


@asynccontextmanager
async def served(files: Certificates) -> AsyncIterator[Place]:
    place = Place(0, [], [])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.chain, files.key)
    context.sni_callback = lambda _socket, name, _context: place.named.append(name or "")

    async def answer(request: web.Request) -> web.StreamResponse:
        place.asked.append(f"{request.host}{request.path}")
        if request.path == "/away":
            raise web.HTTPTemporaryRedirect("https://api.binance.com/back")
        if request.path == "/ws":
            wire = web.WebSocketResponse()
            await wire.prepare(request)
            await wire.send_str((await wire.receive_str()).upper())
            return wire
        return web.Response(text="here")

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    place.port = site._server.sockets[0].getsockname()[1]
    try:
        yield place
    finally:
        await runner.cleanup()


def connection(port: int, ca_file: Path | None) -> Connection:
    address = Address("127.0.0.1", port)
    return Connection(venue="binance", connect_to=address, ca_file=ca_file, options={})


def lived(
    files: Certificates, story: Callable[[Place, aiohttp.ClientSession], Coroutine[Any, Any, None]]
) -> Place:
    async def main() -> Place:
        async with (
            served(files) as place,
            open_session(connection(place.port, files.ca)) as session,
        ):
            await story(place, session)
            return place

    return asyncio.run(asyncio.wait_for(main(), WITHIN_S))


def test_rest_and_streams_go_there_under_the_venues_own_names(files: Certificates) -> None:
    async def story(place: Place, session: aiohttp.ClientSession) -> None:
        for url in ("https://api.binance.com/api/v3/time", "https://www.okx.com:8443/v5"):
            async with session.get(url) as response:
                assert await response.text() == "here"
        async with session.ws_connect("wss://stream.binance.com:9443/ws") as wire:
            await wire.send_str("hello")
            assert await wire.receive_str() == "HELLO"

    place = lived(files, story)
    assert place.named == ["api.binance.com", "www.okx.com", "stream.binance.com"]
    assert place.asked == [
        "api.binance.com/api/v3/time",
        "www.okx.com:8443/v5",
        "stream.binance.com:9443/ws",
    ]


@pytest.mark.parametrize(
    "url",
    [
        "https://192.0.2.7/x",  # a number is not asked of a resolver
        "http://192.0.2.7:80/x",
        "https://[2001:db8::1]/x",
        "https://127.0.0.2/x",
        "https://127.0.0.1:1/x",  # this machine, and yet another place
    ],
)
def test_what_would_go_elsewhere_is_refused_before_it_leaves(files: Certificates, url: str) -> None:
    async def story(_: Place, session: aiohttp.ClientSession) -> None:
        with pytest.raises(aiohttp.ClientConnectorError, match="where every connection of this"):
            await session.get(url)

    assert lived(files, story).asked == []


def test_a_name_that_the_certificate_does_not_have_is_refused(files: Certificates) -> None:
    async def story(_: Place, session: aiohttp.ClientSession) -> None:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get("https://api.kraken.com/x")

    assert lived(files, story).asked == []


def test_a_redirection_is_not_followed(files: Certificates) -> None:
    async def story(_: Place, session: aiohttp.ClientSession) -> None:
        with pytest.raises(aiohttp.ClientError, match="redirection, which is not followed"):
            await session.post("https://api.binance.com/away", data=b"an order")

    assert lived(files, story).asked == ["api.binance.com/away"]


def test_a_proxy_of_the_environment_leads_nowhere(
    files: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async def story(_: Place, session: aiohttp.ClientSession) -> None:
        async with session.get("https://api.binance.com/x") as response:
            assert response.status == 200

    lived(files, story)


def test_the_strategys_authority_is_trusted_alone(files: Certificates) -> None:
    ours = trust(connection(1, files.ca))
    assert [one["subject"][0][0][1] for one in ours.get_ca_certs()] == [
        "practice exchange authority"
    ]
    assert ours.verify_mode is ssl.CERT_REQUIRED
    assert ours.check_hostname


def test_without_it_the_authorities_are_those_of_ccxt(files: Certificates) -> None:
    public = ssl.create_default_context(cafile=certifi.where())
    for there in (connection(1, None), Connection(venue="binance", options={})):
        made = trust(there)
        assert made.get_ca_certs() == public.get_ca_certs()
        assert made.check_hostname

    async def main() -> None:
        async with served(files) as place, open_session(connection(place.port, None)) as session:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await session.get("https://api.binance.com/x")
            assert place.asked == []

    asyncio.run(asyncio.wait_for(main(), WITHIN_S))


def test_a_ca_file_that_is_missing_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"start tools/practice\.py first"):
        trust(connection(1, tmp_path / "ca.pem"))
