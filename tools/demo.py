#!/usr/bin/env python3
"""Trade, be killed in the middle of a leg, recover, prove it: `make demo`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from arb.faces.demo import demo

if __name__ == "__main__":
    demo()
