"""Mistakes in who may use what, and when."""

from typing import Final

from arb.simulation.mutants.mutant import Mutant

PERMISSION: Final = (
    Mutant(
        "reservation forgotten",
        "what other cycles own is there for a new one too",
        "reservation",
        """
@ execution/account/arbiter.py
-        return max(ZERO, usable - self.owned(asset))
+        return max(ZERO, usable)
""",
    ),
    Mutant(
        "halts are waived",
        "a halt does not keep new cycles from opening",
        "limits",
        """
@ machine/account.py
+        return self.paused
         if EVERYTHING in self.halts:
""",
    ),
    Mutant(
        "a pause ends with the process",
        "a restart forgets that an operator paused new cycles",
        "limits",
        """
@ projections/queries.py
-    return decode_account(text)
+    account = decode_account(text)
+    account.paused = None
+    return account
""",
    ),
    Mutant(
        "losses are not counted",
        "a close that breaks a limit of losses trips nothing",
        "limits",
        """
@ execution/risk/guards.py
-        if after is None or after == before:
+        if True:
""",
    ),
    Mutant(
        "any number of cycles",
        "the most cycles that may be open is not looked at",
        "limits",
        """
@ execution/risk/guards.py
-    if len(open_cycles) < most:
+    if True:
""",
    ),
    Mutant(
        "place never given back",
        "an order that left still holds its place in the venue's ration",
        "not_at_rest",
        """
@ execution/account/ration.py
     def let_go(self, client_order_id: str) -> None:
         \"\"\"Forget an order that will not leave.\"\"\"
-        self._promised.discard(client_order_id)
@ execution/account/ration.py
     def leave(self, client_order_id: str) -> None:
         \"\"\"Count an order as it leaves; from here on the way to the venue counts it.\"\"\"
-        self._promised.discard(client_order_id)
""",
    ),
    Mutant(
        "no rest for a path",
        "a path that was left because of its price is taken again at once",
        "limits",
        """
@ execution/risk/guards.py
-        if until_ns is None:
+        if True:
""",
    ),
    Mutant(
        "every failure is the first",
        "a path that fails again and again rests no longer each time",
        "limits",
        """
@ machine/risk.py
-    for _ in range(failures):
+    for _ in range(0):
""",
        seeds=200,
    ),
    Mutant(
        "any price",
        "an order may be ten times as far from the touch as it is allowed to",
        "limits",
        """
@ market/depth.py
-    assert slippage_bps >= 0, slippage_bps
+    slippage_bps *= 10
""",
    ),
)
