"""The event log: facts, envelope, codec, and the logs that keep them."""
