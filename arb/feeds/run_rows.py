"""Lines that a run writes beside its books: what its decisions were made on that is neither a book nor in the log.

Each stands where it became true: after the books that were told by then, before those that came later.
"""

from decimal import Decimal

from msgspec import Struct

from arb.market.book import FeeRates, Level, MarketRules
from arb.market.listed import CycleRow

Ahead = tuple[int, tuple[Level, ...], tuple[Level, ...]]  # sequence, bids, asks


class TermsRow(Struct, frozen=True, array_like=True, tag="terms", gc=False):
    """Which run of which log this is, and what it was asked; right after the first line."""

    instance: str  # of the log
    run: str
    position: int  # of the log's last event before the run
    configs: tuple[str, ...]  # of its strategies; their texts are in the log
    named: dict[str, tuple[CycleRow, ...]]  # by configuration: the rows of its file of cycles
    fees: FeeRates  # as the venue told them
    cycles_max: int | None
    attended: tuple[str, ...] | None  # markets whose books are told; None: every one


class FoldedRow(Struct, frozen=True, array_like=True, tag="log", gc=False):
    """The engine knew of the log's events up to this one from here on."""

    position: int


class BalancesRow(Struct, frozen=True, array_like=True, tag="balances", gc=False):
    """A reading of the account that the engine went on with."""

    at_ns: int
    amounts: dict[str, tuple[Decimal, Decimal]]  # asset -> free, locked


class FollowedRow(Struct, frozen=True, array_like=True, tag="followed", gc=False):
    """Books of markets that came were looked at; the row that tells of these markets is the next one."""

    at_ns: int
    heard: dict[str, int | None]  # as at a moment
    ahead: dict[str, Ahead | None]


class MarketsRow(Struct, frozen=True, array_like=True, tag="markets", gc=False):
    """The venue told of other markets or rules than before: all that there are from here on."""

    markets: tuple[MarketRules, ...]


class FeesRow(Struct, frozen=True, array_like=True, tag="fees", gc=False):
    """The venue told of other fees than before."""

    fees: FeeRates


class AcceptsRow(Struct, frozen=True, array_like=True, tag="accepts", gc=False):
    """Whether new cycles may open from here on: not before a run trades, and not at its end."""

    accepts: bool


class MomentRow(Struct, frozen=True, array_like=True, tag="moment", gc=False):
    """Something paid, and it was decided on: here, and on nothing but this, the log and the books."""

    at_ns: int  # by the engine's clock
    seen_ns: int  # when the last change before it was received
    venue_ns: int | None  # the venue's clock as estimated; None: it was not read for too long
    paused: str | None  # by the breaker
    banned: bool  # the venue told the engine to be silent
    revoked: bool  # the venue does not take the key
    closing: int  # pauses and halts that were on their way into the log
    cooling: tuple[tuple[str, str], ...]  # (strategy, path) whose rest was on its way there
    space_low: bool  # on the log's disk
    sent: int  # orders within the last second
    promised: int  # orders that were decided and had not left
    waits: dict[str, int]  # "orders others" -> how long the venue's ration let them wait, in ns
    heard: dict[str, int | None]  # when the connection of each market that was asked for was heard
    ahead: dict[str, Ahead | None]  # books that were looked at and are others than were told


Aside = (
    TermsRow | FoldedRow | BalancesRow | FollowedRow | MarketsRow | FeesRow | AcceptsRow | MomentRow
)
