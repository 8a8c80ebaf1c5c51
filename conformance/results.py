"""What a run found out, as plain data: everything that is measured ends up here, every report is made from it alone.

The rule of this file: nothing in it talks to a server, and nothing is a judgement made later. Whoever asks the target
something (a scenario, generated commands, the machine, a test of upstream's) hands in one :class:`Case`, verdict and
evidence included; :class:`Results` only adds up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """How a case ended."""

    AGREES = "agrees"
    """The target gave the reference's answers, to the byte, or others that the reference could have given as well."""
    DECLARED = "declared"
    """They differ, in nothing but what is declared to have changed between their two versions."""
    DIFFERS = "differs"
    SKIPPED = "skipped"
    """Not asked, for the reason given: nothing is known about it."""


class Kind(StrEnum):
    """The ways to ask."""

    SCENARIO = "scenario"
    COMMANDS = "commands"
    MACHINE = "machine"
    UPSTREAM = "upstream"

    @property
    def label(self) -> str:
        """As it heads a table."""
        return {
            Kind.SCENARIO: "scenarios",
            Kind.COMMANDS: "generated commands",
            Kind.MACHINE: "several connections",
            Kind.UPSTREAM: "upstream's tests",
        }[self]


@dataclass(frozen=True)
class Answer:
    """What one server did at one step: as redis-cli shows it, and the bytes where it was a reply."""

    shown: str
    raw: bytes | None = None


@dataclass(frozen=True)
class Line:
    """One step of a transcript, with both answers. *declared*: the declared difference of versions it falls under."""

    command: str
    reference: Answer
    target: Answer
    agree: bool = True
    declared: str = ""

    @property
    def differs(self) -> bool:
        """Whether this is a difference that nothing explains."""
        return not self.agree and not self.declared


@dataclass(frozen=True)
class Case:
    """One thing that was asked of the target, and what came of it."""

    kind: Kind
    family: str
    title: str
    verdict: Verdict
    protocol: int = 2
    """2 or 3: the version of RESP."""
    steps: int = 0
    """Replies compared."""
    seconds: float = 0.0
    reason: str = ""
    """Why it was skipped; what is declared; for a test of upstream's that failed, what it said."""
    source: str = ""
    """Where it is written: ``conformance/scenarios/lists.scenarios:12``, or upstream's unit."""
    seed: str = ""
    """What brings the same generated commands again."""
    transcript: tuple[Line, ...] = ()
    """The course of it, if it did not simply agree: shrunk to what matters."""
    dataset: tuple[str, ...] = ()
    """How the two datasets (notifications, counted changes) differ afterwards."""
    asked: Counter[str] = field(default_factory=Counter)
    """Command (``SET``, ``CONFIG GET``) → how many replies to it were compared."""
    differed: Counter[str] = field(default_factory=Counter)
    """Command → how many of these replies differed, undeclared."""

    @property
    def name(self) -> str:
        """The case as ``-k`` and reports name it."""
        return f"{self.family}: {self.title}" + (f" (seed {self.seed})" if self.seed else "")


@dataclass(frozen=True)
class Party:
    """A server that took part. *version* is what it says itself; *address* is how it was reached or started."""

    name: str
    version: str = ""
    address: str = ""


@dataclass
class Tally:
    """How many cases ended in which way, and how many replies were compared."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    steps: int = 0

    def count(self, case: Case) -> None:
        """Take in one more case."""
        self.verdicts[case.verdict] += 1
        self.steps += case.steps

    @property
    def asked(self) -> int:
        """How many cases were not skipped."""
        return self.verdicts.total() - self.verdicts[Verdict.SKIPPED]

    @property
    def right(self) -> int:
        """How many cases agreed, or differed only as declared."""
        return self.verdicts[Verdict.AGREES] + self.verdicts[Verdict.DECLARED]

    @property
    def percent(self) -> float:
        """How many per cent of what was asked is right; never rounded up to 100. 0.0 where nothing was asked."""
        if not self.asked:
            return 0.0
        return int(1000 * self.right / self.asked) / 10


@dataclass
class Results:
    """Everything that a run found out about a target."""

    reference: Party
    target: Party
    seed: str
    started: datetime
    """In UTC."""
    seconds: float = 0.0
    cases: list[Case] = field(default_factory=list)
    vocabulary: dict[str, str] = field(default_factory=dict)
    """Every command that there is to ask about (``SET``, ``CONFIG GET``) → Redis's group for it."""
    notes: list[str] = field(default_factory=list)
    """What a reader has to know to judge the figures: what a server refuses, and so was not asked."""
    ended_early: str = ""
    """Why not everything was asked that should have been; empty if it was."""

    def tally(self) -> Tally:
        """Of all cases."""
        total = Tally()
        for case in self.cases:
            total.count(case)
        return total

    def families(self) -> dict[tuple[Kind, str], dict[int, Tally]]:
        """Kind and family → protocol → tally, in the order in which they were first asked."""
        table: dict[tuple[Kind, str], dict[int, Tally]] = {}
        for case in self.cases:
            table.setdefault((case.kind, case.family), {}).setdefault(case.protocol, Tally()).count(case)
        return table

    def commands(self) -> dict[str, tuple[int, int]]:
        """Command → how many of its replies were compared, and how many of them differed; by name."""
        asked, differed = Counter[str](), Counter[str]()
        for case in self.cases:
            asked += case.asked
            differed += case.differed
        return {name: (asked[name], differed[name]) for name in sorted(asked | differed)}

    def failures(self) -> Iterator[Case]:
        """The cases that differ."""
        return (case for case in self.cases if case.verdict is Verdict.DIFFERS)

    @property
    def agree(self) -> bool:
        """Whether something was asked and nothing differs undeclared: a run that asks nothing proves nothing."""
        return self.tally().asked > 0 and not any(self.failures())


class MixedError(ValueError):
    """Results about different targets, which no report can hold."""


def together(parts: list[Results]) -> Results:
    """The results of several runs about one target as those of one. Raises :class:`MixedError` if they have several.

    What they tell of themselves (reference, seed, start) is the first one's.
    """
    first, *others = parts
    for other in others:
        if (other.target.name, other.target.version) != (first.target.name, first.target.version):
            raise MixedError(f"{first.target.name} and {other.target.name} are different targets")
    return Results(
        first.reference,
        first.target,
        first.seed,
        min(part.started for part in parts),
        sum(part.seconds for part in parts),
        [case for part in parts for case in part.cases],
        {name: group for part in parts for name, group in part.vocabulary.items()},
        list(dict.fromkeys(note for part in parts for note in part.notes)),
        next((part.ended_early for part in parts if part.ended_early), ""),
    )
