#!/usr/bin/env python3
"""Run strategies: `tools/run.py --strategy strategies/demo.yaml`; see --help."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from arb import door

if __name__ == "__main__":
    door.guard()  # before anything that takes time to load
    door.hold_streams()

from arb.faces.run_cli import run

if __name__ == "__main__":
    run()
