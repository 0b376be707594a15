"""What each venue's protocol guarantees, and how it is spoken through ccxt: one row a venue.

Two rows are proven end to end against a local exchange of the same protocol. The others speak as
their documentation says; live mode takes them only on a flag. A row that cannot prove that an order
does not exist is never traded on: without that proof an unknown order would freeze its money for
ever, or be replaced by a second one.
"""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct, structs

from arb.clock import NS_PER_DAY, NS_PER_MS, NS_PER_S
from arb.errors import ConfigInvalid
from arb.exchange.port import VenueRules

Lookup = Literal["order", "lists"]  # one request for the order, or the lists of open and ended ones
FeeSide = Literal["received", "quote", "third"]


class Dialect(Struct, frozen=True, kw_only=True):
    """One venue's row. Windows in ns; the parts of T_dead as `VenueRules` has them."""

    venue: str  # ccxt's id
    create_key: str  # the parameter of a create that carries our id
    lookup: Lookup | None  # how an order is found by our id; None: not at all
    lookup_key: str = "clientOrderId"
    cancel_key: str = "clientOrderId"
    id_prefix: str = ""  # that the venue, or ccxt for it, puts before our id
    cancel_by_prefixed_id: bool = False  # our id goes where the venue's id goes
    options: Mapping[str, object] = {}  # for ccxt's class: no requests that we did not ask for
    duplicate_rule: str
    fee_side: FeeSide
    market_buy_unit: Literal["base", "quote"]  # unused: every order of ours is a limit order
    history_ns: int
    trades_window_ns: int = 0  # the longest span of one request for trades; 0: no bound
    trades_params: Mapping[str, str] = {}
    recv_window_ns: int = 5 * NS_PER_S
    window_is_sent: bool = False  # the request carries its window, and the venue refuses it late
    backend_limit_ns: int = 10 * NS_PER_S
    visibility_ns: int = 5 * NS_PER_S
    absence_rule: str
    unfit: str | None = None  # why absence cannot be proven here
    proven: bool = False
    cost_is_told: bool = True  # its trades name the quote amount; else it is price x amount there
    practice: bool = False

    def rules(self) -> VenueRules:
        """The row as the engine knows it."""
        return VenueRules(
            venue=self.venue,
            recv_window_ns=self.recv_window_ns,
            backend_limit_ns=self.backend_limit_ns,
            visibility_ns=self.visibility_ns,
            duplicate_rule=self.duplicate_rule,
            absence_provable=self.unfit is None,
            fee_side=self.fee_side,
            history_ns=self.history_ns,
            live=not self.practice,
            books_lag_ns=BOOKS_LAG_NS,
        )


# Streams tell a book every tenth of a second; the rest is the way here.
BOOKS_LAG_NS: Final = 300 * NS_PER_MS
# Without a window of its own a request may travel as long as it likes: then the margin is a minute.
_NO_WINDOW_NS: Final = 60 * NS_PER_S
_BY_EVIDENCE: Final = "not found after T_dead, not among open orders, every trade attributed"

_BINANCE: Final = Dialect(
    venue="binance",
    create_key="newClientOrderId",
    lookup="order",
    duplicate_rule="open orders only",
    fee_side="third",
    market_buy_unit="base",
    history_ns=89 * NS_PER_DAY,
    trades_window_ns=NS_PER_DAY,
    window_is_sent=True,
    absence_rule=_BY_EVIDENCE,
    proven=True,
)
_OKX: Final = Dialect(
    venue="okx",
    create_key="clOrdId",
    lookup="order",
    lookup_key="clOrdId",
    cancel_key="clOrdId",
    duplicate_rule="always refused",
    fee_side="received",
    market_buy_unit="quote",
    # Cancelled orders that filled nothing are forgotten after two hours.
    history_ns=2 * 3_600 * NS_PER_S,
    trades_params={"method": "privateGetTradeFills"},
    recv_window_ns=_NO_WINDOW_NS,
    absence_rule=_BY_EVIDENCE,
    proven=True,
    cost_is_told=False,
)
_OTHERS: Final = (
    Dialect(
        venue="bybit",
        create_key="orderLinkId",
        lookup="lists",
        lookup_key="orderLinkId",
        cancel_key="orderLinkId",
        options={"enableUnifiedMargin": False, "enableUnifiedAccount": True},
        duplicate_rule="always refused",
        fee_side="received",
        market_buy_unit="quote",
        history_ns=NS_PER_DAY,
        trades_window_ns=7 * NS_PER_DAY,
        window_is_sent=True,
        absence_rule=_BY_EVIDENCE,
    ),
    Dialect(
        venue="kraken",
        create_key="cl_ord_id",
        lookup="lists",
        duplicate_rule="open orders only",
        fee_side="quote",
        market_buy_unit="base",
        history_ns=NS_PER_DAY,
        recv_window_ns=_NO_WINDOW_NS,
        absence_rule=_BY_EVIDENCE,
    ),
    Dialect(
        venue="coinbase",
        create_key="client_order_id",
        lookup=None,
        duplicate_rule="returns the original",
        fee_side="quote",
        market_buy_unit="quote",
        history_ns=NS_PER_DAY,
        recv_window_ns=_NO_WINDOW_NS,
        absence_rule="none",
        unfit="an order cannot be found by our own id there, and sending it again is never done",
    ),
    Dialect(
        venue="kucoin",
        create_key="clientOid",
        lookup="order",
        lookup_key="clientOid",
        cancel_key="clientOid",
        options={"uta": False},
        duplicate_rule="always refused",
        fee_side="third",
        market_buy_unit="base",
        history_ns=NS_PER_DAY,
        trades_window_ns=7 * NS_PER_DAY,
        recv_window_ns=_NO_WINDOW_NS,
        absence_rule=_BY_EVIDENCE,
    ),
    Dialect(
        venue="gate",
        create_key="clientOrderId",
        lookup="order",
        id_prefix="t-",
        cancel_by_prefixed_id=True,
        options={"unifiedAccount": False},
        duplicate_rule="none",
        fee_side="third",
        market_buy_unit="quote",
        history_ns=3_600 * NS_PER_S,
        trades_window_ns=30 * NS_PER_DAY,
        recv_window_ns=_NO_WINDOW_NS,
        absence_rule=_BY_EVIDENCE,
    ),
    Dialect(
        venue="bitget",
        create_key="clientOid",
        lookup="order",
        lookup_key="clientOid",
        cancel_key="clientOid",
        options={"uta": False},
        duplicate_rule="always refused",
        fee_side="received",
        market_buy_unit="quote",
        history_ns=NS_PER_DAY,
        recv_window_ns=_NO_WINDOW_NS,
        absence_rule=_BY_EVIDENCE,
    ),
    Dialect(
        venue="mexc",
        create_key="newClientOrderId",
        lookup="order",
        duplicate_rule="none",
        fee_side="third",
        market_buy_unit="base",
        history_ns=NS_PER_DAY,
        trades_window_ns=30 * NS_PER_DAY,
        window_is_sent=True,
        absence_rule=_BY_EVIDENCE,
    ),
)
DIALECTS: Final = {row.venue: row for row in (_BINANCE, _OKX, *_OTHERS)}

# The practice exchange's windows are short, and it enforces each of them.
PRACTICE_RECV_WINDOW_NS: Final = 2 * NS_PER_S
PRACTICE_BACKEND_LIMIT_NS: Final = 500 * NS_PER_MS
PRACTICE_VISIBILITY_NS: Final = 500 * NS_PER_MS
PRACTICE: Final = {
    row.venue: structs.replace(
        row,
        practice=True,
        recv_window_ns=PRACTICE_RECV_WINDOW_NS,
        backend_limit_ns=PRACTICE_BACKEND_LIMIT_NS,
        visibility_ns=PRACTICE_VISIBILITY_NS,
    )
    for row in (_BINANCE, _OKX)
}


def dialect_of(venue: str, *, practice: bool, unproven: bool) -> Dialect:
    """Choose a venue's row for trading live.

    Raises ConfigInvalid where there is none, where it cannot prove absence, and, without
    `unproven`, where it was never proven end to end.
    """
    if practice:
        if venue not in PRACTICE:
            known = ", ".join(sorted(PRACTICE))
            raise ConfigInvalid(f"the practice exchange speaks {known}, not {venue}")
        return PRACTICE[venue]
    row = DIALECTS.get(venue)
    if row is None:
        known = ", ".join(sorted(name for name, one in DIALECTS.items() if one.unfit is None))
        raise ConfigInvalid(
            f"{venue} cannot be traded live: its protocol is not known; use {known}"
        )
    if row.unfit is not None:
        raise ConfigInvalid(
            f"{venue} cannot be traded live: {row.unfit}, so an order whose reply is lost could never "
            "be proven absent"
        )
    if not row.proven and not unproven:
        raise ConfigInvalid(
            f"{venue} was never proven end to end here; --unproven-venue trades there all the same"
        )
    return row


def for_data(venue: str) -> Dialect:
    """Give a row to read public data with: of a venue that is not known, a row that proves nothing."""
    unknown = "its protocol is not known"
    return DIALECTS.get(venue) or Dialect(
        venue=venue,
        create_key="clientOrderId",
        lookup=None,
        duplicate_rule="none",
        fee_side="received",
        market_buy_unit="base",
        history_ns=0,
        absence_rule="none",
        unfit=unknown,
    )
