"""What a failover leaves of each promise: by Sentinel, and in a cluster of three primaries. Real servers, killed.

The rule of this file: each claim about a pattern is told in three parts, with a ``yield`` between them. What happens in
the first the replica learns; what happens in the second it does not; then the primary is killed, and the last part says
what is left once the replica has followed it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, TypeAlias

import pytest
import redis
from redis.crc import key_slot
from redis.exceptions import RedisClusterException

import patterns
from patterns import MISSING, aio
from patterns.sessions import _group
from patterns.steps import run
from tests.patterns.topologies import SLOTS, Pair, binary_of, cluster, cluster_pair, cluster_url, until, watched_pair

Claim: TypeAlias = "Callable[[Any, Iterator[str]], Generator[None]]"
CLAIMS: list[Claim] = []


def claim(told: Claim) -> Claim:
    CLAIMS.append(told)
    return told


@claim
def a_lock_that_was_replicated_is_held_and_one_that_was_not_is_held_twice(
    client: Any, names: Iterator[str]
) -> Generator[None]:
    kinds = [
        lambda name: patterns.Lock(client, name, ttl=60, renew=False, wait=0),
        lambda name: patterns.Leader(client, name, ttl=60, wait=0),
        lambda name: patterns.RWLock(client, name, ttl=60, renew=False, wait=0).write,
    ]
    known = [kind(next(names)) for kind in kinds]
    held = [leasing.acquire() for leasing in known]
    yield
    unknown = [kind(next(names)) for kind in kinds]
    forgotten = [leasing.acquire() for leasing in unknown]
    yield
    for leasing, lease in zip(known, held, strict=True):
        assert leasing.acquire() is None
        assert lease.extend()
        assert lease.release()
    for leasing, first in zip(unknown, forgotten, strict=True):
        second = leasing.acquire()
        assert second is not None
        # Two believe that they hold it. The number is what tells the resource who came later.
        assert first.held
        assert second.held
        assert second.fence > first.fence
        assert not first.extend()
        assert not first.held
        assert not first.release()
        assert second.release()


@claim
def who_renews_a_lock_that_was_forgotten_is_told(client: Any, names: Iterator[str]) -> Generator[None]:
    told = threading.Event()
    yield
    lease = patterns.Lock(client, next(names), ttl=3, on_lost=lambda lease: told.set()).acquire()
    assert lease is not None
    yield
    assert told.wait(20)
    assert not lease.held


@claim
def readers_that_were_replicated_keep_writers_out(client: Any, names: Iterator[str]) -> Generator[None]:
    lock = patterns.RWLock(client, next(names), ttl=60, renew=False, wait=0)
    reader = lock.read.acquire()
    assert reader is not None
    yield
    forgotten = lock.read.acquire()
    assert forgotten is not None
    yield
    assert lock.write.acquire() is None
    assert not forgotten.extend()
    assert reader.release()
    assert lock.write.acquire() is not None


@claim
def a_semaphore_has_too_many_holders_by_those_that_were_forgotten(client: Any, names: Iterator[str]) -> Generator[None]:
    semaphore = patterns.Semaphore(client, next(names), 3, ttl=60, renew=False, wait=0)
    known = [semaphore.acquire(), semaphore.acquire()]
    yield
    forgotten = semaphore.acquire()
    assert forgotten is not None
    assert semaphore.acquire() is None
    yield
    again = semaphore.acquire()
    assert again is not None
    assert semaphore.acquire() is None
    assert forgotten.held  # until it asks
    assert not forgotten.extend()
    assert all(lease is not None and lease.extend() for lease in known)


@claim
def a_limit_admits_again_what_was_forgotten_and_no_more(client: Any, names: Iterator[str]) -> Generator[None]:
    kinds = (patterns.FixedWindow, patterns.SlidingWindow, patterns.SlidingLog, patterns.TokenBucket, patterns.GCRA)
    limiters = [(kind(client, "5/day"), next(names)) for kind in kinds]
    for limiter, name in limiters:
        assert limiter.hit(name, 2)
    yield
    for limiter, name in limiters:
        assert limiter.hit(name, 3)
        assert not limiter.hit(name)
    yield
    for limiter, name in limiters:
        assert limiter.peek(name).remaining == 3
        assert not limiter.hit(name, 4)
        assert limiter.hit(name, 3)
        assert not limiter.hit(name)


@claim
def a_job_that_was_replicated_is_done_at_least_once(client: Any, names: Iterator[str]) -> Generator[None]:
    queue = patterns.Queue(client, next(names), visibility=60)
    for number in range(3):
        queue.put(number, id=str(number))
    done_twice = queue.take()
    assert done_twice is not None
    yield
    assert done_twice.ack()
    taken_twice = queue.take()
    assert taken_twice is not None
    assert queue.put("forgotten")
    yield
    assert queue.counts() == patterns.Counts(2, 0, 1, 0)
    assert not taken_twice.ack()  # the queue does not know that it gave it out
    again = queue.take()
    assert again is not None
    assert again.id == taken_twice.id == "1"
    assert not taken_twice.ack()
    assert again.ack()
    assert done_twice.ack()  # late is not too late
    last = queue.take()
    assert last is not None
    assert last.id == "2"
    assert last.ack()
    assert queue.counts() == patterns.Counts(0, 0, 0, 0)


@claim
def an_accepted_write_is_lost_if_it_was_not_replicated(client: Any, names: Iterator[str]) -> Generator[None]:
    name, written = next(names), []
    cache = patterns.Cache(client)
    behind = patterns.WriteBehind(cache, written.extend, name=name)
    behind.put(name, "known")
    yield
    behind.put(name, "forgotten")
    yield
    assert cache.get(name) == "known"
    assert behind.drain() == 1
    assert [write.value for write in written] == ["known"]


@claim
def an_invalidation_that_was_forgotten_brings_the_old_value_back(client: Any, names: Iterator[str]) -> Generator[None]:
    cache, name, other = patterns.Cache(client), next(names), next(names)
    assert cache.set(name, "old")
    assert cache.set(other, "old")
    assert cache.invalidate(other)
    yield
    assert cache.invalidate(name)
    yield
    assert cache.get(name) == "old"
    assert cache.get(other) is MISSING


@claim
def a_load_lands_if_its_lease_is_known_and_is_repeated_if_not(client: Any, names: Iterator[str]) -> Generator[None]:
    known, unknown = next(names), next(names)
    cache = patterns.Cache(client, lease=60)
    store = cache.store
    kept = run(client, store.take(known, 0)).token
    yield
    forgotten = run(client, store.take(unknown, 0)).token
    yield
    assert run(client, store.take(known, 0)).busy_ms > 0
    assert run(client, store.fill(known, kept, b"", 60))
    assert not run(client, store.fill(unknown, forgotten, b"", 60))
    assert cache.get_or_load(unknown, lambda: "again") == "again"


@claim
def what_was_done_once_is_done_again_if_that_was_forgotten(client: Any, names: Iterator[str]) -> Generator[None]:
    idempotency, known, unknown = patterns.Idempotency(client), next(names), next(names)
    assert idempotency.once(known, lambda: 1) == 1
    yield
    assert idempotency.once(unknown, lambda: 1) == 1
    yield
    assert idempotency.once(known, lambda: 2) == 1
    assert idempotency.once(unknown, lambda: 2) == 2


@claim
def a_session_whose_end_was_forgotten_is_back(client: Any, names: Iterator[str]) -> Generator[None]:
    sessions = patterns.Sessions(client)
    # All sessions of a user are where the hash of its name is: one whom the first primary has.
    user = next(name for name in map(str, range(1000)) if key_slot(_group(name).encode()) < SLOTS // 3)
    kept, ended, ends = (sessions.create(number, user=user) for number in range(3))
    assert sessions.destroy(ended)
    yield
    assert sessions.destroy(ends)
    forgotten = sessions.create("forgotten", user=user)
    yield
    assert sessions.load(kept) == 0
    assert sessions.load(ended) is None
    assert sessions.load(ends) == 2
    assert not sessions.save(forgotten, "again")


@pytest.fixture(params=["sentinel redis-7.0", "cluster redis-7.0", "cluster valkey-9.1"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    how, name = request.param.split()
    with {"sentinel": watched_pair, "cluster": cluster_pair}[how](binary_of(name)) as pair:
        yield pair


def writes(client: Any, name: str) -> bool:
    try:
        client.set(f"{{{name}}}:probe", 1)
    except (redis.RedisError, OSError):
        return False
    return True


# redis-py's cluster client of asyncio can forget the connections to a node that is gone instead of closing them.
@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
def test_what_a_failover_leaves(pair: Pair) -> None:
    with patterns.connect(pair.url, socket_timeout=5) as client, asyncio.Runner() as runner:
        told = [each(client, pair.names) for each in CLAIMS]
        awaited = Awaited(pair.url, pair.names)
        for each in told:
            next(each)
        runner.run(awaited.known())
        pair.replicate()
        pair.deafen()
        for each in told:
            next(each)
        runner.run(awaited.forgotten())
        pair.kill()
        probe = next(pair.names)
        until(lambda: writes(client, probe))
        for each in told:
            assert next(each, "ended") == "ended"
        runner.run(awaited.after())
    gc.collect()  # here, not in the next test


class Awaited:
    """The same of a lock and of a limit in asyncio: a client that was there before goes on after."""

    def __init__(self, url: str, names: Iterator[str]) -> None:
        self.client = aio.connect(url, socket_timeout=5)
        self.names = names
        self.name = next(names)
        self.lock = aio.Lock(self.client, next(names), ttl=60, renew=False, wait=0)
        self.other = aio.Lock(self.client, next(names), ttl=60, renew=False, wait=0)
        self.limiter = aio.GCRA(self.client, "5/day")
        self.leases: list[Any] = []

    async def known(self) -> None:
        self.leases.append(await self.lock.acquire())
        assert await self.limiter.hit(self.name, 2)

    async def forgotten(self) -> None:
        self.leases.append(await self.other.acquire())
        assert await self.limiter.hit(self.name, 3)

    async def after(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                decision = await self.limiter.hit(self.name, 3)
                break
            except (redis.RedisError, OSError):
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
        assert decision
        assert not await self.limiter.hit(self.name)
        known, forgotten = self.leases
        assert await self.lock.acquire() is None
        assert await known.extend()
        assert not await forgotten.extend()
        assert await self.other.acquire() is not None
        await self.client.aclose()


def test_where_all_of_a_cluster_is_gone_values_are_loaded_and_holders_told() -> None:
    """redis-py says so by an exception of another family."""
    told = threading.Event()
    with cluster(binary_of("redis-7.0")) as nodes, patterns.connect(cluster_url(nodes)) as client:
        cache = patterns.Cache(client, circuit=patterns.Circuit(failures=1000))
        assert cache.get_or_load("k", lambda: "stored") == "stored"
        lease = patterns.Lock(client, "l", ttl=1, on_lost=lambda lease: told.set()).acquire()
        assert lease is not None
        for node in nodes:
            assert node.pid is not None
            os.kill(node.pid, signal.SIGKILL)
        assert cache.get_or_load("k", lambda: "loaded") == "loaded"
        assert cache.get_or_load_many(["k", "l"], lambda names: dict.fromkeys(names, 1)) == {"k": 1, "l": 1}
        with pytest.raises((redis.RedisError, RedisClusterException)):
            cache.invalidate("k")
        assert told.wait(30)
        assert not lease.held
