"""Workers of a queue in processes of their own, killed with -9 wherever they happen to be."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import redis

from patterns import Counts, Queue
from patterns.bench.proofs.queue_workers import VISIBILITY

ROOT: Final = Path(__file__).parents[3]
PATIENCE: Final = 60.0
"""Seconds without any progress after which the rest counts as lost."""


@dataclass(frozen=True)
class Seen:
    """What one run showed."""

    jobs: int
    workers: int
    kills: int
    lost: int
    """Jobs that were never done."""
    repeated: int
    """Runs beyond the first of each job."""
    left: Counts
    """What the queue holds at the end."""


class Workers:
    """The processes."""

    def __init__(self, launcher: subprocess.Popen[str], count: int) -> None:
        self._launcher = launcher
        self.pids = [self._start() for _ in range(count)]

    def _start(self) -> int:
        assert self._launcher.stdin is not None
        assert self._launcher.stdout is not None
        self._launcher.stdin.write("one more\n")
        self._launcher.stdin.flush()
        return int(self._launcher.stdout.readline())

    def stop_one_at_work(self, client: redis.Redis, chance: random.Random) -> int | None:
        """Stop a worker that has a job in hand, and so still has it when it is killed; None if none has one now."""
        busy = {int(pid) for pid in client.smembers("busy")}.intersection(self.pids)
        for pid in chance.sample(sorted(busy), len(busy)):
            os.kill(pid, signal.SIGSTOP)
            if client.sismember("busy", str(pid)):
                return pid
            os.kill(pid, signal.SIGCONT)
        return None

    def kill(self, pid: int) -> None:
        """Kill one, and start another in its place."""
        os.kill(pid, signal.SIGKILL)
        self.pids[self.pids.index(pid)] = self._start()


@contextmanager
def workers(url: str, count: int) -> Iterator[Workers]:
    """So many, for the length of the block."""
    command = [sys.executable, "-m", "patterns.bench.proofs.queue_workers", url]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as launcher:
        yield Workers(launcher, count)
        launcher.communicate()


def run(url: str, *, jobs: int = 600, count: int = 20, kills: int = 60, seed: int = 7) -> Seen:
    """So many jobs for so many workers, of which *kills* are killed: every other one wherever it is, the others at
    their work. The database is emptied."""
    chance = random.Random(seed)
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        queue = Queue(client, "q", visibility=VISIBILITY)
        for job in range(jobs):
            queue.put(job, id=str(job))
        with workers(url, count) as at_work:
            for kill in range(kills):
                _until(client, partial(_have_run, client, kill * jobs // kills))
                victim = at_work.stop_one_at_work(client, chance) if kill % 2 else None
                at_work.kill(victim or chance.choice(at_work.pids))
            _until(client, lambda: client.scard("done") == jobs and queue.counts() == Counts(0, 0, 0, 0))
        runs = Counter(int(each) for each in client.lrange("runs", 0, -1))
        lost = jobs - int(client.scard("done"))
        return Seen(jobs, count, kills, lost, sum(runs.values()) - len(runs), queue.counts())


def _have_run(client: redis.Redis, jobs: int) -> bool:
    return int(client.llen("runs")) >= jobs


def _until(client: redis.Redis, condition: Callable[[], bool]) -> None:
    """Until it is so, or nothing has happened for a while."""
    runs, since = -1, time.monotonic()
    while not condition():
        now = int(client.llen("runs"))
        if now != runs:
            runs, since = now, time.monotonic()
        elif time.monotonic() - since > PATIENCE:
            return
        time.sleep(0.002)
