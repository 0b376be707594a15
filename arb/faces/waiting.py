"""Says in plain words that a venue does not answer, once, beside the log's own lines."""

from collections.abc import Callable

from structlog.typing import EventDict, WrappedLogger

ADVICE = (
    "check that it runs (tools/practice.py, for a practice exchange), `exchange` and its `connect_to` "
    "in the strategy, and the network; Ctrl-C ends the wait"
)


class Waiting:
    """A step of the log that turns the first line of a wait into a sentence; the same wait is told once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: set[str] = set()

    def __call__(self, _logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        """Say it, and let the line go on."""
        if event.get("event") == "venue.retry" and str(event.get("error")) not in self._said:
            self._said.add(str(event["error"]))
            self._say(
                f"waiting for the venue, for up to {event['left_s']} s: {event['error']}; {ADVICE}"
            )
        return event
