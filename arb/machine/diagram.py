"""The state diagram of docs/states.md, generated from the table."""

from typing import Final

from arb.machine import table as t

_MEANING: Final = {
    t.PENDING: "recorded, no money touched",
    t.VALIDATING: "books, size, limits, balance and exits are checked; funds are reserved",
    t.ACTIVE: "at work: an order in flight or between two legs, filled as ordered so far",
    t.PARTIALLY_FILLED: "the current leg has filled in part",
    t.RECOVERING: "resolving every order and comparing with the venue; the only state that waits",
    t.PANIC_SELLING: "liquidating holdings, hop by hop; never a resting place",
    t.COMPLETED: "loop closed, or unwound without a loss; all orders final; P/L and dust posted",
    t.FAILED: "no open exposure, or exposure recorded as parked",
}
_ORDERS: Final = {
    t.INTENDED: "durable, perhaps sent; a restart treats it as unknown",
    t.UNKNOWN: "nothing proves whether the venue has it",
    t.OPEN: "accepted by proof, not over",
    t.CANCELLING: "our cancel is durable; the order's fate is read, not concluded",
    t.TERMINAL: "over at the venue, but not every fill is known yet",
    t.SETTLED: "over, and the distinct fills add up",
    t.ORDER_REFUSED: "refused by proof",
    t.ABSENT: "the venue cannot have it; every proof is in the event",
}


def states_page() -> str:
    """The whole page, as text."""
    lines = [
        "# States",
        "",
        "Generated from `arb/machine/table.py`; `python -m arb.machine.diagram` prints it.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        f"    [*] --> {t.PENDING}: CycleOpened",
    ]
    arrows: dict[tuple[str, str], list[str]] = {}
    for (source, kind), destination in t.MOVES.items():
        arrows.setdefault((source, destination), []).append(kind.__name__)
    lines += [
        f"    {source} --> {destination}: {', '.join(names)}"
        for (source, destination), names in arrows.items()
    ]
    lines += ["```", "", "| state | meaning |", "|---|---|"]
    lines += [f"| {state} | {_MEANING[state]} |" for state in t.STATES]
    lines += ["", "| from | fact | to |", "|---|---|---|"]
    lines += [f"| {source} | {kind.__name__} | {to} |" for (source, kind), to in t.MOVES.items()]
    lines += [
        "",
        f"Outcomes of `failed`: {', '.join(o for o in t.OUTCOMES if o != t.LOOP_COMPLETED)}.",
        "",
        "## Orders",
        "",
        "| state | meaning | final |",
        "|---|---|---|",
    ]
    lines += [
        f"| {state} | {meaning} | {'yes' if state in t.FINAL_ORDER_STATES else 'no'} |"
        for state, meaning in _ORDERS.items()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(states_page(), end="")  # noqa: T201 -- this is its output
