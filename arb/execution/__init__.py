"""The engine: what runs cycles, resolves orders, recovers and unwinds."""
