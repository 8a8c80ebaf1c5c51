"""Leases: something that is held for a time, kept by renewing it, and lost if that fails.

The rule of this file: it knows how to wait for a lease, to renew it and to notice that it is lost, not what is
leased. That is what a lock, a semaphore and a leader say by :class:`Leasing`: three scripts, each answered from the
server's clock.

A holder cannot know that it still has its lease, only that it had it when the last answer was sent. So
:attr:`~LeaseOperations.held` counts from the moment before the last question, on the client's monotonic clock, which
measures nothing but that duration. When that time is over the holder is told of a loss, whatever a renewal is still
waiting for: a network that swallows packets keeps redis-py busy for a minute.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any, ClassVar, Final, Generic, TypeVar

from redis.exceptions import RedisClusterException, RedisError

from patterns.durations import Duration, milliseconds, seconds
from patterns.pattern import Blocking, Pattern, operation
from patterns.steps import Call, Shielded, Spawn, Steps, Wait
from patterns.waking import woken

RENEWALS: float = 3
"""A lease is renewed so many times before it would end; after an error four times as often."""

MACHINERY: Final = {"patterns.lease", "patterns.steps", "patterns.pattern", "contextlib"}
"""The modules between a ``with`` statement and what it enters."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server says to who wants a lease."""

    taken: bool
    fence: int | None
    """Its number, if it is taken and has one."""
    left: int
    """If it is not taken: in how many milliseconds to look again, unless woken."""
    news: bytes = b"0"
    """For who is woken by a stream: its last entry."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A ``with`` block of somebody's that was entered and not left."""

    lease: Any
    frame: FrameType | None
    """Whose it is. A generator's is the same in whatever thread or task it goes on."""
    caller: Any
    """The task, or the thread, that entered it."""


class NotAcquiredError(TimeoutError):
    """A ``with`` block did not get its lease within the time it was ready to wait."""


class LeaseOperations(Pattern):
    """A lease that somebody was given. In a ``with`` block it is released at the end."""

    token: str
    """What tells its holder from all others."""
    fence: int | None
    """A number higher than that of every lease of this lock before; none for a semaphore."""

    def __init__(
        self, leasing: Leasing[Any], token: str, fence: int | None, length: int, asked: float, on_lost: Any = None
    ) -> None:
        self.client = leasing.client
        self.token = token
        self.fence = fence
        self._leasing = leasing
        self._length = length
        self._on_lost = on_lost
        self._until = asked + length / 1000
        self._released = False
        self._over = self.new_event()
        """Is set when it is released or lost."""

    @property
    def held(self) -> bool:
        """Whether it can still be held, by all that is known here: neither lost nor released, nor its time over."""
        return not self._over.is_set() and time.monotonic() < self._until

    @operation
    def extend(self, ttl: Duration | None = None) -> Steps[bool]:
        """Hold it for *ttl* from now, or for its usual time, at least: none becomes shorter. False if it is lost."""
        return (yield from self._extend(ttl))

    @operation
    def release(self) -> Steps[bool]:
        """Give it back and wake who waits for it; False if it was lost before."""
        return (yield from self._release())

    def _extend(self, ttl: Duration | None = None) -> Steps[bool]:
        length = self._length if ttl is None else milliseconds(ttl)
        asked = time.monotonic()
        extended = bool((yield from self._leasing._extend(self.token, length)))
        if extended:
            self._until = max(self._until, asked + length / 1000)
        else:
            self._over.set()
        return extended

    def _release(self) -> Steps[bool]:
        self._released = True
        self._over.set()
        return bool((yield from self._leasing._release(self.token)))

    def _enter(self) -> Steps[Any]:
        yield from ()
        return self

    def _leave(self, error: BaseException | None) -> Steps[None]:
        yield Shielded(self._release())

    def _renew(self) -> Steps[None]:
        """Renew it until it is released or lost. An error is no loss as long as its time is not over."""
        pause = self._length / 1000 / RENEWALS
        while not (yield Wait(self._over, pause)):
            pause = self._length / 1000 / RENEWALS
            try:
                yield from self._extend()
            except (RedisError, RedisClusterException):  # the latter if no node can be reached
                left = self._until - time.monotonic()
                if left <= 0:
                    self._over.set()
                pause = max(0.0, min(pause / 4, left))

    def _watch(self) -> Steps[None]:
        """Tell of its loss: at once if a server says so, and when its time is over."""
        while (left := self._until - time.monotonic()) > 0:
            if (yield Wait(self._over, left)):
                break
        self._over.set()
        if not self._released:
            yield Call(self._on_lost, self)


class Lease(LeaseOperations, Blocking):
    __doc__ = LeaseOperations.__doc__


L = TypeVar("L", bound=LeaseOperations)


class Leasing(Pattern, Generic[L]):
    """Something that is leased. In a ``with`` block it is held, by one lease per block.

    A generator's block may end in another thread or task than it began in. Where no ``with`` statement tells whose end
    it is, because enter and exit are called from different functions, it is that of the last block of the thread or
    task, else the last of all. Who wants to be sure there acquires a lease, and enters that.
    """

    _lease: ClassVar[Any]
    """The class of its leases, of the same flavour."""
    _wake: str
    """The list at which those wait who did not get it."""

    def _start(
        self, client: Any, ttl: Duration, renew: bool, wait: Duration, on_lost: Callable[[Any], Any] | None
    ) -> None:
        self.client = client
        self._length = milliseconds(ttl)
        self._renews = renew
        self._wait = seconds(wait)
        self._on_lost = on_lost
        self._blocks: list[Block] = []

    def _new_token(self) -> str:
        return secrets.token_hex(16)

    def _take(self, token: str, waits: bool) -> Steps[Answer]:
        """Take it if that is possible; if not, *waits* says whether we shall wait."""
        raise NotImplementedError

    def _extend(self, token: str, length: int) -> Steps[int]:
        """Let the lease last so many milliseconds from now, at least."""
        raise NotImplementedError

    def _release(self, token: str) -> Steps[int]:
        """End the lease."""
        raise NotImplementedError

    def _sleep(self, answer: Answer, seconds: float) -> Steps[Any]:
        """Until somebody wakes us, or for so many seconds, but no longer than a slice."""
        return woken(self.client, self._wake, seconds)

    def _give_up(self, token: str) -> Steps[Any]:
        """Say that we do not wait any more, if anybody has to know that."""
        yield from ()

    def _withdraw(self, token: str) -> Steps[None]:
        """Give back what may be ours, be it a place among those who wait: nobody is left to know of it."""
        with suppress(RedisError, RedisClusterException):
            yield from self._release(token)

    @operation
    def acquire(self, *, wait: Duration | None = None) -> Steps[L | None]:
        """A lease, or None if there is none within *wait* seconds; 0 does not wait at all."""
        return (yield from self._acquire(self._wait if wait is None else seconds(wait)))

    def _acquire(self, wait: float) -> Steps[L | None]:
        deadline = time.monotonic() + wait
        token = self._new_token()
        waited = False
        try:
            while True:
                asked = time.monotonic()
                waits = asked < deadline
                waited = waited or waits
                answer = yield from self._take(token, waits)
                if answer.taken:
                    lease: L = self._lease(self, token, answer.fence, self._length, asked, self._on_lost)
                    if self._renews:
                        yield Spawn(lease._renew())
                        if self._on_lost is not None:
                            yield Spawn(lease._watch())
                    return lease
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    break
                yield from self._sleep(answer, min(answer.left / 1000, remaining))
        except asyncio.CancelledError:
            yield Shielded(self._withdraw(token))
            raise
        except Exception:
            yield Spawn(self._withdraw(token))  # beside the caller: a dead server would keep it waiting once more
            raise
        if waited:
            yield from self._give_up(token)
        return None

    def _enter(self) -> Steps[L]:
        lease = yield from self._acquire(self._wait)
        if lease is None:
            raise NotAcquiredError(f"not acquired within {self._wait:g} seconds: {self!r}")
        self._blocks.append(Block(lease, _frame(), _caller()))
        return lease

    def _leave(self, error: BaseException | None) -> Steps[None]:
        frame, caller = _frame(), _caller()
        last_first = reversed(list(self._blocks))
        block = max(last_first, key=lambda block: (block.frame is frame, block.caller == caller))
        self._blocks.remove(block)
        yield from block.lease._leave(error)


def _frame() -> FrameType | None:
    """What executes the ``with`` statement that is being carried out."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_globals.get("__name__") in MACHINERY:
        frame = frame.f_back
    return frame


def _caller() -> Any:
    """Who runs: the task, or the thread."""
    try:
        return asyncio.current_task() or threading.get_ident()
    except RuntimeError:
        return threading.get_ident()
