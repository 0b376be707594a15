"""Strategy files: schema and loader."""
