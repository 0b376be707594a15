"""Where the recorded exchange data lies; it is not part of this repository."""

from pathlib import Path

import pytest

_FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def shared_data(*parts: str) -> Path:
    """Find a recording, or skip the test where recordings are absent."""
    path = _FOLDER.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"recorded exchange data is not here: {path}")
    return path
