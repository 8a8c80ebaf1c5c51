"""Locks: never two holders, whoever dies, sleeps or asks again; and each holder's number is above the last one's."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from redis.backoff import NoBackoff
from redis.retry import Retry

from patterns import Lock, NotAcquiredError, RWLock, Semaphore, aio
from patterns.bench.proofs.locks import Rivals
from patterns.bench.proofs.lost_replies import LosesReplies
from patterns.lease import LeaseOperations
from tests.patterns.conftest import Stage
from tests.patterns.waiting import blocked, until, until_async

RIVALS = st.integers(0, 3)
ACTIONS = st.one_of(
    st.tuples(st.sampled_from(["acquire", "extend", "release"]), RIVALS, st.booleans()),
    st.tuples(st.sampled_from(["acquire and die", "kill", "write"]), RIVALS, st.just(False)),
    st.tuples(st.just("pass"), st.sampled_from([1, 300, 999, 1000, 1001, 1001]), st.just(False)),
    st.tuples(st.just("evict"), st.just(0), st.just(False)),
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example([("acquire", 0, True), ("release", 0, True), ("acquire", 1, False)])
@example([("acquire", 0, False), ("pass", 1001, False), ("acquire", 1, False), ("release", 0, False)])
@example([("acquire", 0, False), ("pass", 1001, False), ("acquire", 1, False), ("extend", 0, False)])
@given(schedule=st.lists(ACTIONS, min_size=20, max_size=40))
def test_no_two_hold_it_whatever_happens(fake: Stage, schedule: list[Any]) -> None:
    assert fake.mini is not None
    rivals = Rivals(fake.mini, fake.client)
    for action in schedule:
        rivals.do(*action)


REAL_ACTIONS = st.tuples(st.sampled_from(["acquire", "extend", "release", "kill", "pass"]), RIVALS)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(schedule=st.lists(REAL_ACTIONS, min_size=10, max_size=25))
def test_no_two_hold_it_in_real_time(stage: Stage, schedule: list[Any]) -> None:
    """By a clock beside the server's: a lease never begins before the one before it can have ended."""
    stage.empty()
    if stage.mini is not None:
        stage.mini.clock.resume()
    ttl = 0.04
    locks = [Lock(stage.client, "l", ttl=ttl, renew=False, wait=0) for _ in range(4)]
    leases: list[Any] = [None] * 4
    last_fence, free_from, last_lease = 0, 0.0, None
    for action, rival in schedule:
        asked = time.monotonic()
        lease = leases[rival]
        if action == "acquire":
            lease = leases[rival] = locks[rival].acquire()
            if lease is not None:
                assert time.monotonic() >= free_from
                assert lease.fence > last_fence
                last_fence, last_lease, free_from = lease.fence, lease, asked + ttl
        elif action == "extend" and lease is not None:
            if lease.extend():
                assert lease is last_lease
                free_from = asked + ttl
        elif action == "release" and lease is not None:
            if lease.release() and lease is last_lease:
                free_from = asked
            leases[rival] = None
        elif action == "kill":
            leases[rival] = None
        elif action == "pass":
            time.sleep(ttl / 2)


def test_many_threads_take_turns(stage: Stage) -> None:
    """miniredis' clock stands still meanwhile: no wait of theirs runs out, so each is woken by the one before."""
    client = stage.client
    client.set("counter", 0)

    def work(_: int) -> int:
        with Lock(client, "l", wait=60) as lease:
            value = int(client.get("counter"))
            client.set("counter", value + 1)
            assert lease.fence is not None
            return lease.fence

    with ThreadPoolExecutor(12) as pool:
        fences = list(pool.map(work, range(48)))
    assert int(client.get("counter")) == 48
    assert len(set(fences)) == 48


async def test_many_tasks_take_turns(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        await client.set("counter", 0)
        lock = aio.Lock(client, "l", wait=60)

        async def work() -> None:
            async with lock:
                value = int(await client.get("counter"))
                await client.set("counter", value + 1)

        await asyncio.gather(*(work() for _ in range(40)))
        assert int(await client.get("counter")) == 40


def test_who_waits_is_woken_in_order(stage: Stage) -> None:
    lease = Lock(stage.client, "l").acquire()
    assert lease is not None
    order: list[int] = []

    def wait(number: int) -> None:
        with Lock(stage.client, "l", wait=60):
            order.append(number)

    threads = []
    for number in range(3):
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        until(lambda number=number: blocked(stage.client) == number + 1)
    before = stage.commands()
    assert lease.release()
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2]
    assert stage.commands() - before < 60  # commands in scripts count too: nobody polled


def test_who_waits_gets_it_when_the_holder_died(stage: Stage) -> None:
    if stage.mini is not None:
        stage.mini.clock.resume()
    assert Lock(stage.client, "l", ttl=0.3, renew=False).acquire() is not None
    began = time.monotonic()
    lease = Lock(stage.client, "l").acquire(wait=20)
    assert lease is not None
    assert time.monotonic() - began < 10
    lease.release()


def test_a_client_without_patience_waits_all_the_same(stage: Stage) -> None:
    held = Lock(stage.client, "l").acquire()
    assert held is not None
    impatience = []

    class Impatient(LosesReplies):
        def execute_command(self, *args: Any, **options: Any) -> Any:
            if args[0] != "BLPOP":
                return super().execute_command(*args, **options)
            impatience.append(1)
            if len(impatience) == 3:
                held.release()
            raise redis.TimeoutError("Timeout reading from socket")

    lease = Lock(Impatient(stage.client), "l").acquire(wait=600)
    assert lease is not None
    assert len(impatience) == 3
    lease.release()


def test_acquiring_is_bounded(stage: Stage) -> None:
    if stage.mini is not None:
        stage.mini.clock.resume()
    with Lock(stage.client, "l"):
        assert Lock(stage.client, "l").acquire(wait=0) is None
        assert Lock(stage.client, "l").acquire(wait=0.05) is None
        with (
            pytest.raises(NotAcquiredError, match=r"not acquired within 0.05 seconds: Lock\('l'\)"),
            Lock(stage.client, "l", wait=0.05),
        ):
            pass
    assert Lock(stage.client, "l", renew=False).acquire(wait=0) is not None


def test_a_question_asked_again_gets_the_same_answer(stage: Stage) -> None:
    client = LosesReplies(stage.client)
    lock = Lock(client, "l", renew=False, wait=0)
    client.losing = 1
    lease = lock.acquire()
    assert lease is not None
    client.losing = 1
    assert lease.extend()
    client.losing = 1
    assert lease.release()
    assert not stage.client.exists("lock:{l}")
    other = lock.acquire()
    assert other is not None
    assert not lease.release()
    assert not lease.extend()
    assert other.extend()


def test_it_is_one_round_trip_each(stage: Stage) -> None:
    lock = Lock(stage.client, "l", renew=False)
    calls: list[str] = []

    class Counting(LosesReplies):
        def execute_command(self, *args: Any, **options: Any) -> Any:
            calls.append(args[0])
            return super().execute_command(*args, **options)

    with lock as lease:
        lease.extend()
    lock = Lock(Counting(stage.client), "l", renew=False)
    with lock as lease:
        lease.extend()
    assert calls == ["EVALSHA"] * 3


def test_it_is_renewed_as_long_as_it_is_held(stage: Stage) -> None:
    if stage.mini is not None:
        stage.mini.clock.resume()
    with Lock(stage.client, "l", ttl=0.8) as lease:
        ends = time.monotonic() + 2
        while time.monotonic() < ends:
            assert lease.held
            assert Lock(stage.client, "l").acquire(wait=0.1) is None
    assert not lease.held
    assert not stage.client.exists("lock:{l}")


def broken() -> None:
    raise redis.ConnectionError("it broke")


def test_who_does_not_hear_that_it_got_the_lock_does_not_keep_it(stage: Stage) -> None:
    class Breaks(LosesReplies):
        def execute_command(self, *args: Any, **options: Any) -> Any:
            super().execute_command(*args, **options)
            broken()

    with pytest.raises(redis.ConnectionError, match="it broke"):
        Lock(Breaks(stage.client), "l", ttl=3600).acquire()
    until(lambda: not stage.client.exists("lock:{l}"))
    assert stage.client.get("lock:{l}:fence")  # it was taken


async def test_in_asyncio_neither(stage: Stage) -> None:
    class Breaks(LosesReplies):
        async def execute_command(self, *args: Any, **options: Any) -> Any:
            await self.client.execute_command(*args, **options)
            broken()

    async with stage.new_async_client() as client:
        with pytest.raises(redis.ConnectionError, match="it broke"):
            await aio.Lock(Breaks(client), "l", ttl=3600).acquire()
        await until_async(lambda: not stage.client.exists("lock:{l}"))
        assert stage.client.get("lock:{l}:fence")


@pytest.mark.parametrize("kind", ["lock", "semaphore", "rwlock"])
def test_a_renewal_makes_nothing_shorter(stage: Stage, kind: str) -> None:
    """It extends as its holder does, by the usual time."""
    client = stage.client
    leasing: Any = {"lock": Lock(client, "l", ttl=30), "semaphore": Semaphore(client, "l", 1, ttl=30)}.get(kind)
    lease = (leasing or RWLock(client, "l", ttl=30).write).acquire()

    def ends() -> float:
        key = f"{kind}:{{l}}"
        return float(client.pexpiretime(key) if kind == "lock" else client.zscore(key, lease.token) or 0)

    begun = ends()
    assert lease.extend(3600)
    extended = ends()
    assert extended > begun
    assert lease.extend()
    assert ends() == extended
    assert lease._until > time.monotonic() + 1800
    assert lease.release()


class Told:
    """An ``on_lost`` that keeps the leases it is called with, and sets *event*."""

    def __init__(self, event: Any) -> None:
        self.event = event
        self.leases: list[Any] = []

    def __call__(self, lease: Any) -> None:
        self.leases.append(lease)
        self.event.set()


def test_the_holder_is_told_when_it_is_lost(stage: Stage) -> None:
    told = Told(threading.Event())
    lease = Lock(stage.client, "l", ttl=0.2, on_lost=told).acquire()
    assert lease is not None
    stage.client.delete("lock:{l}")
    assert told.event.wait(10)
    assert told.leases == [lease]
    assert not lease.held
    assert not lease.release()


def test_the_holder_is_told_when_the_server_is_gone(fake: Stage) -> None:
    told = threading.Event()
    client = fake.new_client(retry=Retry(NoBackoff(), 0))
    lease = Lock(client, "l", ttl=0.3, on_lost=lambda lease: told.set()).acquire()
    assert lease is not None
    assert fake.mini is not None
    began = time.monotonic()
    fake.mini.stop()
    assert told.wait(10)
    assert time.monotonic() - began < 9
    assert not lease.held
    client.close()


class Swallows:
    """Stands before a client, as a network that swallows packets: while it is *swallowing*, no command returns."""

    def __init__(self, client: Any, let_go: Any) -> None:
        self.client = client
        self.swallowing = False
        self.let_go = let_go


class SwallowsBlocking(Swallows):
    def execute_command(self, *args: Any, **options: Any) -> Any:
        if self.swallowing:
            self.let_go.wait()
        return self.client.execute_command(*args, **options)


class SwallowsAsyncio(Swallows):
    async def execute_command(self, *args: Any, **options: Any) -> Any:
        if self.swallowing:
            await self.let_go.wait()
        return await self.client.execute_command(*args, **options)


def test_the_holder_is_told_in_time_even_if_no_answer_comes(stage: Stage) -> None:
    told = Told(threading.Event())
    client = SwallowsBlocking(stage.client, threading.Event())
    lease = Lock(client, "l", ttl=0.2, on_lost=told).acquire()
    assert lease is not None
    client.swallowing = True
    in_time = told.event.wait(20)
    client.let_go.set()
    stage.rest()
    assert in_time
    assert told.leases == [lease]
    assert not lease.held


async def test_asyncio_tells_in_time_even_if_no_answer_comes(stage: Stage) -> None:
    async with stage.new_async_client() as server:
        told = Told(asyncio.Event())
        client = SwallowsAsyncio(server, asyncio.Event())
        lease = await aio.Lock(client, "l", ttl=0.2, on_lost=told).acquire()
        assert lease is not None
        client.swallowing = True
        async with asyncio.timeout(20):
            await told.event.wait()
        client.let_go.set()
        await lease.extend()  # on miniredis, whose clock stands still, it can be
        assert told.leases == [lease]
        assert not lease.held


async def test_asyncio_tells_of_a_loss(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        told = asyncio.Event()

        async def on_lost(lease: Any) -> None:
            told.set()

        lease = await aio.Lock(client, "l", ttl=0.2, on_lost=on_lost).acquire()
        assert lease is not None
        await client.delete("lock:{l}")
        await asyncio.wait_for(told.wait(), 10)
        assert not lease.held


async def test_cancelling_one_who_waits_cancels_no_other(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        lock = aio.Lock(client, "l", wait=60)
        lease = await lock.acquire()
        assert lease is not None
        impatient = asyncio.create_task(lock.acquire())
        await until_async(lambda: blocked(stage.client) == 1)
        patient = asyncio.create_task(lock.acquire())
        await until_async(lambda: blocked(stage.client) == 2)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        await until_async(lambda: blocked(stage.client) == 1)
        await lease.release()
        second = await patient
        assert second is not None
        await second.release()


async def test_a_cancelled_block_releases(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        held = asyncio.Event()

        async def work() -> None:
            async with aio.Lock(client, "l"):
                held.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        await held.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until_async(lambda: not stage.client.exists("lock:{l}"))


def test_one_lock_object_serves_many_blocks(stage: Stage) -> None:
    lock = Lock(stage.client, "l", wait=60)
    inside: list[LeaseOperations] = []

    def work(_: int) -> None:
        with lock as lease:
            inside.append(lease)
            assert inside == [lease]
            inside.remove(lease)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(24)))


@contextmanager
def dependency(leasing: Any) -> Iterator[Any]:
    """As web frameworks have them, which enter and leave a generator's block in whatever threads are free."""
    with leasing as lease:
        yield lease


@pytest.mark.parametrize("kind", ["semaphore", "rwlock"])
def test_a_block_may_end_in_another_thread_which_has_blocks_of_its_own(stage: Stage, kind: str) -> None:
    shared: Any = Semaphore(stage.client, "s", 3) if kind == "semaphore" else RWLock(stage.client, "l").read
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        first, second, third = dependency(shared), dependency(shared), dependency(shared)
        leases = [one.submit(first.__enter__).result()]
        leases += [other.submit(each.__enter__).result() for each in (second, third)]
        for ending, place in ((first, 0), (third, 2), (second, 1)):
            other.submit(ending.__exit__, None, None, None).result()
            assert not leases[place].held
            assert not leases[place].extend()
            leases[place] = None
            assert all(lease is None or lease.held for lease in leases)


def test_a_block_that_was_entered_by_hand_may_end_in_another_thread(stage: Stage) -> None:
    lock = Lock(stage.client, "l")
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        lease = one.submit(lock.__enter__).result()
        assert lease.held
        other.submit(lock.__exit__, None, None, None).result()
        assert not lease.held
        assert not stage.client.exists("lock:{l}")


async def test_the_block_of_a_generator_that_is_left_behind_ends(stage: Stage) -> None:
    """asyncio ends it in a task of its own."""
    async with stage.new_async_client() as client:
        lock = aio.Lock(client, "l", ttl=3600)
        leases: list[Any] = []

        async def rows() -> AsyncIterator[int]:
            async with lock as lease:
                leases.append(lease)
                yield 1
                yield 2

        async def first() -> int:
            async for row in rows():
                return row
            return 0

        assert await first() == 1
        gc.collect()
        await until_async(lambda: not stage.client.exists("lock:{l}"))
        assert not leases[0].held


@pytest.mark.parametrize("ttl", [0, -1, float("inf"), float("nan")])
def test_a_ttl_is_a_time(ttl: float) -> None:
    with pytest.raises(ValueError, match="a duration is"):
        Lock(None, "l", ttl=ttl)
