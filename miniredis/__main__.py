"""``python -m miniredis``."""

import signal
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while the rest is imported just ends it, with no traceback

from miniredis.cli import main  # noqa: E402

sys.exit(main())
