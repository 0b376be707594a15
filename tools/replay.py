#!/usr/bin/env python3
"""Replay a log, verify it, tell the story of a cycle; see --help."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from arb import door

if __name__ == "__main__":
    door.guard()  # before anything that takes time to load
    door.hold_streams()

from arb.faces.cli import replay

if __name__ == "__main__":
    replay()
