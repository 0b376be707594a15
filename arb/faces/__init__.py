"""What people see: commands, text, JSON. No decisions about money."""
