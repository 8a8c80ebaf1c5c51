"""A stampede: two processes with 500 tasks or threads each want the same cold key, whose loader takes 200 ms."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any, Final

import redis

from conformance.speed.figures import Figures, Ratio
from patterns.bench.counting import total
from patterns.bench.stampede_crowd import TASKS, THREADS
from patterns.bench.verdicts import Verdict, at_most, exactly

log = logging.getLogger("patterns.bench")

PROCESSES: Final = 2
COUNT: Final = 500
LOADER: Final = 0.2
"""Seconds that the loader takes."""

PART: Final = "stampede"
LOADS: Final = "loads"
COMMANDS: Final = "commands on the server"
WALL: Final = "wall, ms"
OURS: Final = "patterns"

ALLOWED_COMMANDS: Final = 20
ALLOWED_MS: Final = 50
"""How much longer than the loader all of it may take."""


class StampedeError(Exception):
    """Somebody's tasks or threads failed."""


def one(url: str, client: redis.Redis, contender: str, count: int = COUNT) -> dict[str, float]:
    """One stampede of *contender* on an emptied server: loads, commands, milliseconds from the first call to the last
    answer. Raises :class:`StampedeError` if it does not come to its end."""
    client.flushdb()
    line = [sys.executable, "-m", "patterns.bench.stampede_crowd", url, contender, str(count), str(LOADER)]
    crowds = [
        subprocess.Popen(line, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(PROCESSES)
    ]
    try:
        for crowd in crowds:
            if _line(crowd, contender) != "ready":
                raise StampedeError(f"{contender} did not get ready")
        before = total(client)
        for crowd in crowds:
            assert crowd.stdin is not None
            crowd.stdin.write("go\n")
            crowd.stdin.flush()
        told: list[dict[str, Any]] = [json.loads(_line(crowd, contender)) for crowd in crowds]
        after = total(client)
    finally:
        for crowd in crowds:
            crowd.kill()
            crowd.communicate()
    wall = max(each["ended"] for each in told) - min(each["began"] for each in told)
    return {LOADS: sum(each["loads"] for each in told), COMMANDS: after - before, WALL: wall * 1000}


def _line(crowd: subprocess.Popen[str], contender: str) -> str:
    assert crowd.stdout is not None
    line = crowd.stdout.readline().strip()
    if not line:
        raise StampedeError(f"a process of {contender} ended before it had said anything")
    return line


def race(url: str, figures: Figures, rounds: int) -> None:
    """So many rounds of all contenders."""
    figures.units[PART] = f"{PROCESSES} processes × {COUNT}, a loader of {LOADER * 1000:.0f} ms"
    with redis.Redis.from_url(url) as client:
        for _ in range(rounds):
            for contender in (*TASKS, *THREADS):
                try:
                    told = one(url, client, contender)
                except StampedeError as error:
                    if contender.startswith(OURS):
                        raise
                    log.warning("%s", error)
                    continue
                for workload, value in told.items():
                    figures.add(PART, workload, contender, value)


def verdicts(figures: Figures) -> list[Verdict]:
    """One load, few commands, hardly longer than the loader."""
    wall = figures.spread((PART, WALL, OURS))
    limit = LOADER * 1000 + ALLOWED_MS
    return [
        exactly("stampede: loads", 1, figures.spread((PART, LOADS, OURS))),
        _each_at_most("stampede: commands on the server", ALLOWED_COMMANDS, figures.spread((PART, COMMANDS, OURS))),
        at_most("stampede: wall", limit, wall, " ms"),
        exactly("stampede in threads: loads", 1, figures.spread((PART, LOADS, "patterns, threads"))),
    ]


def _each_at_most(promise: str, limit: int, seen: Ratio | None) -> Verdict:
    if seen is None:
        return Verdict(promise, f"≤ {limit}", "not measured", False)
    return Verdict(promise, f"≤ {limit}", str(seen), seen.largest <= limit)
