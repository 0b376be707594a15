"""Every bound of the engine, with its unit in its name. A bound that is not here does not exist."""

from decimal import Decimal
from typing import Final

DURATION_S_MAX: Final = 1e9  # of a run or a recording: 31 years

# --- the log
APPEND_QUEUE_MAX: Final = 10_000  # appends waiting for the writer
BATCH_EVENTS_MAX: Final = 4_096  # events in one transaction of the group commit
WRITER_TURN_S: Final = 0.0002  # how long the writer's thread waits for a busy loop to make room
CHECKPOINT_PAGES: Final = 1_000  # WAL pages after which the writer checkpoints between batches
WAL_PAGES_TOLD: Final = 16_000  # that a reader keeps from being used again: 64 MB
READ_PAGE_EVENTS: Final = 4_096  # events per short read transaction
BALLAST_BYTES: Final = 4 * 1024 * 1024
FREE_SPACE_RESERVE_BYTES: Final = 64 * 1024 * 1024  # below this no new cycle starts
EVENT_DATA_BYTES_MAX: Final = 1_000_000

# --- orders
ORDERS_PER_CYCLE_MAX: Final = 64  # of the 1,024 that an order id can number
UNWIND_ORDERS_MAX: Final = 12  # in one unwind, then what is left is parked
HOPS_MAX: Final = 3  # of an unwind route
ORDERS_PER_SECOND_MAX: Final = 50
NOTIONAL_CAP_FACTOR: Final = Decimal(
    "1.5"
)  # of the start amount: one order's value may not exceed it
DISTANCE_FROM_MID_BPS_MAX: Final = Decimal(1_000)
FILLS_PER_ORDER_MAX: Final = 1_000

# --- resolving
CREATE_TIMEOUT_S: Final = 3.0
PAPER_LATENCY_MS_MAX: Final = 2_000  # there and back: later than the timeout, nothing was answered
READ_TIMEOUT_S: Final = 5.0  # of each request of a read
READ_WHOLE_S_MAX: Final = 600.0  # of a read of many requests, with all its tries
MARKETS_TIMEOUT_S: Final = 20.0  # a venue's list of markets is megabytes long
READ_RETRY_DELAYS_S: Final = (0.05, 0.2)  # of one read without an answer
# Of a page without an answer, where those before it were read: they are not read again.
PAGE_RETRY_DELAYS_S: Final = (0.05, 0.2, 1.0, 3.0)
RESOLVE_DELAYS_S: Final = (0.05, 0.1, 0.2, 0.4, 0.5)
RESOLVE_DELAY_MAX_S: Final = 1.0  # of quick looks; slower ones double up to the next bound
RESOLVE_WAIT_MAX_S: Final = 10.0
NOT_FOUND_MIN: Final = 3
ABSENT_LIVE_MIN_S: Final = 60.0
FILLS_MISSING_S: Final = 60  # then it is a discrepancy; they are read on for ever
DOUBT_S_MAX: Final = 60  # that a trade which cannot be booked yet keeps its assets from judgement
BOOKS_COME_S: Final = 5  # at the beginning of a life, before anything is decided without them
PARK_AFTER_S: Final = 20  # of waiting for a market that nothing else replaces
# The same while such a market has no book at all: a feed that is down comes back, and one that is
# down for longer is for an operator.
FEED_PATIENCE_S: Final = 120
REST_SHARE: Final = 1_000  # of a leg: no more than one of so many parts is worth no order
CHANGE_SHARE: Final = 10  # rounding and minimums leave at most a tenth of what came in behind
LOOK_AGAIN_MAX_S: Final = 1.0  # for what may come by itself, while it is waited for
WAIT_FIRST_S: Final = 0.25
WAIT_MAX_S: Final = 30.0
WATCH_FINAL_ORDERS_S: Final = 86_400
SWEEP_INTERVAL_S: Final = 5.0
SWEEP_MARKETS_PER_S_MAX: Final = 2.0  # more own markets are swept less often: reads are rationed
KILL_SWITCH_POLL_S: Final = 0.2
SWEEPS_PER_MARKETS_READ: Final = 12  # a market that halts or opens again is known within a minute
REREAD_PATIENCE_S: Final = 5.0  # for a moment between cycles, before the markets are read again
FEE_ROUNDING: Final = Decimal("1.01")  # of a rate: venues round a fee to digits of their own
FEE_UNITS_MIN: Final = 100  # of a fee's last digit: below, rounding is more than a hundredth of it
# Of what an order receives: as dear as any trade counts. One that is dearer is an alarm.
FEE_CHARGED_MAX: Final = Decimal("0.99")
START_PATIENCE_S: Final = 60.0
CONTACT_PATIENCE_S: Final = 10.0  # of a later try to reach the venue, while money is open
CLOCK_READ_AGE_S_MAX: Final = 60.0
CLOCK_SET_S_MAX: Final = 0.5  # between wall and monotonic time since a reading; slewing is far less
CLOCK_JUMP_S_MAX: Final = 2.0  # of the venue's clock against ours, between two readings
CLOCK_READS_MAX: Final = 3  # at once, until two of them agree

# --- books
BOOK_HEARD_S_MAX: Final = 5.0  # since the connection was last heard; never the age of a quiet book
# Between what the connections of a cycle's legs were heard last. They are pinged every 1.5 s.
BOOK_SKEW_S_MAX: Final = 3.0
BOOK_LEVELS_MAX: Final = 100
FEED_LAG_S_MAX: Final = 1.0  # of the oldest update that is applied; an older one is an alarm
FEED_LAG_TOLD_S: Final = 10.0  # between two lines about it; all are counted
FEED_SILENT_S_MAX: Final = 6.0  # of a connection that is asked all the time; then it is made anew
FEED_PING_S: Final = 1.5  # between two pings
FEED_STREAMS_MAX: Final = 400  # of one connection; Binance takes 1,024
FEED_NAMES_MAX: Final = 100  # of one request for streams
FEED_REQUEST_S: Final = 0.4  # between two requests; Binance takes five messages a second, pings too
FEED_LATE_MAX: Final = 20  # messages of a stream with lower numbers in a row; then they began anew
# The levels of a market are told every tenth of a second while its best prices change.
FEED_LEVELS_BEHIND_S: Final = 1.0
FEED_ANSWER_S: Final = 5.0  # for a request for streams

# --- deciding
# Cycles above their bars that are looked at one by one, of those that a strategy seeks in the markets.
# Of more the best half of that many are chosen, and again when half of these are left.
CYCLES_HELD_MAX: Final = 1_000
OPENED_AT_ONCE_MAX: Final = 1_000  # cycles of one moment, which are one append of the log
OPPORTUNITIES_SIZED_MAX: Final = 100  # at one moment: those with the best edges
# Of a path that fails again and again, unless a strategy asks for more.
COOLDOWN_S_MAX: Final = Decimal(3_600)

SUPPRESSION_S_MAX: Final = 86_400  # for which a path that was opened may be left alone

# --- live venues
DOTENV_FILE_BYTES_MAX: Final = 65_536

# --- declined opportunities
DECLINED_FLUSH_S: Final = 60.0  # one event a strategy in this time
DECLINED_SAMPLE_CHARS_MAX: Final = 200
DECLINED_REASONS_MAX: Final = 32  # in one event; what is beyond is counted together

# --- sizing
SIZING_LOTS_MAX: Final = 256  # of a cycle's coarsest leg: up to here every size is tried
SIZING_LOTS_NEAR: Final = 4  # each way from the best unrounded size, where there are more

# --- sweeps
GRID_POINTS_MAX: Final = 1_000  # backtests in one sweep
SWEEP_JOBS_MAX: Final = 64  # processes at once
REPORT_LINES_MAX: Final = 8  # in one picture: more cannot be told apart

# --- faces
CONTROL_LINE_BYTES_MAX: Final = 65_536
SHUTDOWN_PATIENCE_S: Final = 45.0
STRATEGY_FILE_BYTES_MAX: Final = 1_000_000
CYCLE_FILE_BYTES_MAX: Final = 8_000_000  # unpacked
CYCLE_ROWS_MAX: Final = 100_000
CYCLE_LINE_CHARS_MAX: Final = 1_000
LISTING_FILE_BYTES_MAX: Final = 64_000_000  # unpacked
LISTING_MARKETS_MAX: Final = 20_000
FEED_FILE_BYTES_MAX: Final = 2_000_000_000
FEED_LINE_BYTES_MAX: Final = 1_000
FEED_NUMBERS_MAX: Final = 200_000  # texts whose values are remembered while a feed is read
FEED_COMPLAINTS_MAX: Final = 5  # refused rows that are told one by one; all are counted

# --- recordings
RECORDING_BLOCK_BYTES: Final = 262_144  # unpacked, from which on a block is written ...
RECORDING_FLUSH_S: Final = 1.0  # ... or after this time: what a kill may cost
RECORDING_BLOCK_BYTES_MAX: Final = 8_000_000  # unpacked; a file with a larger block is damaged
RECORDING_BLOCKS_KEPT: Final = 8  # unpacked, while a recording is played
