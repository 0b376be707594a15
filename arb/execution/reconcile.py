"""Compare the account with the venue: late fills, foreign trades, balances that do not fit.

Per asset, venue (free + locked) = opening + ledger + recorded external changes. It is judged only
when no order of ours in that asset is open or unknown, over two equal readings around an unchanged
last trade; otherwise it is pending. Nothing is corrected silently.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

import structlog

from arb import ids, limits
from arb.clock import NS_PER_S
from arb.events import facts as f
from arb.exchange.port import (
    Balance,
    BalanceChange,
    Banned,
    FillReport,
    OrderNotFound,
    OrderReport,
    Unreachable,
)
from arb.execution.archive import Archive
from arb.execution.desk import Desk
from arb.execution.runner import Runner
from arb.execution.vetting import Garbled, could_be, fills_of, vet_order
from arb.machine import commands as c
from arb.machine.invariants import postings
from arb.machine.state import Cycle
from arb.money import ZERO, plain

log = structlog.get_logger()

SWEEP_MARGIN_NS = 60 * NS_PER_S  # trades are read again from this long before the last sweep


class Reconciler:
    """Sweeps trades and judges balances; the only writer of account facts about money."""

    def __init__(
        self,
        desk: Desk,
        runner: Runner,
        archive: Archive,
        *,
        known: set[tuple[str, str]],
        changes: set[str],
    ) -> None:
        self._desk = desk
        self._runner = runner
        self._archive = archive
        self._known = known  # (market, trade id) of trades in the log, ours and foreign
        self._changes = changes  # ids of reported balance changes that are recorded
        self._moved_ns: dict[str, int] = {}  # asset -> when a trade of it was last recorded
        desk.journal.listen(self._hear)

    def _hear(self, _stream: str, fact: f.Fact, at_ns: int) -> None:
        if isinstance(fact, f.OrderFilled):
            self._known.add((fact.market, fact.trade_id))
            for asset in (fact.base, fact.quote, fact.fee_asset):
                self._moved_ns[asset] = at_ns
        elif isinstance(fact, f.ForeignTradeSeen):
            self._known.add((fact.market, fact.trade_id))

    # --- opening ------------------------------------------------------------------------------

    async def open_account(self, balances: Mapping[str, Balance]) -> None:
        """Record the balances that this log begins with, once."""
        account = self._desk.journal.account
        if account.opening is None:
            opening = {asset: balance.total for asset, balance in sorted(balances.items())}
            now = self._desk.access.venue_time_estimate_ns()
            assert now is not None, "the clock is read before the account is opened"
            opened = f.AccountOpened(opening=opening, venue_ns=now)
            await self._desk.journal.note(opened, cause="start")

    # --- trades -------------------------------------------------------------------------------

    async def sweep(self, deep: Collection[str] = ()) -> None:
        """Read own markets' trades again: late fills go to their cycles, foreign ones are noted.

        A sweep deep for some assets goes back as far as final orders are watched, and reads every
        market that can have moved them. Trades from before the account was opened are part of its
        opening. Raises Unreachable or Banned.
        """
        desk = self._desk
        now = await desk.access.venue_time_ns()
        back = limits.WATCH_FINAL_ORDERS_S * NS_PER_S if deep else SWEEP_MARGIN_NS
        swept = desk.journal.account.trades_through_ns or now
        since = max(min(now, swept) - back, desk.journal.account.opened_venue_ns)
        for market in self._own_markets(deep):
            for trade in await self._trades(market, since):
                await self._attribute(market, trade)

    async def _trades(self, market: str, since_ns: int) -> Sequence[FillReport]:
        venue = self._desk.access.venue
        return await self._desk.access.read(lambda: venue.trades(market, since_ns))

    def _own_markets(self, deep: Collection[str]) -> list[str]:
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
        markets |= {market for market, _trade in self._known}
        return sorted(markets & set(self._desk.markets))

    def _cycles(self) -> Sequence[Cycle]:
        return tuple(self._desk.journal.cycles.values())

    async def _attribute(self, market: str, trade: FillReport) -> None:
        trade_id, exchange_id = trade.trade_id, trade.exchange_order_id
        if not trade_id or not exchange_id or (market, trade_id) in self._known:
            return
        if f"{market}:{trade_id}" in self._desk.journal.account.foreign:
            return
        owner = trade.client_order_id or self._archive.order_of_venue_id(market, exchange_id)
        if not owner:
            try:
                report = await self._desk.access.read(
                    lambda: self._desk.access.venue.order_by_exchange_id(market, exchange_id)
                )
            except OrderNotFound:
                return  # it is looked at again in the next sweep
            if report.exchange_order_id != exchange_id:
                return  # so is what cannot be read
            owner = report.client_order_id
            if not owner and self._may_be_ours(market, report):
                return
        if ids.is_ours(owner):
            assert owner is not None
            cycle = self._cycle_of(owner)
            if cycle is not None:
                await self._late(cycle, owner, trade)
                return
        await self._foreign(market, trade, owner)

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

    async def _late(self, cycle: Cycle, owner: str, trade: FillReport) -> None:
        """Give a trade to the cycle whose order made it, with what the venue says of that order."""
        order = cycle.order(owner)
        if not order.is_final:
            return  # its own resolver reads it
        try:
            report = await self._desk.access.read(
                lambda: self._desk.access.venue.order(order.market, owner)
            )
        except OrderNotFound:
            return
        vetted = vet_order(order, report)
        if isinstance(vetted, Garbled):
            return
        if trade.exchange_order_id != vetted.exchange_order_id:
            return
        fills = {fill.trade_id: fill for fill in vetted.fills}
        for fill in fills_of(order, [trade]):
            fills.setdefault(fill.trade_id, fill)
        told = c.ReportOrder(
            client_order_id=owner,
            exchange_order_id=vetted.exchange_order_id,
            status=vetted.status,
            filled=vetted.filled,
            fills=tuple(fills.values()),
        )
        log.warning("fill.late", cycle=cycle.id, order=owner, trade=trade.trade_id)
        await self._runner.apply(cycle.id, told, cause="sweep")

    async def _foreign(self, market: str, trade: FillReport, owner: str | None) -> None:
        """Record a trade of another client on our account, and what it changed."""
        rules = self._desk.markets[market]
        numbers = (trade.price, trade.amount, trade.cost, trade.fee)
        if trade.side not in {"buy", "sell"} or any(number is None for number in numbers):
            return
        if trade.fee_asset is None or trade.trade_id is None or trade.exchange_order_id is None:
            return
        assert trade.price is not None
        assert trade.amount is not None
        assert trade.cost is not None
        assert trade.fee is not None
        fill = f.OrderFilled(
            client_order_id=owner or "",
            exchange_order_id=trade.exchange_order_id,
            trade_id=trade.trade_id,
            market=market,
            base=rules.base,
            quote=rules.quote,
            side=trade.side,
            price=trade.price,
            amount=trade.amount,
            cost=trade.cost,
            fee=trade.fee,
            fee_asset=trade.fee_asset,
            venue_ns=trade.venue_ns or 0,
        )
        seen = f.ForeignTradeSeen(
            market=market,
            trade_id=trade.trade_id,
            exchange_order_id=trade.exchange_order_id,
            client_order_id=owner,
        )
        changes = [
            f.ExternalChangeFound(
                asset=asset,
                amount=amount,
                explained=True,
                source="foreign trade",
                detail=f"{market} {trade.trade_id}",
            )
            for _kind, asset, amount in postings(fill)
            if amount
        ]
        log.warning("trade.foreign", market=market, trade=trade.trade_id, owner=owner)
        await self._desk.journal.note(seen, *changes, cause="sweep")

    # --- balances -----------------------------------------------------------------------------

    def _at_rest(self, asked_ns: int) -> set[str]:
        """Assets of our account in which no order of ours is open, unknown or too fresh."""
        account = self._desk.journal.account
        fresh_ns = asked_ns - self._desk.rules.visibility_ns
        busy = {asset for asset, moved_ns in self._moved_ns.items() if moved_ns > fresh_ns}
        for cycle in self._cycles():
            for order in cycle.pending_orders():
                busy |= {order.base, order.quote}
                if self._desk.fees.fee_asset:
                    busy.add(self._desk.fees.fee_asset)
        return account.assets() - busy

    async def judge(self) -> bool:
        """Compare every asset at rest; True when all assets were judged and fit.

        Raises Unreachable or Banned when the venue cannot be asked.
        """
        desk = self._desk
        head = desk.journal.account.ledger.copy()
        asked_ns = desk.clock.now_ns()
        first = await desk.access.balances()
        await self.sweep()
        second = await desk.access.balances()
        await self._new_assets(second)
        account = desk.journal.account
        rest = self._at_rest(asked_ns)
        if head != account.ledger:
            return False  # a fill came between the readings
        desk.arbiter.note_balances(second)
        off: dict[str, Decimal] = {}
        for asset in sorted(rest):
            total = second[asset].total if asset in second else ZERO
            before = first[asset].total if asset in first else ZERO
            if before == total and total != account.expected(asset):
                off[asset] = total - account.expected(asset)
        if off:
            ledger, external = account.ledger.copy(), account.external.copy()
            await self.sweep(off)
            changes = await self._new_changes(off)
            third = await desk.access.balances()
            # Trades explain it, or something moved while we looked: the next time tells.
            still = all(third.get(asset) == second.get(asset) for asset in off)
            if still and (ledger, external) == (account.ledger, account.external):
                await self._differences(off, changes)
                desk.arbiter.note_balances(third)
        elif rest == account.assets():
            await self._fits(sorted(rest))
            return True
        return False

    async def _new_assets(self, balances: Mapping[str, Balance]) -> None:
        new = sorted(set(balances) - self._desk.journal.account.assets())
        if new:
            await self._desk.journal.note(f.AssetsFound(assets=tuple(new)), cause="reconcile")

    async def _fits(self, assets: list[str]) -> None:
        """Note that all is well, at most once per sweep margin."""
        account = self._desk.journal.account
        through = self._desk.access.venue_time_estimate_ns()
        if through is None:
            return
        if through - account.trades_through_ns >= SWEEP_MARGIN_NS // 2:
            fact = f.BalancesReconciled(assets=tuple(assets), trades_through_ns=through)
            await self._desk.journal.note(fact, cause="reconcile")

    async def _new_changes(self, off: Collection[str]) -> list[BalanceChange]:
        """Deposits and withdrawals since the opening that are not recorded yet."""
        since = self._desk.journal.account.opened_venue_ns
        changes = await self._desk.access.read(
            lambda: self._desk.access.venue.balance_changes(since)
        )
        return [
            change
            for change in changes
            if change.asset in off
            and change.venue_ns >= since
            and change.change_id not in self._changes
        ]

    async def _differences(self, off: dict[str, Decimal], changes: Sequence[BalanceChange]) -> None:
        """Record what the venue itself reports; halt new cycles where nothing explains it."""
        desk = self._desk
        for change in changes:
            self._changes.add(change.change_id)
            off[change.asset] -= change.amount
            fact = f.ExternalChangeFound(
                asset=change.asset,
                amount=change.amount,
                explained=True,
                source="venue",
                detail=change.change_id,
            )
            log.warning("balance.changed", asset=change.asset, amount=plain(change.amount))
            await desk.journal.note(fact, cause="reconcile")
        for asset, amount in off.items():
            if amount == 0:
                continue
            found = f.ExternalChangeFound(
                asset=asset, amount=amount, explained=False, source="unexplained", detail=""
            )
            halt = f.EngineHalted(
                reason=f"unexplained difference of {plain(amount)} {asset}", scope=asset
            )
            log.error("balance.unexplained", asset=asset, amount=plain(amount))
            await desk.journal.note(found, halt, cause="reconcile")


async def try_judge(reconciler: Reconciler) -> bool | None:
    """Judge; False when something does not fit or is not at rest, None when nobody answers."""
    try:
        return await reconciler.judge()
    except (Unreachable, Banned) as error:
        log.warning("reconcile.later", error=str(error))
        return None
