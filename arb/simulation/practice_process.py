"""A practice exchange as a process of its own, which can be killed and started again."""

import json
import re
import urllib.request
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from arb.simulation.processes import Started, start, until

LISTENS: Final = re.compile(r"on 127\.0\.0\.1:(\d+)")
CONTROLS: Final = re.compile(r"http://127\.0\.0\.1:(\d+)/control")
PATIENCE_S: Final = 5
# Its threshold is far below zero: it trades at once, whatever the market does.
STRATEGY: Final = """\
name: live
exchange: {{id: {venue}, connect_to: "127.0.0.1:{port}", ca_file: practice/ca.pem, dialect: practice}}
cycle: [USDT, BTC, ETH]
min_profit_bps: -500
max_slippage_bps: 100
capital_allocation: {{mode: fixed_amount, amount: 200}}
order: {{retry_delay_ms: 50}}
risk_controls:
  max_open_cycles: {at_once}
  stop_after_consecutive_losses: 1000000
  slippage_cooldown_seconds: 0
  breaker: {{max_unknowns: 1000, max_refusals: 1000}}
execution: {{mode: live}}
"""


class CreatesSeen(Struct, frozen=True):
    """The creates that reached the exchange."""

    total: int
    most_per_client_id: int


class State(Struct, frozen=True):
    """What its control door says of it."""

    creates_seen: CreatesSeen
    orders: list[msgspec.Raw]


class Exchange:
    """The practice exchange; started again it is on the same ports, with the same account."""

    def __init__(self, folder: Path, *flags: object, venue: str = "binance") -> None:
        self._folder = folder
        self._venue = venue
        self._flags = flags
        self.port = self.control_port = 0
        self.start()

    def start(self, *, crash_at: str | None = None) -> None:
        """Start it, and wait until it listens; it may be armed to die at a named place."""
        self._started: Started = start(
            self._folder,
            "practice",
            *("--dir", self._folder / "practice", "--port", self.port),
            *("--control-port", self.control_port, "--venue", self._venue, *self._flags),
            crash_at=crash_at,
        )

        def listening() -> tuple[str, str] | None:
            said = self._started.err.read_text()
            port, control = LISTENS.search(said), CONTROLS.search(said)
            return None if port is None or control is None else (port[1], control[1])

        port, control = until(listening, "the practice exchange")
        self.port, self.control_port = int(port), int(control)

    @property
    def lives(self) -> bool:
        """Whether it runs."""
        return self._started.process.poll() is None

    def kill(self) -> None:
        """Strike it dead."""
        self._started.process.kill()
        self._started.process.wait()

    def stop(self) -> None:
        """Let it stand still in the middle of whatever it does."""
        self._started.stop()

    def go_on(self) -> None:
        """End a stop."""
        self._started.go_on()

    def end(self) -> None:
        """Make sure that it is gone."""
        self._started.end()

    def state(self) -> State:
        """Ask how it stands."""
        return msgspec.json.decode(self._ask("state", None), type=State)

    def act(self, act: str, **more: object) -> None:
        """Let the user, or the venue, do something now."""
        self._ask("act", json.dumps({"act": act, **more}))

    def set_faults(self, rates: str) -> None:
        """Replace the rates of its faults."""
        self._ask("faults", rates)

    def _ask(self, path: str, told: str | None) -> bytes:
        url = f"http://127.0.0.1:{self.control_port}/control/{path}"
        body = None if told is None else told.encode()
        request = urllib.request.Request(url, data=body)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
            return bytes(answer.read())

    def strategy(self, at_once: int = 2) -> Path:
        """Write a strategy that trades there."""
        path = self._folder / "s.yaml"
        path.write_text(STRATEGY.format(venue=self._venue, port=self.port, at_once=at_once))
        return path
