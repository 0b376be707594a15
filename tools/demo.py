#!/usr/bin/env python3
"""Trade, be killed in the middle of a leg, recover, prove it: `make demo`."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from arb import door

if __name__ == "__main__":
    door.guard()  # before anything that takes time to load
    door.hold_streams()

from arb.faces.demo import demo

if __name__ == "__main__":
    demo()
