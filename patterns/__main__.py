"""``python -m patterns``: the tour of the library (:mod:`patterns.tour`)."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the tour; say what is missing where ``rich`` is not installed."""
    try:
        from patterns.tour.cli import main as tour
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("rich", "redis"):
            raise
        print(f"the tour needs {error.name}: pip install -e '.[demo]', or run make demo", file=sys.stderr)
        return 2
    return tour()


if __name__ == "__main__":
    sys.exit(main())
