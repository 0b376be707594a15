"""Read access to the engine's own log and projections: the `Archive`, and what a start loads."""

from collections.abc import Callable
from typing import TypeVar

from arb import ids
from arb.events import facts as f
from arb.events.sqlite import LogReader, SqliteLog
from arb.machine.account import Account
from arb.machine.evolve import evolve
from arb.machine.state import Cycle
from arb.projections import queries

_F = TypeVar("_F", bound=f.Fact)


class History:
    """Acknowledged events and the rows that stand for them."""

    def __init__(self, events: SqliteLog) -> None:
        self._events = events
        self._reader = LogReader(events.path)
        self.on_miss: Callable[[str], object] = lambda _config: None

    def close(self) -> None:
        """Let go of the reading connection."""
        self._reader.close()

    def account(self) -> Account:
        """The account as folded so far."""
        return queries.load_account(self._reader.connection)

    def open_cycles(self) -> list[Cycle]:
        """Every cycle that is not closed, from its projection row."""
        return queries.load_open_cycles(self._reader.connection)

    def load(self, cycle_id: str) -> Cycle | None:
        """Fold a cycle from its stream; None if there is none."""
        cycle: Cycle | None = None
        for record in self._reader.read_stream(f"cycle-{cycle_id}"):
            cycle = evolve(cycle, record.fact, record.at_ns)  # type: ignore[arg-type]
        if cycle is not None:
            self.on_miss(cycle.config)
        return cycle

    def cycle_of_order(self, client_order_id: str) -> str | None:
        """The cycle that intended an order."""
        return queries.cycle_of_order(self._reader.connection, client_order_id)

    def order_of_venue_id(self, market: str, exchange_order_id: str) -> str | None:
        """Our id of an order that the venue names so."""
        return queries.order_of_venue_id(self._reader.connection, market, exchange_order_id)

    def given_up_orders(self, market: str, since_ns: int) -> list[str]:
        """Our ids of orders of a market that ended since a time without a venue's id."""
        return queries.given_up_orders(self._reader.connection, market, since_ns)

    def known_trades(self, since_ns: int) -> set[tuple[str, str]]:
        """(market, trade id) of every fill since a venue time, and of every foreign trade."""
        foreign = self._account_facts(f.ForeignTradeSeen)
        found = {(fact.market, fact.trade_id) for fact in foreign}
        return queries.known_trades(self._reader.connection, since_ns) | found

    def known_changes(self) -> set[str]:
        """Ids of the venue's reported balance changes that stand in the log."""
        changes = self._account_facts(f.ExternalChangeFound)
        return {fact.detail for fact in changes if fact.source == "venue"}

    def _account_facts(self, kind: type[_F]) -> list[_F]:
        """Facts of one type: a year of comparisons that fitted stands in the same stream."""
        account = self.account()
        stream = ids.account_stream(account.venue, account.fingerprint)
        return self._reader.facts(stream, kind)

    def strategy_text(self, config: str) -> str | None:
        """The canonical configuration of a hash."""
        return queries.strategy_text(self._reader.connection, config)

    def began_ns(self) -> int | None:
        """When the log was made."""
        return next((record.at_ns for record in self._reader.read(0, 1)), None)
