"""How long a venue has told us to be silent."""

from arb.clock import Clock


class Ban:
    """Its end, on a clock that may be set back meanwhile: no ban is longer than the venue said."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known_ns = 0  # when it was latched or last looked at
        self._until_ns = 0

    def latch(self, for_ns: int) -> None:
        """Be silent for so long from now; an end that stands already never gets earlier."""
        standing_ns = self.until_ns()
        self._known_ns = self._clock.now_ns()
        self._until_ns = max(standing_ns, self._known_ns + for_ns)

    def until_ns(self) -> int:
        """When it ends, as the clock stands now."""
        now_ns = self._clock.now_ns()
        # What the clock was set back by would come on top: what was left when it was known counts from now.
        self._until_ns -= max(0, self._known_ns - now_ns)
        self._known_ns = now_ns
        return self._until_ns

    def left_ns(self) -> int:
        """How long it still lasts; 0 where none does."""
        return max(0, self.until_ns() - self._clock.now_ns())
