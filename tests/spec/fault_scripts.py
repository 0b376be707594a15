"""When faults strike in a test's world: never by themselves, but as scripted, or at random by a seed."""

from collections.abc import Callable, Mapping
from random import Random

from msgspec import structs

from arb import ids
from arb.exchange.faults.plan import ALWAYS, VIEW, FaultPlan, Strike, drawn


def striking(durations: Mapping[str, int]) -> FaultPlan:
    """Every fault at every chance, for a script to say when; some of them lasting otherwise."""
    return structs.replace(ALWAYS, **durations)


def at_random(rates: Mapping[str, float], seed: int) -> Callable[[Strike], bool]:
    """Each fault at its rate; how an order is shown follows from its id alone."""
    rng = Random(seed)

    def strikes(strike: Strike) -> bool:
        shown = strike.call == VIEW
        name = strike.client_order_id or ""
        share = drawn(seed, strike.fault, name) if shown else rng.random()
        return share < rates.get(strike.fault, 0)

    return strikes


def order_number(client_order_id: str | None) -> int | None:
    """The number of a cycle's order; None for an order that is not of this engine."""
    if not ids.is_ours(client_order_id):
        return None
    assert client_order_id is not None
    return ids.parse_client_order_id(client_order_id).order_number
