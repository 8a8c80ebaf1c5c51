"""Limits, leases, queues and the rest on a cluster of three nodes, and what a failover leaves of them. Real servers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis

import patterns
from conformance.servers import Server, ServerBinary, find_server, start
from patterns import aio
from tests.patterns.topologies import ask, cluster, sentinel, until
from tests.requirements import missing

NAMES = [f"name {number}" for number in range(9)]


def binary_of(name: str) -> ServerBinary:
    binary = find_server(name)
    if binary is None:
        missing(f"a real {name} server")
    return binary


@pytest.fixture(scope="module", params=["redis-7.0", "valkey-9.1"])
def nodes(request: pytest.FixtureRequest) -> Iterator[list[Server]]:
    with cluster(binary_of(request.param)) as servers:
        yield servers


@pytest.fixture
def url(nodes: list[Server]) -> str:
    for node in nodes:
        ask(node, "FLUSHALL")
        ask(node, "SCRIPT", "FLUSH")
    return "redis+cluster://" + ",".join(f"{node.host}:{node.port}" for node in nodes)


@pytest.fixture
def client(url: str) -> Iterator[Any]:
    client = patterns.connect(url)
    yield client
    client.close()


@pytest.mark.parametrize("strategy", ["FixedWindow", "SlidingWindow", "SlidingLog", "TokenBucket", "GCRA"])
def test_limits_on_a_cluster(client: Any, strategy: str) -> None:
    limiter = getattr(patterns, strategy)(client, "2/day")
    for name in NAMES:
        assert limiter.hit(name, 2)
        assert not limiter.peek(name)


def test_leases_on_a_cluster(client: Any) -> None:
    for name in NAMES:
        for leasing in (
            patterns.Lock(client, name),
            patterns.Semaphore(client, name, 1),
            patterns.Leader(client, name),
        ):
            lease = leasing.acquire()
            assert lease is not None
            assert lease.extend()
            got: list[Any] = []
            waiting = threading.Thread(target=lambda leasing=leasing, got=got: got.append(leasing.acquire(wait=30)))
            waiting.start()
            assert lease.release()
            waiting.join()
            assert got[0].release()


def test_queues_on_a_cluster(client: Any) -> None:
    for name in NAMES:
        queue = patterns.Queue(client, name, max_attempts=1)
        queue.put("good")
        queue.put("bad", delay=0.001)
        job = queue.take(wait=10)
        assert job is not None
        assert job.extend()
        assert job.ack()
        job = queue.take(wait=10)
        assert job is not None
        assert job.nack()
        (dead,) = queue.dead()
        assert queue.retry(dead.id)
        assert queue.counts() == patterns.Counts(1, 0, 0, 0)


def test_collections_on_a_cluster(client: Any) -> None:
    for name in NAMES:
        board = patterns.Leaderboard(client, name)
        board.submit("ada", 1)
        assert board.top() == board.around("ada") == [board.standing("ada")]
        feed = patterns.Feed(client, name)
        feed.push(1)
        assert [each.value for each in feed.latest()] == [1]
        for exact in (True, False):
            uniques = patterns.Uniques(client, name, exact=exact)
            uniques.add("mon", "ada")
            uniques.add("tue", "ada", "bob")
            assert uniques.count("mon", "tue") == 2
        links = patterns.Links(client, name)
        links.link("a", "b", "c")
        assert links.to_all("b", "c") == links.to_any("b", "c") == {"a"}
        links.forget("a")
        events = patterns.Events(client, name)
        events.add(1)
        assert events.count() == len(events.latest()) == 1


async def test_a_cluster_in_asyncio(url: str) -> None:
    async with aio.connect(url) as client:
        for name in NAMES:
            assert await aio.GCRA(client, "1/day").hit(name)
            lock = aio.Lock(client, name)
            lease = await lock.acquire()
            assert lease is not None
            waiting = asyncio.create_task(lock.acquire(wait=30))
            await lease.release()
            other = await waiting
            assert other is not None
            assert await other.release()
            queue = aio.Queue(client, name)
            await queue.put(name)
            job = await queue.take(wait=10)
            assert job is not None
            async with job as value:
                assert value == name
            assert await queue.counts() == patterns.Counts(0, 0, 0, 0)


def test_fences_rise_over_a_failover_that_lost_them() -> None:
    """The replica knows nothing of the last leases, or of any: what it grants then has a higher number all the same."""
    binary = binary_of("redis-7.0")
    with contextlib.ExitStack() as stack:
        primary = stack.enter_context(start(binary))
        replica = stack.enter_context(start(binary, "--replicaof", primary.host, str(primary.port)))
        until(lambda: b"master_link_status:up" in ask(replica, "INFO", "replication"))
        port = stack.enter_context(sentinel(binary, primary))
        watching = Server("sentinel", "127.0.0.1", port)
        until(lambda: b"num-slaves\r\n$1\r\n1" in ask(watching, "SENTINEL", "MASTER", "mymaster"))
        client = patterns.connect(f"redis+sentinel://127.0.0.1:{port}/mymaster", socket_timeout=5)
        stack.callback(client.close)
        queue = patterns.Queue(client, "q", visibility=0.5)
        assert queue.put("replicated", id="1")
        until(lambda: b"queue:{q}:ready" in ask(replica, "KEYS", "*"))
        lock = patterns.Lock(client, "l", renew=False, wait=0)
        before = lock.acquire()
        assert before is not None
        ask(replica, "REPLICAOF", "NO", "ONE")  # from here on it learns nothing
        ask(replica, "DEL", "lock:{l}", "lock:{l}:fence")
        assert primary.pid is not None
        os.kill(primary.pid, signal.SIGKILL)
        taken: list[Any] = []

        def granted() -> bool:
            with contextlib.suppress(redis.RedisError):
                taken.append(lock.acquire())
            return bool(taken and taken[-1])

        until(granted)
        assert before.fence is not None
        assert taken[-1].fence > before.fence
        assert not before.extend()
        assert not before.release()
        job = queue.take(wait=10)
        assert job is not None
        assert job.value == "replicated"
