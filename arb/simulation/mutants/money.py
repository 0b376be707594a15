"""Mistakes in what is booked, and in what a cycle has in its hands."""

from typing import Final

from arb.simulation.mutants.mutant import Mutant

MONEY: Final = (
    Mutant(
        "a difference is only a halt",
        "what nobody explains halts an asset, and is never booked",
        "conservation",
        """
@ execution/reconciling/reconcile.py
-            await desk.journal.note(found, halt, cause="reconcile")
+            await desk.journal.note(halt, cause="reconcile")
""",
    ),
    Mutant(
        "fee ignored",
        "a fill that is read from the list of trades is booked without its fee",
        "money_words",
        """
@ execution/orders/vetting.py
-            found.append(fill)
+            found.append(__import__("msgspec").structs.replace(fill, fee=ZERO))
""",
    ),
    Mutant(
        "cost by price",
        "a fill that is read from the list of trades costs price x amount",
        "money_words",
        """
@ execution/orders/vetting.py
-            found.append(fill)
+            found.append(__import__("msgspec").structs.replace(fill, cost=fill.price * fill.amount))
""",
    ),
    Mutant(
        "float money",
        "the trade of another client is booked by way of a float",
        "money_words",
        """
@ execution/orders/told_trades.py
-            amount=amount,
+            amount=Decimal(str(round(float(amount), 6))),
             explained=True,
""",
    ),
    Mutant(
        "partial fill dropped",
        "an order that expired after a part counts as one that filled nothing",
        "money_words",
        """
@ machine/reports.py
     order = cycle.order(command.client_order_id)
+    if command.status == "expired":
+        structs = __import__("msgspec").structs
+        command = structs.replace(command, filled=ZERO, fills=())
     events: list[f.CycleEvent] = []
     stated = _stated(cycle, order, command)
""",
    ),
    Mutant(
        "told and not looked up",
        "fills that a reply leaves out are not read from the list of trades",
        "unbounded",
        """
@ execution/orders/resolving.py
-        fills = (*vetted.fills, *fills_of(named, trades))
+        fills = vetted.fills
""",
    ),
    Mutant(
        "late fill dropped",
        "a fill that comes after the end of its order is not booked",
        "money_words",
        """
@ machine/reports.py
     order = cycle.order(command.client_order_id)
+    if order.is_final:
+        return []
     events: list[f.CycleEvent] = []
     stated = _stated(cycle, order, command)
""",
    ),
    Mutant(
        "copies are booked",
        "a fill that is told again is booked again",
        "money_words",
        """
@ machine/reports.py
-        if known is None and fill.trade_id in new:
-            known = trade_of(new[fill.trade_id])
""",
    ),
    Mutant(
        "anybody's trade",
        "every trade of the market counts as the order's own",
        "money_words",
        """
@ execution/orders/vetting.py
-        if not ours and not same:
-            continue
         if told.exchange_order_id is None:
@ execution/orders/vetting.py
-    if told.exchange_order_id not in {None, exchange_order_id}:
+    if False:
@ execution/orders/vetting.py
-    if told.client_order_id and told.client_order_id != order.client_order_id:
+    if False:
""",
    ),
    Mutant(
        "others do not trade",
        "the trade of another client is not noted",
        "money_words",
        """
@ execution/reconciling/sweeping.py
-        refuse_used(self._desk, self._archive, owner)
+        return
         noted = set()
""",
    ),
    Mutant(
        "deposits are news again",
        "a restart forgets which deposits and withdrawals are recorded",
        "money_words",
        """
@ execution/runs/building.py
-        changes=history.known_changes(),
+        changes=set(),
""",
    ),
    Mutant(
        "dust forgotten",
        "a cycle that is opened again does not take its dust back in hand",
        "exposure",
        """
@ machine/evolve.py
-    cycle.holdings = add(add(cycle.holdings, cycle.parked), cycle.dust)
+    cycle.holdings = add(cycle.holdings, cycle.parked)
""",
    ),
    Mutant(
        "P/L of the last close",
        "what a cycle gave back before it was opened again is left out of its P/L",
        "profit",
        """
@ machine/closing.py
-    returned = cycle.returned_start() + back.get(cycle.start_asset, ZERO)
+    returned = back.get(cycle.start_asset, ZERO)
""",
    ),
    Mutant(
        "fees twice",
        "the fee of a sale for a currency that is not of the path is taken from its P/L again",
        "profit",
        """
@ machine/net.py
-        if asset != cycle.start_asset and _is_charged_apart(cycle, asset):
+        if asset not in {leg.spend_asset for leg in cycle.legs}:
+            paid[asset] = cycle.fees[asset]
+        elif asset != cycle.start_asset and _is_charged_apart(cycle, asset):
""",
    ),
    Mutant(
        "its word is enough",
        "what an order has left by the venue's word is given again, whatever the balances show",
        "oversold",
        """
@ execution/cycles/untold.py
-    if desk.alone:
+    if True:
""",
    ),
    Mutant(
        "a leg goes on unasked",
        "the rest of a leg is sent again without a look at the balances",
        "oversold",
        """
@ execution/cycles/steps.py
-    if untold.resells(desk, cycle, draft.at_ns):
+    if False:
""",
    ),
    Mutant(
        "what is gone is sold off",
        "a recovering cycle goes on, or is sold, whatever the balances show",
        "oversold",
        """
@ execution/cycles/steps.py
-    if awaiting.waits(desk, draft, situation):
+    if False:
""",
        seeds=200,
    ),
    Mutant(
        "what is awaited is unexplained",
        "what is missing is booked as unexplained while a cycle waits for the trade that it may be",
        "oversold",
        """
@ execution/reconciling/reconcile.py
-            if amount == 0 or asset in told or asset in awaited:
+            if amount == 0 or asset in told:
""",
        seeds=500,
    ),
    Mutant(
        "late fills stay outside",
        "a fill that comes after the end of its cycle is booked, and the cycle stays closed",
        "exposure",
        """
@ machine/reports.py
     if cycle.is_closed:
+        return []
         if appeared:
""",
    ),
)
