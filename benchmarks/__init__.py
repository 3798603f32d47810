"""Scripts that print a table of ours beside a peer's. Run on demand: `python benchmarks/NAME.py --help`."""
