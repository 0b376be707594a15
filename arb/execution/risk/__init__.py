"""What forbids a new cycle, and how much may be in one."""
