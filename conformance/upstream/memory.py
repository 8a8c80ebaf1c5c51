"""What the reference passes, remembered: it is the same every time, and asking takes minutes.

The rule of this file: whatever the outcome depends on is in the name of the file that keeps it, the suite down to its
bytes, the unit, and the server that was asked. What cannot be read is as if it were not there.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from conformance.upstream.runner import UnitResult
from conformance.upstream.source import Suite


class Memory:
    """The results of one server in one suite, in *cache*."""

    def __init__(self, cache: Path, suite: Suite, server: str) -> None:
        version = f"{suite.version}-{suite.fingerprint}"
        self._folder = cache / "results" / _file_name(version) / _file_name(server)

    def recall(self, unit: str) -> UnitResult | None:
        """What is remembered of *unit*, if anything is."""
        try:
            kept = json.loads(self._path(unit).read_text())
            return UnitResult(**{**kept, "passed": Counter(kept["passed"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def remember(self, result: UnitResult) -> None:
        """Keep *result* for the next time."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(result.unit)
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(vars(result), indent=1))
        beside.replace(path)

    def _path(self, unit: str) -> Path:
        return self._folder / f"{_file_name(unit)}.json"


def _file_name(text: str) -> str:
    return re.sub(r"[^\w.-]+", "_", text)
