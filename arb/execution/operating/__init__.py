"""What an operator asks of an engine, running or not."""
