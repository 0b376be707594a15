"""An engine trades on while its streams lose, swap and double their messages, and end."""

from pathlib import Path

from tests.live.trading import accounted_for, traded


def test_cycles_end_with_every_unit_accounted_for_whatever_the_streams_do(folder: Path) -> None:
    rates = {
        "stream_lost": 0.05,
        "stream_swapped": 0.05,
        "stream_twice": 0.05,
        "stream_closed": 0.01,
    }
    ended = traded(folder, cycles=3, rates=rates)
    assert ended.code in {0, 1}, ended.fatal
    accounted_for(ended)
    assert sum(ended.states().values()) >= 3
