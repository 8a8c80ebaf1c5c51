"""Load by ``redis-benchmark``, which is not our program and runs in a process of its own."""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.servers import Server, ServerError

DEADLINE: Final = 120.0
"""Seconds after which a run is given up."""


@dataclass(frozen=True)
class Workload:
    """One kind of request. *requests* is how many of them one round makes."""

    name: str
    arguments: tuple[str, ...]
    """Of redis-benchmark: a test of its own by ``-t``, or the words of a command."""
    requests: int
    clients: int = 50
    pipeline: int = 1
    prepare: tuple[tuple[str, ...], ...] = ()
    """Commands that are sent before."""


def find_benchmark() -> Path:
    """The program. Raises :class:`ServerError` where there is none."""
    found = shutil.which("redis-benchmark") or shutil.which("valkey-benchmark")
    if found is None:
        raise ServerError("redis-benchmark was not found (Debian has it in redis-tools)")
    return Path(found)


def requests_per_second(program: Path, server: Server, workload: Workload, *, scale: float = 1.0) -> float:
    """Run *workload* once. *scale* is for fewer requests than it asks for. Raises :class:`ServerError` if it fails."""
    requests = max(int(workload.requests * scale), workload.clients * workload.pipeline)
    line = [str(program), "-h", server.host, "-p", str(server.port), "--csv", "-n", str(requests)]
    line += ["-c", str(workload.clients), "-P", str(workload.pipeline), *workload.arguments]
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=DEADLINE, check=False)
    except subprocess.TimeoutExpired:
        raise ServerError(f"{server.name} did not come to an end within {DEADLINE:.0f} s: {' '.join(line)}") from None
    rates = list(_rates(done.stdout.splitlines()))
    if done.returncode or not rates:
        raise ServerError(f"{' '.join(line)} failed: {(done.stderr or done.stdout).strip()[-500:]}")
    return rates[-1]


def _rates(lines: Sequence[str]) -> list[float]:
    """The requests per second of each line of a CSV, whose first one may or may not name the columns."""
    rates = []
    for row in csv.reader(lines):
        try:
            rates.append(float(row[1]))
        except (IndexError, ValueError):
            continue
    return rates
