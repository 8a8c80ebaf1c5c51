"""One process of a stampede: ``python -m patterns.bench.stampede_crowd URL CONTENDER TASKS SECONDS``.

It gets ready (connections made and scripts known, on other keys), says so, waits for a line on standard input, wants
the same cold key with all its tasks or threads at once, and prints as JSON how often its loader was called, and when by
the machine's monotonic clock it began and ended.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

import redis
import redis.asyncio

from patterns import Cache, aio

Loader: TypeAlias = Callable[[], Any]

Want: TypeAlias = Callable[[str, Loader], Awaitable[Any]]
"""Asks a cache for a key, with the loader of its value."""

WantBlocking: TypeAlias = Callable[[str, Loader], Any]

EXPIRE: Final = 60

CONNECTIONS: Final = 1000
"""Most need one for each task or thread, and redis-py's pools have a hundred unless told."""

PATIENCE: Final = 60
"""Seconds that a connection may take to be made, and to answer."""

CLIENT: Final[dict[str, Any]] = {
    "max_connections": CONNECTIONS,
    "socket_connect_timeout": PATIENCE,
    "socket_timeout": PATIENCE,
}
"""Options of every client of redis-py."""


async def naive(url: str) -> Want:
    """GET, load, SET, as everybody writes it first."""
    client = redis.asyncio.Redis.from_url(url, **CLIENT)

    async def want(key: str, load: Loader) -> Any:
        value = await client.get(key)
        if value is None:
            value = await load()
            await client.set(key, value, ex=EXPIRE)
        return value

    return want


async def ours(url: str) -> Want:
    """The pattern library."""
    cache = aio.Cache(redis.asyncio.Redis.from_url(url, **CLIENT), ttl=EXPIRE)
    return cache.get_or_load


def _cashews(url: str, **options: Any) -> Want:
    import cashews

    cache = cashews.Cache()
    cache.setup(url, **CLIENT)

    decorated: dict[str, Any] = {}

    async def want(key: str, load: Loader) -> Any:
        # One decorated function per key, as in a program.
        if key not in decorated:
            decorated[key] = cache(ttl=EXPIRE, key=key, **options)(load)
        return await decorated[key]()

    return want


async def cashews_default(url: str) -> Want:
    """cashews as it comes."""
    return _cashews(url)


async def cashews_lock(url: str) -> Want:
    """cashews with its distributed lock."""
    return _cashews(url, lock=True)


async def aiocache_stampede(url: str) -> Want:
    """aiocache's ``cached_stampede``."""
    import aiocache

    host, port = url.removeprefix("redis://").split("/")[0].split(":")
    server: dict[str, Any] = {"endpoint": host, "port": int(port), "pool_max_size": CONNECTIONS}
    server |= {"create_connection_timeout": PATIENCE, "timeout": PATIENCE}
    decorated: dict[str, Any] = {}

    async def want(key: str, load: Loader) -> Any:
        if key not in decorated:
            cached = aiocache.cached_stampede(lease=2, ttl=EXPIRE, key=key, cache=aiocache.RedisCache, **server)
            decorated[key] = cached(load)
        return await decorated[key]()

    return want


def ours_in_threads(url: str) -> WantBlocking:
    """The pattern library, blocking."""
    return Cache(redis.Redis.from_url(url, **CLIENT), ttl=EXPIRE).get_or_load


def dogpile_in_threads(url: str) -> WantBlocking:
    """dogpile.cache with its distributed lock."""
    from dogpile.cache import make_region

    lock = {"distributed_lock": True, "lock_timeout": 10, "thread_local_lock": False}
    arguments = {"url": url, "redis_expiration_time": EXPIRE, "connection_kwargs": CLIENT, **lock}
    region = make_region().configure("dogpile.cache.redis", arguments=arguments)
    want: WantBlocking = region.get_or_create
    return want


TASKS: Final[dict[str, Callable[[str], Awaitable[Want]]]] = {
    "naive": naive,
    "patterns": ours,
    "cashews": cashews_default,
    "cashews lock=True": cashews_lock,
    "aiocache": aiocache_stampede,
}

THREADS: Final[dict[str, Callable[[str], WantBlocking]]] = {
    "patterns, threads": ours_in_threads,
    "dogpile, threads": dogpile_in_threads,
}


def ready() -> None:
    """Say so, and wait for the word."""
    print("ready", flush=True)
    sys.stdin.readline()


async def crowd_of_tasks(want: Want, count: int, seconds: float) -> dict[str, float]:
    """All at once; what is to be printed."""
    loads = itertools.count()

    async def quick() -> str:
        return "value"

    async def load() -> str:
        next(loads)
        await asyncio.sleep(seconds)
        return "value"

    await asyncio.gather(*(want(f"warm:{number}", quick) for number in range(count)))
    ready()
    began = time.monotonic()
    await asyncio.gather(*(want("cold", load) for _ in range(count)))
    return {"loads": next(loads), "began": began, "ended": time.monotonic()}


def crowd_of_threads(want: WantBlocking, count: int, seconds: float) -> dict[str, float]:
    """The same in threads, which wait at a gate until all of them are there."""
    loads = itertools.count()
    warm, gate = threading.Barrier(count + 1), threading.Barrier(count + 1)

    def load() -> str:
        next(loads)
        time.sleep(seconds)
        return "value"

    def call(number: int) -> None:
        want(f"warm:{number}", lambda: "value")
        warm.wait()
        gate.wait()
        want("cold", load)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    warm.wait()
    ready()
    began = time.monotonic()
    gate.wait()
    for thread in threads:
        thread.join()
    return {"loads": next(loads), "began": began, "ended": time.monotonic()}


def main(url: str, contender: str, count: int, seconds: float) -> None:
    """Be one process of it."""

    async def tasks() -> dict[str, float]:
        return await crowd_of_tasks(await TASKS[contender](url), count, seconds)

    if contender in TASKS:
        told = asyncio.run(tasks())
    else:
        told = crowd_of_threads(THREADS[contender](url), count, seconds)
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
