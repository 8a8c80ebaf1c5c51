"""A semaphore: at most so many holders at a time, over all processes.

**The problem.** "No more than five exports at once." The usual version is a counter: a process that dies keeps its
place for ever. Or a sorted set by the clients' clocks, where the fastest clock throws the others out.

**The guarantee.** As long as one primary lives, at no time are there more than ``limit`` leases by its clock. A lease
ends with its holder, at the latest after ``ttl``; renewal keeps it as long as the holder lives, and calls ``on_lost``
when it is lost. Who asks again after a lost reply has one permit, not two (a release asked again says False: there
was nothing left). Who waits is woken by a release. Every key has a TTL.

**The price.** One round trip to acquire, one to release; one per third of ``ttl`` while it is held; a waiter keeps
one connection.

**Not for** limiting how often something happens: that is a rate limiter. As with a lock, a failover may forget
leases.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from patterns.durations import Duration
from patterns.keys import check_prefix, key
from patterns.lease import Answer, L, Lease, Leasing
from patterns.pattern import Blocking
from patterns.scripts import Script
from patterns.steps import Steps

ACQUIRE: Final = Script("semaphore_acquire")
EXTEND: Final = Script("semaphore_extend")
RELEASE: Final = Script("semaphore_release")


class SemaphoreOperations(Leasing[L]):
    """``with Semaphore(client, "exports", 5): ...`` or ``lease = semaphore.acquire(wait=5)``."""

    def __init__(
        self,
        client: Any,
        name: str,
        limit: int,
        *,
        ttl: Duration = 30,
        renew: bool = True,
        wait: Duration = 10,
        on_lost: Callable[[Any], Any] | None = None,
        prefix: str = "semaphore:",
    ) -> None:
        if limit < 1:
            raise ValueError(f"a semaphore has 1 permit or more: {limit!r}")
        self._start(client, ttl, renew, wait, on_lost)
        self.name = name
        self.limit = limit
        self._key, self._wake = (key(check_prefix(prefix), name, part) for part in ("", "wake"))

    def _take(self, token: str, waits: bool) -> Steps[Answer]:
        taken, left = yield from ACQUIRE((self._key, self._wake), (token, self._length, self.limit))
        return Answer(bool(taken), None, left)

    def _extend(self, token: str, length: int) -> Steps[int]:
        return EXTEND((self._key,), (token, length))

    def _release(self, token: str) -> Steps[int]:
        return RELEASE((self._key, self._wake), (token, self.limit, self._length))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.limit})"


class Semaphore(SemaphoreOperations[Lease], Blocking):
    __doc__ = SemaphoreOperations.__doc__
    _lease = Lease
