"""The commands behind the doors in `tools/`. Each one loads only what it shows."""

from arb.faces.monitor_cli import monitor
from arb.faces.replay_cli import replay

__all__ = ["monitor", "replay"]
