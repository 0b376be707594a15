"""Mistakes in the log, in what is shown of it, and in how a run ends."""

from typing import Final

from arb.simulation.mutants.mutant import Mutant

BOOKS: Final = (
    Mutant(
        "fsync off",
        "a commit is acknowledged before it is on the disk",
        "lost_acknowledged",
        """
@ events/sqlite/connections.py
-    connection.pragma("synchronous", "full" if durable else "off")
+    connection.pragma("synchronous", "off")
""",
    ),
    Mutant(
        "witness not checked",
        "a start does not ask the witness whether the log is whole",
        "lost_acknowledged",
        """
@ events/sqlite/examine.py
-        _check_witness(connection, path, head, testimony)
""",
    ),
    Mutant(
        "witness first",
        "the witness swears to a commit that has not happened yet",
        "witness",
        """
@ events/sqlite/commit.py
-        cursor.execute("COMMIT")
         self._places.check()
         head = sequencer.head()
         self._witness.write(head)
+        cursor.execute("COMMIT")
""",
    ),
    Mutant(
        "the chain goes on from the oath",
        "a start takes the hash that the witness swore to last for that of the log's last event",
        "chain",
        """
@ events/sqlite/opening.py
-            path, witness, found.head, projector, vfs,
+            path,
+            witness,
+            Head(found.head.position, testimony.head.hash) if testimony else found.head,
+            projector,
+            vfs,
""",
    ),
    Mutant(
        "a failed append is good enough",
        "the engine acts on what the log could not say that it holds",
        "forgotten_order",
        """
@ execution/account/journal.py
-            self.broken = error
-            raise
+            log.warning(str(error))
+            return self.position
""",
    ),
    Mutant(
        "unwinds are not shown",
        "the table of orders does not follow the orders of an unwind",
        "projections",
        """
@ projections/fold.py
-            changed.append(rows.changed_order(order, filled))
+            if order.purpose == "leg":
+                changed.append(rows.changed_order(order, filled))
""",
    ),
    Mutant(
        "halted for good",
        "an operator's word does not lift a halt",
        "liveness",
        """
@ machine/account.py
-            account.halts = {}
             account.paused = None
""",
    ),
    Mutant(
        "a run does not wait",
        "a run ends while its cycles are at work",
        "not_at_rest",
        """
@ execution/runs/engine.py
-        while p.runner.busy and self.fatal is None and self.interrupts < 2:  # noqa: PLR2004
+        while False:
""",
    ),
)
