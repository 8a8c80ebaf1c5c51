"""A read-write lock: many readers or one writer, over all processes.

**The problem.** A plain lock keeps readers out who would not harm each other. The usual read-write lock counts its
readers: one that dies is counted for ever. And as long as readers overlap no writer ever has its turn.

**The guarantee.** As long as one primary lives, no writer's lease overlaps with any other lease by its clock. Nobody
starves: a reader that comes while a writer waits lets it go first, and the readers that waited when a writer leaves
go before the next one. Among themselves readers go together; writers are woken first come, first served, though a
newcomer may be faster. A lease ends with its holder, at the latest after ``ttl``; renewal keeps it as long as the
holder lives, and calls ``on_lost`` when it is lost. Who asks again after a lost reply has one lease, not two (a
release asked again says False: there was nothing left). A writer's ``lease.fence`` is higher than that of every writer
before, even if the server lost its counter, as long as its clock was not set back. Every key has a TTL.

**The price.** One round trip to acquire, one to release; one per third of ``ttl`` while it is held; a waiter keeps
one connection. Who dies while it waits keeps those behind it waiting for up to 3 seconds.

**Not** for correctness by itself, as with a lock (:mod:`patterns.lock`): send the fence along. Not for a reader that
wants to become a writer: it would wait for itself. Where writers are as many as readers a lock is simpler.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final, Generic, Literal, TypeVar

from patterns.durations import Duration
from patterns.keys import check_prefix, key
from patterns.lease import Answer, L, Lease, Leasing
from patterns.lock import DAY
from patterns.patience import LONGEST_MS
from patterns.pattern import Blocking, Pattern
from patterns.scripts import Script
from patterns.steps import Steps
from patterns.waking import told

ACQUIRE: Final = Script("rwlock_acquire")
EXTEND: Final = Script("rwlock_extend")
RELEASE: Final = Script("rwlock_release")

PATIENCE_MS: Final = 3 * LONGEST_MS
"""How long one counts as waiting who was not heard of. It looks again at least three times as often."""

PARTS: Final = ("", "writers", "readers", "promised", "wake-readers", "wake-writers", "fence")


class RWLockSideOperations(Leasing[L]):
    """One side of a read-write lock: ``with lock.read: ...``, ``with lock.write as lease: ...``. Not reentrant."""

    def __init__(self, of: RWLockOperations[Any], kind: Literal["read", "write"]) -> None:
        self._start(of.client, of._ttl, of._renews, of._wait, of._on_lost)
        self._name = of.name
        self._kind = kind
        self._keys = of._keys
        self._news, self._wake = of._keys[4:6]

    def _new_token(self) -> str:
        return self._kind[0] + super()._new_token()

    def _take(self, token: str, waits: bool) -> Steps[Answer]:
        args = (token, self._length, int(waits), max(DAY, 2 * self._length), PATIENCE_MS)
        taken, fence, left, news = yield from ACQUIRE(self._keys, args)
        return Answer(bool(taken), fence or None, left, news)

    def _extend(self, token: str, length: int) -> Steps[int]:
        return EXTEND(self._keys[:1], (token, length, PATIENCE_MS))

    def _release(self, token: str) -> Steps[int]:
        return RELEASE(self._keys[:6], (token, PATIENCE_MS))

    def _sleep(self, answer: Answer, seconds: float) -> Steps[Any]:
        if self._kind == "write":
            return super()._sleep(answer, seconds)
        return told(self.client, self._news, answer.news, seconds)

    def _give_up(self, token: str) -> Steps[Any]:
        return self._release(token)

    def __repr__(self) -> str:
        return f"RWLock({self._name!r}).{self._kind}"


class RWLockSide(RWLockSideOperations[Lease], Blocking):
    __doc__ = RWLockSideOperations.__doc__
    _lease = Lease


S = TypeVar("S", bound=RWLockSideOperations[Any])


class RWLockOperations(Pattern, Generic[S]):
    """``lock = RWLock(client, "prices")``; ``with lock.read: ...``, ``lease = lock.write.acquire(wait=5)``."""

    _side: ClassVar[Any]
    """The class of its sides, of the same flavour."""
    read: S
    """For many at a time."""
    write: S
    """For one alone."""

    def __init__(
        self,
        client: Any,
        name: str,
        *,
        ttl: Duration = 30,
        renew: bool = True,
        wait: Duration = 10,
        on_lost: Callable[[Any], Any] | None = None,
        prefix: str = "rwlock:",
    ) -> None:
        self.client = client
        self.name = name
        self._ttl, self._renews, self._wait, self._on_lost = ttl, renew, wait, on_lost
        self._keys = tuple(key(check_prefix(prefix), name, part) for part in PARTS)
        self.read, self.write = self._side(self, "read"), self._side(self, "write")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class RWLock(RWLockOperations[RWLockSide], Blocking):
    __doc__ = RWLockOperations.__doc__
    _side = RWLockSide
