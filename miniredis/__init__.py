"""A Redis-compatible server in pure Python: embed it in a test, or run it with ``python -m miniredis``."""
