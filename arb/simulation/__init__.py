"""Proof by simulation: lives that are struck dead, disks that fail, and an account that is held against the log."""
