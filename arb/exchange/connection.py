"""The way to a venue and the keys for it. Keys come from the environment or `.env`, and never print."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NoReturn

from dotenv import dotenv_values
from msgspec import Struct

from arb.errors import ConfigInvalid
from arb.strategy.schema import Exchange

DOTENV: Final = ".env"
KEYS_BESIDE_CA: Final = "keys.env"  # where the practice exchange leaves the keys that it made
_HIDDEN: Final = "<hidden>"
_LEGACY: Final = ("EXCHANGE_API_KEY", "EXCHANGE_API_SECRET", "EXCHANGE_PASSWORD")


class Credentials:
    """A key, its secret and, on some venues, a password. Nothing but `reveal` shows them."""

    __slots__ = ("_reveal", "source")

    def __init__(self, key: str, secret: str, password: str | None, *, source: str) -> None:
        # In a closure no walk over attributes, no debugger's list of locals and no repr finds them.
        self._reveal: Callable[[], tuple[str, str, str | None]] = lambda: (key, secret, password)
        self.source = source  # where they were found, in words

    def reveal(self) -> tuple[str, str, str | None]:
        """Give key, secret and password to the one who signs with them."""
        return self._reveal()

    def __repr__(self) -> str:
        return f"Credentials({_HIDDEN}, source={self.source!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are not written anywhere")


class Address(Struct, frozen=True):
    """Where every connection goes instead of the venue: a port of this machine."""

    host: str
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


def connection_of(
    exchange: Exchange, ca_file: Path | None, credentials: Credentials | None
) -> Connection:
    """Turn what a strategy says of its venue into the way there."""
    address = None
    if exchange.connect_to is not None:
        host, _, port = exchange.connect_to.rpartition(":")
        address = Address(host.removeprefix("[").removesuffix("]"), int(port))
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

    They are looked for in the environment, then in `.env` of the folder, then, for a venue on this
    machine, in `keys.env` beside its `ca_file`; each time by the venue's own names, then by the
    legacy ones. Raises ConfigInvalid for a key without its secret, or the other way round.
    """
    places: list[tuple[str, Mapping[str, str | None]]] = [
        ("the environment", environ),
        (DOTENV, _read(folder / DOTENV)),
    ]
    if exchange.connect_to is not None and ca_file is not None:
        path = ca_file.with_name(KEYS_BESIDE_CA)
        places.append((str(path), _read(path)))
    own = f"ARB_{exchange.id.upper()}"
    for source, values in places:
        for names in ((f"{own}_API_KEY", f"{own}_SECRET", f"{own}_PASSWORD"), _LEGACY):
            key, secret, password = ((values.get(name) or "").strip() for name in names)
            if key and secret:
                return Credentials(key, secret, password or None, source=source)
            if key or secret:
                has, needs = names[:2] if key else names[1::-1]
                raise ConfigInvalid(f"{source}: {has} is set and {needs} is not; set both")
    return None


def _read(path: Path) -> Mapping[str, str | None]:
    if not path.is_file():
        return {}
    try:
        return dotenv_values(path, interpolate=False)
    except (OSError, UnicodeError) as error:
        raise ConfigInvalid(f"{path} cannot be read: {error}") from None
