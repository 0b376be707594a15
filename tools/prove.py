#!/usr/bin/env python3
"""Kill the engine in thousands of simulated worlds, and hold each log against what really happened."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from arb.faces.prove_cli import prove

if __name__ == "__main__":
    prove()
