#!/usr/bin/env python3
"""Run an exchange on this machine to practise at: `tools/practice.py`; see --help."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from arb.faces.practice_cli import practice_exchange

if __name__ == "__main__":
    practice_exchange()
