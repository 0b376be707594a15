"""Every key of a strategy: what it accepts, what it refuses, and what it is when it is left out."""

from decimal import Decimal
from typing import Final

from arb.strategy.schema import Lightning, paper_balances
from tests.strategy.exchange_keys import EXCHANGE_KEYS, REQUIRED, Key


def number(
    default: object,
    good: dict[str, object] | None = None,
    *,
    low: int | None = None,
    above: int | None = None,
    high: int | None = None,
) -> Key:
    """A decimal: exact, never from quotes, within its range."""
    good = {"0.1": Decimal("0.1"), "1e0": Decimal(1)} if good is None else dict(good)
    bad = {
        "abc": "must be a number such as",
        "true": "was the yes/no value true",
        ".nan": "must be a number",
        ".inf": "must be a number",
        "1_0": "must be a number",
        "010": "must be a number",
        "0x10": "must be a number",
        "1:30": "must be a number",
        "'0.25'": "remove the quotes",
        "[1]": "was a list",
        "{a: 1}": "was a block of keys",
        "": "is empty",
        "~": "must be a number",
        "0." + "1" * 40: "must have at most 36 digits",
        "1e99": "must have at most 36 digits",
    }
    if low is not None:
        good[f"{low}"] = Decimal(low)
        bad[f"{Decimal(low) - Decimal('0.1')}"] = f"must be at least {low}"
    if above is not None:
        bad[f"{above}"] = f"must be above {above}"
    if high is not None:
        good[f"{high}"] = Decimal(high)
        bad[f"{Decimal(high) + Decimal('0.1')}"] = f"must be at most {high}"
    return Key(default, good, bad)


def whole(default: int | None, low: int, high: int) -> Key:
    """A whole number within its range."""
    bad = {
        "1.5": "must be a whole number",
        "1.0": "must be a whole number",
        "true": "must be a whole number",
        "'7'": "must be a whole number",
        "abc": "must be a whole number",
        "[7]": "must be a whole number",
        "": "is empty",
        f"{low - 1}": f"must be at least {low}",
        f"{high + 1}": f"must be at most {high}",
        "9" * 400: "must have at most 36 digits",
    }
    return Key(default, {f"{low}": low, f"{high}": high, f"+{low + 1}": low + 1}, bad)


def block(default: object = None) -> Key:
    """Hold other keys."""
    bad = {
        "5": "must be a block of keys",
        "[1]": "was a list",
        "": "was empty",
        "{zzz: 1}": "unknown key `zzz`",
    }
    return Key(default, {}, bad)


STARTS: Final = Key(
    None,
    {"[EUR]": ("EUR",), "[USDT, BTC]": ("USDT", "BTC")},
    {
        "[]": "at least 1 currencies",
        "[eur]": "upper case",
        "EUR": "must be a list",
        "[EUR, EUR]": "EUR stands there twice",
    },
)


def rate() -> Key:
    return number(Decimal(0), {"0.5": Decimal("0.5")}, low=0, high=1)


def money(default: object) -> Key:
    """An amount in the start currency, or one by currency."""
    plain = number(default, above=0)
    good = {**plain.good, "{USDT: 5, BTC: 0.1}": {"USDT": Decimal(5), "BTC": Decimal("0.1")}}
    bad = {
        **{text: why for text, why in plain.bad.items() if text != "{a: 1}"},
        "{}": "must name at least 1 currency",
        "{USDT: 0}": "amount of USDT must be above 0",
        "{USDT: -1}": "amount of USDT must be above 0",
        "{usdt: 1}": "upper case",
        "{USDT: 1, USDT: 2}": "USDT is given twice",
    }
    return Key(default, good, bad)


def rubbing(where: str) -> "dict[str, Key]":
    """What both kinds of paper trading have between a plan and its fill."""
    small = number(Decimal(0), low=0, high=1000)
    return {
        f"{where}.latency_sim_ms": whole(50, 0, 2_000),
        f"{where}.fill_ratio": number(Decimal(1), {"0.5": Decimal("0.5")}, low=0, high=1),
        f"{where}.spread_padding_bps": small,
        f"{where}.slippage_model": block(),
        f"{where}.slippage_model.base_bps": small,
        f"{where}.slippage_model.random_bps": small,
        f"{where}.market_impact": block(),
        f"{where}.market_impact.bps_per_1000": small,
        f"{where}.market_impact.max_bps": number(Decimal(50), low=0, high=1000),
    }


def balances(default: dict[str, Decimal]) -> Key:
    """Amounts by currency; nothing is allowed, below nothing is not."""
    return Key(
        default,
        {"{USDT: 5, BTC: 0.1}": {"USDT": Decimal(5), "BTC": Decimal("0.1")}, "{}": {}},
        {
            "{USDT: -1}": "amount of USDT must be at least 0",
            "{usdt: 1}": "upper case",
            "{USDT: x}": "amount of USDT must be a number",
            "{USDT: true}": "must be a number",
            "{USDT: 1, USDT: 2}": "USDT is given twice",
            "{ON: 1}": "put it in quotes",
            "[USDT]": "must be amounts by currency",
            "5": "must be amounts by currency",
            "{" + ", ".join(f"C{n}: 1" for n in range(101)) + "}": "at most 100 currencies",
        },
    )


BALANCES = balances(paper_balances())
MOMENT = Key(
    None,
    {
        "1618677942.586266": Decimal("1618677942.586266"),
        "2021-04-17T16:45:42.586266Z": Decimal("1618677942.586266"),
        "2021-04-17 18:45:42.586266+02:00": Decimal("1618677942.586266"),
        "2021-04-17": Decimal(1618617600),
        "'2021-04-17T00:00'": Decimal(1618617600),
        "0": Decimal(0),
    },
    {
        "yesterday": "must be a time such as",
        "2021-13-17": "must be a time such as",
        "2021-04-17T25:00:00Z": "must be a time such as",
        "1e9": "must be a time such as",
        "-5": "must be a time such as",
        "true": "must be a time such as",
        "9999999999": "must be between 1970 and 2262",
    },
)
FILE = Key(
    None,
    {},  # see test_files.py
    {
        "nowhere.csv": "is neither beside this file nor in the working directory",
        "5": "must be text",
        "''": "must be the path of a file",
        '"a\\nb"': "must be the path of a file",
        '"\\0"': "must be the path of a file",
        "[a]": "must be text",
    },
)
FLAG = Key(
    default=True,
    good={"true": True, "false": False, "False": False},
    bad={
        "1": "must be true or false",
        "'true'": "must be true or false",
        "yes": "must be true or false",
        "[true]": "must be true or false",
        "": "is empty",
    },
)
FLAG_OFF = Key(default=False, good=FLAG.good, bad=FLAG.bad)
KEYS: Final = {
    "name": Key(
        REQUIRED,
        {"a": "a", "A.b-c_9": "A.b-c_9", "'5'": "5", "x" * 64: "x" * 64},
        {
            "5": "put it in quotes",
            "a b": "must be 1 to 64",
            "''": "must be 1 to 64",
            "x" * 65: "must be 1 to 64",
            "yes": "put it in quotes",
            "[a]": "must be text",
            "ä": "must be 1 to 64",
        },
    ),
    "exchange": Key(
        REQUIRED,
        {"kraken": "kraken", "binance_us": "binance_us"},
        {
            "Binance": "in lower case",
            "5": "put it in quotes",
            "[a]": "must be text",
            "{sandbox: true}": "missing required key `exchange.id`",
            "{id: a, key: b}": "unknown key `key`",
            "": "is empty",
        },
    ),
    **EXCHANGE_KEYS,
    "cycle": Key(
        None,
        {
            "[USDT, BTC, ETH]": ("USDT", "BTC", "ETH"),
            "[A, B]": ("A", "B"),
            "['1INCH', USDT]": ("1INCH", "USDT"),
            "[A, B, C, D, E, F, G, H]": tuple("ABCDEFGH"),
        },
        {
            "[USDT]": "must name at least 2 currencies",
            "[]": "must name at least 2 currencies",
            "[A, B, C, D, E, F, G, H, I]": "must name at most 8 currencies",
            "[USDT, BTC, USDT]": "must not repeat USDT at the end",
            "[USDT, BTC, BTC]": "BTC stands there twice",
            "[USDT, btc]": "item 2 must be a currency code in upper case",
            "[USDT, B/C]": "item 2 must be a currency code such as BTC",
            "[USDT, NO]": "item 2 must be text, was the yes/no value NO; put it in quotes",
            "[USDT, 5]": "put it in quotes",
            "[USDT, [BTC]]": "item 2 must be text, was a list",
            "USDT": "must be a list such as",
            "{USDT: BTC}": "must be a list such as",
            "": "must be a list such as",
        },
    ),
    "trading_pairs_file": FILE,
    "max_hops": whole(3, 2, 5),
    "start_currencies": STARTS,
    "lightning": block(Lightning()),
    "lightning.enabled": FLAG_OFF,
    "lightning.max_hops": whole(3, 2, 5),
    "lightning.start_currencies": STARTS,
    "lightning.top": whole(20, 1, 100),
    "reference_currency": Key(
        None,
        {"USDT": "USDT"},
        {"usdt": "upper case", "5": "put it in quotes", "[USDT]": "must be text", "": "is empty"},
    ),
    "min_profit_bps": number(
        REQUIRED, {"-200": Decimal(-200), "0": Decimal(0)}, low=-9999, high=10000
    ),
    "max_slippage_bps": number(REQUIRED, above=0, high=1000),
    "max_leg_latency_ms": whole(None, 1, 3_600_000),
    "capital_allocation": block(REQUIRED),
    "capital_allocation.mode": Key(
        REQUIRED,
        {"fixed_amount": "fixed_amount"},
        {
            "fixed_amout": "did you mean fixed_amount?",
            "kelly": "use fixed_amount or fixed_fraction",
            "progressive": "use fixed_amount",
            "risk_parity": "use fixed_amount",
            "": "is empty",
            "5": "must be one of",
        },
    ),
    "capital_allocation.amount": money(None),
    "capital_allocation.fraction": number(None, {}, above=0),  # see test_rules.py
    "capital_allocation.max_allocation": money(None),
    "capital_allocation.max_depth_share": number(Decimal(1), above=0, high=1),
    "fees": block(),
    "fees.taker_bps": number(Decimal(10), low=0, high=1000),
    "fees.maker_bps": number(Decimal(10), low=0, high=1000),
    "fees.fee_currency": Key(
        None,
        {"BNB": "BNB"},
        {
            "bnb": "upper case",
            "5": "put it in quotes",
            "BTC": "part of the cycle",
            "[BNB]": "must be text",
            "": "is empty",
        },
    ),
    "fees.reserve": number(Decimal(0), {}, low=0),  # above zero: see test_rules.py
    "risk_controls": block(),
    "risk_controls.max_open_cycles": whole(3, 1, 1000),
    "risk_controls.stop_after_consecutive_losses": whole(5, 1, 1_000_000),
    "risk_controls.max_daily_loss": money(None),
    "risk_controls.max_position_size": money(None),
    "risk_controls.slippage_cooldown_seconds": number(Decimal(300), low=0, high=86400),
    "risk_controls.duplicate_suppression_window_seconds": number(Decimal(0), low=0, high=86400),
    "risk_controls.breaker": block(),
    "risk_controls.breaker.max_unknowns": whole(10, 1, 1_000_000),
    "risk_controls.breaker.max_refusals": whole(20, 1, 1_000_000),
    "risk_controls.breaker.window_seconds": number(Decimal(60), above=0, high=86400),
    "risk_controls.breaker.cooldown_seconds": number(Decimal(5), low=0, high=86400),
    "order": block(),
    "order.type": Key(
        "limit",
        {"market": "market"},
        {
            "limit_maker": "use limit or market",
            "stop": "use limit or market",
            "Market": "did you mean market?",
            "": "is empty",
        },
    ),
    "order.allow_partial_fills": FLAG,
    "order.max_retries": whole(3, 0, 8),
    "order.retry_delay_ms": whole(1000, 0, 3_600_000),
    "order.timeout_seconds": number(Decimal(30), above=0, high=86400),
    "panic_sell": block(),
    "panic_sell.enabled": FLAG,
    "panic_sell.base_currencies": Key(
        ("USDC", "USD", "USDT"),
        {"[EUR]": ("EUR",)},
        {
            "[]": "at least 1 currencies",
            "[eur]": "upper case",
            "EUR": "must be a list",
            "[EUR, EUR]": "EUR stands there twice",
        },
    ),
    "panic_sell.max_slippage_bps": number(Decimal(100), above=0, high=1000),
    "panic_sell.max_hops": whole(3, 1, 3),
    "execution": block(),
    "execution.mode": Key(
        "paper",
        {"paper": "paper", "live": "live", "backtest": "backtest"},
        {
            "papr": "did you mean paper?",
            "true": "must be one of",
            "[paper]": "must be one of",
            "": "is empty",
        },
    ),
    "execution.paper": block(),
    **rubbing("execution.paper"),
    "execution.paper.feed": Key(
        "generated",
        {"generated": "generated", "recorded": "recorded", "live": "live"},
        {"x": "must be one of"},
    ),
    "execution.paper.currencies": whole(6, 6, 500),
    "execution.paper.data_file": FILE,
    "execution.paper.random_seed": whole(42, 0, 2**63 - 1),
    "execution.paper.initial_balances": BALANCES,
    "execution.paper.step_ms": whole(100, 1, 3_600_000),
    "execution.paper.faults": block(),
    "execution.paper.faults.reply_lost": rate(),
    "execution.paper.faults.request_lost": rate(),
    "execution.paper.faults.request_delayed": rate(),
    "execution.paper.faults.reply_delayed": rate(),
    "execution.paper.faults.reply_never": rate(),
    "execution.paper.faults.order_hidden": rate(),
    "execution.paper.faults.late_fill": rate(),
    "execution.paper.faults.duplicated_reports": rate(),
    "execution.paper.faults.reordered_reports": rate(),
    "execution.paper.faults.altered_reports": rate(),
    "execution.paper.faults.refused": rate(),
    "execution.paper.faults.banned": rate(),
    "execution.paper.faults.maintenance": rate(),
    "execution.paper.faults.none_fields": rate(),
    "execution.paper.faults.garbage": rate(),
    "execution.paper.faults.read_fails": rate(),
    "execution.backtest": block(),
    **rubbing("execution.backtest"),
    "execution.backtest.data_file": FILE,
    "execution.backtest.markets_file": FILE,
    "execution.backtest.assumed_depth": balances({}),
    "execution.backtest.start_time": MOMENT,
    "execution.backtest.end_time": MOMENT,
    "execution.backtest.random_seed": whole(42, 0, 2**63 - 1),
    "execution.backtest.initial_balances": BALANCES,
}
