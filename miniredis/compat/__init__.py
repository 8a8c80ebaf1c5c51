"""Stand-ins for other fakes: their names and arguments, with a server of ours behind them."""
