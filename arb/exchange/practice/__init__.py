"""The practice exchange: a local server that speaks a real venue's protocol over the paper venue's matching."""
