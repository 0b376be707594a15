"""Feeds written by a test."""

import gzip
from pathlib import Path

HEADER = "recv_ts,base,quote,bid,bid_size,ask,ask_size\n"
ROWS = (
    "1.5,ETH,USD,100.5,2,100.6,3.25\n"
    "1.5,ETH,BTC,0.039,4,0.03903,4.15\n"
    "2.000000001,ETH,USD,100.51,1,100.6,3\n"
)
LEGACY_HEADER = "timestamp,symbol,bid,ask,last,volume\n"
LEGACY_ROWS = (
    "1.5,ETH/USD,100.5,100.6,100.55,0\n"
    "1.5,ETH/BTC,0.039,0.03903,0.039015,12.5\n"
    "2.000000001,ETH/USD,100.51,100.6,100.555,1\n"
)


def written(folder: Path, text: str, name: str = "feed.csv") -> Path:
    path = folder / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode(), mtime=0))
    else:
        path.write_bytes(text.encode())
    return path
