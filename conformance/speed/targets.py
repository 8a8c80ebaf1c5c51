"""What miniredis wants to reach, as ratios, and whether it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from conformance.speed.contenders import ECHO, FAKEREDIS, FLOOR, MINIREDIS
from conformance.speed.figures import Figures, Ratio
from conformance.speed.growth import STRUCTURES
from conformance.speed.scripts import BY_A_CLIENT, COMMANDS, SCRIPTS
from conformance.speed.workloads import BESIDE_BLOCKED, BLOCKED

REAL: Final = "(real)"
"""Stands for the real server, whichever it is."""

GROSS: Final = 2
"""So many times worse than before is a regression that no busy machine explains, if it is so in every round."""


@dataclass(frozen=True)
class Target:
    """A ratio of miniredis to another, or of one workload to another, that should be at least or at most so large.

    Without another one (*theirs* is empty) it is the value itself, in the unit of its part.
    """

    part: str
    workloads: tuple[str, ...]
    theirs: str
    limit: float
    at_most: bool = False
    than: str = ""
    """The workload that those are compared with, if that is not the same of another contender."""

    def measured(self, figures: Figures, real: str) -> Iterator[tuple[str, Ratio]]:
        """Each workload that was measured, and its ratio."""
        theirs = real if self.theirs == REAL else self.theirs
        for workload in self.workloads or figures.workloads(self.part):
            ours = (self.part, workload, MINIREDIS)
            if theirs:
                ratio = figures.quotient(ours, (self.part, self.than or workload, theirs))
            else:
                ratio = figures.spread(ours)
            if ratio is not None:
                yield workload, ratio

    def is_reached(self, ratio: Ratio) -> bool:
        """Whether that is what is wanted."""
        return ratio.median <= self.limit if self.at_most else ratio.median >= self.limit

    def is_grossly_worse(self, ratio: Ratio, before: Ratio) -> bool:
        """Whether the best round is far worse than the median of *before*. Never said of what is no ratio to another:
        another machine explains all of that."""
        if not self.theirs:
            return False
        return ratio.smallest > before.median * GROSS if self.at_most else ratio.largest < before.median / GROSS

    def __str__(self) -> str:
        sign = "≤" if self.at_most else "≥"
        if not self.theirs:
            return f"{sign} {self.limit:g}"
        return f"{sign} {round(self.limit, 2):g} × {self.than or self.theirs}"


FAST: Final = ("GET", "SET", "INCR", "LPUSH", "RPOP", "SADD", "HSET", "ZADD", "MSET (10 keys)")

IN_PROCESS: Final = ("SET", "GET", "HSET", "ZADD", "INCR")

TARGETS: Final = (
    Target("unpipelined", FAST, ECHO, 0.75),
    Target("unpipelined", FAST, REAL, 0.85),
    Target("unpipelined", FAST, FAKEREDIS, 5),
    Target("pipelined", (), REAL, 0.4),
    Target("pipelined", (), FAKEREDIS, 200),
    Target("latency", (), REAL, 1 / 1.4),
    Target("ranges", (), REAL, 0.3),
    Target("large values", (), REAL, 0.5),
    *(Target("blocked", (BLOCKED % each.name,), MINIREDIS, 0.9, than=each.name) for each in BESIDE_BLOCKED),
    *(
        Target("growth", (f"{each.name} at 10⁶",), MINIREDIS, 1.5, at_most=True, than=f"{each.name} at 10³")
        for each in STRUCTURES
    ),
    Target("memory", ("bytes of a key at 10⁶",), REAL, 2.5, at_most=True),
    Target("memory", ("kB of an idle client",), "", 15, at_most=True),
    Target("memory", ("% of a processor for 5,000 idle clients",), "", 1, at_most=True),
    Target("stall", (), "", 20, at_most=True),
    Target("scripts", tuple(SCRIPTS), COMMANDS, 2, at_most=True),
    Target("scripts", tuple(BY_A_CLIENT % name for name in SCRIPTS), COMMANDS, 2, at_most=True),
    Target("scripts", tuple(BY_A_CLIENT % name for name in SCRIPTS), FAKEREDIS, 1, at_most=True),
    Target("scripts", ("300 lines compiled, ms",), "", 50, at_most=True),
    Target("computing", (), REAL, 40, at_most=True),
    Target("start", ("import, ms",), "", 60, at_most=True),
    Target("start", ("ready, ms",), "", 120, at_most=True),
    Target("start", ("engine, ms",), "", 0.5, at_most=True),
    Target("embedded", IN_PROCESS, FLOOR, 1.4, at_most=True),
    Target("embedded", IN_PROCESS, FAKEREDIS, 1 / 2, at_most=True),
    Target("embedded", ("100 commands in a pipeline",), FAKEREDIS, 1 / 4, at_most=True),
    Target("embedded", ("import beside redis-py, ms",), "", 30, at_most=True),
    Target("embedded", ("a fresh server, ms",), "", 1, at_most=True),
)
