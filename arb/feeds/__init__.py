"""Recorded, generated and live market data."""
