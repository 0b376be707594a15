"""Judge a run from outside: a log and what really happened, read with nothing of the engine.

Nothing here imports the engine. What a log must say is written down a second time, from its documentation,
so that a mistake in the engine cannot excuse itself.
"""

import decimal
import sqlite3
from pathlib import Path

from arb.simulation.checker import money, oversold, seals, tables, venue
from arb.simulation.checker.story import Story
from arb.simulation.checker.truth import Truth, read_truth
from arb.simulation.checker.words import Event, NotALog, Violation, read_log

__all__ = ["RULES", "Violation", "check"]

DIGITS = 80  # more than any sum of amounts has: nothing is rounded here

RULES: dict[str, str] = {
    "sent_twice": "no client order id reached the venue twice",
    "forgotten_order": "the log intended every order that the venue was asked for, and knows its fate",
    "conservation": "per asset, venue = opening + ledger + recorded external changes, to the last digit",
    "money_words": "each trade and change of the venue is booked once, word for word",
    "exposure": "what a cycle gave back, parked or left as dust is what its trades left in its hands",
    "profit": "fees are those of the trades, and P/L is what came back less the start",
    "not_at_rest": "every cycle is completed or failed, with no order open and parked amounts named",
    "lost_acknowledged": "every append that was acknowledged is in the log, unaltered",
    "chain": "positions, versions and hashes have no gap, and no amount is a float",
    "witness": "the witness swears to the last event",
    "projections": "the tables say what the events say",
    "illegal_move": "no fact stands where its cycle or order could not have it",
    "unproven": "absence is declared only behind every proof, and nothing moves while an order is unproven",
    "reservation": "no cycle is given, and no order spends, what is not there for it",
    "oversold": "no order gives what a trade has taken already, where the balances have shown it all the time",
    "limits": "no cycle opens and no order is sent against a limit, restarts included",
    "unbounded": "the run ended in bounded virtual time",
    "liveness": "in fair weather a market that pays is traded",
}


def check(db: Path, truth: Path) -> list[Violation]:
    """Name everything in a log that is not as it should be, given what really happened."""
    with decimal.localcontext(decimal.Context(prec=DIGITS)):
        really = read_truth(truth)
        if not db.exists():
            return _without_log(really)
        try:
            events = read_log(db)
            return _judge(db, events, really)
        except (NotALog, sqlite3.DatabaseError) as error:
            return [Violation("chain", f"the log cannot be read: {error}")]
        except (LookupError, TypeError, ValueError) as error:
            return [Violation("chain", f"an event is not as it is documented: {error!r}")]


def _without_log(really: Truth) -> list[Violation]:
    found = [
        Violation("forgotten_order", f"{one} was sent, and there is no log")
        for one in sorted({name for name, _ in really.creates})
    ]
    if really.acknowledged:
        found.append(Violation("lost_acknowledged", "there is no log"))
    return found


def _judge(db: Path, events: list[Event], really: Truth) -> list[Violation]:
    story = Story()
    for event in events:
        story.follow(event)
    story.end()
    return [
        *seals.check(db, events, really),
        *story.found,
        *venue.check(story, really),
        *money.check(events, story, really),
        *(Violation("oversold", what) for what in oversold.check(story.intents, really)),
        *tables.check(db, story),
    ]
