"""What a run was worth, and whether it would decide the same again."""
