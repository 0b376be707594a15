"""What a strategy says of its venue reaches the venue's class, which is quiet and exact."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from arb.errors import ConfigInvalid
from arb.exchange.client.ccxt_gateway import Line
from arb.exchange.client.connection import Credentials, connection_of
from arb.exchange.dialects.table import dialect_of
from arb.execution.process.real_clock import RealClock
from arb.strategy.loader import load
from arb.strategy.schema import Exchange
from tests.exchange.captured import Wire

KEYS = Credentials("k", "s", None, source="a test")
WITHIN_S = 5


def looked_at(exchange: Exchange, look: Callable[[Any], Any], ca_file: Path | None = None) -> Any:
    """Make the class of a venue as a run does, look at it, and close it."""

    async def main() -> Any:
        connection = connection_of(exchange, ca_file, KEYS)
        dialect = dialect_of(
            "binance" if exchange.id == "nowhere" else exchange.id,
            practice=connection.practice,
            unproven=True,
        )
        line = Line(connection, dialect, RealClock())
        try:
            seen = look(line.ccxt)
            return await seen if asyncio.iscoroutine(seen) else seen
        finally:
            await line.close()

    return asyncio.run(asyncio.wait_for(main(), WITHIN_S))


def asked(tmp: Path, keys: str) -> Exchange:
    """What a strategy file says of its venue."""
    path = tmp / "venue.yaml"
    path.write_text(
        f"name: demo\nexchange: {{{keys}}}\ncycle: [USDT, BTC, ETH]\nmin_profit_bps: 1\n"
        "max_slippage_bps: 20\ncapital_allocation: {mode: fixed_amount, amount: 100}\n"
    )
    return load(path).strategy.venue


def test_the_id_names_the_class(tmp_path: Path) -> None:
    assert looked_at(asked(tmp_path, "id: binance"), lambda ccxt: ccxt.id) == "binance"
    assert looked_at(asked(tmp_path, "id: okx"), lambda ccxt: ccxt.id) == "okx"
    with pytest.raises(ConfigInvalid, match="no streaming class of that name"):
        looked_at(Exchange(id="nowhere"), lambda ccxt: ccxt.id)


def test_sandbox_goes_to_the_venues_own_sandbox(tmp_path: Path) -> None:
    def urls(ccxt: Any) -> str:
        return ccxt.urls["api"]["private"]

    assert "testnet" in looked_at(asked(tmp_path, "id: binance, sandbox: true"), urls)
    assert "testnet" not in looked_at(asked(tmp_path, "id: binance"), urls)


def test_options_are_set_and_none_of_ours_is_touched(tmp_path: Path) -> None:
    venue = asked(tmp_path, "id: binance, options: {tradesLimit: 7}")
    told = looked_at(venue, lambda ccxt: dict(ccxt.options))
    assert told["tradesLimit"] == 7
    assert told["maxRetriesOnFailure"] == 0
    assert (told["defaultType"], told["recvWindow"]) == ("spot", 5_000)


def test_dialect_practice_is_the_short_window(tmp_path: Path) -> None:
    local = asked(tmp_path, 'id: binance, connect_to: "127.0.0.1:1", dialect: practice')
    assert looked_at(local, lambda ccxt: ccxt.options["recvWindow"]) == 2_000


def test_connect_to_is_where_a_request_goes_and_the_venues_name_is_what_it_asks_for(
    tmp_path: Path,
) -> None:
    async def ask(port: int) -> str:
        local = asked(tmp_path, f'id: binance, connect_to: "127.0.0.1:{port}"')
        line = Line(
            connection_of(local, None, KEYS),
            dialect_of("binance", practice=False, unproven=False),
            RealClock(),
        )
        try:
            await line.ccxt.publicGetTime()
        except Exception as error:  # noqa: BLE001 -- its words are what is looked at
            return f"{error} {error.__cause__!r}"
        finally:
            await line.close()
        return "answered"

    async def main() -> tuple[str, bytes]:
        heard: list[bytes] = []

        async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.read(400))
            writer.close()

        server = await asyncio.start_server(hear, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        said = await ask(port)
        server.close()
        return said, heard[0]

    said, heard = asyncio.run(asyncio.wait_for(main(), WITHIN_S))
    assert said != "answered"
    assert b"api.binance.com" in heard, "the first words of TLS name the host"


def test_a_ca_file_that_is_missing_is_named_before_anything_is_asked(tmp_path: Path) -> None:
    local = asked(tmp_path, 'id: binance, connect_to: "127.0.0.1:1", ca_file: ca.pem')
    assert local.ca_file is not None
    with pytest.raises(ConfigInvalid, match=r"start tools/practice\.py first"):
        looked_at(local, lambda ccxt: ccxt.id, tmp_path / local.ca_file)


def test_numbers_are_texts_and_nothing_is_retried() -> None:
    told = looked_at(Exchange(id="binance"), lambda ccxt: (ccxt.number, ccxt.enableRateLimit))
    assert told == (str, True)


def test_a_message_that_the_client_cannot_read_breaks_the_connection_instead_of_leaving_it_deaf() -> (
    None
):
    """Its reading of a connection ends with the first exception, and nobody is told."""
    wire, errors = Wire("binance"), []
    client = SimpleNamespace(url="wss://x", subscriptions={}, on_error=errors.append)
    early = {
        "e": "outboundAccountPosition",
        "E": 1,
        "u": 1,
        "B": [{"a": "BTC", "f": "1", "l": "0"}],
    }
    wire.gateway.ccxt.handle_message(client, early)
    assert [type(error) for error in errors] == [KeyError]
    wire.close()
