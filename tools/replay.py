#!/usr/bin/env python3
"""Replay a log, verify it, tell the story of a cycle; see --help."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from arb.faces.cli import replay

if __name__ == "__main__":
    replay()
