"""Strike a real engine process dead, again and again, and audit what is left."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import apsw

from arb.exchange.paper.account import PaperAccount
from arb.projections.audit import verify

ROOT = Path(__file__).resolve().parent.parent.parent
FAULTS = {
    "reply_lost": "0.06",
    "request_lost": "0.05",
    "request_delayed": "0.05",
    "reply_delayed": "0.05",
    "reply_never": "0.01",
    "order_hidden": "0.08",
    "late_fill": "0.05",
    "duplicated_reports": "0.08",
    "reordered_reports": "0.05",
    "altered_reports": "0.03",
    "refused": "0.05",
    "banned": "0.005",
    "maintenance": "0.005",
    "none_fields": "0.05",
    "garbage": "0.03",
    "read_fails": "0.05",
}


def strategy_text(
    *,
    faults: Mapping[str, str] | None,
    fee_currency: str | None = None,
    seed: int = 42,
    cycle: str = "[USDT, BTC, ETH]",
    amount: int = 1000,
    slippage: int = 20,
    min_profit: str = "-100",
    bnb: str = "10",
    panic: bool = True,
    step_ms: int = 100,
    extra: str = "",
) -> str:
    """A paper strategy on the generated market that trades at once."""
    fee = f"\n  fee_currency: {fee_currency}" if fee_currency else ""
    rates = "".join(f"\n      {name}: {rate}" for name, rate in (faults or {}).items())
    block = f"\n    faults:{rates}" if rates else ""
    return f"""\
name: demo
exchange: binance
cycle: {cycle}
min_profit_bps: {min_profit}
max_slippage_bps: {slippage}
capital_allocation: {{mode: fixed_amount, amount: {amount}}}
fees:
  taker_bps: 10
  maker_bps: 10{fee}
order: {{retry_delay_ms: 10}}
panic_sell: {{enabled: {str(panic).lower()}}}
risk_controls:
  stop_after_consecutive_losses: 1000000
  slippage_cooldown_seconds: 0
  breaker: {{max_unknowns: 1000, max_refusals: 1000}}
{extra}execution:
  mode: paper
  paper:
    feed: generated
    random_seed: {seed}
    latency_sim_ms: 10
    step_ms: {step_ms}
    initial_balances: {{USDT: 10000, BTC: 1, ETH: 10, BNB: {bnb}}}{block}
"""


@dataclass
class Audit:
    """What the log and the venue's own account say after the last restart."""

    open_cycles: list[str]
    differences: dict[str, tuple[Decimal, Decimal]]
    sent_twice: list[str]
    forgotten: list[str]
    findings: list[str]  # of the engine's own look at its log
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        """Whether the promise was kept."""
        return not (
            self.open_cycles
            or self.differences
            or self.sent_twice
            or self.forgotten
            or self.findings
        )


def audit(db: Path) -> Audit:
    """Compare the log's tables with the paper venue's account; shares no code with the engine.

    Only `findings` are the engine's: `verify` says whether log and tables agree with each other.
    """
    connection = apsw.Connection(str(db), flags=apsw.SQLITE_OPEN_READONLY)
    states = dict(connection.execute("SELECT id, state FROM cycles"))
    ledger: dict[str, Decimal] = {}
    for asset, amount in connection.execute("SELECT asset, amount FROM ledger"):
        ledger[asset] = ledger.get(asset, Decimal(0)) + Decimal(amount)
    intended = {row[0] for row in connection.execute("SELECT client_order_id FROM orders")}
    outcomes = Counter(
        row[0]
        for row in connection.execute("SELECT json_extract(metadata_json, '$.outcome') FROM cycles")
    )
    connection.close()
    account = PaperAccount.audit(Path(f"{db}.paper"))
    totals, opening = account.totals(), account.opening()
    sent = Counter(order.client_order_id for order in account.all_orders())
    account.close()
    differences = {
        asset: (total, opening.get(asset, Decimal(0)) + ledger.get(asset, Decimal(0)))
        for asset, total in totals.items()
        if total != opening.get(asset, Decimal(0)) + ledger.get(asset, Decimal(0))
    }
    return Audit(
        open_cycles=[i for i, state in states.items() if state not in {"completed", "failed"}],
        differences=differences,
        sent_twice=[i for i, times in sent.items() if times > 1],
        forgotten=sorted(set(sent) - intended),
        findings=[finding.text for finding in verify(db)],
        outcomes=outcomes,
    )


def start(
    folder: Path,
    strategy: Path,
    *arguments: str,
    crash_at: str | None = None,
    log_name: str = "out.txt",
) -> "subprocess.Popen[bytes]":
    """Start an engine process on the folder's log."""
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "NO_COLOR": "1"}
    environment.pop("ARB_CRASH_AT", None)
    if crash_at is not None:
        environment["ARB_CRASH_AT"] = crash_at
    with (folder / log_name).open("ab") as out:
        return subprocess.Popen(
            [
                sys.executable,
                str(ROOT / "tools" / "run.py"),
                "--strategy",
                str(strategy),
                "--db",
                str(folder / "log.db"),
                *arguments,
            ],
            stdout=out,
            stderr=out,
            env=environment,
            cwd=folder,
        )


def recover(folder: Path, strategy: Path, *, timeout_s: float = 60) -> int:
    """Run once more with nothing but recovery; returns the exit code."""
    return start(folder, strategy, "--cycles", "0").wait(timeout=timeout_s)


def strike(folder: Path, strategy: Path, rng: random.Random, points: "tuple[str, ...]") -> str:
    """One process life that ends in a kill; returns where it struck, or "ended" if it did not."""
    point = rng.choice(points) if rng.random() < 0.6 else ""
    crash_at = f"{point}:{rng.randint(1, 4)}" if point else None
    process = start(folder, strategy, "--cycles", "6", "--duration", "4", crash_at=crash_at)
    if not point:
        deadline = time.monotonic() + rng.uniform(0.3, 2.0)
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
    code = process.wait(timeout=120)
    if code == -signal.SIGKILL:
        return point or "random moment"
    return "ended"
