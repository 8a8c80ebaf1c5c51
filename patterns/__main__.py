"""``python -m patterns``: the tour of the library (:mod:`patterns.tour`)."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the tour; say what is missing where ``rich`` is not installed."""
    try:
        from patterns.tour.cli import main as tour
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in ("rich", "redis"):
            raise
        print(f"the tour needs {missing}: pip install -e '.[demo]', or run make demo", file=sys.stderr)
        return 2
    return tour()


if __name__ == "__main__":
    sys.exit(main())
