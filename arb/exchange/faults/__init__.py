"""Faults over any venue: which, how often, and what they look like."""
