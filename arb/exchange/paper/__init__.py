"""The paper venue: its desk, its account, and how it matches."""
