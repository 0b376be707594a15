#!/usr/bin/env python3
"""Record a feed to a file that backtests replay; see --help."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from arb.faces.record_cli import record

if __name__ == "__main__":
    record()
