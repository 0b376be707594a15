"""How long a venue is left alone, also on a clock that is set."""

from arb.clock import NS_PER_S, VirtualClock
from arb.exchange.client.ban import Ban

HOUR_S = 3_600


class Desk:
    def __init__(self) -> None:
        self.clock = VirtualClock(1_700_000_000 * NS_PER_S)
        self.ban = Ban(self.clock)

    def pass_s(self, seconds: int) -> None:
        """Let time pass, or set the clock back."""
        self.clock._now_ns += seconds * NS_PER_S

    @property
    def left_s(self) -> float:
        return self.ban.left_ns() / NS_PER_S


def test_a_ban_ends_and_a_later_end_never_gets_earlier() -> None:
    desk = Desk()
    assert desk.left_s == 0
    desk.ban.latch(30 * NS_PER_S)
    desk.ban.latch(3 * NS_PER_S)
    desk.pass_s(29)
    assert desk.left_s == 1
    assert desk.ban.until_ns() == desk.clock.now_ns() + NS_PER_S
    desk.pass_s(1)
    assert desk.left_s == 0


def test_a_ban_lasts_no_longer_where_the_clock_is_set_back() -> None:
    desk = Desk()
    desk.ban.latch(30 * NS_PER_S)
    desk.pass_s(-HOUR_S)
    assert desk.left_s == 30
    desk.pass_s(20)
    assert desk.left_s == 10
    desk.pass_s(-5)  # not as far as to before it was latched
    assert desk.left_s == 10
    desk.pass_s(10)
    assert desk.left_s == 0


def test_a_ban_that_is_over_does_not_come_back_and_a_new_one_counts() -> None:
    desk = Desk()
    desk.ban.latch(30 * NS_PER_S)
    desk.pass_s(40)
    assert desk.left_s == 0
    desk.pass_s(-HOUR_S)
    assert desk.left_s == 0
    desk.ban.latch(7 * NS_PER_S)
    assert desk.left_s == 7


def test_a_ban_told_again_after_the_clock_was_set_back_is_as_long_as_it_was_told() -> None:
    desk = Desk()
    desk.ban.latch(30 * NS_PER_S)
    desk.pass_s(-HOUR_S)
    desk.ban.latch(5 * NS_PER_S)
    assert desk.left_s == 30
    desk.ban.latch(40 * NS_PER_S)
    assert desk.left_s == 40
