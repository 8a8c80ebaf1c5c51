"""Write-behind: a crash at any point loses no accepted write, and the writes of a key come in order."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.servers import Server
from patterns import MISSING, Cache, Write, WriteBehind, aio
from tests.patterns.conftest import Stage
from tests.patterns.interleaving import Play

LOCK = "behind:{default}:worker"


class Database:
    """What was written, in order."""

    def __init__(self) -> None:
        self.log: list[Write] = []
        self.batches: list[int] = []
        self.refuses: set[str] = set()

    def write(self, writes: Sequence[Write]) -> None:
        refused = [write.key for write in writes if write.key in self.refuses]
        if refused:
            raise ValueError(f"refused: {refused}")
        self.log += writes
        self.batches.append(len(writes))

    @property
    def rows(self) -> dict[str, Any]:
        return {write.key: write.value for write in self.log}


def test_a_write_is_cached_at_once_and_written_later(stage: Stage) -> None:
    cache, database = Cache(stage.client), Database()
    behind = WriteBehind(cache, database.write)
    behind.put("k", "value")
    assert cache.get("k") == "value"
    assert (database.log, behind.pending()) == ([], 1)
    assert behind.drain() == 1
    assert (database.rows, behind.pending()) == ({"k": "value"}, 0)


def test_a_batch_has_the_last_value_of_each_key(stage: Stage) -> None:
    database = Database()
    behind = WriteBehind(Cache(stage.client), database.write, batch=10)
    versions = [behind.put("ab"[number % 2], number) for number in range(25)]
    assert versions == sorted(set(versions))
    assert behind.drain() == 25
    assert database.batches == [2, 2, 2]
    assert [(write.key, write.value) for write in database.log] == [
        ("a", 8), ("b", 9), ("a", 18), ("b", 19), ("a", 24), ("b", 23),
    ]  # fmt: skip


def test_what_fails_again_and_again_becomes_a_dead_letter_and_holds_up_nobody_for_ever(stage: Stage) -> None:
    database = Database()
    database.refuses = {"bad"}
    behind = WriteBehind(Cache(stage.client), database.write, max_attempts=2, lock=0.5)
    for key in ("good", "bad", "better"):
        behind.put(key, 1)
    assert behind.drain() == 3
    assert database.rows == {"good": 1, "better": 1}
    ((key, value, reason),) = behind.dead()
    assert (key, value) == ("bad", 1)
    assert "refused" in reason


def test_what_cannot_be_read_becomes_a_dead_letter(stage: Stage) -> None:
    behind = WriteBehind(Cache(stage.client), Database().write)
    stage.client.xadd("behind:{default}", {"key": "k", "value": b"\xff"})
    stage.client.xadd("behind:{default}", {"key": "k", "value": b"{"})
    behind.drain()
    assert [letter[:2] for letter in behind.dead()] == [("k", b"\xff"), ("k", b"{")]


def test_the_cached_version_never_goes_down(stage: Stage) -> None:
    cache = Cache(stage.client)
    behind = WriteBehind(cache, Database().write)
    older = Play(stage.client, WriteBehind.put.steps(behind, "k", "older"))  # type: ignore[attr-defined]
    older.step()  # it is accepted, but not shown yet
    behind.put("k", "newer")
    while not older.ended:
        older.step()
    assert cache.get("k") == "newer"
    behind.drain()
    assert cache.get("k") == "newer"


def test_one_worker_at_a_time_is_at_work(stage: Stage) -> None:
    cache, database = Cache(stage.client), Database()
    behind, other = WriteBehind(cache, database.write), WriteBehind(cache, database.write)
    behind.put("k", 1)
    stage.client.set(LOCK, "somebody", px=60_000)
    play = Play(stage.client, WriteBehind.drain.steps(other))  # type: ignore[attr-defined]
    play.step()
    play.step()
    assert database.log == []
    stage.client.delete(LOCK)
    assert behind.drain() == 1
    assert stage.client.get(LOCK) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    actions=st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.sampled_from("ab")),
            st.tuples(st.just("half put"), st.integers(1, 3)),
            st.tuples(st.just("work"), st.integers(1, 8)),
            st.tuples(st.just("crash"), st.just(0)),
        ),
        max_size=30,
    ),
    batch=st.integers(1, 4),
)
def test_a_crash_at_any_point_loses_no_accepted_write(stage: Stage, actions: list[tuple[str, Any]], batch: int) -> None:
    stage.empty()
    cache, database = Cache(stage.client), Database()
    accepted: list[tuple[str, int]] = []

    def behind() -> WriteBehind:
        return WriteBehind(Cache(stage.client), database.write, batch=batch)

    def run_of(pattern: WriteBehind) -> Play:
        return Play(stage.client, WriteBehind.drain.steps(pattern))  # type: ignore[attr-defined]

    worker = run_of(behind())
    crashed = []  # kept: a crashed process does not clean up
    for number, (action, argument) in enumerate(actions):
        if action == "put":
            behind().put(argument, number)
            accepted.append((argument, number))
        elif action == "half put":
            play = Play(stage.client, WriteBehind.put.steps(behind(), "a", number))  # type: ignore[attr-defined]
            before = stage.client.xlen("behind:{default}")
            for _ in range(argument):
                play.step()
            crashed.append(play)
            if stage.client.xlen("behind:{default}") > before:
                accepted.append(("a", number))
        elif action == "work":
            for _ in range(argument):
                worker.step()
            if worker.ended:
                worker = run_of(behind())
        else:
            crashed.append(worker)
            stage.client.delete(LOCK)  # as it expires
            worker = run_of(behind())
    while not worker.ended:
        worker.step()
    assert worker.error is None
    behind().drain()
    expected = dict(accepted)
    assert database.rows == expected
    for key in "ab":
        versions = [write.version for write in database.log if write.key == key]
        assert versions == sorted(versions)
        # Healed by the worker, even where the one who put it crashed before it was cached.
        assert cache.get(key) == expected.get(key, MISSING)
    assert {write.value for write in database.log} <= {number for _, number in accepted}


def test_workers_that_are_killed_lose_no_accepted_write(redis_server: Server, tmp_path: Path) -> None:
    """Six workers, killed with -9 at moments that a seed chooses, the last when there is nothing left to do."""
    url, database, chance = f"redis://127.0.0.1:{redis_server.port}/0", tmp_path / "database", random.Random(7)
    database.touch()

    def lines() -> list[list[Any]]:
        # Without what is just being written.
        return [json.loads(line) for line in database.read_text().splitlines(keepends=True) if line.endswith("\n")]

    with redis.Redis.from_url(url) as client:
        client.flushall()
        behind = WriteBehind(Cache(client), lambda writes: None)
        accepted: dict[str, int] = {}
        for round in range(6):
            worker = subprocess.Popen([sys.executable, "-m", "tests.patterns.behind_worker", url, str(database)])
            try:
                for number in range(40):
                    key = f"key {chance.randrange(7)}"
                    behind.put(key, 100 * round + number)
                    accepted[key] = 100 * round + number
                enough = len(lines()) + chance.randrange(1, 30)
                while len(lines()) < enough and behind.pending():
                    time.sleep(0.005)
                if round == 5:
                    while behind.pending():
                        time.sleep(0.005)
            finally:
                worker.kill()
                worker.wait()
    written = lines()
    for key, value in accepted.items():
        versions = [version for name, _, version in written if name == key]
        assert versions == sorted(versions)
        assert [last for name, last, _ in written if name == key][-1] == value


async def test_asyncio_runs_until_it_is_told_to_stop(stage: Stage) -> None:
    done = asyncio.Event()
    rows: dict[str, Any] = {}

    async def writer(writes: Sequence[Write]) -> None:
        rows.update({write.key: write.value for write in writes})
        if "last" in rows:
            done.set()

    async with stage.new_async_client() as client:
        cache = aio.Cache(client)
        behind = aio.WriteBehind(cache, writer)
        running = asyncio.create_task(behind.run())
        await behind.put("k", 1)
        await behind.put("last", 2)
        await asyncio.wait_for(done.wait(), 10)
        behind.stop()
        if stage.mini is not None:
            stage.mini.clock.resume()
        await asyncio.wait_for(running, 10)
        assert rows == {"k": 1, "last": 2}
        assert await behind.pending() == 0
