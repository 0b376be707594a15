"""Who may use what of one account. Decisions are synchronous; the durable reservation is a fact."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from arb.events.facts import Amounts
from arb.exchange.port import Balance
from arb.execution.account.journal import Journal
from arb.money import ZERO


class Arbiter:
    """Reservations and unwind turns over one account.

    available = min(ledger, venue's free) - reserved - parked - dust. What open cycles hold is their
    reservation; what is promised to a cycle whose append is still under way is tentative.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._tentative: dict[str, tuple[str, Decimal]] = {}  # cycle -> (asset, amount)
        self._missing: Amounts = {}  # what the venue showed less than the ledger expects
        self.on_balances: Callable[[Mapping[str, Balance]], None] = lambda _balances: None
        self._selling: dict[str, str] = {}  # asset -> the cycle whose turn it is

    def note_balances(self, balances: Mapping[str, Balance]) -> None:
        """Learn from a reading what the venue holds less than the ledger says."""
        account = self._journal.account
        self.on_balances(balances)
        self._missing = {}
        for asset in account.assets():
            balance = balances.get(asset)
            total = ZERO if balance is None else balance.total
            short = account.expected(asset) - total
            locked = ZERO if balance is None else balance.locked
            # What our own orders lock or have just spent is not missing.
            ours = self._in_orders(asset)
            missing = max(ZERO, short - ours) + max(ZERO, locked - ours)
            if missing > 0:
                self._missing[asset] = missing

    def _in_orders(self, asset: str, *, but: str | None = None) -> Decimal:
        """What orders whose end is not known may have locked or spent."""
        return sum(
            (
                order.may_take
                for cycle in self._journal.cycles.values()
                for order in cycle.pending_orders()
                if order.spend_asset == asset and cycle.id != but
            ),
            ZERO,
        )

    def owned(self, asset: str, *, but: str | None = None) -> Decimal:
        """What cycles own of an asset: open ones in hand, closed ones as dust or parked."""
        held = sum(
            (
                cycle.owned().get(asset, ZERO)
                for cycle in self._journal.cycles.values()
                if cycle.id != but and not cycle.is_closed
            ),
            ZERO,
        )
        promised = sum(
            (
                amount
                for cycle_id, (reserved, amount) in self._tentative.items()
                if reserved == asset and cycle_id != but
            ),
            ZERO,
        )
        return held + promised + self._journal.account.owned_closed.get(asset, ZERO)

    def available(self, asset: str) -> Decimal:
        """What a new cycle may use."""
        account = self._journal.account
        usable = account.expected(asset) - self._missing.get(asset, ZERO)
        return max(ZERO, usable - self.owned(asset))

    def promise(self, cycle_id: str, asset: str, amount: Decimal) -> bool:
        """Hold an amount for a cycle until its append resolves; False when it is not there."""
        if amount > self.available(asset):
            return False
        self._tentative[cycle_id] = (asset, amount)
        return True

    def resolved(self, cycle_id: str) -> None:
        """End a promise: the cycle is in the log, or will never be."""
        self._tentative.pop(cycle_id, None)

    def sellable(self, cycle_id: str, asset: str, balances: Mapping[str, Balance]) -> Decimal:
        """What a cycle may sell of an asset: what is there less what other cycles own.

        What their open or unknown orders may take is no longer free, or is not theirs to keep.
        """
        balance = balances.get(asset)
        free = ZERO if balance is None else balance.free
        others = self.owned(asset, but=cycle_id) - self._in_orders(asset, but=cycle_id)
        return max(ZERO, free - others)

    def take_turn(self, cycle_id: str, asset: str) -> bool:
        """Begin an unwind order in an asset; False while another cycle's is at work."""
        return self._selling.setdefault(asset, cycle_id) == cycle_id

    def end_turn(self, cycle_id: str) -> None:
        """Let the next cycle unwind."""
        for asset in [a for a, holder in self._selling.items() if holder == cycle_id]:
            del self._selling[asset]
