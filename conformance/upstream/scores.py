"""The target's outcomes beside the reference's: what counts, what is missing, and what is said of it.

The reference decides what counts: a test that a real server does not pass in the same mode says nothing about the
target, whatever the target does with it. A name that several tests share passes as often as on the reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from conformance.results import Case, Kind, Party, Results, Verdict
from conformance.upstream.known import Reasons
from conformance.upstream.runner import UnitResult


@dataclass(frozen=True)
class Missing:
    """A test that the reference passes and the target does not."""

    unit: str
    test: str
    error: str
    """What the suite said of it."""
    reason: str = ""
    """Why that is so, where somebody has written it down."""

    @property
    def explained(self) -> bool:
        """Whether there is a reason."""
        return bool(self.reason)


@dataclass
class UnitScore:
    """One unit, both sides."""

    unit: str
    reference: UnitResult
    target: UnitResult
    reasons: Reasons = field(default_factory=Reasons)

    @property
    def counted(self) -> list[str]:
        """The tests that count, by name, in the order of the suite."""
        return list(self.reference.passed)

    def passes(self, test: str) -> bool:
        """Whether the target passes *test* as often as the reference does."""
        return test not in self.target.failed and self.target.passed[test] >= self.reference.passed[test]

    @property
    def right(self) -> int:
        """How many of those that count the target passes."""
        return sum(map(self.passes, self.counted))

    def missing(self) -> list[Missing]:
        """The tests that the target lacks."""
        return [
            Missing(self.unit, test, self._error(test), self.reasons.why(self.unit, test))
            for test in self.counted
            if not self.passes(test)
        ]

    def stale(self) -> list[str]:
        """The tests that pass, though there is a reason why they would not."""
        return [test for test in self.counted if self.passes(test) and self.reasons.why(self.unit, test)]

    def cases(self) -> Iterator[Case]:
        """Every test of the unit, for the reports."""
        missing = {lack.test: lack for lack in self.missing()}
        for test in self.counted:
            lack = missing.get(test)
            verdict = Verdict.DIFFERS if lack else Verdict.AGREES
            reason = "\n".join(filter(None, (lack.reason, lack.error))) if lack else ""
            yield Case(Kind.UPSTREAM, self.unit, test, verdict, reason=reason, source=self.unit)
        for test in self.reference.failed:
            reason = "the reference does not pass it"
            yield Case(Kind.UPSTREAM, self.unit, test, Verdict.SKIPPED, reason=reason, source=self.unit)

    def _error(self, test: str) -> str:
        said = self.target.failed.get(test)
        if said is not None:
            return said
        if self.target.incomplete:
            return f"never reached: {self.target.incomplete}"
        return f"passed {self.target.passed[test]} times of {self.reference.passed[test]}"


@dataclass
class Scores:
    """All units of a run."""

    source: str
    """The version of the suite."""
    reference: Party
    target: Party
    units: list[UnitScore] = field(default_factory=list)

    @property
    def counted(self) -> int:
        """How many tests count."""
        return sum(len(unit.counted) for unit in self.units)

    @property
    def right(self) -> int:
        """How many of these the target passes."""
        return sum(unit.right for unit in self.units)

    def missing(self) -> list[Missing]:
        """Everything that the target lacks."""
        return [lack for unit in self.units for lack in unit.missing()]

    def stale(self) -> list[tuple[str, str]]:
        """Unit and test of every reason that is none any more."""
        return [(unit.unit, test) for unit in self.units for test in unit.stale()]

    def results(self, started: datetime, seconds: float) -> Results:
        """The same for the reports of everything else: one case for each test."""
        cases = [case for unit in self.units for case in unit.cases()]
        notes = [f"Redis {self.source}'s own suite in external mode; what the reference does not pass is not asked"]
        return Results(self.reference, self.target, "", started, seconds, cases, notes=notes)

    @property
    def accounted_for(self) -> bool:
        """Whether something was asked, and everything that is missing has a reason that holds."""
        return self.counted > 0 and not self.stale() and all(lack.explained for lack in self.missing())

    def as_json(self) -> dict[str, object]:
        """The same as plain data."""
        return {
            "source": self.source,
            "reference": f"{self.reference.name} {self.reference.version}".strip(),
            "target": self.target.name,
            "counted": self.counted,
            "right": self.right,
            "percent": percent(self.right, self.counted),
            "units": [
                {
                    "unit": unit.unit,
                    "counted": len(unit.counted),
                    "right": unit.right,
                    "percent": percent(unit.right, len(unit.counted)),
                    "unjudged": unit.target.unjudged,
                    "missing": [
                        {"test": lack.test, "reason": lack.reason or None, "error": lack.error}
                        for lack in unit.missing()
                    ],
                    "stale": unit.stale(),
                }
                for unit in self.units
            ],
        }


def percent(part: int, whole: int) -> float:
    """*part* of *whole* in per cent, never rounded up; 0.0 where there is nothing."""
    return int(1000 * part / whole) / 10 if whole else 0.0
