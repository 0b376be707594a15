"""Ways to spoil a run, each named for the rule of the checker that has to find it."""

from collections.abc import Callable

from arb.simulation.checker import RULES
from tests.simulation.judged import Judged, Row

Spoil = Callable[[Judged], None]
SPOILS: dict[str, tuple[str, Spoil]] = {}  # the test's sentence -> rule, what is done


def spoils(rule: str) -> Callable[[Spoil], Spoil]:
    """Name the rule that has to find what the function does."""
    assert rule in RULES

    def note(spoil: Spoil) -> Spoil:
        SPOILS[spoil.__name__] = (rule, spoil)
        return spoil

    return note


def first(judged: Judged, kind: str, **like: object) -> Row:
    return next(
        row
        for row in judged.rows(kind)
        if all(row["data"].get(name) == value for name, value in like.items())
    )


def say(judged: Judged, row: Row, **words: object) -> None:
    """Let one event say other words, in a log that is whole otherwise."""
    judged.change(row["position"], lambda one: one["data"].update(words))
