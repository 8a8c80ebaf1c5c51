"""More than one machine: a cluster of three nodes, and a primary that Sentinel replaces. Real servers, which have to do
it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Sequence
from typing import Any

import redis

import patterns
from conformance.servers import Server, start
from patterns import MISSING, Local, Write, aio
from tests.patterns.topologies import ask, binary_of, until, watched_pair

KEYS = [f"key {number}" for number in range(30)]


def sizes(nodes: Sequence[Server]) -> list[int]:
    return [int(ask(node, "DBSIZE")[1:]) for node in nodes]


def test_a_cache_on_a_cluster(client: Any, nodes: list[Server]) -> None:
    cache = patterns.Cache(client, stale=10, beta=1)
    for key in KEYS:
        assert cache.get_or_load(key, lambda key=key: key.upper(), tags=["all"]) == key.upper()
    assert min(sizes(nodes)) > 0
    loaded = cache.get_or_load_many([*KEYS, "other", "none"], lambda names: {"other": names})
    assert loaded == {**{key: key.upper() for key in KEYS}, "other": ["other", "none"], "none": None}
    assert cache.invalidate(*KEYS[:10]) == 10
    assert cache.invalidate_tags("all") == 20
    cache.set("k", 1)
    for node in nodes:
        ask(node, "SCRIPT", "FLUSH")
    assert cache.get_or_load_many(["k", *KEYS], lambda names: dict.fromkeys(names, 2))["k"] == 1
    assert cache.evictions() == 0
    cache.clear()
    assert [cache.get(key) for key in ("k", *KEYS)] == [MISSING] * 31


def test_a_near_cache_on_a_cluster_hears_of_invalidations(client: Any) -> None:
    local = Local()
    cache, other = patterns.Cache(client, local=local), patterns.Cache(client)
    for key in KEYS:
        cache.get_or_load(key, lambda: 1)
    assert len(local) == len(KEYS)
    other.invalidate(*KEYS)
    until(lambda: len(local) == 0)
    cache.close()


def test_what_else_there_is_on_a_cluster(client: Any) -> None:
    cache = patterns.Cache(client)
    assert patterns.WriteThrough(cache, lambda key, value: 1).write("k", "through")
    assert cache.get("k") == "through"

    written: list[Write] = []
    behind = patterns.WriteBehind(cache, written.extend)
    for key in KEYS:
        behind.put(key, 1)
    assert behind.drain() == len(written) == len(KEYS)

    sessions = patterns.Sessions(client)
    ids = [sessions.rotate(sessions.create(number, user="ann")) or "" for number in range(5)]
    assert [sessions.load(id) for id in ids] == [0, 1, 2, 3, 4]
    assert sessions.destroy_all("ann") == 5

    idempotency = patterns.Idempotency(client)
    assert [idempotency.once("k", lambda: 1), idempotency.once("k", lambda: 2)] == [1, 1]

    posts = patterns.Generations(client, "posts")
    assert posts.get_or_load("a", lambda: 1) == posts.get("a") == 1
    posts.invalidate()
    assert posts.get("a") is MISSING

    replies = patterns.Batches(client).send([("SET", key, number) for number, key in enumerate(KEYS)])
    assert all(reply.unwrap() for reply in replies)
    replies = patterns.Batches(client).send([*(("GET", key) for key in KEYS), ("INCR", "{x}"), ("LPUSH", KEYS[0], "x")])
    assert [reply.value for reply in replies] == [*(str(n).encode() for n in range(len(KEYS))), 1, None]
    assert isinstance(replies[-1].error, redis.ResponseError)

    def add(pipeline: Any) -> None:
        value = int(pipeline.get("{t}a") or 0)
        pipeline.multi()
        pipeline.set("{t}a", value + 1)
        pipeline.incr("{t}b")

    assert patterns.Transaction(client).run(add, "{t}a", "{t}b").replies[1] == 1


async def test_a_cluster_in_asyncio(url: str) -> None:
    async with aio.connect(url) as client:
        cache = aio.Cache(client, stale=10)
        loaded = await cache.get_or_load_many(KEYS, lambda names: dict.fromkeys(names, 1), tags=["all"])
        assert loaded == dict.fromkeys(KEYS, 1)
        assert await cache.invalidate_tags("all") == len(KEYS)
        assert await cache.get_or_load("k", lambda: 1) == 1
        assert await cache.evictions() == 0
        await cache.clear()
        assert await cache.get("k") is MISSING
        sessions = aio.Sessions(client)
        id = await sessions.create(1, user="ann")
        assert await sessions.load(id) == 1
        assert await sessions.destroy_all("ann") == 1
        behind = aio.WriteBehind(cache, lambda writes: None)
        await behind.put("k", 1)
        assert await behind.drain() == 1
        replies = await aio.Batches(client).send([("SET", "a", 1), ("GET", "a"), ("LPUSH", "a", 1)])
        assert [reply.value for reply in replies] == [True, b"1", None]


def test_sentinel_names_the_primary_and_a_failover_loses_no_fence() -> None:
    """The primary dies while a value is loaded: the load does not land unfenced, and the next one does."""
    with (
        watched_pair(binary_of("redis-7.0")) as pair,
        patterns.connect(pair.url, socket_timeout=5) as client,
    ):
        cache = patterns.Cache(client, circuit=patterns.Circuit(failures=1000))
        assert cache.set("k", "before")
        pair.replicate()

        def loader() -> str:
            pair.kill()
            # Invalidated on the new primary, while the load of before goes on: the lease is there, or is not.
            until(lambda: invalidated(cache, "other"))
            return "old"

        assert cache.get_or_load("other", loader) == "old"
        assert cache.get("other") is MISSING
        assert cache.get_or_load("other", lambda: "new") == "new"
        assert cache.get("other") == "new"
        assert cache.get("k") == "before"


def invalidated(cache: patterns.Cache, key: str) -> bool:
    try:
        cache.invalidate(key)
    except redis.RedisError:
        return False
    return True


def test_a_server_that_dies_during_a_stampede_is_survived() -> None:
    """Redis is killed while one loads and others wait: everybody gets a value, none waits for longer than a lease."""
    binary = binary_of("redis-7.0")
    with start(binary) as server:
        clients = [
            redis.Redis(port=server.port, retry=None, socket_connect_timeout=1, socket_timeout=5) for _ in range(2)
        ]
        caches = [patterns.Cache(client, lease=5) for client in clients]
        begun, values = threading.Event(), []

        def loader() -> str:
            begun.set()
            until(lambda: b"$17" in ask(server, "GET", "cache:{k}:lease"))
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            return "value"

        def other() -> None:
            begun.wait(10)
            values.append(caches[1].get_or_load("k", lambda: "theirs"))

        waiting = threading.Thread(target=other)
        waiting.start()
        started = time.monotonic()
        assert caches[0].get_or_load("k", loader) == "value"
        waiting.join()
        assert values == ["theirs"]
        assert time.monotonic() - started < 5
        for client in clients:
            client.close()
