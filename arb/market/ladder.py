"""A side of a book summed from the touch: what any amount locks, costs and brings, exactly."""

from bisect import bisect_left
from decimal import Decimal

from msgspec import Struct

from arb.market.book import Level, MarketRules
from arb.market.booking import booked_cost, booked_fee
from arb.market.depth import Walk, limit_for
from arb.money import ONE, ZERO, ceil_to, floor_to


class Rung(Struct, frozen=True, gc=False):
    """A level that the order may take, with the limit that takes it."""

    price: Decimal
    size: Decimal  # base
    limit: Decimal


class Ladder:
    """The rungs that one order may climb: levels with size, within its bound and largest amount.

    Says of every amount what `walk` says of it, both ways: from what is spent, and from what has to
    be received. Rungs are summed when they are first asked for, so a deep book costs nothing until
    somebody goes there. Amounts are base on the step grid.
    """

    def __init__(
        self,
        side: str,
        levels: tuple[Level, ...],
        rules: MarketRules,
        rate: Decimal,
        bound_price: Decimal,
        *,
        at_bound: bool,
    ) -> None:
        assert 0 <= rate < 1, rate
        self.side, self.buys = side, side == "buy"
        self.rules, self.rate = rules, rate
        self._best = levels[0][0] if levels else ZERO
        # The same in floats, for who looks where the best amount may be, and reads no rung twice.
        self.floats: list[tuple[float, float, float]] = []  # price, size and limit of its rungs
        self.scale: tuple[float, float] | None = None  # the step, and what is kept after fees
        self._seen: list[Rung] = []
        self._levels, self._next = levels, 0  # where to read on
        self._left = rules.amount_max  # of what the rungs may hold together
        self._bound, self._at_bound = bound_price, at_bound
        # What all rungs up to the n-th hold together; before the first one it is nothing.
        self._base = [ZERO]
        self._used = [ZERO]
        self._received = [ZERO]
        self._fees = [ZERO]
        self._locked = [ZERO]

    def rung(self, number: int) -> Rung | None:
        """The n-th rung from 0; None above the last."""
        seen = self._seen
        return seen[number] if number < len(seen) or self._read_to(number) else None

    def filled(self, amount: Decimal) -> tuple[Decimal, Decimal]:
        """What an amount uses of the spent asset, and what it brings after fees."""
        above = self._rung_of(amount)
        assert above is not None, amount
        part = amount - self._base[above]
        used, received, _ = self._booked(self._seen[above].price, part)
        return self._used[above] + used, self._received[above] + received

    def walk(self, amount: Decimal) -> Walk:
        """The order of an amount, as `walk` plans it from what it locks."""
        above = self._rung_of(amount)
        assert above is not None, amount
        part = amount - self._base[above]
        used, received, fee = self._booked(self._seen[above].price, part)
        return Walk(
            market=self.rules.market,
            side=self.side,
            amount=amount,
            limit=self._seen[above].limit,
            best=self._best,
            used=self._used[above] + used,
            received=self._received[above] + received,
            fee=self._fees[above] + fee,
            fee_in_received=True,
        )

    def lock(self, amount: Decimal) -> Decimal:
        """What the venue locks of the spent asset for an order of an amount."""
        if not self.buys:
            return amount
        above = self._rung_of(amount)
        assert above is not None, amount
        return amount * self._seen[above].limit

    def reaches(self, amount: Decimal) -> bool:
        """Whether there is so much within reach."""
        return self._rung_of(amount) is not None

    def affords(self, amount: Decimal, spend: Decimal) -> bool:
        """Whether there is so much within reach, and `spend` pays for it at its limit."""
        return self.reaches(amount) and self.lock(amount) <= spend

    def most_for(self, spend: Decimal) -> Decimal:
        """Size the order that `spend` allows; zero when it does not pay one step."""
        while self._locked[-1] < spend and self._grow():
            pass
        at = bisect_left(self._locked, spend)
        if at == len(self._locked):
            reached = self._base[-1]
        elif at == 0:
            return ZERO
        elif self.buys:
            reached = max(self._base[at - 1], spend / self._seen[at - 1].limit)
        else:
            reached = spend
        return floor_to(reached, self.rules.step_size)

    def least_for(self, wanted: Decimal) -> Decimal | None:
        """Size the smallest order that brings at least what is wanted; None when none does."""
        assert wanted > 0, wanted
        while self._received[-1] < wanted:
            if not self._grow():
                return None
        at = bisect_left(self._received, wanted) - 1
        per_base = (1 - self.rate) * (ONE if self.buys else self._seen[at].price)
        step = self.rules.step_size
        # Bookings only take away: without them it would be this much, so it is never less.
        amount = ceil_to(self._base[at] + (wanted - self._received[at]) / per_base, step)
        if not self._brings(amount, wanted):
            amount = self._least_above(amount, wanted)
        return amount if self.reaches(amount) else None

    def allowed_from(self, amount: Decimal) -> Decimal | None:
        """The smallest amount from this one on that breaks no minimum; None when none is left."""
        rules = self.rules
        step = rules.step_size
        if amount < rules.amount_min or amount <= 0:
            amount = max(ceil_to(rules.amount_min, step), step)
        while (above := self._rung_of(amount)) is not None:
            limit = self._seen[above].limit
            if amount * limit >= rules.notional_min:
                return amount
            amount = ceil_to(rules.notional_min / limit, step)
            # A worse limit further up can put a larger amount below the minimum again.
            end = self._base[above + 1]
            if amount > end:
                amount = floor_to(end, step) + step
        return None

    def _read_to(self, number: int) -> bool:
        """Read levels up to the n-th rung; False when there are not so many."""
        tick, bound_price, seen = self.rules.tick_size, self._bound, self._seen
        levels, left = self._levels, self._left
        while number >= len(seen):
            if self._next >= len(levels) or left <= ZERO:
                return False
            price, size = levels[self._next]
            limit = limit_for(self.side, price, tick) if price % tick else price
            if limit > bound_price if self.buys else limit < bound_price:
                return False
            self._next += 1
            if size > left:  # noqa: PLR1730 -- on every level a call would cost more
                size = left
            if size > ZERO:
                seen.append(Rung(price, size, bound_price if self._at_bound else limit))
                self._left = left = left - size
        return True

    def _grow(self) -> bool:
        """Sum one more rung; False when there is none."""
        rung = self.rung(len(self._base) - 1)
        if rung is None:
            return False
        used, received, fee = self._booked(rung.price, rung.size)
        base = self._base[-1] + rung.size
        self._base.append(base)
        self._used.append(self._used[-1] + used)
        self._received.append(self._received[-1] + received)
        self._fees.append(self._fees[-1] + fee)
        self._locked.append(base * rung.limit if self.buys else base)
        return True

    def _booked(self, price: Decimal, size: Decimal) -> tuple[Decimal, Decimal, Decimal]:
        """What one level uses and brings, and its fee."""
        cost = booked_cost(price, size)
        gained = size if self.buys else cost
        fee = booked_fee(gained, self.rate)
        return (cost if self.buys else size), gained - fee, fee

    def _rung_of(self, amount: Decimal) -> int | None:
        """The rung on which an amount ends; None when there are not so many."""
        while self._base[-1] < amount:
            if not self._grow():
                return None
        return bisect_left(self._base, amount) - 1

    def _brings(self, amount: Decimal, wanted: Decimal) -> bool:
        return not self.reaches(amount) or self.filled(amount)[1] >= wanted

    def _least_above(self, amount: Decimal, wanted: Decimal) -> Decimal:
        """Search upwards from an amount that brings too little: in doubling jumps, then halving."""
        step = jump = self.rules.step_size
        while not self._brings(amount + jump, wanted):
            amount += jump
            jump *= 2
        while jump > step:
            jump /= 2
            if not self._brings(amount + jump, wanted):
                amount += jump
        return amount + step
