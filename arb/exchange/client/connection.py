"""The way to a venue and the keys for it. Keys come from the environment or `.env`, and never print."""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn

from dotenv import dotenv_values
from msgspec import Struct

from arb import limits
from arb.errors import ConfigInvalid
from arb.strategy.schema import Exchange

DOTENV: Final = ".env"
KEYS_BESIDE_CA: Final = "keys.env"  # where the practice exchange leaves the keys that it made
PASSWORD_VENUES: Final = frozenset({"bitget", "kucoin", "okx"})  # their keys have a third part
PORT_MAX: Final = 65_535
_HIDDEN: Final = "<hidden>"
_LEGACY: Final = ("EXCHANGE_API_KEY", "EXCHANGE_API_SECRET", "EXCHANGE_PASSWORD")
_CREDENTIAL: Final = re.compile(r"[\x21-\x7e]+(?:\s[\x21-\x7e]+)*")  # a PEM key has lines
_ADDRESS: Final = re.compile(r"(?:\[(?P<six>[^\[\]]*)\]|(?P<host>[^\[\]:/]*)):(?P<port>[0-9]{1,5})")


class Credentials:
    """A key, its secret and, on some venues, a password. Nothing but `reveal` shows them.

    No text, log, traceback, encoding or copy has them in it.
    """

    __slots__ = ("_reveal", "source")
    _reveal: Callable[[], tuple[str, str, str | None]]
    source: str  # where they were found, in words

    def __init__(self, key: str, secret: str, password: str | None, *, source: str) -> None:
        # In a closure no walk over attributes, no debugger's list of locals and no repr finds them.
        object.__setattr__(self, "_reveal", lambda: (key, secret, password))
        object.__setattr__(self, "source", source)

    def reveal(self) -> tuple[str, str, str | None]:
        """Give key, secret and password to the one who signs with them."""
        return self._reveal()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("credentials do not change")

    def __repr__(self) -> str:
        return f"Credentials({_HIDDEN}, source={self.source!r})"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("credentials are not written anywhere")

    def __copy__(self) -> "Credentials":
        return self

    def __deepcopy__(self, memo: object) -> "Credentials":
        return self


class Address(Struct, frozen=True):
    """Where every connection goes instead of the venue: a port of this machine."""

    host: str  # a number: a name could be defined to be elsewhere
    port: int


class Connection(Struct, frozen=True, kw_only=True):
    """A venue, and the way to it."""

    venue: str
    sandbox: bool = False
    connect_to: Address | None = None
    ca_file: Path | None = None
    options: Mapping[str, str | int | bool]
    practice: bool = False
    credentials: Credentials | None = None

    def __post_init__(self) -> None:
        """Refuse what goes only with an address of this machine; raises ConfigInvalid."""
        if self.connect_to is None and self.ca_file is not None:
            raise ConfigInvalid("ca_file goes only with connect_to")
        if self.connect_to is None and self.practice:
            raise ConfigInvalid("dialect practice goes only with connect_to")


def parse_connect_to(text: str) -> Address:
    """Read `127.0.0.1:8443`, `localhost:8443` or `[::1]:8443`; raises ConfigInvalid for other places."""
    found = _ADDRESS.fullmatch(text.strip())
    if found is None:
        raise ConfigInvalid(f"connect_to must be HOST:PORT, such as 127.0.0.1:8443, was {text!r}")
    port = int(found["port"])
    if not 0 < port <= PORT_MAX:
        raise ConfigInvalid(f"connect_to: the port must be within 1..{PORT_MAX}, was {port}")
    return Address(_loopback(found["six"] or found["host"] or ""), port)


def connection_of(
    exchange: Exchange, ca_file: Path | None, credentials: Credentials | None
) -> Connection:
    """Turn what a strategy says of its venue into the way there; raises ConfigInvalid."""
    address = None if exchange.connect_to is None else parse_connect_to(exchange.connect_to)
    return Connection(
        venue=exchange.id,
        sandbox=exchange.sandbox,
        connect_to=address,
        ca_file=ca_file,
        options=exchange.options,
        practice=exchange.dialect == "practice",
        credentials=credentials,
    )


def read_credentials(
    exchange: Exchange, ca_file: Path | None, environ: Mapping[str, str], folder: Path
) -> Credentials | None:
    """Find the keys for a venue; None where there are none.

    The venue's own names go before the legacy ones. Each are looked for in the environment, then in
    `.env` of the folder, then, for a venue on this machine, in `keys.env` beside its `ca_file`. Those
    that go together come from one place. The practice exchange gets its own keys where it left some,
    whatever else is set: those of a real account are none of its business. Raises ConfigInvalid where
    only some of them are there.
    """
    paths = [folder / DOTENV]
    if exchange.connect_to is not None and ca_file is not None:
        beside = ca_file.with_name(KEYS_BESIDE_CA)
        paths.append(beside)
        if exchange.dialect == "practice" and beside.is_file():
            environ, paths = {}, [beside]
    found = _find(exchange.id, environ, paths)
    if isinstance(found, str):
        environ = {}  # an error's variables may be printed with it
        raise ConfigInvalid(found)
    return found


def _loopback(host: str) -> str:
    if host.lower() == "localhost":
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    elsewhere = getattr(address, "ipv4_mapped", None) or getattr(address, "scope_id", None)
    if address is None or elsewhere is not None or not address.is_loopback:
        raise ConfigInvalid(
            f"connect_to leads to this machine only (127.0.0.0/8, [::1] or localhost), was {host!r};"
            " leave it out to trade at the venue itself"
        )
    return str(address)


def _find(
    venue: str, environ: Mapping[str, str], paths: Sequence[Path]
) -> Credentials | str | None:
    """The keys, or what is wrong with them: whoever raises that has no key in its variables."""
    places: list[tuple[str, Mapping[str, str | None]]] = [("the environment", environ)]
    for path in paths:
        values = _read(path)
        if isinstance(values, str):
            return values
        places.append((DOTENV if path.name == DOTENV else str(path), values))
    own = f"ARB_{re.sub('[^A-Z0-9]', '_', venue.upper())}"
    for names in ((f"{own}_API_KEY", f"{own}_SECRET", f"{own}_PASSWORD"), _LEGACY):
        for source, values in places:
            given = {name: value for name in names if (value := (values.get(name) or "").strip())}
            if given:
                return _checked(venue, names, given, source)
    return None


def _checked(
    venue: str, names: Sequence[str], given: Mapping[str, str], source: str
) -> Credentials | str:
    needed = names if venue in PASSWORD_VENUES else names[:2]
    missing = [name for name in needed if name not in given]
    if missing:
        has, needs = " and ".join(given), " and ".join(missing)
        verbs = ("is" if len(given) == 1 else "are", "is" if len(missing) == 1 else "are")
        every = "both" if len(needed) == 2 else "all three"  # noqa: PLR2004 -- that is what both means
        return f"{source}: {has} {verbs[0]} set and {needs} {verbs[1]} not; set {every} there"
    for name, value in given.items():
        if not _CREDENTIAL.fullmatch(value):
            return f"{source}: {name} has characters in it that no key has"
    key, secret, password = (given.get(name) for name in names)
    assert key is not None
    assert secret is not None
    return Credentials(key, secret, password, source=source)


def _read(path: Path) -> Mapping[str, str | None] | str:
    """The variables of a file, none of one that is not there; or why it cannot be read."""
    try:
        if not path.exists():
            return {}
        if path.is_dir():
            return f"{path} cannot be read: it is a folder"
        if path.stat().st_size > limits.DOTENV_FILE_BYTES_MAX:
            return f"{path} cannot be read: more than {limits.DOTENV_FILE_BYTES_MAX} bytes"
        # A secret may have a "$" in it, which stands for itself.
        return dotenv_values(path, interpolate=False, encoding="utf-8")
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        return f"{path} cannot be read: it is no text in UTF-8"
