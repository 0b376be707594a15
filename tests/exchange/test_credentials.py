import copy
import json
import os
import pickle
import pprint
import traceback
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import msgspec
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from arb.errors import ConfigInvalid
from arb.exchange.client.connection import (
    Address,
    Connection,
    Credentials,
    parse_connect_to,
)
from arb.exchange.client.connection import read_credentials as read
from arb.strategy.schema import Exchange
from tests.spec.properties import examples

KEY, SECRET, PASSWORD = "k3yk3yk3y", "s3cr3ts3cr3t", "p4ssw0rd"
OURS = {"ARB_BINANCE_API_KEY": KEY, "ARB_BINANCE_SECRET": SECRET}
LEGACY = {"EXCHANGE_API_KEY": "old" + KEY, "EXCHANGE_API_SECRET": "old" + SECRET}
OKX = {"ARB_OKX_API_KEY": KEY, "ARB_OKX_SECRET": SECRET, "ARB_OKX_PASSWORD": PASSWORD}


def credentials() -> Credentials:
    return Credentials(KEY, SECRET, PASSWORD, source="a test")


def written(path: Path, values: dict[str, str]) -> Path:
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    return path


def read_credentials(
    venue: str,
    environ: dict[str, str],
    folder: Path = Path("/nowhere"),
    ca_file: Path | None = None,
) -> Credentials | None:
    connect_to = None if ca_file is None else "127.0.0.1:8443"
    return read(Exchange(id=venue, connect_to=connect_to), ca_file, environ, folder)


def shows(text: str) -> bool:
    return any(value in text for value in (KEY, SECRET, PASSWORD))


def logged(value: object) -> str:
    out = StringIO()
    for renderer in (
        structlog.processors.JSONRenderer(),
        structlog.processors.KeyValueRenderer(),
        structlog.dev.ConsoleRenderer(colors=False),
    ):
        out.write(str(renderer(None, "info", {"event": "said", "value": value})))
    return out.getvalue()


@pytest.mark.parametrize(
    "say",
    [
        repr,
        str,
        format,
        "{:>40}".format,
        "{!a}".format,
        lambda value: "%s %r" % (value, value),  # noqa: UP031 -- the old way is one of the ways
        lambda value: pprint.pformat([value]),
        lambda value: json.dumps({"value": value}, default=repr),
        lambda value: str(value.__getstate__()) + str(dir(value)),
        logged,
    ],
)
def test_credentials_never_print(say: Callable[[object], str]) -> None:
    for value in (credentials(), [credentials()], {"k": credentials()}):
        try:
            said = say(value)
        except (TypeError, AttributeError) as error:  # of a list, or of a dictionary
            said = str(error)
        assert said
        assert not shows(said)
    connection = Connection(venue="binance", options={}, credentials=credentials())
    assert "hidden" in repr(connection)
    assert not shows(repr(connection))


@pytest.mark.parametrize(
    "encode",
    [
        pickle.dumps,
        lambda value: pickle.dumps(value, protocol=0),
        msgspec.json.encode,
        msgspec.msgpack.encode,
        msgspec.to_builtins,
        json.dumps,
        vars,
        lambda value: pickle.dumps(Connection(venue="binance", options={}, credentials=value)),
        lambda value: msgspec.json.encode(
            Connection(venue="binance", options={}, credentials=value)
        ),
    ],
)
def test_credentials_are_not_encoded(encode: Callable[[object], object]) -> None:
    with pytest.raises(TypeError) as refused:
        encode(credentials())
    assert not shows(str(refused.value))


def test_a_copy_of_credentials_is_the_same_credentials() -> None:
    one = credentials()
    assert copy.copy(one) is one
    assert copy.deepcopy([one])[0] is one


def test_credentials_do_not_change() -> None:
    one = credentials()
    with pytest.raises(AttributeError):
        one._reveal = lambda: ("", "", None)
    with pytest.raises(AttributeError):
        one.key = "k"
    assert one.reveal() == (KEY, SECRET, PASSWORD)


@pytest.mark.parametrize("half", ["ARB_BINANCE_API_KEY", "ARB_BINANCE_SECRET"])
def test_a_traceback_with_its_variables_shows_no_credentials(half: str, tmp_path: Path) -> None:
    written(tmp_path / ".env", {half: OURS[half]})
    for environ in ({half: OURS[half]}, {}):
        with pytest.raises(ConfigInvalid) as refused:
            read(Exchange(id="binance"), None, environ, tmp_path)
        frames = refused.value.__traceback__.tb_next  # this test's own frame has them
        told = traceback.TracebackException(
            ConfigInvalid, refused.value, frames, capture_locals=True
        )
        assert not shows("".join(told.format()))
        assert refused.value.__context__ is None


def test_a_venues_own_names_go_before_legacy_ones_wherever_these_are(tmp_path: Path) -> None:
    """Keys of another account that lie about in the environment are not sent to this venue."""
    written(tmp_path / ".env", OURS)
    assert read_credentials("binance", LEGACY, tmp_path).reveal()[0] == KEY
    assert read_credentials("kraken", LEGACY, tmp_path).reveal()[0] == "old" + KEY
    written(tmp_path / "keys.env", {name: f"2{value}" for name, value in OURS.items()})
    (tmp_path / ".env").unlink()
    practice = read_credentials("binance", LEGACY, tmp_path, tmp_path / "ca.pem")
    assert practice.reveal()[0] == "2" + KEY


def test_a_venue_is_a_part_of_the_name_in_capitals() -> None:
    environ = {"ARB_COINBASEEXCHANGE_API_KEY": KEY, "ARB_COINBASEEXCHANGE_SECRET": SECRET}
    assert read_credentials("coinbaseexchange", environ).reveal()[0] == KEY


def test_empty_and_blank_values_are_none_at_all() -> None:
    assert read_credentials("binance", dict.fromkeys(OURS, "")) is None
    assert read_credentials("binance", dict.fromkeys(OURS, " \n")) is None
    assert read_credentials("binance", {k: f" {v}\r\n" for k, v in OURS.items()}).reveal()[0] == KEY


@pytest.mark.parametrize(
    ("venue", "environ", "said"),
    [
        (
            "binance",
            {"ARB_BINANCE_API_KEY": KEY},
            "the environment: ARB_BINANCE_API_KEY is set and ARB_BINANCE_SECRET is not; set both",
        ),
        ("binance", {"EXCHANGE_API_SECRET": SECRET}, "and EXCHANGE_API_KEY is not; set both"),
        ("binance", {"ARB_BINANCE_PASSWORD": PASSWORD}, "_API_KEY and ARB_BINANCE_SECRET are not"),
        ("binance", {"ARB_BINANCE_API_KEY": KEY, **LEGACY}, "and ARB_BINANCE_SECRET is not"),
        (
            "okx",
            {name: value for name, value in OKX.items() if "PASSWORD" not in name},
            "ARB_OKX_API_KEY and ARB_OKX_SECRET are set and ARB_OKX_PASSWORD is not; set all three",
        ),
        ("okx", LEGACY, "and EXCHANGE_PASSWORD is not"),
        ("binance", OURS | {"ARB_BINANCE_SECRET": "s3\x01"}, "ARB_BINANCE_SECRET has characters"),
    ],
)
def test_half_of_the_keys_is_refused_by_name(
    venue: str, environ: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        read_credentials(venue, environ)
    assert said in str(refused.value)
    assert not shows(str(refused.value))


def test_keys_are_never_put_together_from_two_places(tmp_path: Path) -> None:
    written(tmp_path / ".env", {"ARB_BINANCE_SECRET": SECRET})
    with pytest.raises(ConfigInvalid, match="the environment: ARB_BINANCE_API_KEY is set and"):
        read_credentials("binance", {"ARB_BINANCE_API_KEY": KEY}, tmp_path)


def test_a_password_comes_along() -> None:
    assert read_credentials("okx", OKX).reveal() == (KEY, SECRET, PASSWORD)


def test_reading_a_file_changes_no_environment_and_takes_dollars_as_they_are(
    tmp_path: Path,
) -> None:
    before = dict(os.environ)
    written(tmp_path / ".env", {"ARB_BINANCE_API_KEY": KEY, "ARB_BINANCE_SECRET": "a${HOME}b"})
    assert read_credentials("binance", {}, tmp_path).reveal()[1] == "a${HOME}b"
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"ARB_BINANCE_SECRET=\xff" + SECRET.encode(), "is no text in UTF-8"),
        (b"#" * 70_000, "more than 65536 bytes"),
        (None, "is a folder"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    if content is None:
        (tmp_path / ".env").mkdir()
    else:
        (tmp_path / ".env").write_bytes(content)
    with pytest.raises(ConfigInvalid, match=said) as refused:
        read_credentials("binance", {}, tmp_path)
    assert refused.value.__context__ is None


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8443", "127.0.0.1", 8443),
        ("127.200.0.9:1", "127.200.0.9", 1),
        ("localhost:65535", "127.0.0.1", 65535),
        ("LOCALHOST:80", "127.0.0.1", 80),
        ("[::1]:8443", "::1", 8443),
    ],
)
def test_this_machine_is_connected_to(text: str, host: str, port: int) -> None:
    address = parse_connect_to(text)
    assert (address.host, address.port) == (host, port)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("10.0.0.1:8443", "leads to this machine only"),
        ("0.0.0.0:8443", "leads to this machine only"),
        ("api.binance.com:443", "leads to this machine only"),
        ("localhost.example.com:443", "leads to this machine only"),
        ("[::ffff:127.0.0.1]:1", "leads to this machine only"),
        ("[::1%eth0]:1", "leads to this machine only"),
        ("[::]:1", "leads to this machine only"),
        ("127.1:8443", "leads to this machine only"),
        ("2130706433:8443", "leads to this machine only"),
        (":8443", "leads to this machine only"),
        ("::1:8443", "must be HOST:PORT"),
        ("https://127.0.0.1:8443", "must be HOST:PORT"),
        ("127.0.0.1", "must be HOST:PORT"),
        ("127.0.0.1:https", "must be HOST:PORT"),
        ("127.0.0.1:\u0661", "must be HOST:PORT"),
        ("user@127.0.0.1:1", "leads to this machine only"),
        ("", "must be HOST:PORT"),
        ("127.0.0.1:0", "the port must be within 1..65535"),
        ("127.0.0.1:65536", "the port must be within 1..65535"),
    ],
)
def test_elsewhere_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigInvalid, match=said):
        parse_connect_to(text)


@examples(300)
@given(st.text(max_size=30) | st.from_regex(r"[0-9.\[\]:%a-f]{1,20}:[0-9]{1,6}", fullmatch=True))
def test_any_text_is_an_address_of_this_machine_or_refused(text: str) -> None:
    try:
        address = parse_connect_to(text)
    except ConfigInvalid:
        return
    assert address.host == "::1" or address.host.startswith("127.")


@pytest.mark.parametrize("given_to", [{"ca_file": Path("ca.pem")}, {"practice": True}])
def test_what_is_for_connect_to_is_refused_without_it(given_to: dict[str, object]) -> None:
    with pytest.raises(ConfigInvalid, match="goes only with connect_to"):
        Connection(venue="binance", options={}, **given_to)
    assert Connection(venue="binance", options={}, connect_to=Address("127.0.0.1", 1), **given_to)
