"""JSON as a venue wrote it: numbers with a point stay text, so that no digit is lost on the way to `Decimal`."""

import json
from typing import Any, NoReturn


class BadJson(ValueError):
    """A text that is no JSON, or JSON with what no number is (NaN, Infinity)."""


def exact_json(text: object) -> Any:  # noqa: ANN401 -- a venue's words have every shape
    """Read JSON; a number with a point or an exponent comes as its text. Raises BadJson for everything else."""
    if not isinstance(text, str):
        raise BadJson(f"a {type(text).__name__} is no text")
    try:
        return json.loads(text, parse_float=str, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise BadJson(str(error)) from None


def at(told: object, path: str) -> object:
    """Walk into nested objects and lists: `data.0.ordId`; "" is the whole; None where the way ends."""
    for step in path.split(".") if path else ():
        if isinstance(told, dict):
            told = told.get(step)
        elif isinstance(told, list) and step.isdecimal() and int(step) < len(told):
            told = told[int(step)]
        else:
            return None
    return told


def _refuse(constant: str) -> NoReturn:
    raise BadJson(f"{constant} is no number")
