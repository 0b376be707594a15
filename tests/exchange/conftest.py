"""Gateways over captured sessions, made once for all tests of a file."""

from collections.abc import Iterator, Mapping

import pytest

from tests.exchange.captured import MARKET_IDS, Wire


@pytest.fixture(scope="module")
def wires() -> Iterator[Mapping[str, Wire]]:
    """One gateway a venue; each test says what its session answers."""
    made = {venue: Wire(venue) for venue in MARKET_IDS}
    yield made
    for wire in made.values():
        wire.close()
