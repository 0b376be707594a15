"""Every test of live mode has a folder of its own, account locks included."""

from tests.acceptance.conftest import folder as folder  # noqa: PLC0414 -- the same fixture
