"""Views of the log that are updated in the transaction of each append."""
