"""The process that an engine lives in: its clock, its loop, its memory."""
