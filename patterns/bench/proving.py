"""The proofs, run at length, and their verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from patterns import Counts
from patterns.bench.proofs import limiters, locks, queue
from patterns.bench.proofs.limit_models import MODELS
from patterns.bench.verdicts import Verdict


@dataclass(frozen=True)
class Length:
    """How long the proofs are."""

    hits: int
    """Of each of a hundred clients."""
    jobs: int
    kills: int
    schedules: int


USUAL: Final = Length(hits=30, jobs=2000, kills=200, schedules=1000)
SHORT: Final = Length(hits=5, jobs=300, kills=30, schedules=100)
LONG: Final = Length(hits=200, jobs=20_000, kills=2000, schedules=10_000)


def of_limiters(url: str, length: Length) -> list[Verdict]:
    """Every strategy, under a hundred clients at once."""
    found = []
    for strategy in MODELS:
        seen = limiters.run(url, strategy, hits=length.hits)
        told = f"{seen.differing} of {seen.decisions:,} differ, {seen.admitted:,} admitted, {seen.immortal} without TTL"
        trips = seen.round_trips / seen.decisions
        found.append(
            Verdict(
                f"{strategy}: 100 clients at once",
                "0 differ from the exact model, 0 without TTL, 1 round trip",
                f"{told}, {trips:g} round trip",
                seen.differing == seen.immortal == 0 and seen.round_trips == seen.decisions,
            )
        )
    return found


def of_queue(url: str, length: Length) -> list[Verdict]:
    """Workers killed with -9."""
    seen = queue.run(url, jobs=length.jobs, kills=length.kills)
    left = "nothing" if seen.left == Counts(0, 0, 0, 0) else seen.left
    return [
        Verdict(
            f"queue: {seen.workers} workers, {seen.kills} killed with -9",
            "0 lost, no more repeated than killed, nothing left",
            f"{seen.lost} of {seen.jobs:,} lost, {seen.repeated} repeated, {left} left",
            seen.lost == 0 and seen.repeated <= seen.kills and seen.left == Counts(0, 0, 0, 0),
        )
    ]


def of_locks(url: str, length: Length) -> list[Verdict]:
    """Rivals under a clock that is moved; it needs no server."""
    seen = locks.run(length.schedules)
    told = f"{len(seen.broken)} broken; {seen.actions:,} actions, taken {seen.taken:,} times"
    return [
        Verdict(
            f"lock: {seen.schedules:,} schedules of kills, renewals, lost replies and expiries",
            "never two holders, fences that only rise",
            "; ".join((told, *seen.broken[:3])),
            not seen.broken,
        )
    ]
