"""The page of venues, `docs/venues.md`, written from the dialects themselves."""

from collections.abc import Iterator

from arb.clock import NS_PER_S
from arb.exchange.dialects.shape import Dialect
from arb.exchange.dialects.table import DIALECTS, PRACTICE, why_refused

_HEAD = """\
# Venues

How live mode speaks to each venue, and how long it waits there before it may say that an order never was.
This page is written from the code and checked by a test.

`T_dead` is when an order can no longer come into being, counted from the time it was signed for: the window in which
it is accepted, what it may take within the venue, and how late a reading may show it. After it, absence needs three
not-founds, no open order, every trade of the market traced to a known order and, with real money, a minute and balances
that fit. An order is never sent a second time, whatever a venue does with a repeated id.

| venue | traded live | our id | found by our id | the same id again | T_dead | orders are kept |
|---|---|---|---|---|---|---|
"""
_LOOKUPS = {
    "parameter": "yes",
    "id": "yes",
    "lists": "in the lists of orders",
    "never": "no",
}
_HOUR_S = 3_600
_DAY_S = 24 * _HOUR_S


def venue_page() -> str:
    """Tell the rows as a table, and why some venues are not traded on."""
    rows = [*DIALECTS.values(), *PRACTICE.values()]
    table = "".join(f"{_row(row)}\n" for row in rows)
    return _HEAD + table + "\n" + "".join(f"- {line}\n" for line in _reasons())


def _row(row: Dialect) -> str:
    dead_s = (row.recv_window_ns + row.backend_limit_ns + row.visibility_ns) / NS_PER_S
    cells = (
        row.name,
        _traded(row),
        f"`{row.create_key}`",
        _LOOKUPS[row.query.by],
        row.duplicate_rule,
        f"{dead_s:g} s",
        _long(row.history_ns // NS_PER_S),
    )
    return "| " + " | ".join(cells) + " |"


def _traded(row: Dialect) -> str:
    if row.practice:
        return "with `dialect: practice`"
    if not row.absence_provable:
        return "never"
    return "yes" if row.proven else "with `--unproven-venue`"


def _long(seconds: int) -> str:
    if seconds >= 2 * _DAY_S:
        return f"{seconds // _DAY_S} days"
    return f"{seconds // _HOUR_S} h" if seconds >= _HOUR_S else f"{seconds // 60} min"


def _reasons() -> Iterator[str]:
    for row in DIALECTS.values():
        why = why_refused(row)
        if why:
            yield why
