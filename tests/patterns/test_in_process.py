"""The patterns on clients in the server's own process, without a socket: nothing about them is special."""

from __future__ import annotations

from miniredis import MiniRedis
from patterns import Cache, Sessions, Transaction, WriteBehind, aio


def test_blocking() -> None:
    server = MiniRedis()
    with server.client() as client:
        cache = Cache(client, stale=10)
        assert [cache.get_or_load("k", lambda: 1, tags=["t"]), cache.get_or_load("k", lambda: 2)] == [1, 1]
        assert cache.get_or_load_many(["k", "l"], lambda names: dict.fromkeys(names, 3)) == {"k": 1, "l": 3}
        assert cache.invalidate_tags("t") == 1
        sessions = Sessions(client)
        assert sessions.load(sessions.create("data")) == "data"
        behind = WriteBehind(cache, lambda writes: None)
        behind.put("k", 1)
        assert behind.drain() == 1
        assert Transaction(client).run(lambda pipeline: pipeline.get("none"), "k").value is None


async def test_asyncio() -> None:
    server = MiniRedis()
    async with server.async_client() as client:
        cache = aio.Cache(client, stale=10)
        assert await cache.get_or_load("k", lambda: 1) == 1
        assert await cache.get_or_load_many(["k", "l"], lambda names: dict.fromkeys(names, 3)) == {"k": 1, "l": 3}
        assert await cache.invalidate("k") == 1
