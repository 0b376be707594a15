#!/usr/bin/env python3
"""Run strategies: `tools/run.py --strategy strategies/demo.yaml`; see --help."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from arb.faces.run_cli import run

if __name__ == "__main__":
    run()
