"""Every cycle of a market rescored on every update: which are above their bars now."""

from arb.market.scan.covering import Cover, Watched
from arb.market.scan.prices import Top
from arb.market.scan.scan import NOTHING, Best, Scan, Seen, Stats

__all__ = ["NOTHING", "Best", "Cover", "Scan", "Seen", "Stats", "Top", "Watched"]
