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
from arb.exchange.connection import (
    Address,
    Connection,
    Credentials,
    dotenv_paths,
    parse_connect_to,
    read_credentials,
)
from tests.spec.properties import examples

KEY, SECRET, PASSWORD = "k3yk3yk3y", "s3cr3ts3cr3t", "p4ssw0rd"
OURS = {"ARB_BINANCE_API_KEY": KEY, "ARB_BINANCE_SECRET": SECRET}
LEGACY = {"EXCHANGE_API_KEY": "old" + KEY, "EXCHANGE_API_SECRET": "old" + SECRET}
OKX = {"ARB_OKX_API_KEY": KEY, "ARB_OKX_SECRET": SECRET, "ARB_OKX_PASSWORD": PASSWORD}


def credentials() -> Credentials:
    return Credentials(KEY, SECRET, PASSWORD)


def written(path: Path, values: dict[str, str]) -> Path:
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    return path


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
    connection = Connection(venue="binance", credentials=credentials())
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
        lambda value: pickle.dumps(Connection(venue="binance", credentials=value)),
        lambda value: msgspec.json.encode(Connection(venue="binance", credentials=value)),
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
        one._door = lambda: ("", "", None)
    with pytest.raises(AttributeError):
        one.key = "k"
    assert one.reveal() == (KEY, SECRET, PASSWORD)


def test_a_fingerprint_tells_keys_apart() -> None:
    assert credentials().fingerprint == Credentials(KEY, "other").fingerprint
    assert credentials().fingerprint != Credentials(SECRET, SECRET).fingerprint
    assert not shows(credentials().fingerprint)


@pytest.mark.parametrize("half", ["ARB_BINANCE_API_KEY", "ARB_BINANCE_SECRET"])
def test_a_traceback_with_its_variables_shows_no_credentials(half: str, tmp_path: Path) -> None:
    file = written(tmp_path / ".env", {half: OURS[half]})
    for environ, paths in (({half: OURS[half]}, []), ({}, [file])):
        with pytest.raises(ConfigInvalid) as refused:
            read_credentials("binance", environ, paths)
        frames = refused.value.__traceback__.tb_next  # this test's own frame has them
        told = traceback.TracebackException(
            ConfigInvalid, refused.value, frames, capture_locals=True
        )
        assert not shows("".join(told.format()))
        assert refused.value.__context__ is None


def test_bad_credentials_are_not_in_their_traceback() -> None:
    with pytest.raises(ConfigInvalid) as refused:
        Credentials(KEY, SECRET + "\x00")
    frames = refused.value.__traceback__.tb_next
    told = traceback.TracebackException(ConfigInvalid, refused.value, frames, capture_locals=True)
    assert not shows("".join(told.format()))


def test_the_environment_comes_before_the_files_and_a_file_before_the_next(tmp_path: Path) -> None:
    first = written(tmp_path / "first", {name: f"1{value}" for name, value in OURS.items()})
    second = written(tmp_path / "second", {name: f"2{value}" for name, value in OURS.items()})
    paths = [tmp_path / "absent", first, second]
    assert read_credentials("binance", OURS, paths).reveal() == (KEY, SECRET, None)
    assert read_credentials("binance", {}, paths).reveal() == (f"1{KEY}", f"1{SECRET}", None)
    assert read_credentials("binance", {}, second).reveal() == (f"2{KEY}", f"2{SECRET}", None)
    assert read_credentials("binance", {}, []) is None


def test_a_venues_own_variables_come_before_the_legacy_ones(tmp_path: Path) -> None:
    file = written(tmp_path / ".env", OURS)
    assert read_credentials("binance", LEGACY, [file]).reveal()[0] == KEY
    assert read_credentials("binance", LEGACY | OURS).reveal()[0] == KEY
    assert read_credentials("kraken", LEGACY | OURS).reveal() == ("old" + KEY, "old" + SECRET, None)


def test_a_venue_is_a_part_of_the_name_in_capitals() -> None:
    environ = {"ARB_COINBASE_ADV_API_KEY": KEY, "ARB_COINBASE_ADV_SECRET": SECRET}
    assert read_credentials("coinbase-adv", environ).reveal()[0] == KEY


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
            (
                "half of the credentials for binance: the environment has ARB_BINANCE_API_KEY, but"
                " not ARB_BINANCE_SECRET; set ARB_BINANCE_API_KEY, ARB_BINANCE_SECRET there"
                " together, or none of them"
            ),
        ),
        ("binance", {"EXCHANGE_API_SECRET": SECRET}, "but not EXCHANGE_API_KEY"),
        ("binance", {"ARB_BINANCE_PASSWORD": PASSWORD}, "not ARB_BINANCE_API_KEY and ARB_BINANCE"),
        ("binance", {"ARB_BINANCE_API_KEY": KEY, **LEGACY}, "but not ARB_BINANCE_SECRET"),
        ("okx", {k: v for k, v in OKX.items() if "PASS" not in k}, "but not ARB_OKX_PASSWORD"),
        ("okx", LEGACY, "but not ARB_OKX_PASSWORD"),
        ("binance", OURS | {"ARB_BINANCE_SECRET": "s3cr\x01t"}, "ARB_BINANCE_SECRET in the env"),
    ],
)
def test_half_a_pair_is_refused_by_name(venue: str, environ: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        read_credentials(venue, environ)
    assert said in str(refused.value)
    assert not shows(str(refused.value))


def test_a_pair_is_never_put_together_from_two_places(tmp_path: Path) -> None:
    file = written(tmp_path / ".env", {"ARB_BINANCE_SECRET": SECRET})
    with pytest.raises(ConfigInvalid, match="the environment has ARB_BINANCE_API_KEY, but not"):
        read_credentials("binance", {"ARB_BINANCE_API_KEY": KEY}, file)


def test_a_password_comes_along() -> None:
    assert read_credentials("okx", OKX).reveal() == (KEY, SECRET, PASSWORD)


def test_reading_a_file_changes_no_environment_and_takes_dollars_as_they_are(
    tmp_path: Path,
) -> None:
    before = dict(os.environ)
    file = written(
        tmp_path / ".env", {"ARB_BINANCE_API_KEY": KEY, "ARB_BINANCE_SECRET": "a${HOME}b"}
    )
    assert read_credentials("binance", {}, file).reveal()[1] == "a${HOME}b"
    assert dict(os.environ) == before


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"ARB_BINANCE_SECRET=\xff" + SECRET.encode())
    (tmp_path / "large").write_bytes(b"#" * 70_000)
    (tmp_path / "folder").mkdir()
    for name in ("latin", "large", "folder"):
        with pytest.raises(ConfigInvalid, match=name) as refused:
            read_credentials("binance", {}, tmp_path / name)
        assert refused.value.__context__ is None


def test_keys_beside_a_certificate_are_for_connect_to_alone() -> None:
    here, there = Path("/here"), Path("/there/ca.pem")
    address = Address("127.0.0.1", 8443)
    assert dotenv_paths(here) == (here / ".env",)
    assert dotenv_paths(here, None, there) == (here / ".env",)
    assert dotenv_paths(here, address, there) == (here / ".env", Path("/there/keys.env"))


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
    assert parse_connect_to(str(address)) == address


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
        ("127.0.0.1:0", "port must be within 1..65535"),
        ("127.0.0.1:65536", "port must be within 1..65535"),
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


@pytest.mark.parametrize("given_to", [{"ca_file": Path("ca.pem")}, {"dialect": "practice"}])
def test_what_is_for_connect_to_is_refused_without_it(given_to: dict[str, object]) -> None:
    with pytest.raises(ConfigInvalid, match="needs connect_to"):
        Connection(venue="binance", **given_to)
    assert Connection(venue="binance", connect_to=Address("127.0.0.1", 1), **given_to)
