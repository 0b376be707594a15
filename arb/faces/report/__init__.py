"""What a backtest came to, as a page, tables and pictures in a folder."""
