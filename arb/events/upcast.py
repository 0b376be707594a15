"""Bring the data of older shapes up to date on reading. Stored rows are never rewritten.

A step is a pure function from the JSON data of one shape to the next: `STEPS[type, shape]` gives the data of shape + 1.
A fact whose SHAPE is n needs the steps 1 to n - 1; `arb.events.codec` refuses to start without one of them.
"""

from collections.abc import Callable, Mapping
from typing import Final

Data = dict[str, object]  # one event's JSON object, `type` included
Step = Callable[[Data], Data]


def _parked_without_value(data: Data) -> Data:
    """What came back in other currencies than the start's counted as spent."""
    return {**data, "value": "0"}


def _opened_without_inputs(data: Data) -> Data:
    """What a decision was made on beside the books' numbers was not written down."""
    return {**data, "seen_ns": None, "prices": {}, "claimed": {}, "available": None}


STEPS: Final[Mapping[tuple[str, int], Step]] = {
    ("CycleOpened", 1): _opened_without_inputs,
    ("CycleParked", 1): _parked_without_value,
}


def upcast(
    type_: str, shape: int, newest: int, data: Data, steps: Mapping[tuple[str, int], Step]
) -> Data:
    """Apply the steps from a shape to the newest one, in order."""
    for older in range(shape, newest):
        data = steps[type_, older](data)
    return data
