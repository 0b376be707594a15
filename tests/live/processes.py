"""A practice exchange and engines as processes of their own, which can be killed."""

import json
import re
import urllib.request
from pathlib import Path
from typing import Any, Final

from tests.live.trading import STRATEGY
from tests.spec.processes import Started, start, until

LISTENS: Final = re.compile(r"on 127\.0\.0\.1:(\d+)")
CONTROLS: Final = re.compile(r"http://127\.0\.0\.1:(\d+)/control")


class Exchange:
    """The practice exchange; started again it is on the same ports, with the same account."""

    def __init__(self, folder: Path, *flags: object) -> None:
        self._folder = folder
        self._flags = flags
        self.port = self.control_port = 0
        self.start()

    def start(self) -> None:
        self._started: Started = start(
            self._folder,
            "practice",
            *("--dir", self._folder / "practice", "--port", self.port),
            *("--control-port", self.control_port, *self._flags),
        )

        def listening() -> tuple[str, str] | None:
            said = self._started.err.read_text()
            port, control = LISTENS.search(said), CONTROLS.search(said)
            return None if port is None or control is None else (port[1], control[1])

        port, control = until(listening, "the practice exchange")
        self.port, self.control_port = int(port), int(control)

    def kill(self) -> None:
        """Strike it dead."""
        self._started.process.kill()
        self._started.process.wait()

    def end(self) -> None:
        self._started.end()

    def ask(self, path: str, told: object | None = None) -> Any:
        """Use the control door."""
        url = f"http://127.0.0.1:{self.control_port}/control/{path}"
        body = None if told is None else json.dumps(told).encode()
        if isinstance(told, str):
            body = told.encode()
        with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=5) as answer:
            return json.load(answer)

    def strategy(self, at_once: int = 2) -> Path:
        """Write a strategy that trades there."""
        path = self._folder / "s.yaml"
        path.write_text(STRATEGY.format(venue="binance", port=self.port, at_once=at_once))
        return path
