"""Read own markets' trades again: late fills go to their cycles, foreign trades are noted."""

from collections.abc import Collection, Sequence

import structlog
from msgspec import structs

from arb import ids, limits
from arb.clock import NS_PER_S
from arb.events import facts as f
from arb.exchange.port import FillReport, OrderNotFound, OrderReport
from arb.execution.account.archive import Archive
from arb.execution.account.desk import Desk
from arb.execution.cycles.runner import Runner
from arb.execution.orders.told_trades import Doubt, Reading, foreign_facts, said, sort_trades
from arb.execution.orders.vetting import Garbled, could_be, fills_of, vet_order
from arb.execution.reconciling.used_ids import refuse_used
from arb.machine import commands as c
from arb.machine.order_fold import ATTESTED
from arb.machine.state import Cycle
from arb.market.book import MarketRules

log = structlog.get_logger()

SWEEP_MARGIN_NS = 60 * NS_PER_S  # trades are read again from this long before the last sweep


class Sweeper:
    """Books every trade of the account once: to the cycle whose order made it, or as foreign."""

    def __init__(
        self, desk: Desk, runner: Runner, archive: Archive, known: set[tuple[str, str]]
    ) -> None:
        self._desk = desk
        self._runner = runner
        self._archive = archive
        self._known = known  # (market, trade id) of trades in the log, ours and foreign
        self._traded = {market for market, _trade in known}  # asked again and again: few of many
        self._alarmed: set[tuple[str, str]] = set()  # (market, what is wrong with a trade)
        # Trades that were seen and not booked yet: market -> trade id -> (assets, first seen), in
        # monotonic time: a clock may be set back meanwhile.
        self._left: dict[str, dict[str, tuple[set[str], int]]] = {}
        desk.journal.listen(self._hear)

    def _hear(self, _stream: str, fact: f.Fact, _at_ns: int) -> None:
        if isinstance(fact, f.OrderFilled | f.ForeignTradeSeen):
            self._known.add((fact.market, fact.trade_id))
            self._traded.add(fact.market)

    async def sweep(self, deep: Collection[str] = ()) -> None:
        """Read own markets' trades again: late fills go to their cycles, foreign ones are noted.

        A sweep deep for some assets goes back as far as final orders are watched, and reads every
        market that can have moved them. Trades from before the account was opened are part of its
        opening. Raises Unreachable or Banned.
        """
        desk = self._desk
        now = await desk.access.venue_time_ns()
        since = self._since(now, deep)
        markets = desk.markets  # the list may be read again meanwhile, without one of them
        for market in self.own_markets(deep):
            reading = await self._read_new(market, since)
            for doubt in reading.doubts:
                await self._alarm(market, doubt)
            for exchange_id, trades in reading.orders.items():
                await self._attribute(markets[market], exchange_id, trades)
            self._leave(markets[market], reading)

    def _leave(self, rules: MarketRules, reading: Reading) -> None:
        """Remember which trades of a reading could not be booked, and since when."""
        market, now = rules.market, self._desk.clock.monotonic_ns()
        before = self._left.get(market, {})
        told = [trade for trades in reading.orders.values() for trade in trades]
        left: dict[str, tuple[set[str], int]] = {}
        for trade in (*told, *(doubt.trade for doubt in reading.doubts)):
            name = str(trade.trade_id)
            if (market, trade.trade_id) not in self._known:
                fee_asset = trade.fee_asset or rules.quote
                assets = {rules.base, rules.quote, fee_asset}
                left[name] = (assets, before[name][1] if name in before else now)
        self._left[market] = left

    def doubtful_assets(self) -> set[str]:
        """Assets moved by a trade that was seen and not booked yet, for as long as that may last."""
        since_ns = self._desk.clock.monotonic_ns() - limits.DOUBT_S_MAX * NS_PER_S
        left = [one for trades in self._left.values() for one in trades.values()]
        return {asset for assets, seen_ns in left if seen_ns > since_ns for asset in assets}

    async def refuse_used_ids(self) -> None:
        """Refuse a log that does not know an order of its own that traded; raises LogDamaged.

        Raises Unreachable or Banned when the venue cannot be asked.
        """
        now = await self._desk.access.venue_time_ns()
        for market in self.own_markets(()):
            reading = await self._read_new(market, self._since(now, ()))
            for exchange_id, trades in reading.orders.items():
                owner = await self._owner(market, exchange_id, trades)
                refuse_used(self._desk, self._archive, owner)

    def _since(self, now_ns: int, deep: Collection[str]) -> int:
        account = self._desk.journal.account
        back = limits.WATCH_FINAL_ORDERS_S * NS_PER_S if deep else SWEEP_MARGIN_NS
        swept = account.trades_through_ns or now_ns
        return max(min(now_ns, swept) - back, account.opened_venue_ns)

    async def _read_new(self, market: str, since_ns: int) -> Reading:
        """Read the trades that the log does not have yet."""
        foreign = self._desk.journal.account.foreign
        return sort_trades(
            trade
            for trade in await self._trades(market, since_ns)
            if (market, trade.trade_id) not in self._known
            and f"{market}:{trade.trade_id}" not in foreign
        )

    async def _alarm(self, market: str, doubt: Doubt) -> None:
        """Say once what cannot be booked; of our own orders also on the record."""
        trade_id, exchange_id = doubt.trade.trade_id, doubt.trade.exchange_order_id
        if (market, doubt.why) in self._alarmed:
            return
        self._alarmed.add((market, doubt.why))
        log.error("trade.doubtful", market=market, trade=trade_id, why=doubt.why)
        if doubt.other is None or not trade_id or not exchange_id:
            return
        owner = self._archive.order_of_venue_id(market, exchange_id)
        cycle = None if owner is None else self._cycle_of(owner)
        if cycle is not None:
            found = c.ReportDiscrepancy(
                kind="copies differ", subject=trade_id, was=said(doubt.other), now=said(doubt.trade)
            )
            if (found.kind, found.subject, found.now) not in cycle.discrepancies:
                await self._runner.record(cycle.id, found, cause="sweep")

    async def _trades(self, market: str, since_ns: int) -> Sequence[FillReport]:
        venue = self._desk.access.venue
        return await self._desk.access.read(lambda: venue.trades(market, since_ns))

    def own_markets(self, deep: Collection[str]) -> list[str]:
        """Markets that we trade, know trades of, or that can have moved the assets in `deep`."""
        assets = self._desk.journal.account.assets()
        markets = {
            rules.market
            for rules in self._desk.markets.values()
            if {rules.base, rules.quote} & set(deep) and {rules.base, rules.quote} <= assets
        }
        markets |= {order.market for cycle in self._cycles() for order in cycle.orders}
        for strategy in self._desk.strategies.values():
            path = set(strategy.cycle or ())  # of found cycles, those that were traded are known
            markets |= {
                rules.market
                for rules in self._desk.markets.values()
                if rules.base in path and rules.quote in path
            }
        markets |= self._traded
        return sorted(markets & set(self._desk.markets))

    def _cycles(self) -> Sequence[Cycle]:
        return tuple(self._desk.journal.cycles.values())

    async def _attribute(
        self, rules: MarketRules, exchange_id: str, trades: Sequence[FillReport]
    ) -> None:
        """Book the trades of one order: to its cycle, or as another client's."""
        market = rules.market
        owner = await self._owner(market, exchange_id, trades)
        if owner is None:
            return  # it is looked at again in the next sweep
        cycle = self._cycle_of(owner) if ids.is_ours(owner) else None
        if cycle is not None:
            await self._late(cycle, owner, exchange_id, trades)
            return
        refuse_used(self._desk, self._archive, owner)
        noted = set()
        for trade in trades:
            if trade.trade_id not in noted:
                noted.add(trade.trade_id)
                facts = foreign_facts(rules, trade, owner)
                log.warning("trade.foreign", market=market, trade=trade.trade_id, owner=owner)
                await self._desk.journal.note(*facts, cause="sweep")

    async def _owner(
        self, market: str, exchange_id: str, trades: Sequence[FillReport]
    ) -> str | None:
        """Tell whose order made trades: its id, "" without one; None while that is not clear."""
        named = next((trade.client_order_id for trade in trades if trade.client_order_id), None)
        owner = named or self._archive.order_of_venue_id(market, exchange_id)
        if owner:
            return owner
        try:
            report = await self._desk.access.find(
                lambda: self._desk.access.venue.order_by_exchange_id(market, exchange_id)
            )
        except OrderNotFound:
            return None
        if report.exchange_order_id != exchange_id:
            return None  # what cannot be read
        # While we asked, the order may have been accepted.
        owner = report.client_order_id or self._archive.order_of_venue_id(market, exchange_id)
        if not owner and self._may_be_ours(market, report):
            return None
        return owner or ""

    def _may_be_ours(self, market: str, report: OrderReport) -> bool:
        """Whether an order without a name could be one of ours whose venue id is not known yet.

        An order that was refused or proven absent counts: the venue may have been wrong.
        """
        orders = [order for cycle in self._cycles() for order in cycle.orders]
        since_ns = self._desk.clock.now_ns() - limits.WATCH_FINAL_ORDERS_S * NS_PER_S
        for name in self._archive.given_up_orders(market, since_ns):
            cycle = self._cycle_of(name)
            if cycle is not None:
                orders.append(cycle.order(name))
        return any(order.market == market and could_be(order, report) for order in orders)

    def _cycle_of(self, client_order_id: str) -> Cycle | None:
        cycle_id = self._archive.cycle_of_order(client_order_id)
        if cycle_id is None:
            return None
        return self._desk.journal.cycles.get(cycle_id) or self._archive.load(cycle_id)

    async def _late(
        self, cycle: Cycle, owner: str, exchange_id: str, trades: Sequence[FillReport]
    ) -> None:
        """Give trades to the cycle whose order made them, with what the venue says of that order."""
        order = cycle.order(owner)
        if not order.is_final:
            return  # its own resolver reads it
        try:
            report = await self._desk.access.find(
                lambda: self._desk.access.venue.order(order.market, owner)
            )
        except OrderNotFound:
            return
        # An order that was given up or attested has no venue id yet: it is the one of its trades.
        known = order.exchange_order_id
        named = order
        if known is None or known == ATTESTED:
            named = structs.replace(order, exchange_order_id=exchange_id)
        vetted = vet_order(order, report, also=fills_of(named, trades))
        if isinstance(vetted, Garbled) or vetted.exchange_order_id != exchange_id:
            return
        told = c.ReportOrder(
            client_order_id=owner,
            exchange_order_id=exchange_id,
            status=vetted.status,
            filled=vetted.filled,
            fills=(*vetted.fills, *fills_of(named, trades)),
        )
        log.warning("fill.late", cycle=cycle.id, order=owner, trades=len(trades))
        await self._runner.apply(cycle.id, told, cause="sweep")
