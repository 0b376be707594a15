#!/usr/bin/env python3
"""Kill the engine in thousands of simulated worlds, and hold each log against what really happened."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from arb import door

if __name__ == "__main__":
    door.guard()  # before anything that takes time to load
    door.hold_streams()

from arb.faces.prove_cli import prove

if __name__ == "__main__":
    prove()
