"""The practice account's keys: worth nothing, and treated as real ones."""

import secrets
import string
from pathlib import Path
from typing import Final

from msgspec import Struct

from arb.errors import ConfigInvalid
from arb.exchange.practice.certificates import write_private

_LETTERS: Final = string.ascii_letters + string.digits
_KEY_CHARS: Final = 64
_NAMES: Final = {
    "binance_key": "ARB_BINANCE_API_KEY",
    "binance_secret": "ARB_BINANCE_SECRET",
    "okx_key": "ARB_OKX_API_KEY",
    "okx_secret": "ARB_OKX_SECRET",
    "okx_password": "ARB_OKX_PASSWORD",
}


class Keys(Struct, frozen=True):
    """One key for each protocol; none of them is ever printed."""

    binance_key: str
    binance_secret: str
    okx_key: str
    okx_secret: str
    okx_password: str

    def __repr__(self) -> str:
        return "Keys(...)"


def ensure_keys(path: Path) -> Keys:
    """Read the keys from a file of `NAME=value` lines, or mint them into it.

    Raises ConfigInvalid for a file that lacks one.
    """
    if not path.exists():
        minted = "".join(f"{name}={_mint()}\n" for name in _NAMES.values())
        write_private(path, minted.encode())
    lines = (line.partition("=") for line in path.read_text().splitlines() if "=" in line)
    found = {name.strip(): value.strip() for name, _, value in lines}
    lacking = [name for name in _NAMES.values() if not found.get(name)]
    if lacking:
        raise ConfigInvalid(f"{path} lacks {lacking[0]}: move the file away, and a new one is made")
    return Keys(**{field: found[name] for field, name in _NAMES.items()})


def _mint() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_KEY_CHARS))
