"""``python -m patterns.bench``."""

import sys

from patterns.bench.command import main

if __name__ == "__main__":
    sys.exit(main())
