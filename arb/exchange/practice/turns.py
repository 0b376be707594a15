"""When a connection says what is due on its streams: each ten times a second, and not all of them at once."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

K = TypeVar("K")
V = TypeVar("V")

FLUSH_MS: Final = 100
TURNS: Final = 10  # within that time


async def in_turns(streams: Mapping[K, V], say: Callable[[K, V], None]) -> None:
    """Say what is due on each stream, for ever.

    As at a venue, the streams of a connection are spread over the time: a client does not get a
    tenth of a second's messages in one burst, and then nothing.
    """
    turn = 0
    while True:
        for name, stream in list(streams.items())[turn::TURNS]:
            say(name, stream)
        turn = (turn + 1) % TURNS
        await asyncio.sleep(FLUSH_MS / TURNS / 1_000)
