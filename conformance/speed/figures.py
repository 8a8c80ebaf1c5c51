"""What was measured, and the ratios of it.

The rule of this file: a ratio is made of two values of one round, never of two medians.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final, Self

FORMAT: Final = 1
"""Of the JSON."""


@dataclass(frozen=True)
class Ratio:
    """One contender's value divided by another's: the median of the rounds, and the smallest and largest of them."""

    median: float
    smallest: float
    largest: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.smallest:.2f}–{self.largest:.2f})"


@dataclass
class Figures:
    """Values by part, workload and contender, one for each round, and the unit of each part's."""

    values: dict[tuple[str, str, str], list[float]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)

    def add(self, part: str, workload: str, contender: str, value: float) -> None:
        """Note the value of one round."""
        self.values.setdefault((part, workload, contender), []).append(value)

    def parts(self) -> list[str]:
        """The parts that were measured, in their order."""
        return list(dict.fromkeys(part for part, _, _ in self.values))

    def workloads(self, part: str) -> list[str]:
        """The workloads of a part."""
        return list(dict.fromkeys(workload for each, workload, _ in self.values if each == part))

    def contenders(self, part: str) -> list[str]:
        """Who took part in a part."""
        return list(dict.fromkeys(contender for each, _, contender in self.values if each == part))

    def median(self, part: str, workload: str, contender: str) -> float | None:
        """The median of the rounds; None if it was not measured."""
        values = self.values.get((part, workload, contender))
        return median(values) if values else None

    def ratio(self, part: str, workload: str, ours: str, theirs: str) -> Ratio | None:
        """*ours* divided by *theirs*, round by round; None if one of them was not measured."""
        return self.quotient((part, workload, ours), (part, workload, theirs))

    def quotient(self, upper: tuple[str, str, str], lower: tuple[str, str, str]) -> Ratio | None:
        """The values named by *upper*, divided round by round by those named by *lower*."""
        pairs = zip(self.values.get(upper, ()), self.values.get(lower, ()), strict=False)
        quotients = [above / below for above, below in pairs if below]
        return Ratio(median(quotients), min(quotients), max(quotients)) if quotients else None

    def spread(self, name: tuple[str, str, str]) -> Ratio | None:
        """The values named by *name* themselves."""
        values = self.values.get(name)
        return Ratio(median(values), min(values), max(values)) if values else None

    def as_json(self) -> dict[str, Any]:
        """For :meth:`from_json`."""
        return {"format": FORMAT, "units": self.units, "figures": list(self._rows())}

    def _rows(self) -> Iterator[dict[str, Any]]:
        for (part, workload, contender), values in self.values.items():
            yield {"part": part, "workload": workload, "contender": contender, "rounds": values}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """What :meth:`as_json` gave. Raises ``ValueError`` if it is of another format."""
        if data.get("format") != FORMAT:
            raise ValueError("this is no result of 'python -m conformance speed', or of another version of it")
        figures = cls(units=dict(data["units"]))
        for row in data["figures"]:
            figures.values[row["part"], row["workload"], row["contender"]] = list(row["rounds"])
        return figures
