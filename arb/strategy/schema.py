"""The keys of a strategy file: a frozen struct per block, each key with type, range and default.

The loader, the canonical form and the tests read these annotations; any other key is refused.
"""

from decimal import Decimal
from typing import Annotated, Final, Literal

from msgspec import Struct, field

from arb.clock import NS_PER_S
from arb.limits import (
    DISTANCE_FROM_MID_BPS_MAX,
    HOPS_MAX,
    OPPORTUNITIES_SIZED_MAX,
    SUPPRESSION_S_MAX,
)
from arb.strategy.bounds import (
    Amounts,
    Code,
    Codes,
    FilePath,
    Instant,
    Loopback,
    Number,
    Options,
    PerCurrency,
    Text,
)

LEGS_MAX: Final = 8
MAX_HOPS_DEFAULT: Final = 3
CYCLE_HOPS_MAX: Final = 5  # of cycles that are looked for in the graph of markets
MARKETS_OF_CURRENCIES_MAX: Final = 500  # currencies of the generated market
OPEN_CYCLES_MAX: Final = 1_000
VENUE_OPTIONS_MAX: Final = 50
COUNT_MAX: Final = 1_000_000
RETRIES_MAX: Final = 8  # with 8 legs still within the orders of one cycle
FEE_BPS_MAX: Final = 1_000
PROFIT_BPS_MIN: Final = -9_999  # below, a cycle that brings nothing would do
PROFIT_BPS_MAX: Final = 10_000
DELAY_MS_MAX: Final = 3_600_000
SECONDS_MAX: Final = 86_400
EPOCH_SECONDS_MAX: Final = 9_223_372_036  # the last second that 63 bits of nanoseconds can hold
SEED_MAX: Final = 2**63 - 1
CURRENCIES_MAX: Final = 100

Rate = Annotated[Decimal, Number(at_least=0, at_most=1)]
FeeBps = Annotated[Decimal, Number(at_least=0, at_most=FEE_BPS_MAX)]
SlippageBps = Annotated[Decimal, Number(above=0, at_most=DISTANCE_FROM_MID_BPS_MAX)]
DelayMs = Annotated[int, Number(at_least=0, at_most=DELAY_MS_MAX)]
Seed = Annotated[int, Number(at_least=0, at_most=SEED_MAX)]
Balances = Annotated[dict[str, Decimal], Amounts(count_max=CURRENCIES_MAX)]
Path = Annotated[str, FilePath()]
# A number is in the start currency, or in `reference_currency` where the strategy has one.
Money = Annotated[Decimal | dict[str, Decimal], PerCurrency(count_max=CURRENCIES_MAX)]
Share = Annotated[Decimal, Number(above=0, at_most=1)]
PaddingBps = Annotated[Decimal, Number(at_least=0, at_most=DISTANCE_FROM_MID_BPS_MAX)]
Moment = Annotated[Decimal, Instant(seconds_max=EPOCH_SECONDS_MAX)]  # seconds since the epoch

Mode = Literal["paper", "live", "backtest"]
Feed = Literal["generated", "recorded", "live"]
Dialect = Literal["practice"]
VenueId = Annotated[str, Text(r"[a-z0-9_]{1,40}", "a venue's id in lower case, such as binance")]


def paper_balances() -> dict[str, Decimal]:
    """Give the documented balances of a paper account; `initial_balances` replaces all of them."""
    return {
        "BTC": Decimal(1),
        "ETH": Decimal(10),
        "USDT": Decimal(10_000),
        "USDC": Decimal(10_000),
        "USD": Decimal(10_000),
        "SOL": Decimal(100),
        "BNB": Decimal(10),
    }


class Exchange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A venue, and the way to it. `exchange: binance` is short for `exchange: {id: binance}`.

    `connect_to` sends every connection to an address of this machine under the venue's own host
    names; `ca_file` is trusted there, and there alone. `dialect: practice` takes the short time
    windows of the practice exchange for those of the venue, and goes with `connect_to` only.
    """

    id: VenueId
    sandbox: bool = False
    connect_to: Annotated[str, Loopback()] | None = None
    ca_file: Path | None = None  # as written; `Loaded.ca_file` is where it is looked for
    options: Annotated[dict[str, str | int | bool], Options(count_max=VENUE_OPTIONS_MAX)] = field(
        default_factory=dict
    )  # for the venue's class
    dialect: Dialect | None = None


class CapitalAllocation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much a cycle begins with at most: an `amount`, or a `fraction` of what is available.

    `max_allocation` is the most that the strategy's open cycles hold together, in the start currency.
    """

    mode: Literal["fixed_amount", "fixed_fraction"]
    amount: Money | None = None
    fraction: Share | None = None
    max_allocation: Money | None = None
    max_depth_share: Share = Decimal(1)  # of each visible level, where a cycle is sized


class Fees(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the venue charges, in the received asset or in `fee_currency` while that lasts.

    While less than `reserve` of `fee_currency` is available, no cycle opens.
    """

    taker_bps: FeeBps
    maker_bps: FeeBps
    fee_currency: Annotated[str, Code()] | None = None
    reserve: Annotated[Decimal, Number(at_least=0)] = Decimal(0)


class Breaker(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many anomalies within a time pause new cycles, and for how long."""

    max_unknowns: Annotated[int, Number(at_least=1, at_most=COUNT_MAX)] = 10
    max_refusals: Annotated[int, Number(at_least=1, at_most=COUNT_MAX)] = 20
    window_seconds: Annotated[Decimal, Number(above=0, at_most=SECONDS_MAX)] = Decimal(60)
    cooldown_seconds: Annotated[Decimal, Number(at_least=0, at_most=SECONDS_MAX)] = Decimal(5)


class RiskControls(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stops new cycles.

    A limit of losses that is tripped stays tripped until an operator resets it. A path that was left
    because of price or time rests for `slippage_cooldown_seconds`, each further time in a row for
    twice as long, up to an hour; a cycle that goes it to its end sets that back. Within the
    suppression window, and as long as the same books stand, a path is not opened again; 0 switches
    that off.
    """

    max_open_cycles: Annotated[int, Number(at_least=1, at_most=OPEN_CYCLES_MAX)] = 3
    stop_after_consecutive_losses: Annotated[int, Number(at_least=1, at_most=COUNT_MAX)] = 5
    # Losses less profits of one UTC day: a number in a reference currency is for all starts together.
    max_daily_loss: Money | None = None
    max_position_size: Money | None = None  # of one cycle, in its start currency
    slippage_cooldown_seconds: Annotated[Decimal, Number(at_least=0, at_most=SECONDS_MAX)] = (
        Decimal(300)
    )
    duplicate_suppression_window_seconds: Annotated[
        Decimal, Number(at_least=0, at_most=SUPPRESSION_S_MAX)
    ] = Decimal(0)
    breaker: Breaker = field(default_factory=Breaker)


class Order(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is sent for a leg, how often anew after a proven refusal or a miss, and when to cancel.

    `limit`: an IOC at the worst level that the depth walk needed. `market`: an IOC at the bound
    itself, `max_slippage_bps` from the touch, which also takes what moved away within it.
    """

    type: Literal["limit", "market"] = "limit"
    allow_partial_fills: bool = (
        True  # False: the first leg, where nothing is at risk yet, is all or nothing
    )
    max_retries: Annotated[int, Number(at_least=0, at_most=RETRIES_MAX)] = 3
    retry_delay_ms: DelayMs = 1_000
    timeout_seconds: Annotated[Decimal, Number(above=0, at_most=SECONDS_MAX)] = Decimal(30)


class PanicSell(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where holdings go when a cycle cannot go on.

    Each order is sent at the worst level that it needs; after one that got nothing the next goes to the
    bound itself, `max_slippage_bps` from the touch.
    """

    enabled: bool = True
    base_currencies: Annotated[tuple[str, ...], Codes(count_min=1, count_max=CURRENCIES_MAX)] = (
        "USDC",
        "USD",
        "USDT",
    )
    max_slippage_bps: SlippageBps = Decimal(100)
    max_hops: Annotated[int, Number(at_least=1, at_most=HOPS_MAX)] = 3


class Faults(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often the paper venue misbehaves in each way: a rate from 0 (never) to 1 (always)."""

    reply_lost: Rate = Decimal(0)
    request_lost: Rate = Decimal(0)
    request_delayed: Rate = Decimal(0)
    reply_delayed: Rate = Decimal(0)
    reply_never: Rate = Decimal(0)
    order_hidden: Rate = Decimal(0)
    late_fill: Rate = Decimal(0)
    duplicated_reports: Rate = Decimal(0)
    reordered_reports: Rate = Decimal(0)
    altered_reports: Rate = Decimal(0)
    refused: Rate = Decimal(0)
    banned: Rate = Decimal(0)
    maintenance: Rate = Decimal(0)
    none_fields: Rate = Decimal(0)
    garbage: Rate = Decimal(0)
    read_fails: Rate = Decimal(0)


class SlippageModel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a book has moved against an order when it arrives: `base_bps`, give or take the other."""

    base_bps: PaddingBps = Decimal(0)
    random_bps: PaddingBps = Decimal(0)


class MarketImpact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much worse the prices of a large order are: per 1,000 of the quote currency, up to a most."""

    bps_per_1000: PaddingBps = Decimal(0)
    max_bps: PaddingBps = Decimal(50)


class Frictions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an order meets that its plan did not see; nothing of it unless it is asked for."""

    latency_sim_ms: DelayMs = 50  # there and back
    fill_ratio: Rate = Decimal(1)  # the chance that a level's whole size is still there
    spread_padding_bps: PaddingBps = Decimal(0)
    slippage_model: SlippageModel = field(default_factory=SlippageModel)
    market_impact: MarketImpact = field(default_factory=MarketImpact)


class Paper(Frictions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The paper venue: its books, what its account holds at first, how slow and faulty it is."""

    feed: Feed = "generated"
    currencies: Annotated[int, Number(at_least=6, at_most=MARKETS_OF_CURRENCIES_MAX)] = 6
    data_file: Path | None = None  # as written; `Loaded.data_file` is where it was found
    random_seed: Seed = 42
    initial_balances: Balances = field(default_factory=paper_balances)
    step_ms: Annotated[int, Number(at_least=1, at_most=DELAY_MS_MAX)] = 100  # generated market
    faults: Faults = field(default_factory=Faults)


class Backtest(Frictions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A recorded feed on virtual time, from `start_time` until before `end_time`."""

    data_file: Path | None = None  # as written; `Loaded.data_file` is where it was found
    markets_file: Path | None = None  # the filters: as written, see `Loaded.markets_file`
    # By quote currency, how much of it stands at each touch where the feed tells no sizes.
    assumed_depth: Balances = field(default_factory=dict)
    start_time: Moment | None = None
    end_time: Moment | None = None
    random_seed: Seed = 42
    initial_balances: Balances = field(default_factory=paper_balances)

    @property
    def start_ns(self) -> int | None:
        """The first moment to play, inclusive; None: from the first row."""
        return None if self.start_time is None else int(self.start_time * NS_PER_S)

    @property
    def end_ns(self) -> int | None:
        """The moment to stop before; None: play every row."""
        return None if self.end_time is None else int(self.end_time * NS_PER_S)


class Execution(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which mode runs, and the settings of each."""

    mode: Mode = "paper"
    paper: Paper = field(default_factory=Paper)
    backtest: Backtest = field(default_factory=Backtest)


class Lightning(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether every cycle of the venue's markets is traded the moment it pays, and which of them.

    A `trading_pairs_file` beside it restricts them to its rows. Of the cycles that pay at one moment
    the best `top` are sized and ranked; the others are declined as `crowded`.
    """

    enabled: bool = False
    max_hops: Annotated[int, Number(at_least=2, at_most=CYCLE_HOPS_MAX)] = MAX_HOPS_DEFAULT
    start_currencies: (
        Annotated[tuple[str, ...], Codes(count_min=1, count_max=CURRENCIES_MAX)] | None
    ) = None  # None: as without lightning
    top: Annotated[int, Number(at_least=1, at_most=OPPORTUNITIES_SIZED_MAX)] = 20


class Strategy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One strategy: a venue, its cycles, and the limits within which they are traded.

    The cycles are one `cycle`, those of `trading_pairs_file`, or, without either, all that the
    venue's markets have up to `max_hops`, each from the first of `start_currencies` on it.
    """

    name: Annotated[
        str,
        Text(r"[A-Za-z0-9_.-]{1,64}", "1 to 64 letters, digits, '_', '.' or '-'"),
    ]
    exchange: VenueId | Exchange
    cycle: (
        Annotated[tuple[str, ...], Codes(count_min=2, count_max=LEGS_MAX, closes=True)] | None
    ) = None
    trading_pairs_file: Path | None = None  # as written; see `Loaded.cycle_file`
    max_hops: Annotated[int, Number(at_least=2, at_most=CYCLE_HOPS_MAX)] = MAX_HOPS_DEFAULT
    start_currencies: (
        Annotated[tuple[str, ...], Codes(count_min=1, count_max=CURRENCIES_MAX)] | None
    ) = None  # None: what `panic_sell.base_currencies` has, then any other
    lightning: Lightning = field(default_factory=Lightning)
    reference_currency: Annotated[str, Code()] | None = None  # of limits given as a number
    min_profit_bps: Annotated[Decimal, Number(at_least=PROFIT_BPS_MIN, at_most=PROFIT_BPS_MAX)]
    max_slippage_bps: SlippageBps
    # From a leg's first order to its settlement; a slower one is compared with liquidating.
    max_leg_latency_ms: Annotated[int, Number(at_least=1, at_most=DELAY_MS_MAX)] | None = None
    capital_allocation: CapitalAllocation
    fees: Fees  # the loader fills it from the venue's named default
    risk_controls: RiskControls = field(default_factory=RiskControls)
    order: Order = field(default_factory=Order)
    panic_sell: PanicSell = field(default_factory=PanicSell)
    execution: Execution = field(default_factory=Execution)

    @property
    def sought_hops(self) -> int:
        """How many legs a cycle has at most that is looked for in the markets."""
        return self.lightning.max_hops if self.lightning.enabled else self.max_hops

    @property
    def sought_starts(self) -> tuple[str, ...] | None:
        """The currencies that such a cycle may begin with; None: any."""
        lightning = self.lightning
        return lightning.start_currencies if lightning.enabled else self.start_currencies

    @property
    def sized_at_once(self) -> int:
        """How many opportunities of one moment are sized."""
        return self.lightning.top if self.lightning.enabled else OPPORTUNITIES_SIZED_MAX

    @property
    def venue(self) -> Exchange:
        """The venue, however shortly it was written."""
        match self.exchange:
            case str(short):
                return Exchange(id=short)
            case Exchange() as full:
                return full
