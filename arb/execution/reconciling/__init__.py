"""The account held against the venue, at the start and again and again."""
