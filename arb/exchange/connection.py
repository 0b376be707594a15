"""Where a venue is and who we are there: what a gateway is made from. Secrets are kept so that they never print."""

import hashlib
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, NoReturn

from dotenv import dotenv_values
from msgspec import Struct

from arb import limits
from arb.errors import ConfigInvalid

KEYS_FILE: Final = "keys.env"  # beside a ca_file: what a practice exchange writes for its users
DOTENV_FILE: Final = ".env"
ENVIRONMENT: Final = "the environment"
PASSWORD_VENUES: Final = frozenset({"bitget", "kucoin", "okx"})  # their keys have a third part
HIDDEN: Final = "Credentials(hidden)"
PORT_MAX: Final = 65_535
FINGERPRINT_CHARS: Final = 16

_CREDENTIAL = re.compile(r"[\x21-\x7e]+(\s[\x21-\x7e]+)*")  # a PEM key has lines
_ADDRESS = re.compile(r"(?:\[(?P<six>[^\[\]]*)\]|(?P<host>[^\[\]:/]*)):(?P<port>[0-9]{1,5})")


class Address(Struct, frozen=True):
    """A host and port on this machine."""

    host: str  # an IP address: never a name that somebody could define otherwise
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_connect_to(text: str) -> Address:
    """Read `127.0.0.1:8443`, `localhost:8443` or `[::1]:8443`; raises ConfigInvalid for what is not this machine."""
    found = _ADDRESS.fullmatch(text.strip())
    if found is None:
        raise ConfigInvalid(f"connect_to must be HOST:PORT, such as 127.0.0.1:8443, was {text!r}")
    host, port = found["six"] or found["host"] or "", int(found["port"])
    if not 0 < port <= PORT_MAX:
        raise ConfigInvalid(f"connect_to: port must be within 1..{PORT_MAX}, was {port}")
    return Address(_loopback(host), port)


def _loopback(host: str) -> str:
    if host.lower() == "localhost":
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "scope_id", None)
    if address is None or mapped is not None or not address.is_loopback:
        raise ConfigInvalid(
            f"connect_to leads to this machine only (127.0.0.0/8, [::1] or localhost), was {host!r};"
            " leave it out to trade at the venue itself"
        )
    return str(address)


class Credentials:
    """A key, its secret and, on some venues, its password; raises ConfigInvalid for what cannot be one.

    They are in no attribute: no text, log, traceback, copy or encoding shows them. `reveal` is the only door.
    """

    __slots__ = ("_door",)
    _door: Callable[[], tuple[str, str, str | None]]

    def __init__(self, key: str, secret: str, password: str | None = None) -> None:
        wrong = [
            name
            for name, value in (("key", key), ("secret", secret), ("password", password))
            if value is not None and not _CREDENTIAL.fullmatch(value)
        ]
        if wrong:
            # The frame of an error may be printed with its variables.
            key = secret = HIDDEN
            password = None
            raise ConfigInvalid(f"the {wrong[0]} is empty, or has characters that no key has")

        def door() -> tuple[str, str, str | None]:
            return key, secret, password

        object.__setattr__(self, "_door", door)

    def reveal(self) -> tuple[str, str, str | None]:
        """Key, secret and password, for the one who signs requests."""
        return self._door()

    @property
    def fingerprint(self) -> str:
        """Tell keys apart without showing them: the beginning of the key's SHA-256."""
        return hashlib.sha256(self._door()[0].encode()).hexdigest()[:FINGERPRINT_CHARS]

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("credentials do not change")

    def __repr__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return HIDDEN

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("credentials are not copied to where they could be read")

    def __copy__(self) -> "Credentials":
        return self

    def __deepcopy__(self, memo: object) -> "Credentials":
        return self


class Connection(Struct, frozen=True, kw_only=True):
    """A venue, the way to it and our credentials there; raises ConfigInvalid where these do not fit each other."""

    venue: str  # its id, such as "binance"
    sandbox: bool = False
    connect_to: Address | None = None  # every request goes here, under the venue's own host names
    ca_file: Path | None = None  # with connect_to: the only certificate authority that is trusted
    options: Mapping[str, object] = MappingProxyType({})  # for the client's own switches
    dialect: str | None = None  # None: the venue's own
    credentials: Credentials | None = None

    def __post_init__(self) -> None:
        if self.connect_to is None and self.ca_file is not None:
            raise ConfigInvalid("ca_file needs connect_to: a venue's own certificate is public")
        if self.connect_to is None and self.dialect is not None:
            raise ConfigInvalid(
                f"dialect {self.dialect} needs connect_to: it is not the venue's own"
            )


def dotenv_paths(
    folder: Path, connect_to: Address | None = None, ca_file: Path | None = None
) -> tuple[Path, ...]:
    """Where credentials may be kept, first place first: `.env` in a folder, then `keys.env` beside a ca_file."""
    beside = () if connect_to is None or ca_file is None else (ca_file.parent / KEYS_FILE,)
    return (folder / DOTENV_FILE, *beside)


def credential_names(venue: str) -> tuple[str, str, str]:
    """The variables of a venue's key, secret and password."""
    prefix = "ARB_" + re.sub(r"[^A-Z0-9]", "_", venue.upper())
    return f"{prefix}_API_KEY", f"{prefix}_SECRET", f"{prefix}_PASSWORD"


LEGACY_NAMES: Final = ("EXCHANGE_API_KEY", "EXCHANGE_API_SECRET")


def read_credentials(
    venue: str, environ: Mapping[str, str], dotenv: Path | Sequence[Path] = ()
) -> Credentials | None:
    """Find a venue's credentials; None where there are none, ConfigInvalid where there is half of them.

    The venue's own variables are looked for before the legacy ones, and the environment before the
    files. What belongs together comes from one place: keys of two accounts are never mixed.
    """
    paths = (dotenv,) if isinstance(dotenv, Path) else tuple(dotenv)
    found = _find(venue, environ, paths)
    if isinstance(found, str):
        environ = {}  # the frame of an error may be printed with its variables
        raise ConfigInvalid(found)
    return found


def _find(
    venue: str, environ: Mapping[str, str], paths: Sequence[Path]
) -> Credentials | str | None:
    """Credentials, or what is wrong with them, or None."""
    places: list[tuple[str, Mapping[str, str | None]]] = [(ENVIRONMENT, environ)]
    for path in paths:
        values = _read_dotenv(path)
        if isinstance(values, str):
            return values
        places.append((str(path), values))
    for names in (credential_names(venue), LEGACY_NAMES):
        for place, values in places:
            given = {name: value for name in names if (value := (values.get(name) or "").strip())}
            if given:
                return _pair(venue, place, names, given)
    return None


def _pair(
    venue: str, place: str, names: Sequence[str], given: Mapping[str, str]
) -> Credentials | str:
    needed = [*names[:2], credential_names(venue)[2]] if venue in PASSWORD_VENUES else names[:2]
    missing = [name for name in needed if name not in given]
    if missing:
        return (
            f"half of the credentials for {venue}: {place} has {' and '.join(given)}, but not"
            f" {' and '.join(missing)}; set {', '.join(needed)} there together, or none of them"
        )
    wrong = [name for name, value in given.items() if not _CREDENTIAL.fullmatch(value)]
    if wrong:
        return f"{wrong[0]} in {place} has characters that no key has"
    return Credentials(given[names[0]], given[names[1]], given.get(credential_names(venue)[2]))


def _read_dotenv(path: Path) -> Mapping[str, str | None] | str:
    """The variables of a file; none of a file that is not there."""
    try:
        if not path.exists():
            return {}
        if path.is_dir():
            return f"{path} is a folder, not a file"
        if path.stat().st_size > limits.DOTENV_FILE_BYTES_MAX:
            return f"{path} has more than {limits.DOTENV_FILE_BYTES_MAX} bytes: it holds no keys"
        # A secret may have a "$" in it, which means nothing.
        return dotenv_values(path, interpolate=False, encoding="utf-8")
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        return f"{path} is not a text in UTF-8"
