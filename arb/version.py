"""The name and the version of what is installed."""

from typing import Final

NAME: Final = "arb-cycle-engine"


def installed_version() -> str:
    """The installed version; a source tree that is not installed has none."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 -- 15 ms, when asked

    try:
        return version(NAME)
    except PackageNotFoundError:
        return "source"
