"""`tools/practice.py` says where everything is, and outlives its own death."""

import hmac
import http.client
import json
import re
import signal
import socket
import ssl
import urllib.request
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from click.testing import CliRunner

from arb.clock import NS_PER_MS
from arb.execution.process.real_clock import RealClock
from arb.faces.practice_cli import practice_exchange
from arb.simulation.processes import Started, start, until
from tests.spec.feed_files import HEADER, ROWS, written

FREE_PORTS = ("--port", "0", "--control-port", "0")


def begun(folder: Path, *arguments: object, crash_at: str | None = None) -> tuple[Started, str]:
    """Start it, and wait for what it says."""
    running = start(folder, "practice", *FREE_PORTS, *arguments, crash_at=crash_at)

    def said() -> str | None:
        text = running.err.read_text()
        assert running.process.poll() is None, text
        return text if "dialect: practice" in text else None

    return running, until(said, "what practice.py says")


def state(text: str) -> Any:
    found = re.search(r"control: (http://127\.0\.0\.1:\d+/control/)state", text)
    assert found is not None, text
    with urllib.request.urlopen(found[1] + "state", timeout=5) as answer:
        return json.load(answer)


def act(text: str, **told: object) -> None:
    found = re.search(r"control: (http://127\.0\.0\.1:\d+/control/)state", text)
    assert found is not None, text
    body = json.dumps(told).encode()
    request = urllib.request.Request(found[1] + "act", data=body, method="POST")
    urllib.request.urlopen(request, timeout=5).close()


def asked(folder: Path, text: str, method: str, path: str, **params: str) -> Any:
    """Send a signed request over TLS, by nothing but the standard library."""
    port = re.search(r"on 127\.0\.0\.1:(\d+)", text)
    assert port is not None, text
    lines = (folder / ".practice" / "keys.env").read_text().splitlines()
    keys = dict(line.split("=", 1) for line in lines)
    query = urlencode({**params, "timestamp": str(RealClock().now_ns() // NS_PER_MS)})
    secret = keys["ARB_BINANCE_SECRET"].encode()
    query += "&signature=" + hmac.new(secret, query.encode(), sha256).hexdigest()
    request = urllib.request.Request(f"https://127.0.0.1:{port[1]}{path}?{query}", method=method)
    request.add_header("X-MBX-APIKEY", keys["ARB_BINANCE_API_KEY"])
    trust = ssl.create_default_context(cafile=str(folder / ".practice" / "ca.pem"))
    with urllib.request.urlopen(request, timeout=5, context=trust) as answer:
        return json.load(answer)


def test_what_it_executed_before_it_died_is_there_when_it_lives_again(tmp_path: Path) -> None:
    order = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "LIMIT",
        "timeInForce": "IOC",
        "quantity": "0.01",
        "price": "40000",
        "newClientOrderId": "xstruck",
    }
    running, text = begun(tmp_path, crash_at="executed_not_told")
    try:
        with pytest.raises((OSError, http.client.HTTPException)):
            asked(tmp_path, text, "POST", "/api/v3/order", **order)
        assert running.wait().code == -signal.SIGKILL
    finally:
        running.end()
    again, text = begun(tmp_path)
    try:
        named = {"symbol": "BTCUSDT", "origClientOrderId": "xstruck"}
        told = asked(tmp_path, text, "GET", "/api/v3/order", **named)
        assert (told["status"], told["executedQty"]) == ("FILLED", "0.01000000")
        assert state(text)["orders_per_client_id_max"] == 1
    finally:
        again.end()


def test_it_says_how_to_trade_there_and_survives_a_kill(tmp_path: Path) -> None:
    running, text = begun(tmp_path, "--balance", "USDT", "123.5", "--faults", "all=0.01")
    try:
        exchange = yaml.safe_load(text[text.index("exchange: {") :].splitlines()[0])["exchange"]
        assert (exchange["id"], exchange["dialect"]) == ("binance", "practice")
        assert Path(exchange["ca_file"]).is_file()
        assert re.fullmatch(r"127\.0\.0\.1:\d+", exchange["connect_to"])
        assert "faults: all=0.01" in text
        act(text, act="deposit", asset="USDT", amount="0.5")
        before = state(text)
        assert before["balances"]["USDT"]["free"] == "124"
    finally:
        running.end()
    again, text = begun(tmp_path, "--balance", "USDT", "7")
    try:
        after = state(text)
        assert (after["uid"], after["balances"]) == (before["uid"], before["balances"])
        again.interrupt(signal.SIGTERM)
        ended = again.wait()
        assert (ended.code, ended.out) == (130, "")
        assert "faults injected: none" in ended.err
    finally:
        again.end()


def test_a_program_is_told_where_to_trade_in_one_line(tmp_path: Path) -> None:
    running, text = begun(tmp_path, "--json")
    try:
        until(running.out.read_text, "the line")
        told = json.loads(running.out.read_text())
        place = yaml.safe_load(text[text.index("exchange: {") :].splitlines()[0])["exchange"]
        assert told["exchange"] == place
        assert f"control: {told['control']}state" in text
        assert Path(told["keys"]).is_file()
    finally:
        running.end()


def test_it_plays_a_recorded_market_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    feed = written(tmp_path, HEADER + ROWS + "9999,ETH,USD,100.51,1,100.6,3\n")
    began = None
    for _ in range(2):
        running, text = begun(tmp_path, "--data-file", feed)
        try:
            assert "2 markets" in text
            mark = (tmp_path / ".practice" / "binance.began").read_text()
            assert began in {None, mark}
            began = mark
        finally:
            running.end()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--faults", "earthquake=1"], 3, "no fault 'earthquake'"),
        (["--faults", "all=2"], 3, "from 0 to 1"),
        (["--balance", "BTC", "0.000000001"], 3, "at most 8 decimals"),
        (["--balance", "BTC", "x"], 3, "is not a number"),
        (["--balance", "NOPE", "5"], 3, "--balance NOPE: no market has it; there are BNB, BTC, "),
        (["--balance", "BTC", "1e400"], 3, "--balance BTC must have at most 36 digits"),
        (["--venue", "nyse"], 2, "nyse"),
    ],
)
def test_a_wrong_command_line_is_answered_in_one_line(
    tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    told = CliRunner().invoke(practice_exchange, ["--dir", str(tmp_path), *arguments])
    assert told.exit_code == code
    assert said in told.output


@pytest.mark.parametrize("flag", ["--port", "--control-port"])
def test_a_port_in_use_is_named_by_its_flag(tmp_path: Path, flag: str) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        number = str(held.getsockname()[1])
        told = CliRunner().invoke(
            practice_exchange, ["--dir", str(tmp_path), *FREE_PORTS, flag, number]
        )
    assert told.exit_code == 3
    assert f"error: {flag} {number} cannot be listened on at 127.0.0.1: Address al" in told.output
    assert "name another" in told.output
