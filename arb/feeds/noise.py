"""Smooth noise from hashed lattice points, in integers: the same digits on every machine."""

import struct
from hashlib import blake2b
from typing import Final

# The octaves of a random walk: a period eight times as long swings about three times as far.
OCTAVES_BPS: Final = (1, 3, 8, 22, 64, 180, 500)
PERIODS: Final = (4, 32, 256, 2_048, 16_384, 131_072, 1_048_576)  # of each, in steps
_PPB_PER_BPS: Final = 100_000
_HALF: Final = 1 << 31


_WORDS: Final = struct.Struct("<2I")
_SHORTS: Final = struct.Struct("<32H")


def hashed(seed: int, name: str, number: int) -> tuple[int, int]:
    """Draw two unsigned 32-bit words that depend on nothing but the arguments."""
    first, second = _WORDS.unpack(_digest(seed, name, number, _WORDS.size))
    return first, second


def hashed_shorts(seed: int, name: str, number: int) -> tuple[int, ...]:
    """Draw 32 unsigned 16-bit words that depend on nothing but the arguments."""
    return _SHORTS.unpack(_digest(seed, name, number, _SHORTS.size))


def _digest(seed: int, name: str, number: int, size: int) -> bytes:
    return blake2b(f"{seed}/{name}/{number}".encode(), digest_size=size).digest()


class Wander:
    """A value that wanders around 0, in parts per billion: a pure function of seed, name and step.

    Any step is reached at once. What is kept between calls is a cache and changes no answer.
    """

    def __init__(
        self, seed: int, name: str, octaves: int = len(OCTAVES_BPS), first: int = 0
    ) -> None:
        self._seed = seed
        self._octaves = [
            (f"{name}.{octave}", OCTAVES_BPS[octave], PERIODS[octave])
            for octave in range(first, octaves)
        ]
        self._spans = [(-1, 0, 0)] * len(self._octaves)  # the lattice index last used, its points
        self._last = (-1, 0)

    def at(self, step: int) -> int:
        """Give the value at a step from 0 on; its size stays below the sum of the octaves."""
        last, total = self._last
        if last == step:
            return total
        total = 0
        for octave, (name, bps, period) in enumerate(self._octaves):
            index, offset = divmod(step, period)
            at, here, there = self._spans[octave]
            if at != index:
                here, there = self._point(name, index), self._point(name, index + 1)
                self._spans[octave] = (index, here, there)
            total += (here * (period - offset) + there * offset) * bps // period
        total = total * _PPB_PER_BPS // _HALF
        self._last = (step, total)
        return total

    def _point(self, name: str, index: int) -> int:
        return hashed(self._seed, name, index)[0] - _HALF
