"""What each key of a strategy means, in words: for the schema that editors read, and for the page of keys.

Money is in the start currency of a cycle, or in `reference_currency` where the strategy has one; it may also be
given by start currency, as `{USDT: 100, BTC: 0.001}`.
"""

from typing import Final

from msgspec import Struct

from arb.strategy import schema as s

_MEANINGS: Final[dict[type[Struct], dict[str, str]]] = {
    s.Strategy: {
        "name": "What its cycles, limits and results are kept under. With another name its limits begin anew.",
        "exchange": "The venue's id, such as `binance`, or a block that also tells the way to it.",
        "cycle": "One path, such as `[USDT, BTC, ETH]`; the loop closes by itself.",
        "trading_pairs_file": "A CSV file of paths, each with its own `fee_bps` and `min_profit_bps` if it has them;"
        " relative to the strategy's folder, or to the working directory.",
        "max_hops": "How many legs a path has at most that is looked for in the markets. Only without `cycle`,"
        " `trading_pairs_file` and lightning.",
        "start_currencies": "What such a path may begin with, the best first. Left out: `panic_sell.base_currencies`,"
        " then any other.",
        "lightning": "Every path of the markets, rescored on every update of a book.",
        "reference_currency": "What limits and amounts are in that are given as one number.",
        "min_profit_bps": "A cycle opens when it brings more than this, after fees, at the size it would have.",
        "max_slippage_bps": "How far from the best price an order may go. Once begun, a cycle goes on while it brings"
        " back at least its amount less this much, plus `min_profit_bps`.",
        "max_leg_latency_ms": "After this time, from a leg's first order, going on is compared with selling off.",
        "capital_allocation": "How much may be at work.",
        "fees": "What orders cost on paper and in a backtest. Left out: what a new account of the venue pays. Live,"
        " the account's own rates count, read again every minute.",
        "risk_controls": "What stops new cycles.",
        "order": "How a leg is sent.",
        "panic_sell": "How a cycle that cannot go on is sold off.",
        "execution": "Paper, backtest or live, and the settings of each.",
    },
    s.Exchange: {
        "id": "The venue's id in ccxt.",
        "sandbox": "Trade on the venue's own test exchange, with its keys.",
        "connect_to": "Send every connection to this address of this machine, as `127.0.0.1:8443`: a practice exchange.",
        "ca_file": "The certificate that is trusted there, and only there.",
        "options": "Options of the venue's ccxt class. Those on which the engine's promises rest are refused.",
        "dialect": "`practice`: wait as briefly as a practice exchange allows. Only with `connect_to`.",
    },
    s.CapitalAllocation: {
        "mode": "`fixed_amount` needs `amount`, `fixed_fraction` needs `fraction`.",
        "amount": "The most that one cycle begins with.",
        "fraction": "The most that one cycle begins with, as a share of what is free of its start currency.",
        "max_allocation": "The most that all open cycles of the strategy began with, together.",
        "max_depth_share": "Plan with this share of what stands at each price; others take from it too.",
    },
    s.Fees: {
        "taker_bps": "Of each trade that takes from a book, as every order of ours does.",
        "maker_bps": "Of orders that rest in a book, which ours never do.",
        "fee_currency": "What fees are paid in while it lasts, such as `BNB`. Left out: what is received.",
        "reserve": "No cycle opens while less than this of `fee_currency` is free.",
    },
    s.RiskControls: {
        "max_open_cycles": "How many cycles of the strategy may be open at once.",
        "stop_after_consecutive_losses": "After so many losses in a row nothing opens until an operator resets it.",
        "max_daily_loss": "When the cycles that closed in one UTC day lost this much, profits counted against it,"
        " nothing opens until an operator resets it.",
        "max_position_size": "The most that one cycle begins with, whatever `capital_allocation` says.",
        "slippage_cooldown_seconds": "How long a path rests that was left because of price or time; twice as long each"
        " further time in a row, up to an hour.",
        "duplicate_suppression_window_seconds": "How long a path is not opened again after it was. 0: it may be at"
        " once, and on the very same books.",
        "breaker": "A pause after anomalies, which ends by itself.",
    },
    s.Breaker: {
        "max_unknowns": "So many orders of unknown fate within the window pause new cycles.",
        "max_refusals": "So many refused orders within the window pause new cycles.",
        "window_seconds": "The window in which they are counted.",
        "cooldown_seconds": "How long the pause lasts.",
    },
    s.Order: {
        "type": "`limit`: no worse than the worst price that the plan needed. `market`: anything up to"
        " `max_slippage_bps` from the best price. Both are immediate-or-cancel.",
        "allow_partial_fills": "`false` makes the first leg all or nothing.",
        "max_retries": "How often a leg is sent anew that was refused, or that found its price gone.",
        "retry_delay_ms": "The wait before that; twice as long each further time.",
        "timeout_seconds": "An order that is still open at the venue after this is cancelled.",
    },
    s.PanicSell: {
        "enabled": "`false` parks what a cycle holds, for an operator to decide.",
        "base_currencies": "Where a sale may end beside the start currency: the way that brings most is taken.",
        "max_slippage_bps": "How far from the best price such an order may go. It goes to the worst level that it"
        " needs, and after one that got nothing to this bound.",
        "max_hops": "How many markets such a way may have.",
    },
    s.Execution: {
        "mode": "What happens without `--mode`.",
        "paper": "A venue within the engine, in real time.",
        "backtest": "Recorded books, on virtual time.",
    },
    s.Frictions: {
        "latency_sim_ms": "What an order takes to the venue and back; 2,000 at most, or no reply came in time.",
        "fill_ratio": "The chance that a level is whole when an order arrives; otherwise 30 % to all of it are left.",
        "spread_padding_bps": "How much worse every price is for a taker than the books tell.",
        "slippage_model": "How far the book moved on until an order arrives.",
        "market_impact": "How much worse the prices of a large order are.",
    },
    s.SlippageModel: {
        "base_bps": "Always this much against the order.",
        "random_bps": "Up to this much more, or less, drawn evenly.",
    },
    s.MarketImpact: {
        "bps_per_1000": "For every 1,000 of the quote currency that the order is worth.",
        "max_bps": "No more than this.",
    },
    s.Paper: {
        "feed": "`generated` makes a market up, `recorded` plays `data_file` in real time, `live` follows the venue's"
        " public books.",
        "currencies": "How many currencies the generated market has.",
        "data_file": "The recording, with `feed: recorded`.",
        "random_seed": "Of the generated market and of everything that is drawn.",
        "initial_balances": "What a new paper account holds. Replaces all of the default.",
        "step_ms": "How often the generated market moves.",
        "faults": "How often the paper venue misbehaves.",
    },
    s.Backtest: {
        "data_file": "The recording, unless `--data-file` names one.",
        "markets_file": "Lot steps, tick sizes and least amounts of the markets, as JSON. Left out: the recording's"
        " own, or made-up ones; the run says which.",
        "assumed_depth": "By quote currency, how much of it stands at each best price of a recording without sizes.",
        "start_time": "The first moment that is played: seconds since 1970, or ISO 8601.",
        "end_time": "The moment to stop before.",
        "random_seed": "Of everything that is drawn.",
        "initial_balances": "What the account holds at first. Replaces all of the default.",
    },
    s.Lightning: {
        "enabled": "Look for every path of the markets; a `trading_pairs_file` beside it restricts them to its rows.",
        "max_hops": "How many legs a path has at most.",
        "start_currencies": "What a path may begin with, the best first. Left out: as without lightning.",
        "top": "How many of the paths that pay at one moment are sized and ranked; the others are declined as"
        " `crowded`.",
    },
    s.Faults: {
        "reply_lost": "An order is executed, and its reply is lost.",
        "request_lost": "An order never arrives.",
        "request_delayed": "An order arrives late, perhaps after the engine gave up waiting.",
        "reply_delayed": "An order is executed, and its reply comes late.",
        "reply_never": "An order is executed, and no reply comes for a minute.",
        "order_hidden": "Readings do not show an order for a while.",
        "late_fill": "An order is told as ended, and its last trade shows up later.",
        "duplicated_reports": "A trade is told twice.",
        "reordered_reports": "Trades are told out of order, or an older state of the order is.",
        "altered_reports": "A trade is told twice, once at another price.",
        "refused": "An order is refused.",
        "banned": "A call is refused, and all that follow for a second.",
        "maintenance": "The venue is closed for a second.",
        "none_fields": "Some fields of a reply are missing.",
        "garbage": "A reply tells success, and nothing in it makes sense.",
        "read_fails": "A reading gets no answer.",
    },
}


def meaning(block: type[Struct], key: str) -> str:
    """Say what a key of a block means. Raises KeyError for one that nobody has explained."""
    for cls in block.__mro__:
        told = _MEANINGS.get(cls, {}).get(key)
        if told is not None:
            return told
    raise KeyError(f"{block.__name__}.{key}")
