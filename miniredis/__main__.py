"""``python -m miniredis``."""

import sys

from miniredis.cli import main

sys.exit(main())
