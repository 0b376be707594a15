"""Venues: the port, the paper venue and the faults over any venue."""
