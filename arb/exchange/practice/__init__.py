"""The practice exchange: a local server that speaks a real venue's protocol, with faults on demand."""
