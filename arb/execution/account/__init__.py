"""What every part works with: one venue, one account, one log, and the ways to them."""
