"""Mistakes that one could make in the engine and that tests of single cases notice: a few lines each."""

from typing import Final

from arb.simulation.mutants import MUTANTS, Mutant

ANY_RULE: Final = ""  # they are for tests, not for the checker


def _mistake(name: str, what: str, change: str) -> Mutant:
    return Mutant(name, what, ANY_RULE, change)


OWN: Final = (
    _mistake(
        "a cancel is the end",
        "an order that was asked to be cancelled counts as ended, without a look at it",
        """
@ execution/orders/resolving.py
         await _cancel(desk, order)
+        return Look(
+            (
+                c.ReportOrder(
+                    client_order_id=order.client_order_id,
+                    exchange_order_id=order.exchange_order_id,
+                    status="canceled",
+                    filled=order.filled,
+                    fills=(),
+                ),
+            )
+        )
""",
    ),
    _mistake(
        "fees in what is received",
        "every fee counts as one of the received asset",
        """
@ execution/orders/vetting.py
-        fee_asset=fee_asset,
+        fee_asset=order.receive_asset,
""",
    ),
    _mistake(
        "dust is nothing",
        "what is left of other assets when a cycle completes belongs to nobody",
        """
@ machine/closing.py
-        dust=dust,
+        dust={},
         fees=dict(cycle.fees),
         fee_value=fee_value,
""",
    ),
    _mistake(
        "the old rules",
        "after a refusal the rules of the market are not read again",
        """
@ execution/cycles/runner.py
-            await self.desk.reload_markets()
             await self.desk.access.venue_time_ns()
""",
    ),
    _mistake(
        "silence is fresh",
        "a book counts however long its connection has been silent",
        """
@ execution/account/desk.py
-        if heard is None or self.clock.now_ns() - heard > BOOK_HEARD_S_MAX * NS_PER_S:
+        if heard is None:
""",
    ),
    _mistake(
        "an outage is the end",
        "a venue that does not answer about an order ends the engine",
        """
@ execution/cycles/runner.py
-            attempt.silent = True
-            return self._waiting(cycle, order, attempt, str(error)), str(error)
+            raise error
""",
    ),
    _mistake(
        "the old clock",
        "after a refusal the clock of the venue is not read again",
        """
@ execution/cycles/runner.py
-        self.desk.access.doubt_clock()
         try:
             await self.desk.reload_markets()
-            await self.desk.access.venue_time_ns()
""",
    ),
    _mistake(
        "a ban is forgotten",
        "the venue is asked on while it bans",
        """
@ execution/account/access.py
-        self._ban.latch(error.retry_after_ns)
""",
    ),
    _mistake(
        "everything is unknown",
        "what never left this machine counts as an order of unknown fate",
        """
@ execution/orders/sending.py
-        return c.ReportRefused(client_order_id=order_id, reason=NOT_SENT, detail=str(error))
+        return c.ReportUnknown(client_order_id=order_id, reason=str(error))
""",
    ),
    _mistake(
        "open is over",
        "an order that is told as open counts as ended with what it has",
        """
@ machine/reports.py
-    if command.status not in t.END_STATUSES or command.filled is None:
+    if command.status is None or command.filled is None:
""",
    ),
    _mistake(
        "no fee is none",
        "a fee that is not told counts as 0",
        """
@ execution/orders/vetting.py
-    wrong = unreadable(told) or _charged(told) or _wrong_trade(order, told, exchange_order_id)
+    structs = __import__("msgspec").structs
+    told = structs.replace(told, fee=told.fee or ZERO, fee_asset=told.fee_asset or order.quote)
+    wrong = unreadable(told) or _charged(told) or _wrong_trade(order, told, exchange_order_id)
""",
    ),
    _mistake(
        "no patience",
        "what no market takes at this moment is parked",
        """
@ execution/cycles/patience.py
-    return _waited_ns(desk, draft, reason) > patience_s * NS_PER_S
+    return True
""",
    ),
    _mistake(
        "nobody moves money",
        "what the venue reports of deposits and withdrawals is not asked for",
        """
@ execution/reconciling/reconcile.py
             changes, doubtful = await self._new_changes(off)
+            changes = []
""",
    ),
    _mistake(
        "room for another",
        "open orders of another instance are no reason not to start",
        """
@ execution/reconciling/used_ids.py
-        raise LogLocked(
+        log.warning(
""",
    ),
    _mistake(
        "what differs is ours",
        "a difference that nothing explains is taken over without a halt",
        """
@ execution/reconciling/reconcile.py
-            await desk.journal.note(found, halt, cause="reconcile")
+            await desk.journal.note(found, cause="reconcile")
""",
    ),
    _mistake(
        "a key is a key",
        "a key that the venue does not accept is no reason to stop",
        """
@ execution/cycles/runner.py
-            if self.desk.access.key_revoked is not None:
-                raise self.desk.access.key_revoked
""",
    ),
    _mistake(
        "on at any price",
        "recovery goes on with the path whatever it brings now",
        """
@ execution/cycles/steps.py
-    if ahead.output <= planning.floor_now(cycle):
-        return None
-    return ahead if liquidation is None or ahead.output >= liquidation else None
+    return ahead
""",
    ),
    _mistake(
        "spend is amount",
        "an order is sent for what it is to spend",
        """
@ execution/cycles/planning.py
-        amount=walk.amount,
+        amount=cycle.holding(cycle.legs[cycle.leg].spend_asset),
""",
    ),
    _mistake(
        "holdings before fees",
        "what a fill brought counts as held before its fee",
        """
@ machine/order_fold.py
-    if fee and trade.fee_asset == receive_asset:
-        received -= fee
     change(cycle.holdings, spend_asset, -spent)
""",
    ),
    _mistake(
        "all that is there",
        "a liquidation sells what the account has of a currency",
        """
@ execution/cycles/planning.py
-        sellable = min(amount, desk.arbiter.sellable(cycle.id, asset, balances))
+        sellable = desk.arbiter.sellable(cycle.id, asset, balances)
""",
    ),
    _mistake(
        "orders rest",
        "an order stays at the venue until it is filled",
        """
@ execution/cycles/planning.py
-        time_in_force="fok" if whole else "ioc",
+        time_in_force="gtc",
""",
    ),
    _mistake(
        "room is never made",
        "every cycle that was ever opened counts as open",
        """
@ execution/risk/guards.py
-            or _too_many(strategy, self._open(strategy, opening))
+            or _too_many(strategy, range(self._desk.journal.account.next_number - 1))
""",
    ),
    _mistake(
        "P/L before fees",
        "fees in the start currency do not count",
        """
@ machine/closing.py
-    return returned + cycle.returned_value + value - cycle.start_amount
+    fees = cycle.fees.get(cycle.start_asset, ZERO)
+    return returned + cycle.returned_value + value - cycle.start_amount + fees
""",
    ),
    _mistake(
        "rations in thousandths",
        "what the venue allows in a minute is read as thousandths of it",
        """
@ exchange/client/pacing.py
-        self._weights = _Window(round(ration.weight * _MILLI), ration.window_s)
+        self._weights = _Window(round(ration.weight), ration.window_s)
""",
    ),
    _mistake(
        "a slow look",
        "an order of unknown fate is looked at every ten seconds",
        """
@ limits.py
-RESOLVE_DELAYS_S: Final = (0.05, 0.1, 0.2, 0.4, 0.5)
+RESOLVE_DELAYS_S: Final = (10.0, 10.0, 10.0, 10.0, 10.0)
""",
    ),
    _mistake(
        "one hop is enough",
        "only the market between what is held and what is wanted is a way out",
        """
@ execution/cycles/planning.py
-        panic.max_hops if hops_max is None else hops_max,
+        1,
""",
    ),
    _mistake(
        "an empty history",
        "the cycles of the past are not found",
        """
@ projections/queries.py
-    return _views(connection, query, (before / NS_PER_S, limit))
+    return _views(connection, query, (before / NS_PER_S, 0))
""",
    ),
    _mistake(
        "any step",
        "amounts are not rounded to what the market takes",
        """
@ money.py
-    return (value / unit).to_integral_value(ROUND_FLOOR) * unit
+    return value
""",
    ),
    _mistake(
        "names without numbers",
        "a cycle is named for its strategy alone",
        """
@ ids.py
-    return CycleId(f"{strategy}-{number}")
+    return CycleId(f"{strategy}-{number - number}")
""",
    ),
    _mistake(
        "the newest trade",
        "of an order's trades the newest is read, and is all of it",
        """
@ machine/order_fold.py
-    settled = order.filled >= fact.filled
+    settled = True
@ execution/orders/resolving.py
-    return await desk.access.read(lambda: desk.access.venue.trades(order.market, since))
+    told = await desk.access.read(lambda: desk.access.venue.trades(order.market, since))
+    return told[-1:]
""",
    ),
    _mistake(
        "one way round",
        "of each triangle one direction is found",
        """
@ market/cycles.py
-            yield from product(*choices)
+            if ring[1] < ring[-1]:
+                yield from product(*choices)
""",
    ),
    _mistake(
        "missed is refused",
        "a cycle that filled nothing ends as a refused one",
        """
@ machine/closing.py
-    return [f.CycleMissed(reason=command.reason)]
+    return [f.CycleRefused(reason=command.reason)]
""",
    ),
    _mistake(
        "twice the price",
        "an order may pay twice what it was planned at",
        """
@ execution/cycles/planning.py
-        limit=walk.limit,
+        limit=walk.limit * 2 if walk.side == "buy" else walk.limit,
""",
    ),
)
ALL: Final = {one.name: one for one in (*MUTANTS, *OWN)}
