"""Limits, leases, queues and the rest on a cluster of three nodes. Real servers."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

import patterns
from patterns import aio

NAMES = [f"name {number}" for number in range(9)]


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
            patterns.RWLock(client, name).write,
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
        lock = patterns.RWLock(client, name)
        with lock.read, lock.read:
            assert lock.write.acquire(wait=0.01) is None
        with lock.write:
            assert lock.read.acquire(wait=0.01) is None


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


def test_an_entry_reaches_the_feeds_of_followers_on_all_nodes(client: Any) -> None:
    feeds = patterns.Feeds(client)
    ids = feeds.push("news", NAMES)
    assert list(ids) == NAMES
    assert [feeds[name].latest()[0].id for name in NAMES] == list(ids.values())


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
            rwlock = aio.RWLock(client, name)
            async with rwlock.read:
                writing = asyncio.create_task(rwlock.write.acquire(wait=30))
            writer = await writing
            assert writer is not None
            assert await writer.release()
            assert list(await aio.Feeds(client).push(1, [name, "other"])) == [name, "other"]
            queue = aio.Queue(client, name)
            await queue.put(name)
            job = await queue.take(wait=10)
            assert job is not None
            async with job as value:
                assert value == name
            assert await queue.counts() == patterns.Counts(0, 0, 0, 0)
