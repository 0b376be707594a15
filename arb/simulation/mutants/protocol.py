"""Mistakes in how an order is sent, and in finding out what became of it."""

from typing import Final

from arb.simulation.mutants.mutant import Mutant

PROTOCOL: Final = (
    Mutant(
        "intent after the send",
        "an order's intent is appended after the request has left",
        "forgotten_order",
        """
@ execution/cycles/runner.py
+        for name in known & intended:
+            order = draft.cycle.order(name)
+            self._early[name] = await send(self.desk, self.gate, draft.cycle, order)
         moved = await self.desk.journal.commit(draft, cause=cause)
         self._unsent |= known & intended
@ execution/cycles/runner.py
+        for draft in drafts:
+            order = draft.cycle.orders[-1]
+            outcome = await send(self.desk, self.gate, draft.cycle, order)
+            self._early[order.client_order_id] = outcome
         await self.desk.journal.open(drafts, cause="opportunity")
@ execution/cycles/runner.py
-        outcome = await send(self.desk, self.gate, cycle, order, recheck)
+        outcome = self._early.pop(order.client_order_id)
@ execution/cycles/runner.py
         self._unsent: set[str] = set()
+        self._early = {}
""",
    ),
    Mutant(
        "retry on timeout",
        "a create that got no answer is sent once more",
        "sent_twice",
        """
@ execution/orders/sending.py
-            reply = await desk.access.venue.create(request)
+            try:
+                reply = await desk.access.venue.create(request)
+            except Exception as error:
+                if isinstance(error, Refused | NotSent | Banned):
+                    raise
+                reply = await desk.access.venue.create(request)
""",
    ),
    Mutant(
        "resend instead of resolve",
        "a restart signs and sends anew what was intended, instead of asking what became of it",
        "sent_twice",
        """
@ execution/orders/sending.py
-    if estimate is None or estimate > order.venue_time_ns + window_ns:
+    if estimate is None:
@ execution/orders/sending.py
-        venue_time_ns=order.venue_time_ns,
+        venue_time_ns=estimate,
@ execution/runs/engine.py
-        for order in cycle.pending_orders()
-        if order.state == t.INTENDED
+        for order in ()
@ execution/cycles/runner.py
-            if order.client_order_id in self._unsent:
+            if order.client_order_id in self._unsent or order.state == t.INTENDED:
""",
    ),
    Mutant(
        "not sent, says a restart",
        "a restart takes an intent without an answer for an order that never left",
        "unproven",
        """
@ execution/runs/engine.py
-        c.ReportUnknown(client_order_id=order.client_order_id, reason="restart")
+        c.ReportRefused(client_order_id=order.client_order_id, reason="not sent", detail="restart")
""",
    ),
    Mutant(
        "silence is a refusal",
        "a create that got no answer counts as refused",
        "unproven",
        """
@ execution/orders/sending.py
-        return c.ReportUnknown(client_order_id=order_id, reason=why)
+        return c.ReportRefused(client_order_id=order_id, reason=why, detail=why)
""",
    ),
    Mutant(
        "one not-found is proof",
        "an order is absent as soon as the venue does not find it once",
        "unproven",
        """
@ limits.py
-NOT_FOUND_MIN: Final = 3
+NOT_FOUND_MIN: Final = 1
""",
    ),
    Mutant(
        "absent before T_dead",
        "an order is called absent while it may still arrive",
        "unproven",
        """
@ execution/orders/resolving.py
-    attempt.is_dead = venue_ns > order.dead_ns and passed_ns > order.dead_ns - order.venue_time_ns
+    attempt.is_dead = True
@ machine/decide.py
-    if command.venue_time_ns <= order.dead_ns:
+    if False:
""",
    ),
    Mutant(
        "on beside an unknown order",
        "an order of unknown fate does not keep its cycle from going on",
        "unproven",
        """
@ machine/state.py
-        return [order for order in self.recent if not order.is_final]
+        return [one for one in self.recent if not one.is_final and one.state != 'unknown']
""",
    ),
    Mutant(
        "settled by its summary",
        "an order counts as settled before its fills are there",
        "unproven",
        """
@ machine/order_fold.py
-    settled = order.filled >= fact.filled
+    settled = True
""",
    ),
    Mutant(
        "a restart goes on where it was",
        "a cycle that was at work goes on after a restart without recovering first",
        "illegal_move",
        """
@ execution/runs/engine.py
-    return [*unknown, c.StartRecovery(reason="restart")]
+    return unknown
""",
    ),
)
