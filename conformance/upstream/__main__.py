"""``python -m conformance.upstream``."""

from __future__ import annotations

import argparse
import sys

from conformance.upstream.command import DESCRIPTION, add_arguments, run


def main() -> int:
    """The command on its own; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m conformance.upstream", description=DESCRIPTION)
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
