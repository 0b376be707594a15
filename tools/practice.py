#!/usr/bin/env python3
"""Run an exchange on this machine to practise at: `tools/practice.py`; see --help."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from arb import door

if __name__ == "__main__":
    door.guard()  # before anything that takes time to load
    door.hold_streams()

from arb.faces.practice_cli import practice_exchange

if __name__ == "__main__":
    practice_exchange()
