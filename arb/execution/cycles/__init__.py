"""What a cycle does next, and the task that does it."""
