"""``python -m conformance``."""

import signal
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while the rest is imported just ends it, with no traceback

try:
    from conformance.cli import main
except ModuleNotFoundError as error:
    missing = str(error.name).partition(".")[0]
    if missing not in ("rich", "hypothesis"):
        raise
    print(f"conformance: needs {missing}: pip install -e '.[conformance]'", file=sys.stderr)
    sys.exit(2)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main())
