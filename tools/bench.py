#!/usr/bin/env python3
"""Measure the budgets on this machine: `tools/bench.py`; see --help."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from arb.bench.cli import bench

if __name__ == "__main__":
    bench()
