"""Every test of a defect has a folder of its own, account locks included."""

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of a test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("ARB_CRASH_AT", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return tmp_path
