from decimal import Decimal

import pytest

from arb.exchange.paper.matching import match
from tests.market.examples import book


@pytest.mark.parametrize("limit", [None, Decimal(100)])
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_nothing_is_filled_from_a_level_whose_size_nobody_knows(
    side: str, limit: Decimal | None
) -> None:
    unsized = book(bids=[("100", "0")], asks=[("100", "0")])
    matched = match(unsized, side, Decimal(1), limit, "ioc", own_price=None)
    assert (matched.takes, matched.status) == ((), "expired")
