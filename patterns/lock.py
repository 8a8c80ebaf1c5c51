"""A distributed lock: one holder at a time, with a number that tells the resource who is late.

**The problem.** The usual lock is SET NX and a DEL at the end: it deletes somebody else's lock when its own has
expired, it polls, it ends in the middle of long work, and after a lost reply it waits for itself. And no lock that
expires can be sure: a holder that was paused still believes in it.

**The guarantee.** As long as one primary lives, no two leases overlap by its clock. Only its holder extends or
releases a lease; each is asked by a token, so that a question asked again after a lost reply gets the same answer.
Renewal keeps the lease as long as the holder lives; ``on_lost`` is called once, when a server says that it is lost, or
when its time is over and no server has said that it was renewed. Who waits is woken by the release, first come, first
woken, though a newcomer may be faster. ``lease.fence`` is higher than that of every lease before, even if the server
lost its counter, as long as its clock was not set back. Every key has a TTL.

**The price.** One round trip to acquire a free lock, one to release it; one per third of ``ttl`` while it is held; a
waiter keeps one connection. A thread, or a task, renews what is held; one more waits to call ``on_lost``. A holder that
dies keeps others waiting for up to ``ttl``.

**Not** for correctness by itself. A failover may lose a lease that was not replicated, and a paused holder wakes up
after its own: two then believe they hold it. (Several servers, as in Redlock, make that rarer, not impossible.) Where
it must not happen, send the fence along and let the resource refuse every number below the highest it has seen.
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

ACQUIRE: Final = Script("lock_acquire")
EXTEND: Final = Script("lock_extend")
RELEASE: Final = Script("lock_release")

DAY: Final = 86_400_000
"""How long the last fence is remembered, in milliseconds. After that the server's clock is far ahead of it."""


class LockOperations(Leasing[L]):
    """``with Lock(client, "invoice:7") as lease: ...`` or ``lease = lock.acquire(wait=5)``. It is not reentrant."""

    def __init__(
        self,
        client: Any,
        name: str,
        *,
        ttl: Duration = 30,
        renew: bool = True,
        wait: Duration = 10,
        on_lost: Callable[[Any], Any] | None = None,
        prefix: str = "lock:",
    ) -> None:
        self._start(client, ttl, renew, wait, on_lost)
        self.name = name
        self._key, self._fence, self._wake = (key(check_prefix(prefix), name, part) for part in ("", "fence", "wake"))

    def _take(self, token: str, waits: bool) -> Steps[Answer]:
        keys = (self._key, self._fence, self._wake)
        taken, fence, left = yield from ACQUIRE(keys, (token, self._length, max(DAY, 2 * self._length)))
        return Answer(bool(taken), fence, left)

    def _extend(self, token: str, length: int) -> Steps[int]:
        return EXTEND((self._key,), (token, length))

    def _release(self, token: str) -> Steps[int]:
        keys = (self._key, self._fence, self._wake)
        return RELEASE(keys, (token, max(DAY, 2 * self._length), self._length))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class Lock(LockOperations[Lease], Blocking):
    __doc__ = LockOperations.__doc__
    _lease = Lease
