"""A backtest over books that a test writes, as a file like a recording."""

from collections.abc import Iterable
from pathlib import Path

from tests.spec.command_line import Said, invoke

BEGIN_S = 1_700_000_000
FEE_BPS = "10"
# market: bid, ask; a little more comes back than goes in, before fees
BTC = ("BTC/USDT", "49990.00", "50000.00")
ETH_BTC = ("ETH/BTC", "0.049990", "0.050000")
ETH = ("ETH/USDT", "2510.00", "2510.10")
QUIET_ETH = ("ETH/USDT", "2490.00", "2490.10")
FALLEN_ETH = ("ETH/USDT", "2300.00", "2300.10")
SIZE = "10.00000"

Book = tuple[str, str, str]
Moment = tuple[float, Book, str]  # seconds after the beginning, book, size on both sides

STRATEGY = """\
name: {name}
exchange: binance
cycle: {cycle}
min_profit_bps: {min_profit}
max_slippage_bps: 20
capital_allocation: {{mode: fixed_amount, amount: {amount}}}
fees: {{taker_bps: {fee}, maker_bps: {fee}}}
order: {{retry_delay_ms: 10, max_retries: 1}}
risk_controls: {{max_open_cycles: 1, slippage_cooldown_seconds: 0}}
execution:
  mode: backtest
  backtest:
    latency_sim_ms: 50
    initial_balances: {{USDT: 10000, BTC: 1, ETH: 10}}
"""


def strategy(
    folder: Path,
    *,
    name: str = "demo",
    cycle: str = "[USDT, BTC, ETH]",
    min_profit: str = "0",
    amount: str = "1000",
    fee: str = FEE_BPS,
) -> Path:
    """Write a backtest strategy."""
    path = folder / f"{name}.yaml"
    path.write_text(
        STRATEGY.format(name=name, cycle=cycle, min_profit=min_profit, amount=amount, fee=fee)
    )
    return path


def quiet() -> list[Moment]:
    """All three books from the beginning, at prices that do not pay."""
    return [(0, book, SIZE) for book in (BTC, ETH_BTC, QUIET_ETH)]


def chance(at_s: float) -> list[Moment]:
    """An opportunity, long enough to be taken whole.

    A leg's order meets the books 25, 75 and 125 ms later.
    """
    return [(at_s, ETH, SIZE), (at_s + 5, QUIET_ETH, SIZE)]


def end() -> list[Moment]:
    """The last row, long after everything."""
    return [(100, BTC, SIZE)]


def feed(folder: Path, moments: Iterable[Moment]) -> Path:
    """Write the rows of a recording, in order of time."""
    lines = ["recv_ts,base,quote,bid,bid_size,ask,ask_size"]
    for at_s, (market, bid, ask), size in sorted(moments, key=lambda moment: moment[0]):
        base, quote = market.split("/")
        lines.append(f"{BEGIN_S + at_s:.3f},{base},{quote},{bid},{size},{ask},{size}")
    path = folder / "feed.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def backtest(folder: Path, moments: Iterable[Moment], *strategies: Path, cycles: int = 1) -> Said:
    """Run strategies (else the one of the defaults) over scripted books; the log is `log.db`."""
    words = [word for one in strategies or (strategy(folder),) for word in ("--strategy", one)]
    flags = ["--db", folder / "log.db", "--data-file", feed(folder, moments), "--json"]
    return invoke(*words, *flags, "--cycles", cycles)


def of(said: Said, kind: str) -> list[dict[str, object]]:
    """The data of a run's events of one type."""
    return [event["data"] for event in said.events if event["type"] == kind]
