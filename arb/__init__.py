"""An event-sourced, crash-proof engine for arbitrage cycles."""
