"""A real venue: through ccxt, and Binance's books through its own streams."""
