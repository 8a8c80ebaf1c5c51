"""The reasons for tests that a server is known not to pass, read from a file that people write (``known.toml``).

A reason is about one server, one unit, and tests by their names. A test that is missing without a reason stands out;
so does a reason for a test that passes, which has to go.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

KNOWN: Final = Path(__file__).with_name("known.toml")


@dataclass(frozen=True)
class Reason:
    """Why the server named *target* does not pass *test* of *unit*."""

    target: str
    unit: str
    test: str
    why: str


class Reasons:
    """The reasons about one server."""

    def __init__(self, reasons: Iterable[Reason] = ()) -> None:
        self._why = {(reason.unit, reason.test): reason.why for reason in reasons}

    def why(self, unit: str, test: str) -> str:
        """The reason for that test, empty where there is none."""
        return self._why.get((unit, test), "")


def read(path: Path, target: str) -> Reasons:
    """The reasons in the file *path* that are about *target*.

    The file has a table for each server, unit and reason: ``[[miniredis]]`` with ``unit``, ``tests`` and ``reason``.
    """
    tables = tomllib.loads(path.read_text(encoding="utf-8")).get(target, [])
    return Reasons(
        Reason(target, table["unit"], test, table["reason"].strip()) for table in tables for test in table["tests"]
    )
