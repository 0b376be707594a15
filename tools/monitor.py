#!/usr/bin/env python3
"""Look at the cycles of a log, and act on them; see --help."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from arb.faces.cli import monitor

if __name__ == "__main__":
    monitor()
