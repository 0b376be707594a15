"""Creates that reached a practice exchange are counted over its deaths: one sent twice around a kill is seen."""

from pathlib import Path

from arb.exchange.practice.posts import Post, Posts, read_posts


def test_a_create_is_counted_with_those_of_an_earlier_life(tmp_path: Path) -> None:
    path = tmp_path / "binance.creates"
    first = Posts(path)
    first.note("xone", 1)
    first.note('x"two\n', 2)
    # Struck dead: nothing was closed.
    second = Posts(path)
    second.note("xone", 3)
    assert second.counts == {"xone": 2, 'x"two\n': 1}
    assert read_posts(path) == [Post("xone", 1), Post('x"two\n', 2), Post("xone", 3)]
    first.close()
    second.close()
