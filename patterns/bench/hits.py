"""A hit of a cache beside a bare GET of the same bytes, blocking and asyncio, over loopback TCP.

Contenders take turns in short portions, each time in another order, and what counts in a round is each one's fastest
portion: a busy machine slows some of them down, and none is faster than it can be.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

import redis
import redis.asyncio

from conformance.speed.figures import Figures
from patterns import Cache, aio
from patterns.bench.counting import total
from patterns.bench.verdicts import Verdict, at_most, exactly

BARE: Final = "bare GET"
GET: Final = "patterns get"
LOAD: Final = "patterns get_or_load"
BLOCKING: Final = "hit, blocking"
ASYNCIO: Final = "hit, asyncio"
PART: Final = "hits"
PROCESSOR: Final = "hits, processor time of the client"
TRIPS: Final = "round trips"

VALUE: Final = {"id": 7, "name": "Ann"}
CALLS: Final = 25
"""Of one portion."""
PORTIONS: Final = 150
"""Of each contender in a round."""
ALLOWED: Final = 1.3
"""How many times a bare GET a hit may take."""


def never() -> Any:
    """A loader of a value that is there."""
    raise AssertionError("this was to be a hit")


def blocking(url: str, client: redis.Redis) -> dict[str, Callable[[], Any]]:
    """The contenders that block: what each calls for a hit."""
    from dogpile.cache import make_region

    cache = Cache(client, ttl=3600)
    cache.set("user:7", VALUE)
    name = cache.store.value_key("user:7")
    region = make_region().configure("dogpile.cache.redis", arguments={"url": url, "redis_expiration_time": 3600})
    region.set("user:7", VALUE)
    return {
        BARE: lambda: client.get(name),
        GET: lambda: cache.get("user:7"),
        LOAD: lambda: cache.get_or_load("user:7", never),
        "dogpile get": lambda: region.get("user:7"),
        "dogpile get_or_create": lambda: region.get_or_create("user:7", never),
    }


async def awaiting(url: str, client: redis.asyncio.Redis) -> dict[str, Callable[[], Awaitable[Any]]]:
    """The contenders of asyncio."""
    import aiocache
    import aiocache.serializers
    import cashews

    cache = aio.Cache(client, ttl=3600)
    await cache.set("user:7", VALUE)
    name = cache.store.value_key("user:7")
    theirs: Any = cashews.Cache()
    theirs.setup(url, client_side=False)
    await theirs.set("cashews:7", VALUE, expire=3600)

    async def load(id: int) -> Any:
        never()

    user = theirs(ttl=3600, key="cashews:{id}")(load)

    host, port = url.removeprefix("redis://").split("/")[0].split(":")
    other = aiocache.RedisCache(endpoint=host, port=int(port), serializer=aiocache.serializers.JsonSerializer())
    await other.set("aiocache:7", VALUE, ttl=3600)
    await theirs.set("cashews:7", VALUE, expire=3600)
    return {
        BARE: lambda: client.get(name),
        GET: lambda: cache.get("user:7"),
        LOAD: lambda: cache.get_or_load("user:7", never),
        "cashews get": lambda: theirs.get("cashews:7"),
        "cashews decorator": lambda: user(7),
        "aiocache get": lambda: other.get("aiocache:7"),
    }


def race(url: str, figures: Figures, rounds: int, portions: int = PORTIONS) -> None:
    """Measure so many rounds of both kinds: microseconds of a call, and commands for each."""
    figures.units[PART] = figures.units[PROCESSOR] = "µs"
    figures.units[TRIPS] = "commands on the server for each hit"
    with redis.Redis.from_url(url) as client:
        contenders = blocking(url, client)
        for name, call in contenders.items():
            before = total(client)
            _seconds(call)
            figures.add(TRIPS, BLOCKING, name, (total(client) - before) / CALLS)
        for _ in range(rounds):
            fastest = Fastest(contenders)
            for name in _turns(contenders, portions):
                fastest.note(name, _seconds(contenders[name]))
            fastest.tell(figures, BLOCKING)
    asyncio.run(_race_awaiting(url, figures, rounds, portions))


async def _race_awaiting(url: str, figures: Figures, rounds: int, portions: int) -> None:
    async with redis.asyncio.Redis.from_url(url) as client:
        contenders = await awaiting(url, client)
        with redis.Redis.from_url(url) as counter:
            for name, call in contenders.items():
                before = total(counter)
                await _seconds_awaiting(call)
                figures.add(TRIPS, ASYNCIO, name, (total(counter) - before) / CALLS)
        for _ in range(rounds):
            fastest = Fastest(contenders)
            for name in _turns(contenders, portions):
                fastest.note(name, await _seconds_awaiting(contenders[name]))
            fastest.tell(figures, ASYNCIO)


class Fastest:
    """The fastest portion of each contender in a round."""

    def __init__(self, contenders: Iterable[str]) -> None:
        self._times = {name: (float("inf"), float("inf")) for name in contenders}

    def note(self, name: str, times: tuple[float, float]) -> None:
        """A portion took so long by the clock, and of processor time."""
        clock, processor = self._times[name]
        self._times[name] = min(clock, times[0]), min(processor, times[1])

    def tell(self, figures: Figures, kind: str) -> None:
        """The round is over."""
        for name, times in self._times.items():
            for part, seconds in zip((PART, PROCESSOR), times, strict=True):
                figures.add(part, kind, name, seconds / CALLS * 1e6)


def _turns(contenders: Mapping[str, Any], portions: int) -> list[str]:
    """The names, as often as there are portions, each time in another order."""
    return [name for _ in range(portions) for name in random.sample(list(contenders), len(contenders))]


def _seconds(call: Callable[[], Any]) -> tuple[float, float]:
    """Of one portion: by the clock, and of processor time."""
    began, used = time.perf_counter(), time.thread_time()
    for _ in range(CALLS):
        call()
    return time.perf_counter() - began, time.thread_time() - used


async def _seconds_awaiting(call: Callable[[], Awaitable[Any]]) -> tuple[float, float]:
    began, used = time.perf_counter(), time.thread_time()
    for _ in range(CALLS):
        await call()
    return time.perf_counter() - began, time.thread_time() - used


def verdicts(figures: Figures) -> list[Verdict]:
    """A hit is one round trip, and hardly more than a GET."""
    found = []
    for kind in (BLOCKING, ASYNCIO):
        for ours in (GET, LOAD):
            told = f"{kind}: {ours}"
            found.append(exactly(f"{told}, round trips", 1, figures.spread((TRIPS, kind, ours))))
            found.append(at_most(f"{told} / {BARE}", ALLOWED, figures.ratio(PART, kind, ours, BARE), " ×"))
    return found
