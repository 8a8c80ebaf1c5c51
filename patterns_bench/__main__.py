"""``python -m patterns_bench``."""

import sys

from patterns_bench.command import main

if __name__ == "__main__":
    sys.exit(main())
