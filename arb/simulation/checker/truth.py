"""What really happened in a run, as the simulator saw it: `truth.json` beside the log."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arb.simulation.checker.words import ZERO, Amounts, amounts, dec


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order in the venue's own book."""

    order_id: str
    client_order_id: str | None
    market: str
    side: str
    status: str
    filled: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class VenueFill:
    """A trade as the venue booked it."""

    trade_id: str
    order_id: str
    client_order_id: str | None
    market: str
    side: str
    amount: str
    cost: str
    fee: str
    fee_asset: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class VenueChange:
    """A deposit (+) or a withdrawal (-)."""

    asset: str
    amount: str
    kind: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class Truth:
    """The venue's account, what reached it, what the disk acknowledged, and how long it took."""

    seed: int
    opening: Amounts
    balances: Amounts  # free and locked together
    orders: list[VenueOrder]
    fills: list[VenueFill]
    changes: list[VenueChange]
    creates: list[tuple[str, int]]
    acknowledged: list[tuple[int, str]]
    virtual_s: float
    virtual_s_max: float
    must_trade: bool
    candid: bool  # balances showed at once whatever had happened


def read_truth(path: Path) -> Truth:
    """Read what really happened."""
    told: dict[str, Any] = json.loads(path.read_text())
    return Truth(
        seed=told["seed"],
        opening=amounts(told["opening"]),
        balances={
            asset: total
            for asset, one in told["balances"].items()
            if (total := dec(one["free"]) + dec(one["locked"])) != ZERO
        },
        orders=[VenueOrder(**one) for one in told["orders"]],
        fills=[VenueFill(**one) for one in told["fills"]],
        changes=[VenueChange(**one) for one in told["changes"]],
        creates=[(one["client_order_id"], one["at_ns"]) for one in told["creates"]],
        acknowledged=[(position, text) for position, text in told["acknowledged"]],
        virtual_s=told["virtual_s"],
        virtual_s_max=told["virtual_s_max"],
        must_trade=told["must_trade"],
        candid=told["candid"],
    )
