"""The time of a rate limiter's decision, and how many commands a client sends for it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import redis

import patterns
from conformance.speed.figures import Figures
from patterns.bench.verdicts import Verdict, exactly

PART: Final = "limiters"
TRIPS: Final = "limiters, round trips"
HIT: Final = "admitted hit"
RATE: Final = 1_000_000
"""A day's limit that nobody reaches."""
OURS: Final = ("FixedWindow", "SlidingWindow", "SlidingLog", "TokenBucket", "GCRA")

CALLS: Final = 100
PORTIONS: Final = 15


def contenders(url: str, client: redis.Redis) -> dict[str, Callable[[], Any]]:
    """What each calls for one decision, with all that it tells."""
    import limits
    import limits.storage
    import limits.strategies
    import throttled

    found: dict[str, Callable[[], Any]] = {"bare INCR": lambda: client.incr("bare")}
    for name in OURS:
        limiter = getattr(patterns, name)(client, f"{RATE}/day")
        found[f"patterns {name}"] = partial(limiter.hit, "user:7")
    storage = limits.storage.RedisStorage(url)
    rate = limits.parse(f"{RATE}/day")
    for name in ("FixedWindow", "SlidingWindowCounter", "MovingWindow"):
        theirs = getattr(limits.strategies, f"{name}RateLimiter")(storage)
        found[f"limits {name}"] = partial(theirs.hit, rate, name)
    counter = limits.strategies.FixedWindowRateLimiter(storage)
    found["limits FixedWindow + stats"] = lambda: (counter.hit(rate, "s"), counter.get_window_stats(rate, "s"))
    store = throttled.RedisStore(server=url)
    quota = throttled.per_day(RATE)
    for kind in ("fixed_window", "sliding_window", "token_bucket", "gcra"):
        throttle = throttled.Throttled(using=kind, quota=quota, store=store)
        found[f"throttled-py {kind}"] = partial(throttle.limit, kind)
    return found


@contextmanager
def sent(counted: list[int]) -> Iterator[None]:
    """Count the times that a blocking connection sends something: each of them begins a round trip."""
    connection: Any = redis.connection.AbstractConnection
    original = connection.send_packed_command

    def counting(self: Any, *args: Any, **options: Any) -> Any:
        counted.append(1)
        return original(self, *args, **options)

    connection.send_packed_command = counting
    try:
        yield
    finally:
        connection.send_packed_command = original


def race(url: str, figures: Figures, rounds: int, portions: int = PORTIONS) -> None:
    """So many rounds: microseconds of a decision, each contender's fastest portion."""
    figures.units[PART] = "µs"
    figures.units[TRIPS] = "sent by the client for each decision"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        racing = contenders(url, client)
        for name, call in racing.items():
            call()
            counted: list[int] = []
            with sent(counted):
                call()
            figures.add(TRIPS, HIT, name, len(counted))
        for _ in range(rounds):
            fastest = dict.fromkeys(racing, float("inf"))
            for _ in range(portions):
                for name in random.sample(list(racing), len(racing)):
                    began = time.perf_counter()
                    for _ in range(CALLS):
                        racing[name]()
                    fastest[name] = min(fastest[name], time.perf_counter() - began)
            for name, seconds in fastest.items():
                figures.add(PART, HIT, name, seconds / CALLS * 1e6)


def verdicts(figures: Figures) -> list[Verdict]:
    """One round trip for each decision."""
    return [
        exactly(f"{name}: round trips of a decision", 1, figures.spread((TRIPS, HIT, f"patterns {name}")))
        for name in OURS
    ]
