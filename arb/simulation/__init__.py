"""A world that a seed decides: venue, disk, clock and people, and an engine that is killed in it."""
