"""A command line run in this process: quick, with its output and exit code at hand."""

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import structlog
from click.testing import CliRunner

from arb.faces.run_cli import run

PAPER = """\
name: demo
exchange: binance
cycle: [USDT, BTC, ETH]
min_profit_bps: {min_profit}
max_slippage_bps: {slippage}
capital_allocation: {{mode: fixed_amount, amount: {amount}}}
fees: {{taker_bps: {fee}, maker_bps: {fee}{fee_currency}}}
order: {{retry_delay_ms: 10, max_retries: {retries}}}
panic_sell: {{enabled: {panic}}}
risk_controls:
  {{max_open_cycles: {open_cycles}, stop_after_consecutive_losses: 1000000, slippage_cooldown_seconds: 0}}
execution:
  mode: paper
  paper:
    feed: {feed}
    random_seed: {seed}
    latency_sim_ms: {latency}
    step_ms: {step_ms}
    initial_balances: {{USDT: 10000, BTC: 1, ETH: 10, BNB: 10}}{faults}
"""
DEFAULTS = {
    "min_profit": "-100",
    "slippage": "20",
    "amount": "1000",
    "fee": "10",
    "fee_currency": "",
    "retries": "3",
    "panic": "true",
    "open_cycles": "3",
    "feed": "generated",
    "seed": "42",
    "latency": "6",
    "step_ms": "1000",  # a cycle begins with a step and ends within it: what was planned is what happens
}


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines of `--json` but the last one."""
        return [json.loads(line) for line in self.out.splitlines()[:-1]]

    @property
    def summary(self) -> dict[str, Any]:
        """The last line of `--json`."""
        told: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return told


def paper_strategy(
    folder: Path, *, file: str = "s.yaml", faults: dict[str, str] | None = None, **values: str
) -> Path:
    """Write a paper strategy that trades at once; `values` go before the defaults."""
    rates = "".join(f"\n      {name}: {rate}" for name, rate in (faults or {}).items())
    block = f"\n    faults:{rates}" if rates else ""
    path = folder / file
    path.write_text(PAPER.format(**{**DEFAULTS, **values, "faults": block}))
    return path


def invoke(*arguments: object, command: Any = run) -> Said:
    """Run a command with real parts; an exception that it lets out is the test's."""
    try:
        result = CliRunner().invoke(command, [str(one) for one in arguments])
    finally:
        structlog.reset_defaults()  # its log went to a stream that is closed by now
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with its bytes: what a refusal must not change."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def total(events: list[dict[str, Any]], field: str) -> Decimal:
    """Sum a field of events exactly."""
    return sum((Decimal(event[field]) for event in events), Decimal(0))
