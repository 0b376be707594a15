"""Mistakes that somebody could make in the engine, each a change of a few lines, and the rule that has to find it."""

from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Final

from msgspec import Struct

import arb

PACKAGE: Final = Path(arb.__file__).parent
SEEDS_MAX: Final = (
    40  # within so many seeds a mistake has to be found, if it does not say otherwise
)

Patch = tuple[
    str, str, str
]  # file within the package, what stands there once, what stands there then


class Mutant(Struct, frozen=True):
    """One mistake."""

    name: str
    mistake: str  # in a sentence
    rule: str  # of the checker: what has to find it
    patches: tuple[Patch, ...]
    seeds: int = SEEDS_MAX


class MutantOutdated(Exception):
    """The line that a mutant changes is not there any more, or not once: write the mutant anew."""


def apply(mutant: Mutant, folder: Path) -> None:
    """Copy the package into a folder, with the mistake in it; raises MutantOutdated."""
    copytree(PACKAGE, folder / PACKAGE.name, ignore=ignore_patterns("*.tmp"))
    for file, before, after in mutant.patches:
        path = folder / PACKAGE.name / file
        text = path.read_text(encoding="utf-8")
        if text.count(before) != 1:
            raise MutantOutdated(
                f"{mutant.name}: {file} holds {text.count(before)} times {before!r}"
            )
        path.write_text(text.replace(before, after), encoding="utf-8")


_SENDING: Final = "execution/sending.py"
_RUNNER: Final = "execution/runner.py"
_RESOLVING: Final = "execution/resolving.py"
_VETTING: Final = "execution/vetting.py"
_REPORTS: Final = "machine/reports.py"
_ENGINE: Final = "execution/engine.py"
_GUARDS: Final = "execution/guards.py"
_BOOKED: Final = "            found.append(fill)\n"


def _another_fill(change: str) -> str:
    return f'            found.append(__import__("msgspec").structs.replace(fill, {change}))\n'


MUTANTS: Final = (
    # --- the order protocol
    Mutant(
        "intent after the send",
        "an order's intent is appended after the request has left",
        "forgotten_order",
        (
            (
                _RUNNER,
                "        moved = await self.desk.journal.commit(draft, cause=cause)\n"
                "        self._unsent |= known & intended\n",
                "        for name in known & intended:\n"
                "            order = draft.cycle.order(name)\n"
                "            self._early[name] = await send(self.desk, self.gate, draft.cycle, order)\n"
                "        moved = await self.desk.journal.commit(draft, cause=cause)\n"
                "        self._unsent |= known & intended\n",
            ),
            (
                _RUNNER,
                "        outcome = await send(self.desk, self.gate, cycle, order)\n",
                "        outcome = self._early.pop(order.client_order_id)\n",
            ),
            (
                _RUNNER,
                "        self._unsent: set[str] = set()\n",
                "        self._unsent: set[str] = set()\n        self._early = {}\n",
            ),
        ),
    ),
    Mutant(
        "retry on timeout",
        "a create that got no answer is sent once more",
        "sent_twice",
        (
            (
                _SENDING,
                "            reply = await desk.access.venue.create(request)\n",
                "            try:\n"
                "                reply = await desk.access.venue.create(request)\n"
                "            except Exception as error:\n"
                "                if isinstance(error, Refused | NotSent | Banned):\n"
                "                    raise\n"
                "                reply = await desk.access.venue.create(request)\n",
            ),
        ),
    ),
    Mutant(
        "resend instead of resolve",
        "a restart sends what was intended, instead of asking what became of it",
        "sent_twice",
        (
            (
                _ENGINE,
                "        for order in cycle.pending_orders()\n        if order.state == t.INTENDED\n",
                "        for order in ()\n",
            ),
            (
                _RUNNER,
                "            if order.client_order_id in self._unsent:\n",
                "            if order.client_order_id in self._unsent or order.state == t.INTENDED:\n",
            ),
        ),
    ),
    Mutant(
        "not sent, says a restart",
        "a restart takes an intent without an answer for an order that never left",
        "unproven",
        (
            (
                _ENGINE,
                'c.ReportUnknown(client_order_id=order.client_order_id, reason="restart")',
                "c.ReportRefused(client_order_id=order.client_order_id,"
                ' reason="not sent", detail="restart")',
            ),
        ),
    ),
    Mutant(
        "silence is a refusal",
        "a create that got no answer counts as refused",
        "unproven",
        (
            (
                _SENDING,
                "        return c.ReportUnknown(client_order_id=order_id, reason=why)\n",
                "        return c.ReportRefused(client_order_id=order_id, reason=why, detail=why)\n",
            ),
        ),
    ),
    Mutant(
        "one not-found is proof",
        "an order is absent as soon as the venue does not find it once",
        "unproven",
        (("limits.py", "NOT_FOUND_MIN: Final = 3", "NOT_FOUND_MIN: Final = 1"),),
    ),
    Mutant(
        "absent before T_dead",
        "an order is called absent while it may still arrive",
        "unproven",
        (
            (_RESOLVING, "attempt.is_dead = venue_ns > order.dead_ns", "attempt.is_dead = True"),
            ("machine/decide.py", "command.venue_time_ns <= order.dead_ns", "False"),
        ),
    ),
    Mutant(
        "on beside an unknown order",
        "an order of unknown fate does not keep its cycle from going on",
        "unproven",
        (
            (
                "machine/state.py",
                "return [order for order in self.recent if not order.is_final]",
                "return [one for one in self.recent if not one.is_final and one.state != 'unknown']",
            ),
        ),
    ),
    Mutant(
        "settled by its summary",
        "an order counts as settled before its fills are there",
        "unproven",
        (
            (
                "machine/order_fold.py",
                "    settled = order.filled >= fact.filled\n",
                "    settled = True\n",
            ),
        ),
    ),
    # --- money
    Mutant(
        "fee ignored",
        "a fill that is read from the list of trades is booked without its fee",
        "money_words",
        ((_VETTING, _BOOKED, _another_fill("fee=ZERO")),),
    ),
    Mutant(
        "cost by price",
        "a fill that is read from the list of trades costs price x amount",
        "money_words",
        ((_VETTING, _BOOKED, _another_fill("cost=fill.price * fill.amount")),),
    ),
    Mutant(
        "float money",
        "the trade of another client is booked by way of a float",
        "money_words",
        (
            (
                "execution/told_trades.py",
                "            amount=amount,\n            explained=True,",
                "            amount=Decimal(str(round(float(amount), 6))),\n            explained=True,",
            ),
        ),
    ),
    Mutant(
        "partial fill dropped",
        "an order that expired after a part counts as one that filled nothing",
        "money_words",
        (
            (
                _REPORTS,
                "    order = cycle.order(command.client_order_id)\n    events: list[f.CycleEvent] = []\n    stated",
                "    order = cycle.order(command.client_order_id)\n"
                '    if command.status == "expired":\n'
                '        structs = __import__("msgspec").structs\n'
                "        command = structs.replace(command, filled=ZERO, fills=())\n"
                "    events: list[f.CycleEvent] = []\n    stated",
            ),
        ),
    ),
    Mutant(
        "told and not looked up",
        "fills that a reply leaves out are not read from the list of trades",
        "unbounded",
        (
            (
                _RESOLVING,
                "fills = (*vetted.fills, *fills_of(named, trades))",
                "fills = vetted.fills",
            ),
        ),
    ),
    Mutant(
        "late fill dropped",
        "a fill that comes after the end of its order is not booked",
        "money_words",
        (
            (
                _REPORTS,
                "    order = cycle.order(command.client_order_id)\n    events: list[f.CycleEvent] = []\n    stated",
                "    order = cycle.order(command.client_order_id)\n    if order.is_final:\n        return []\n"
                "    events: list[f.CycleEvent] = []\n    stated",
            ),
        ),
    ),
    Mutant(
        "copies are booked",
        "a fill that is told again is booked again",
        "money_words",
        (
            (
                _REPORTS,
                "        known = order.trade(fill.trade_id)\n",
                "        known = None\n",
            ),
        ),
    ),
    Mutant(
        "anybody's trade",
        "every trade of the market counts as the order's own",
        "money_words",
        (
            (
                _VETTING,
                "        if not ours and not same:\n            continue\n        if told.exchange_order_id is None:",
                "        if told.exchange_order_id is None:",
            ),
            (
                _VETTING,
                "    if told.exchange_order_id not in {None, exchange_order_id}:\n",
                "    if False:\n",
            ),
            (
                _VETTING,
                "    if told.client_order_id and told.client_order_id != order.client_order_id:\n",
                "    if False:\n",
            ),
        ),
    ),
    Mutant(
        "others do not trade",
        "the trade of another client is not noted",
        "money_words",
        (
            (
                "execution/sweeping.py",
                "        refuse_used(self._desk, self._archive, owner)\n        noted = set()\n",
                "        return\n        noted = set()\n",
            ),
        ),
    ),
    Mutant(
        "deposits are news again",
        "a restart forgets which deposits and withdrawals are recorded",
        "money_words",
        (
            (
                "execution/building.py",
                "changes=history.known_changes()",
                "changes=set()",
            ),
        ),
    ),
    Mutant(
        "dust forgotten",
        "a cycle that is opened again does not take its dust back in hand",
        "exposure",
        (
            (
                "machine/evolve.py",
                "cycle.holdings = add(add(cycle.holdings, cycle.parked), cycle.dust)",
                "cycle.holdings = add(cycle.holdings, cycle.parked)",
            ),
        ),
    ),
    Mutant(
        "P/L of the last close",
        "what a cycle gave back before it was opened again is left out of its P/L",
        "profit",
        (
            (
                "machine/closing.py",
                "returned = cycle.returned_start() + back.get(cycle.start_asset, ZERO)",
                "returned = back.get(cycle.start_asset, ZERO)",
            ),
        ),
    ),
    # --- who may use what
    Mutant(
        "reservation forgotten",
        "a cycle opens without looking at what is there for it",
        "reservation",
        (
            (
                "execution/arbiter.py",
                "        if amount > self.available(asset):\n            yield False\n            return\n",
                "",
            ),
            (
                "execution/capital.py",
                "desk.arbiter.available(",
                "desk.journal.account.expected(",
            ),
        ),
    ),
    Mutant(
        "halts are waived",
        "a halt does not keep new cycles from opening",
        "limits",
        (
            (
                "machine/account.py",
                "        if EVERYTHING in self.halts:\n",
                "        return self.paused\n        if EVERYTHING in self.halts:\n",
            ),
        ),
    ),
    Mutant(
        "a pause ends with the process",
        "a restart forgets that an operator paused new cycles",
        "limits",
        (
            (
                "projections/queries.py",
                "    return decode_account(text)\n",
                "    account = decode_account(text)\n    account.paused = None\n    return account\n",
            ),
        ),
    ),
    Mutant(
        "losses are not counted",
        "a close that breaks a limit of losses trips nothing",
        "limits",
        ((_GUARDS, "        if after is None or after == before:\n", "        if True:\n"),),
    ),
    Mutant(
        "any number of cycles",
        "the most cycles that may be open is not looked at",
        "limits",
        ((_GUARDS, "    if len(open_cycles) < most:\n", "    if True:\n"),),
    ),
    Mutant(
        "no rest for a path",
        "a path that was left because of its price is taken again at once",
        "limits",
        ((_GUARDS, "        if until_ns is None:\n", "        if True:\n"),),
    ),
    Mutant(
        "any price",
        "an order may be ten times as far from the touch as it is allowed to",
        "limits",
        (
            (
                "market/depth.py",
                "    assert slippage_bps >= 0, slippage_bps\n",
                "    slippage_bps *= 10\n",
            ),
        ),
    ),
    # --- the log and what is shown of it
    Mutant(
        "unwinds are not shown",
        "the table of orders does not follow the orders of an unwind",
        "projections",
        (
            (
                "projections/fold.py",
                "            changed.append(rows.changed_order(order, filled))\n",
                '            if order.purpose == "leg":\n'
                "                changed.append(rows.changed_order(order, filled))\n",
            ),
        ),
    ),
    Mutant(
        "halted for good",
        "an operator's word does not lift a halt",
        "liveness",
        (
            (
                "machine/account.py",
                "            account.halts = {}\n            account.paused = None\n",
                "            account.paused = None\n",
            ),
        ),
    ),
)
