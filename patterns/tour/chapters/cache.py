"""Cache-aside and read-through: the application looks first, or the cache loads by itself."""

from __future__ import annotations

import random
import time

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from patterns import Cache
from patterns.tour.chapter import chapter
from patterns.tour.narrator import Narrator
from patterns.tour.stage import Stage

USERS = 40
REQUESTS = 300
QUERY = 0.002
"""How many seconds the database of this chapter takes."""


@chapter(
    "cache-aside",
    "Cache-aside",
    "The application asks the cache; if it has nothing, it asks the database and stores the answer. A few things are "
    "asked for all the time, so that a small cache answers most requests.",
)
def cache_aside(stage: Stage, tell: Narrator) -> None:
    """By hand, then with figures: the same requests without and with a cache."""
    cache = Cache(stage.client(), prefix=stage.key("cache:"), ttl=300)
    loads = 0

    def query(user: int) -> dict[str, object]:
        nonlocal loads
        loads += 1
        time.sleep(QUERY)
        return {"id": user, "plan": "pro"}

    @tell.step("Look, and find nothing. One round trip.")
    def _() -> object:
        return cache.get("user:7", default=None)

    @tell.step("Ask the database, and store what it says. The key has a time to live from its first moment.")
    def _() -> object:
        return cache.set("user:7", query(7))

    @tell.step("Whoever asks next is answered by one GET. The bytes in front say how long the value took to load.")
    def _() -> object:
        return cache.get("user:7")

    tell.say(
        f"Now {REQUESTS} requests for {USERS} users, some of them much more popular than others, with a database that "
        f"takes {QUERY * 1000:g} ms: first without the cache, then with it."
    )
    popular = random.Random(7).choices(range(USERS), [1 / (rank + 1) for rank in range(USERS)], k=REQUESTS)
    cache.invalidate("user:7")
    before, loads = cache.stats(), 0
    started = time.perf_counter()
    for user in popular:
        query(user)
    plain, without = time.perf_counter() - started, loads
    loads = 0
    started = time.perf_counter()
    for user in popular:
        if cache.get(f"user:{user}", default=None) is None:
            cache.set(f"user:{user}", query(user))
    cached = time.perf_counter() - started
    after = cache.stats()
    tell.gap()
    tell.figure("hit rate without", 100 * (1 - without / REQUESTS), "%")
    tell.figure("hit rate with", 100 * (after.hits - before.hits) / REQUESTS, "%")
    tell.bars({"queries without": without, "queries with": loads})
    tell.bars({"mean time without": plain / REQUESTS * 1e3, "mean time with": cached / REQUESTS * 1e3}, "ms")
    tell.remember("A hit is one round trip. Everything else in this tour is about what happens at a miss.")


@chapter(
    "read-through",
    "Read-through",
    "With GET, load and SET all over the code, somebody forgets one of them. Here the cache is given the loader: it "
    "loads what it misses, remembers that something does not exist, and goes on when Redis is down.",
)
def read_through(stage: Stage, tell: Narrator) -> None:
    """A function with a cache before it."""
    cache = Cache(stage.client(), prefix=stage.key("through:"), ttl=300)
    rows: dict[int, str] = {7: "Ann"}

    @tell.definition("A function gets a cache. Its arguments become the key.")
    @cache.cached("user:{id}", tags=["users"])
    def find(id: int) -> str | None:
        return rows.get(id)

    @tell.step("A miss: look, take the lease, note the tag, load, and fill. The lease is what all others wait for.")
    def _() -> object:
        return find(7)

    @tell.step("A hit.")
    def _() -> object:
        return find(7)

    @tell.step("“There is none” is an answer too: asked three times, loaded once.", wire=0)
    def _() -> object:
        return [find(404), find(404), find(404)]

    tell.gap()
    tell.figure("calls", cache.stats().lookups)
    tell.figure("loads", cache.stats().loads)

    nowhere = redis.Redis(port=1, retry=Retry(NoBackoff(), 0))
    down = Cache(nowhere)

    @tell.step("Redis is down, here a port where nobody listens. The loader is called all the same.")
    def _() -> object:
        return down.get_or_load("user:7", lambda: rows[7])

    tell.gap()
    tell.figure("errors counted", down.stats().errors)
    nowhere.close()
    tell.remember("Give the cache the loader, and one place decides about misses, nothing, and failure.")
