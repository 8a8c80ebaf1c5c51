"""Verdicts: what was wanted, what was seen, and whether that is it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from conformance.speed.figures import Ratio


@dataclass(frozen=True)
class Verdict:
    """The outcome of one promise."""

    promise: str
    wanted: str
    seen: str
    kept: bool

    def as_json(self) -> dict[str, Any]:
        """For a report."""
        return asdict(self)


def at_most(promise: str, limit: float, seen: Ratio | None, unit: str = "") -> Verdict:
    """A verdict on the median of what was seen; without any measurement it was not kept."""
    wanted = f"≤ {limit:g}{unit}"
    if seen is None:
        return Verdict(promise, wanted, "not measured", False)
    return Verdict(promise, wanted, f"{seen}{unit}", seen.median <= limit)


def exactly(promise: str, wanted: float, seen: Ratio | None) -> Verdict:
    """A verdict on every round of what was seen."""
    if seen is None:
        return Verdict(promise, f"{wanted:g}", "not measured", False)
    return Verdict(promise, f"{wanted:g}", str(seen), seen.smallest == seen.largest == wanted)
