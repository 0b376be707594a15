#!/usr/bin/env python3
"""Look at the cycles of a log, and act on them; see --help."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from arb import door

if __name__ == "__main__":
    door.guard()  # before anything that takes time to load
    door.hold_streams()

from arb.faces.cli import monitor

if __name__ == "__main__":
    monitor()
