"""Read-write locks: never a writer beside anybody, nobody starves, and whoever can go is told."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from patterns import NotAcquiredError, RWLock, RWLockSide, aio
from patterns.bench.proofs.lost_replies import LosesReplies
from patterns.lease import Answer
from patterns.rwlock import PARTS, PATIENCE_MS
from patterns.steps import run
from tests.patterns.conftest import Stage
from tests.patterns.given_time import GivenTime
from tests.patterns.waiting import blocked, until, until_async

NOON = 1_800_014_400_000
TTL = 1000
"""Milliseconds that a lease lasts in the schedules."""

KEYS = ["rwlock:{l}" + (f":{part}" if part else "") for part in PARTS]
NEWS, WAKE, FENCE = KEYS[4:]


@dataclass
class Waiter:
    """One who was refused, and looks again."""

    answer: Answer
    until: int
    """When it counts as gone unless it has looked again."""
    promised: bool = False


class Process:
    """A process that reads or writes. It has a token as long as it holds the lock or waits for it."""

    def __init__(self, client: Any, kind: str) -> None:
        self.kind = kind
        self.client = LosesReplies(client)
        self.lock = RWLock(self.client, "l", ttl=TTL / 1000, renew=False)
        self.side: RWLockSide = getattr(self.lock, kind)
        self.token: str | None = None


class Rivals:
    """Processes that want one lock, and the model: leases by token and when they end, and those who wait."""

    def __init__(self, stage: Stage) -> None:
        stage.empty()
        self.stage = stage
        self.now = NOON
        self.given = None if stage.mini is not None else GivenTime(stage.client, 0)
        self.processes = [Process(self.given or stage.client, kind) for kind in ("read", "write") * 2]
        self.holders: dict[str, int] = {}
        self.waiters: dict[str, Waiter] = {}
        self.last_fence = 0
        self.set_time()

    def set_time(self) -> None:
        if self.given is not None:
            self.given.now = self.now * 1000
        else:
            assert self.stage.mini is not None
            self.stage.mini.clock.set(self.now / 1000)
        writer_held = self.writer_holds()
        self.holders = {token: end for token, end in self.holders.items() if end > self.now}
        self.waiters = {token: waiter for token, waiter in self.waiters.items() if waiter.until > self.now}
        if writer_held and not self.holders:
            self.writer_left()

    def writer_holds(self) -> bool:
        return any(token.startswith("w") for token in self.holders)

    def writer_left(self) -> None:
        for token, waiter in self.waiters.items():
            waiter.promised = token.startswith("r")

    def can_go(self, token: str) -> bool:
        others = {other: waiter for other, waiter in self.waiters.items() if other != token}
        if token in self.holders:
            return True
        if token.startswith("w"):
            return not self.holders and not any(waiter.promised for waiter in others.values())
        promised = token in self.waiters and self.waiters[token].promised
        return not self.writer_holds() and (promised or not any(other.startswith("w") for other in others))

    def look(self, process: Process, waits: bool) -> None:
        if process.token in self.holders:
            return
        if process.token is None:
            process.token = process.side._new_token()
        token = process.token
        expected = self.can_go(token)
        answer = run(process.client, process.side._take(token, waits))
        assert answer.taken is expected
        if answer.taken:
            self.waiters.pop(token, None)
            self.holders[token] = self.now + TTL
            assert not self.writer_holds() or len(self.holders) == 1
            if process.kind == "write":
                assert answer.fence is not None
                assert answer.fence > self.last_fence
                self.last_fence = answer.fence
        elif waits:
            assert answer.left > 0
            promised = token in self.waiters and self.waiters[token].promised
            self.waiters[token] = Waiter(answer, self.now + PATIENCE_MS, promised)
        elif token not in self.waiters:
            process.token = None

    def wake(self, process: Process) -> None:
        """It takes what wakes a writer, and looks."""
        if process.kind == "write" and process.token in self.waiters:
            self.stage.client.lpop(WAKE)
            self.look(process, True)

    def extend(self, process: Process) -> None:
        if process.token is not None:
            extended = bool(run(process.client, process.side._extend(process.token, TTL)))
            assert extended is (process.token in self.holders)
            if extended:
                self.holders[process.token] = self.now + TTL

    def release(self, process: Process) -> None:
        """Give back, or give up."""
        token, process.token = process.token, None
        if token is not None:
            # Asked again it says that there is nothing to release, which by then is true.
            loses_reply = bool(process.client.losing)
            released = bool(run(process.client, process.side._release(token)))
            assert released is (token in self.holders and not loses_reply)
            self.waiters.pop(token, None)
            if self.holders.pop(token, None) is not None and token.startswith("w"):
                self.writer_left()

    def kill(self, process: Process) -> None:
        process.token = None

    def told(self, token: str) -> bool:
        if token.startswith("w"):
            return bool(self.stage.client.llen(WAKE))
        (last,) = self.stage.client.xrevrange(NEWS, count=1) or [(b"0-0", {})]
        return order(last[0]) > order(self.waiters[token].answer.news)

    def do(self, action: str, subject: int, flag: bool) -> None:
        if action == "pass":
            self.now += subject
            self.set_time()
        elif action == "evict":
            self.stage.client.delete(FENCE)
            self.now += 1  # no two moments are the same by its clock
            self.set_time()
        else:
            process = self.processes[subject]
            stuck = [token for token in self.waiters if not self.can_go(token)]
            if action == "look":
                self.look(process, flag)
            else:
                process.client.losing = int(flag)
                getattr(self, action)(process)
                process.client.losing = 0
            for token in stuck:
                assert token not in self.waiters or not self.can_go(token) or self.told(token)
        assert all(self.stage.client.pttl(each) != -1 for each in KEYS)


def order(id: bytes) -> tuple[int, int]:
    time, _, sequence = id.partition(b"-")
    return int(time), int(sequence or 0)


PROCESSES = st.integers(0, 3)
OFTEN = st.tuples(st.sampled_from(["look", "release", "release", "extend", "wake"]), PROCESSES, st.booleans())
LOOKS = st.tuples(st.just("look"), PROCESSES, st.just(True))
PASSES = st.tuples(st.just("pass"), st.sampled_from([1, 300, 999, 1000, 1001, 2999, 3000]), st.just(False))
SELDOM = st.tuples(st.sampled_from(["kill", "evict"]), PROCESSES, st.just(False))
ACTIONS = st.sampled_from([OFTEN] * 6 + [LOOKS] * 4 + [PASSES] * 2 + [SELDOM]).flatmap(lambda kind: kind)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
# The writer's lease ends unnoticed: the reader that waited goes before the next writer.
@example([("look", 1, True), ("look", 0, True), ("look", 3, True), ("pass", 1001, False), ("look", 3, True)])
# A writer gives up while a promise is open: who came after the promise can go as well, and is told.
@example(
    [*(("look", each, True) for each in (1, 0, 3)), ("release", 1, False), ("look", 2, True), ("release", 3, False)]
)
# The readers that waited when a writer left go before the next one.
@example([*(("look", each, True) for each in (1, 0, 3)), ("release", 1, False), ("look", 3, True), ("look", 0, True)])
@given(schedule=st.lists(ACTIONS, min_size=15, max_size=40))
def test_a_writer_is_alone_and_nobody_is_passed_over_or_forgotten(stage: Stage, schedule: list[Any]) -> None:
    rivals = Rivals(stage)
    for action in schedule:
        rivals.do(*action)


class Room:
    """Who is inside, and what is never to be seen there."""

    def __init__(self) -> None:
        self.readers = self.writers = self.most = 0
        self.mutex = threading.Lock()

    def enter(self, *, writes: bool) -> None:
        with self.mutex:
            assert not self.writers
            assert not (writes and self.readers)
            self.writers += writes
            self.readers += not writes
            self.most = max(self.most, self.readers)

    def leave(self, *, writes: bool) -> None:
        with self.mutex:
            self.writers -= writes
            self.readers -= not writes


def test_many_threads_read_and_write(stage: Stage) -> None:
    """miniredis' clock stands still meanwhile: no wait of theirs runs out, so each is woken by one before."""
    room, fences = Room(), []

    def work(number: int) -> None:
        lock = RWLock(stage.client, "l", wait=60)
        writes = number % 3 == 0
        with lock.write if writes else lock.read as lease:
            room.enter(writes=writes)
            stage.client.ping()
            fences.append(lease.fence)
            room.leave(writes=writes)

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(work, range(60)))
    written = [fence for fence in fences if fence is not None]
    assert len(written) == 20
    assert written == sorted(set(written))
    assert not stage.client.exists(*KEYS[:4])


async def test_many_tasks_read_and_write(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        room, lock = Room(), aio.RWLock(client, "l", wait=60)

        async def work(number: int) -> None:
            writes = number % 4 == 0
            async with lock.write if writes else lock.read:
                room.enter(writes=writes)
                await client.ping()
                room.leave(writes=writes)

        await asyncio.gather(*(work(number) for number in range(40)))
        assert room.most > 1


def test_readers_who_overlap_do_not_starve_a_writer_nor_writers_a_reader(stage: Stage) -> None:
    """Each leaves only when the next has come, so that there is never a moment without one inside."""
    lock = RWLock(stage.client, "l", wait=60)
    entered: list[str] = []

    def enter(side: RWLockSide, name: str) -> threading.Thread:
        waiting = blocked(stage.client)

        def work() -> None:
            with side:
                entered.append(name)

        thread = threading.Thread(target=work)
        thread.start()
        until(lambda: blocked(stage.client) > waiting)
        return thread

    reader = lock.read.acquire()
    assert reader is not None
    threads = [enter(lock.write, "writer"), *(enter(lock.read, "reader") for _ in range(3))]
    assert lock.read.acquire(wait=0) is None
    assert reader.release()
    for thread in threads:
        thread.join(20)
    assert entered == ["writer", "reader", "reader", "reader"]

    entered.clear()
    writer = lock.write.acquire()
    assert writer is not None
    threads = [
        enter(lock.write, "writer"),
        *(enter(lock.read, "reader") for _ in range(3)),
        enter(lock.write, "writer"),
    ]
    assert writer.release()
    for thread in threads:
        thread.join(20)
    assert entered == ["reader", "reader", "reader", "writer", "writer"]


def test_who_waits_does_not_poll(stage: Stage) -> None:
    lock = RWLock(stage.client, "l", wait=60)

    def work() -> None:
        with lock.read:
            pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    with lock.write:
        for thread in threads:
            thread.start()
        until(lambda: blocked(stage.client) == 4)
        before = stage.commands()
    for thread in threads:
        thread.join(20)
    assert stage.commands() - before < 5 * 35  # commands in scripts count too


def test_a_reader_that_gives_up_and_a_writer_that_gives_up_hold_nobody_up(stage: Stage) -> None:
    if stage.mini is not None:
        stage.mini.clock.resume()
    lock = RWLock(stage.client, "l")
    with lock.read:
        assert lock.write.acquire(wait=0) is None
        assert lock.write.acquire(wait=0.02) is None
        with lock.read:
            pass
        with pytest.raises(NotAcquiredError, match=r"within 0.01 seconds: RWLock\('l'\).write"):
            RWLock(stage.client, "l", wait=0.01).write.__enter__()
    with lock.write:
        assert lock.read.acquire(wait=0.02) is None
    with lock.write:
        pass


def test_a_writer_whose_first_answer_comes_too_late_holds_nobody_up(stage: Stage) -> None:
    class Slow(LosesReplies):
        def execute_command(self, *args: Any, **options: Any) -> Any:
            reply = super().execute_command(*args, **options)
            until(lambda: time.monotonic() > asked + 0.05)
            return reply

    with RWLock(stage.client, "l").read:
        asked = time.monotonic()
        assert RWLock(Slow(stage.client), "l").write.acquire(wait=0.05) is None
        assert not stage.client.exists(KEYS[1])
        lease = RWLock(stage.client, "l").read.acquire(wait=0)
        assert lease is not None
        lease.release()


def test_a_writer_whose_connection_breaks_while_it_waits_holds_nobody_up(stage: Stage) -> None:
    class Breaks(LosesReplies):
        def execute_command(self, *args: Any, **options: Any) -> Any:
            if args[0] == "BLPOP":
                raise redis.ConnectionError("it broke")
            return super().execute_command(*args, **options)

    with RWLock(stage.client, "l").read:
        with pytest.raises(redis.ConnectionError, match="it broke"):
            RWLock(Breaks(stage.client), "l").write.acquire(wait=60)
        until(lambda: not stage.client.exists(KEYS[1]))


async def test_who_is_cancelled_while_it_waits_holds_nobody_up(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        lock = aio.RWLock(client, "l", wait=60)
        async with lock.read:
            writing = asyncio.create_task(lock.write.acquire())
            await until_async(lambda: blocked(stage.client) == 1)
            reading = asyncio.create_task(lock.read.acquire())
            await until_async(lambda: blocked(stage.client) == 2)
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
            lease = await reading
            assert lease is not None
            assert await lease.release()


def test_a_lease_is_renewed_and_its_holder_told_when_it_is_lost(stage: Stage) -> None:
    if stage.mini is not None:
        stage.mini.clock.resume()
    lost: list[Any] = []
    told = threading.Event()

    def on_lost(lease: Any) -> None:
        lost.append(lease)
        told.set()

    lock = RWLock(stage.client, "l", ttl=0.6, on_lost=on_lost)
    for side, other in ((lock.read, lock.write), (lock.write, lock.read)):
        told.clear()
        with side as lease:
            assert other.acquire(wait=0.8) is None
            assert lease.held
            stage.client.delete(KEYS[0])
            assert told.wait(10)
            assert not lease.held
        assert lost.pop() is lease
        assert not lease.release()


def test_a_question_asked_again_gets_one_lease(stage: Stage) -> None:
    client = LosesReplies(stage.client)
    lock = RWLock(client, "l", renew=False, wait=0)
    for side in (lock.read, lock.write):
        client.losing = 1
        lease = side.acquire()
        assert lease is not None
        assert stage.client.zcard(KEYS[0]) == 1
        client.losing = 1
        assert lease.extend()
        assert lease.release()
        assert not stage.client.exists(KEYS[0])
