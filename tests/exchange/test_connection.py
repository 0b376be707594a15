"""Keys are found where they are said to be and never print; `connect_to` leads nowhere else."""

import asyncio
from pathlib import Path

import pytest

from arb.errors import ConfigInvalid
from arb.exchange.client.connection import Address, connection_of, read_credentials
from arb.exchange.client.sockets import Redirected, trust
from arb.strategy.schema import Exchange

BINANCE = Exchange(id="binance")
PRACTICE = Exchange(id="binance", connect_to="127.0.0.1:8443", dialect="practice")
LOCAL = Exchange(id="binance", connect_to="127.0.0.1:8443")
SECRET = "s3cr3t-word"


def found(
    tmp_path: Path, environ: dict[str, str], exchange: Exchange = BINANCE, ca: Path | None = None
) -> tuple[str, str, str | None] | None:
    credentials = read_credentials(exchange, ca, environ, tmp_path)
    return None if credentials is None else credentials.reveal()


def test_the_environment_goes_before_the_file_and_the_file_before_the_practice_keys(
    tmp_path: Path,
) -> None:
    ca = tmp_path / "practice" / "ca.pem"
    ca.parent.mkdir()
    ca.with_name("keys.env").write_text("ARB_BINANCE_API_KEY=pk\nARB_BINANCE_SECRET=ps\n")
    assert found(tmp_path, {}, LOCAL, ca) == ("pk", "ps", None)
    assert found(tmp_path, {}, BINANCE, ca) is None  # a real venue never gets those
    (tmp_path / ".env").write_text("ARB_BINANCE_API_KEY=fk\nARB_BINANCE_SECRET='f$s'\n")
    assert found(tmp_path, {}, LOCAL, ca) == ("fk", "f$s", None)
    own = {"ARB_BINANCE_API_KEY": "k", "ARB_BINANCE_SECRET": "s"}
    assert found(tmp_path, own, LOCAL, ca) == ("k", "s", None)
    # Those of a real account are not sent to the practice exchange, which left its own.
    assert found(tmp_path, own, PRACTICE, ca) == ("pk", "ps", None)
    ca.with_name("keys.env").unlink()
    assert found(tmp_path, own, PRACTICE, ca) == ("k", "s", None)


def _fail(connection: object, credentials: object) -> None:
    raise ValueError("x", connection, credentials)


async def _resolved(exchange: Exchange) -> list[tuple[str, int]]:
    address = connection_of(exchange, None, None).connect_to
    assert address is not None
    seen = []
    for host in ("api.binance.com", "stream.binance.com", "anything.example"):
        answers = await Redirected(address).resolve(host, 443)
        seen += [(one["host"], one["port"]) for one in answers]
    return seen


@pytest.mark.parametrize(
    ("connect_to", "expected"),
    [
        ("127.0.0.1:8443", ("127.0.0.1", 8443)),
        ("localhost:9", ("127.0.0.1", 9)),
        ("[::1]:10", ("::1", 10)),
    ],
)
def test_every_name_leads_to_the_address(connect_to: str, expected: tuple[str, int]) -> None:
    exchange = Exchange(id="binance", connect_to=connect_to)
    assert asyncio.run(_resolved(exchange)) == [expected] * 3


def test_what_a_strategy_says_of_its_venue_is_the_way_there(tmp_path: Path) -> None:
    exchange = Exchange(id="okx", connect_to="127.0.0.1:1", options={"a": 1}, dialect="practice")
    made = connection_of(exchange, tmp_path / "ca.pem", None)
    assert (made.venue, made.connect_to, made.practice) == ("okx", Address("127.0.0.1", 1), True)
    assert (made.ca_file, made.options, made.sandbox) == (tmp_path / "ca.pem", {"a": 1}, False)
    assert connection_of(Exchange(id="okx", sandbox=True), None, None).sandbox
    assert connection_of(Exchange(id="okx"), None, None).connect_to is None


@pytest.mark.parametrize(
    ("content", "said"), [(None, "is not there"), ("nonsense", "holds no certificate")]
)
def test_a_ca_file_that_cannot_be_used_is_named(
    tmp_path: Path, content: str | None, said: str
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigInvalid, match=said):
        trust(connection_of(LOCAL, path, None))
