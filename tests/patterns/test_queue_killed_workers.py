"""Twenty workers in processes of their own, killed with -9 wherever they happen to be: no job is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from patterns import Counts, Queue
from tests.patterns.conftest import Stage
from tests.patterns.queue_workers import VISIBILITY
from tests.patterns.waiting import until

JOBS = 600
WORKERS = 20
KILLS = 60


class Workers:
    """The processes."""

    def __init__(self, launcher: subprocess.Popen[str]) -> None:
        self.launcher = launcher
        self.pids = [self.start() for _ in range(WORKERS)]

    def start(self) -> int:
        assert self.launcher.stdin is not None
        assert self.launcher.stdout is not None
        self.launcher.stdin.write("one more\n")
        self.launcher.stdin.flush()
        return int(self.launcher.stdout.readline())

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
        os.kill(pid, signal.SIGKILL)
        self.pids[self.pids.index(pid)] = self.start()


@pytest.fixture
def workers(stage: Stage) -> Iterator[Workers]:
    if stage.mini is not None:
        stage.mini.clock.resume()
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.patterns.queue_workers", stage.url]
    with subprocess.Popen(command, cwd=root, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as launcher:
        yield Workers(launcher)
        launcher.communicate()
    assert launcher.returncode == 0


def test_no_job_is_lost_when_workers_are_killed(stage: Stage, workers: Workers) -> None:
    client, queue, chance = stage.client, Queue(stage.client, "q", visibility=VISIBILITY), random.Random(7)
    for job in range(JOBS):
        queue.put(job, id=str(job))
    for kill in range(KILLS):
        until(lambda kill=kill: client.llen("runs") >= kill * JOBS // KILLS)
        # Every other one wherever it is, the others at their work.
        at_work = workers.stop_one_at_work(client, chance) if kill % 2 else None
        workers.kill(at_work or chance.choice(workers.pids))
    until(lambda: client.scard("done") == JOBS and queue.counts() == Counts(0, 0, 0, 0))
    runs = Counter(int(each) for each in client.lrange("runs", 0, -1))
    assert set(runs) == set(range(JOBS))
    # Twice only what a killed worker had in hand; and half of the kills are meant to hit such a one.
    assert 0 < sum(runs.values()) - JOBS <= KILLS
