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
from patterns.bench.proofs.lost_replies import LosesReplies
from patterns.steps import Sleep, Step
from tests.patterns.conftest import Stage
from tests.patterns.interleaving import Play
from tests.patterns.waiting import cancelled, until_async

STREAM = "behind:{default}"
LOCK = f"{STREAM}:worker"


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

    def values(self, key: str) -> list[Any]:
        return [write.value for write in self.log if write.key == key]


def drain_of(behind: WriteBehind) -> Play:
    return Play(behind.client, WriteBehind.drain.steps(behind))  # type: ignore[attr-defined]


class Dozing(Play):
    """A worker that notes how long it would sleep."""

    def __init__(self, behind: WriteBehind) -> None:
        super().__init__(behind.client, WriteBehind.drain.steps(behind))  # type: ignore[attr-defined]
        self.pauses: list[float] = []
        while not self.ended:
            self.step()

    def _perform(self, step: Step) -> tuple[str, Any]:
        if isinstance(step, Sleep):
            self.pauses.append(step.seconds)
            return "send", None
        return super()._perform(step)


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
    stage.client.xadd(STREAM, {"key": "k", "value": b"\xff"})
    stage.client.xadd(STREAM, {"key": "k", "value": b"{"})
    behind.drain()
    assert [letter[:2] for letter in behind.dead()] == [("k", b"\xff"), ("k", b"{")]


def test_the_cached_version_never_goes_down(stage: Stage) -> None:
    cache = Cache(stage.client)
    behind = WriteBehind(cache, Database().write)
    older = Play(stage.client, WriteBehind.put.steps(behind, "k", "older"))  # type: ignore[attr-defined]
    while not behind.pending():
        older.step()
    # It is accepted, but not shown yet.
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
    play = drain_of(other)
    play.step()
    play.step()
    assert database.log == []
    stage.client.delete(LOCK)
    assert behind.drain() == 1
    assert stage.client.get(LOCK) is None


def test_each_call_is_a_worker_of_its_own(stage: Stage) -> None:
    database, others = Database(), []

    def write(writes: Sequence[Write]) -> None:
        if not others:
            others.append(drain_of(behind))
            behind.put("k", "second")
            lock = stage.client.get(LOCK)
            for _ in range(8):
                others[0].step()
            assert lock is not None
            assert stage.client.get(LOCK) == lock
        database.write(writes)

    behind = WriteBehind(Cache(stage.client), write)
    behind.put("k", "first")
    assert behind.drain() == 2
    while not others[0].ended:
        others[0].step()
    assert database.values("k") == ["first", "second"]


def test_who_finds_another_at_work_leaves_it_its_lock(stage: Stage) -> None:
    behind = WriteBehind(Cache(stage.client), Database().write)
    stage.client.set(LOCK, "somebody", px=60_000)
    assert behind.drain() == 0
    assert stage.client.get(LOCK) == b"somebody"


def test_a_worker_keeps_its_lock_however_many_writes_fail(fake: Stage) -> None:
    locks = set()

    def write(writes: Sequence[Write]) -> None:
        locks.add(fake.client.get(LOCK))
        fake.advance(9)
        raise TimeoutError

    behind = WriteBehind(Cache(fake.client), write, lock=10, max_attempts=1)
    for number in range(10):
        behind.put(f"key {number}", 1)
    assert behind.drain() == 10
    assert None not in locks
    assert len(locks) == 1


def test_a_worker_that_has_lost_its_lock_writes_nothing_more(stage: Stage) -> None:
    database, calls = Database(), []
    successor = WriteBehind(Cache(stage.client), database.write)

    def write(writes: Sequence[Write]) -> None:
        calls.append([write.key for write in writes])
        if len(calls) == 2:
            stage.client.delete(LOCK)  # as it expires
            successor.put("b", "new")
            successor.drain()
        raise ValueError

    behind = WriteBehind(Cache(stage.client), write)
    behind.put("a", "old")
    behind.put("b", "old")
    assert behind.drain() == 0
    assert calls == [["a", "b"], ["a"]]
    assert database.rows == {"a": "old", "b": "new"}


def test_a_writer_that_takes_longer_than_the_lock_holds_up_nobody_for_ever(fake: Stage) -> None:
    database, calls = Database(), []
    database.refuses = {"bad", "worse"}

    def write(writes: Sequence[Write]) -> None:
        calls.append(len(writes))
        assert len(calls) < 20, "it does not come to an end"
        fake.advance(11)
        database.write(writes)

    behind = WriteBehind(Cache(fake.client), write, lock=10, max_attempts=2)
    for key in ("bad", "good", "worse"):
        behind.put(key, 1)
    Dozing(behind)
    assert (database.rows, behind.pending()) == ({"good": 1}, 0)
    assert [letter[0] for letter in behind.dead()] == ["bad", "worse"]


def test_writes_outlast_an_outage_of_a_minute(stage: Stage) -> None:
    database = Database()
    database.refuses = {f"key {number}" for number in range(10)}
    behind = WriteBehind(Cache(stage.client), database.write)
    for key in database.refuses:
        behind.put(key, 1)
    pauses = Dozing(behind).pauses
    # One for all keys each time, and none in which the lock could run out.
    assert len(pauses) == 14
    assert max(pauses) <= 10
    assert sum(pauses) > 60
    assert len(behind.dead()) == 10


def test_dead_letters_are_accepted_again(stage: Stage) -> None:
    database = Database()
    database.refuses = {f"key {number}" for number in range(150)}
    behind = WriteBehind(Cache(stage.client), database.write, max_attempts=1)
    for key in database.refuses:
        behind.put(key, 1)
    behind.drain()
    assert len(behind.dead()) == 150
    database.refuses = set()
    assert behind.retry_dead() == 150
    assert behind.dead() == []
    assert behind.drain() == 150
    assert (len(database.rows), behind.retry_dead()) == (150, 0)


def test_a_write_whose_reply_is_lost_is_one_write(stage: Stage) -> None:
    database = Database()
    other = WriteBehind(Cache(stage.client), database.write, batch=1)
    client = LosesReplies(stage.client, lambda: other.put("k", "second"))
    behind = WriteBehind(Cache(client), database.write)
    behind.put("other", 1)  # its script is known from now on
    client.losing = 1
    behind.put("k", "first")
    assert other.drain() == 3
    assert database.values("k") == ["first", "second"]
    assert Cache(stage.client).get("k") == "second"


def test_what_somebody_else_put_into_the_stream_is_a_dead_letter_that_can_be_shown(stage: Stage) -> None:
    behind = WriteBehind(Cache(stage.client), Database().write)
    stage.client.xadd(STREAM, {"foreign": "entry"})
    stage.client.xadd(STREAM, {"key": b"\xff", "value": "1"})
    behind.drain()
    assert behind.dead() == [("", b"", "it cannot be read"), ("\\xff", 1, "it cannot be read")]


def test_it_runs_again_after_it_was_stopped(stage: Stage) -> None:
    database = Database()

    def write(writes: Sequence[Write]) -> None:
        database.write(writes)
        behind.stop()

    behind = WriteBehind(Cache(stage.client), write)
    for number in range(2):
        behind.put("k", number)
        behind.run()
        assert database.values("k") == list(range(number + 1))
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

    worker = drain_of(behind())
    crashed = []  # kept: a crashed process does not clean up
    for number, (action, argument) in enumerate(actions):
        if action == "put":
            behind().put(argument, number)
            accepted.append((argument, number))
        elif action == "half put":
            play = Play(stage.client, WriteBehind.put.steps(behind(), "a", number))  # type: ignore[attr-defined]
            before = stage.client.xlen(STREAM)
            for _ in range(argument):
                play.step()
            crashed.append(play)
            if stage.client.xlen(STREAM) > before:
                accepted.append(("a", number))
        elif action == "work":
            for _ in range(argument):
                worker.step()
            if worker.ended:
                worker = drain_of(behind())
        else:
            crashed.append(worker)
            stage.client.delete(LOCK)  # as it expires
            worker = drain_of(behind())
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


async def test_a_worker_that_is_cancelled_lets_another_begin(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        behind = aio.WriteBehind(aio.Cache(client), lambda writes: None)
        running = asyncio.create_task(behind.run())
        await until_async(lambda: stage.client.get(LOCK) is not None)
        await cancelled(running)
        await until_async(lambda: stage.client.get(LOCK) is None)


async def test_a_writer_that_is_cancelled_may_still_write_so_that_nobody_else_does(stage: Stage) -> None:
    begun = asyncio.Event()

    async def write(writes: Sequence[Write]) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with stage.new_async_client() as client:
        behind = aio.WriteBehind(aio.Cache(client), write)
        await behind.put("k", 1)
        running = asyncio.create_task(behind.run())
        await asyncio.wait_for(begun.wait(), 30)
        await cancelled(running)
        assert stage.client.get(LOCK) is not None
