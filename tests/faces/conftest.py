import shutil
from pathlib import Path

import pytest

from tests.spec.written import example_log


@pytest.fixture(scope="session")
def _written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return example_log(tmp_path_factory.mktemp("example") / "log.db").parent


@pytest.fixture
def db(_written: Path, tmp_path: Path) -> Path:
    """A log of its own, with every tale in it."""
    folder = tmp_path / "state"
    shutil.copytree(_written, folder)
    return folder / "log.db"
