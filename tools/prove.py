#!/usr/bin/env python3
"""Put the promise to the proof: `tools/prove.py --real`; see --help."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from arb.faces.prove_cli import prove

if __name__ == "__main__":
    prove()
