"""What a dialect is: what a venue's protocol guarantees, how the venue is asked, and how its replies are read. Pure."""

from typing import Final

from msgspec import Struct

from arb.clock import NS_PER_DAY, NS_PER_MS, NS_PER_S
from arb.exchange.dialects.refusals import Codes
from arb.exchange.port import VenueRules

QUOTE_ASSET: Final = "="  # in place of the key of a fee's asset: the market's quote
# Why a row is not proven, where nobody has tried it.
UNTRIED: Final = (
    "its recipes were compared with the requests that its client builds, and never with the venue "
    "itself"
)
MARGIN_NS: Final = (
    5 * NS_PER_S
)  # how long an order may hide, where the venue refuses what comes late
MARGIN_UNENFORCED_NS: Final = 60 * NS_PER_S  # the same where nothing refuses it
# Streams tell a book every tenth of a second; the rest is the way here.
BOOKS_LAG_NS: Final = 300 * NS_PER_MS
BACKEND_NS: Final = 10 * NS_PER_S


class OrderKeys(Struct, frozen=True, kw_only=True):
    """Where an order's facts stand in a row of the venue; dotted paths, "" for what the venue does not tell."""

    id: str
    client: str
    market: str = "symbol"
    side: str = "side"
    status: str = "status"
    amount: str
    filled: str
    made: str
    fills: str = ""  # the trades in the reply of a create
    cost: str = ""  # the quote amount of all fills, in the same reply


class TradeKeys(Struct, frozen=True, kw_only=True):
    """Where a trade's facts stand; `cost` is "" where the venue tells no quote amount: there it is price x amount."""

    id: str
    order: str
    client: str = ""
    market: str = "symbol"
    side: str = "side"  # "buy" and "sell" in any case, or a boolean: whether we were the buyer
    price: str
    amount: str
    cost: str
    fee: str
    fee_asset: str
    made: str
    fee_is_negative: bool = False  # a charge is told as a negative number
    # Where stands what was paid in other currencies instead: (key, the venue's name of the currency).
    fees_beside: tuple[tuple[str, str], ...] = ()


class Replies(Struct, frozen=True, kw_only=True):
    """Where things stand in the bodies of the venue's replies."""

    well: tuple[str, str] = ("", "")  # (path, value) that says that the request was answered
    created: str = ""
    order: str = ""
    open_orders: str = ""
    open_group: str = (
        ""  # where the orders of each row stand, if the list has a row for each market
    )
    closed_orders: str = ""
    trades: str = ""
    by_id: bool = False  # rows stand under their ids instead of in lists


class Lookup(Struct, frozen=True):
    """How to ask by our id: as a parameter, as the id itself ("id"), in the lists of orders, or not at all."""

    by: str  # "parameter" | "id" | "lists" | "never"
    key: str = ""


class RecentTrades(Struct, frozen=True, kw_only=True):
    """A list of an account's newest trades that is quicker, and asked for more often, than the history of them."""

    method: str
    within_ns: int
    market: str
    since: str  # in ms, as the end
    until: str
    also: tuple[tuple[str, object], ...] = ()


class Cursor(Struct, frozen=True, kw_only=True):
    """How a list of trades goes on after its last row, by an id, where one moment fills a whole page."""

    parameter: str
    key: str  # where the id stands in a row
    step: int = 0  # 1: the venue counts the id that is asked for in
    untimed: bool = False  # no span goes with it: the list then goes on to the present


class Lateness(Struct, frozen=True, kw_only=True):
    """What makes the venue refuse an order that arrives late."""

    signed_time: bool = False  # the time in the signature, with the window below
    window_param: str = ""  # of a create
    header: str = ""  # the deadline in ms
    param: str = ""  # the deadline in RFC 3339


class Dialect(Struct, frozen=True, kw_only=True):
    """One venue: what it promises, how it is asked, how it is read."""

    name: str
    venue: str  # whose protocol it is
    proven: bool = False
    why_unproven: str = ""
    live: bool = True
    # what it promises
    recv_window_ns: int
    backend_limit_ns: int = BACKEND_NS
    visibility_ns: int = MARGIN_NS
    duplicate_rule: str
    why_no_absence: str = ""  # why it cannot prove that an order never was; "" where it can
    fee_side: str = "received"
    history_ns: int
    market_buy_unit: str = (
        "base"  # what the unified client takes as the amount of a market buy; none is ever sent
    )
    # how it is asked
    create_key: str  # our id in a create
    client_prefix: str = ""  # what stands before our id at the venue
    lateness: Lateness
    query: Lookup
    cancel: Lookup
    by_exchange_id: tuple[tuple[str, object], ...] = ()  # parameters of a look-up by the venue's id
    growing_nonce: bool = False
    trades_window_ns: int = NS_PER_DAY - NS_PER_S  # both borders are asked for and a little beyond
    trades_page: int
    trades_unit_ns: int = NS_PER_MS  # how finely a window of trades can be asked for
    trades_cursor: Cursor | None = None
    trades_of_all: bool = False  # trades cannot be asked for by market: those of all are told
    recent_trades: RecentTrades | None = None
    open_by_market: bool = False  # open orders are listed market by market
    open_page: int = 0  # of the list of open orders; 0: all in one
    open_cursor: tuple[str, str] = (
        "",
        "",
    )  # (parameter, path in a row) that asks for the next page
    closed_method: str = "fetch_closed_orders"
    sent_amount: str = "quantity"  # names in the create request
    sent_price: str = "price"
    sent_market: str = "symbol"
    sent_side: str = "side"
    sent_force: str = "timeInForce"  # "" where it is no value of its own
    sent_forces: tuple[
        tuple[str, str], ...
    ] = ()  # where the venue has other words for "ioc", "fok"
    # how it is read
    replies: Replies
    order: OrderKeys
    created: OrderKeys
    id_only: bool = False  # a create is answered with ids alone
    trade: TradeKeys
    statuses: tuple[tuple[str, str], ...]
    codes: Codes
    options: tuple[tuple[str, object], ...] = ()  # of the client

    @property
    def practice(self) -> bool:
        """Whether this is a practice exchange's row: its windows are short, its money is not real."""
        return not self.live

    @property
    def absence_provable(self) -> bool:
        """Whether an order's absence can be proven here."""
        return not self.why_no_absence

    def rules(self) -> VenueRules:
        """What the engine needs to know."""
        return VenueRules(
            venue=self.venue,
            recv_window_ns=self.recv_window_ns,
            backend_limit_ns=self.backend_limit_ns,
            visibility_ns=self.visibility_ns,
            duplicate_rule=self.duplicate_rule,
            absence_provable=self.absence_provable,
            fee_side=self.fee_side,
            history_ns=self.history_ns,
            live=self.live,
            books_lag_ns=BOOKS_LAG_NS,
        )
