"""Books, depth and routes between currencies. Pure."""
