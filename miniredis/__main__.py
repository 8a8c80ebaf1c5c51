"""``python -m miniredis``."""

import gc
import signal
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while the rest is imported just ends it, with no traceback
gc.disable()  # what an import makes stays

from miniredis.cli import main  # noqa: E402

gc.freeze()
gc.enable()
sys.exit(main())
