"""Locks beside redis-py's own: taking and giving back a free one, and how long a waiter waits after the release."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import redis

from conformance.speed.figures import Figures
from patterns import Lock

PART: Final = "locks"
FREE: Final = "taken and given back, µs"
HANDED: Final = "from release to the waiter, ms"
OURS: Final = "patterns Lock"
THEIRS: Final = "redis-py Lock"

CALLS: Final = 50
PORTIONS: Final = 15
HANDOVERS: Final = 10


def _ours(client: redis.Redis) -> None:
    lease = Lock(client, "l", renew=False).acquire()
    assert lease is not None
    lease.release()


def _theirs(client: redis.Redis) -> None:
    lock = client.lock("theirs", timeout=30)
    lock.acquire()
    lock.release()


FREE_LOCKS: Final[dict[str, Callable[[redis.Redis], None]]] = {OURS: _ours, THEIRS: _theirs}


def _waiting_for_ours(client: redis.Redis) -> Callable[[], Any]:
    lease = Lock(client, "h", renew=False).acquire()
    assert lease is not None
    return lease.release


def _waiting_for_theirs(client: redis.Redis) -> Callable[[], Any]:
    lock: Any = client.lock("handed", timeout=30, thread_local=False)
    lock.acquire()
    release: Callable[[], Any] = lock.release
    return release


def _wait_for_ours(client: redis.Redis) -> float:
    lease = Lock(client, "h", renew=False).acquire(wait=20)
    got = time.perf_counter()
    assert lease is not None
    lease.release()
    return got


def _wait_for_theirs(client: redis.Redis) -> float:
    lock = client.lock("handed", timeout=30)
    lock.acquire()
    got = time.perf_counter()
    lock.release()
    return got


HOLDERS: Final = {OURS: (_waiting_for_ours, _wait_for_ours), THEIRS: (_waiting_for_theirs, _wait_for_theirs)}


def handover(client: redis.Redis, contender: str, pause: float) -> float:
    """Milliseconds from a release, *pause* seconds after somebody began to wait, to when that one has the lock."""
    hold, wait = HOLDERS[contender]
    release = hold(client)
    got: list[float] = []
    waiter = threading.Thread(target=lambda: got.append(wait(client)))
    waiter.start()
    time.sleep(pause)
    released = time.perf_counter()
    release()
    waiter.join()
    return (got[0] - released) * 1000


def race(url: str, figures: Figures, rounds: int, portions: int = PORTIONS) -> None:
    """So many rounds of both."""
    figures.units[PART] = ""
    chance = random.Random(1)
    with redis.Redis.from_url(url) as client:
        for _ in range(rounds):
            fastest = dict.fromkeys(FREE_LOCKS, float("inf"))
            for _ in range(portions):
                for name, call in FREE_LOCKS.items():
                    began = time.perf_counter()
                    for _ in range(CALLS):
                        call(client)
                    fastest[name] = min(fastest[name], time.perf_counter() - began)
            for name, seconds in fastest.items():
                figures.add(PART, FREE, name, seconds / CALLS * 1e6)
            for name in HOLDERS:
                # Pauses that nobody's interval of polling fits.
                waits = [handover(client, name, chance.uniform(0.05, 0.15)) for _ in range(HANDOVERS)]
                figures.add(PART, HANDED, name, sum(waits) / len(waits))
