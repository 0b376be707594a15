"""The order protocol: sent once, then followed by the venue's own evidence to its end."""
