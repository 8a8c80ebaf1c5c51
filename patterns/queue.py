"""A reliable queue: a job is done, or it is still there, whoever dies in between.

**The problem.** BLPOP hands the job over and forgets it: a worker that dies takes it along. A processing list keeps
it, but nobody puts it back; retries, delays and dead letters are then added by scripts of one's own.

**The guarantee.** At least once: from the moment :meth:`~QueueOperations.put` answers, a job is ready, scheduled,
taken or dead until it is acknowledged, whatever happens to workers at whatever point. A worker that is not heard of
within the visibility timeout loses its job to another; each time a job is taken it has another receipt, so that one
who is late neither finishes nor fails what another has now. A job runs twice only if its worker did not acknowledge it
in time: what is sent again within a minute, since its reply was lost (redis-py does that by itself), puts the job
once, takes the same job and fails it once. A job that failed waits longer each time, and is put aside as dead after
its last attempt. Higher priorities first, then first in, first out. Jobs with an *id* of their own are in the queue
once. A worker who waits is woken by the job, not by polling.

**The price.** One round trip each to put, take, acknowledge, fail or extend. A waiting worker keeps one connection. So
that nothing is done twice, Redis keeps a small key for a minute for each job that was put, and one for each that was
taken and not acknowledged yet. All of a queue is in one slot of a cluster. Jobs have no TTL, by intention: a queue
that forgets is none. An empty one leaves no key without.

**Not for** effects that must happen once: let the job's work be idempotent (:class:`patterns.Idempotency`). Not for
much more than ten thousand jobs a second, or for several groups of readers: that is a stream. What a failover had not
replicated is lost.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final, Generic, TypeVar

from redis.exceptions import RedisClusterException, RedisError

from patterns.codecs import JSON, Codec
from patterns.durations import Duration, milliseconds, seconds
from patterns.keys import check_prefix, key
from patterns.pattern import Blocking, Pattern, operation
from patterns.scripts import Script
from patterns.steps import Command, Pipeline, Shielded, Steps, raise_errors
from patterns.waking import woken

PUT: Final = Script("queue_put")
TAKE: Final = Script("queue_take")
ACK: Final = Script("queue_ack")
NACK: Final = Script("queue_nack")
RETURN: Final = Script("queue_return")
EXTEND: Final = Script("queue_extend")
RETRY: Final = Script("queue_retry")
DEAD: Final = Script("queue_dead")

DAY: Final = 86_400_000
"""How long keys are kept that hold no job, in milliseconds."""

MINUTE: Final = 60_000
"""How long it is known what became of a call, for whom its answer did not reach; in milliseconds."""

PRIORITIES: Final = range(-1000, 1001)


def backoff(attempt: int) -> float:
    """Seconds until the next attempt: 1, 2, 4 … up to an hour, and up to half as much again, lest all come at once."""
    return min(3600.0, 2.0 ** min(attempt - 1, 12)) * random.uniform(1, 1.5)


@dataclass(frozen=True, slots=True)
class Dead:
    """A job that was given up."""

    id: str
    value: Any
    attempts: int
    error: str
    at: float
    """When, in seconds since the epoch by the server's clock."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many jobs are in which state."""

    ready: int
    scheduled: int
    taken: int
    dead: int


class JobOperations(Pattern):
    """A job that a worker has taken. A ``with`` block acknowledges it at its end, or fails it with its error."""

    def __init__(self, queue: QueueOperations[Any], id: str, value: Any, attempt: int, receipt: str) -> None:
        self.client = queue.client
        self.id = id
        self.value = value
        self.attempt = attempt
        """Which attempt this is, from 1."""
        self._queue = queue
        self._receipt = receipt

    @operation
    def ack(self) -> Steps[bool]:
        """It is done. False if another worker has it now, and may do it again."""
        return (yield from self._ack())

    @operation
    def nack(self, *, delay: Duration | None = None, error: str = "") -> Steps[bool]:
        """It failed: try again after *delay*, or after the queue's backoff. False if its time had run out before.

        Whoever says it again changes nothing.
        """
        return (yield from self._nack(delay, error))

    @operation
    def extend(self, visibility: Duration | None = None) -> Steps[bool]:
        """Keep it for so long from now, or for the queue's visibility. False if its time had run out before."""
        queue = self._queue
        length = queue._visibility if visibility is None else milliseconds(visibility)
        return bool((yield from EXTEND((queue._jobs, queue._taken), (self.id, self._receipt, length))))

    def _ack(self) -> Steps[bool]:
        queue = self._queue
        hand = queue._hand(self._receipt)
        keys = (queue._jobs, queue._ready, queue._scheduled, queue._taken, queue._dead, queue._order, hand)
        return bool((yield from ACK(keys, (self.id, self._receipt, DAY))))

    def _nack(self, delay: Duration | None, error: str) -> Steps[bool]:
        queue = self._queue
        wait = seconds(queue._backoff(self.attempt) if delay is None else delay)
        hand = queue._hand(self._receipt)
        keys = (queue._jobs, queue._ready, queue._scheduled, queue._taken, queue._dead, queue._wake, hand)
        # Half of a surrogate pair, as in names of files that are no UTF-8, must not keep the job from being failed.
        text = error.encode("utf-8", "backslashreplace")
        args = (self.id, self._receipt, milliseconds(wait) if wait else 0, queue._max_attempts, text, DAY, MINUTE)
        return bool((yield from NACK(keys, args)))

    def _enter(self) -> Steps[Any]:
        yield from ()
        return self.value

    def _leave(self, error: BaseException | None) -> Steps[None]:
        if error is None:
            yield Shielded(self._ack())
        else:
            yield Shielded(self._nack(None, f"{type(error).__name__}: {error}"))


class Job(JobOperations, Blocking):
    __doc__ = JobOperations.__doc__


J = TypeVar("J", bound=JobOperations)


class QueueOperations(Pattern, Generic[J]):
    """``queue.put({"send": "mail"})``; in a worker ``job = queue.take(wait=60)``, then ``with job as value: ...``"""

    _job: ClassVar[Any]
    """The class of its jobs, of the same flavour."""

    def __init__(
        self,
        client: Any,
        name: str,
        *,
        visibility: Duration = 30,
        max_attempts: int = 5,
        backoff: Callable[[int], Duration] = backoff,
        codec: Codec = JSON,
        prefix: str = "queue:",
    ) -> None:
        if max_attempts < 1:
            raise ValueError(f"a job has 1 attempt or more: {max_attempts!r}")
        self.client = client
        self._visibility = milliseconds(visibility)
        self._max_attempts = max_attempts
        self._backoff = backoff
        self._codec = codec
        self._part = partial(key, check_prefix(prefix), name)
        self._jobs = self._part()
        self._ready, self._scheduled, self._taken, self._dead, self._order, self._wake = (
            self._part(part) for part in ("ready", "scheduled", "taken", "dead", "order", "wake")
        )

    @operation
    def put(self, job: Any, *, delay: Duration = 0, priority: int = 0, id: str | None = None) -> Steps[bool]:
        """Add a job, to be taken after *delay*. False if one with that *id* is there, in whatever state."""
        if priority not in PRIORITIES:
            raise ValueError(f"a priority is between -1000 and 1000: {priority!r}")
        wait = milliseconds(delay) if seconds(delay) else 0
        call = secrets.token_hex(8)
        keys = (self._jobs, self._ready, self._scheduled, self._order, self._wake, self._part(f"put:{call}"))
        args = (call if id is None else id, self._codec.dumps(job), wait, priority, DAY, MINUTE)
        return bool((yield from PUT(keys, args)))

    @operation
    def take(self, *, wait: Duration = 0) -> Steps[J | None]:
        """The next job, or None if none becomes ready within *wait* seconds. If it is cancelled, it takes none."""
        deadline = time.monotonic() + seconds(wait)
        receipt = secrets.token_hex(8)
        keys = (self._jobs, self._ready, self._scheduled, self._taken, self._dead, self._wake, self._hand(receipt))
        while True:
            try:
                found, *reply = yield from TAKE(keys, (self._visibility, self._max_attempts, DAY, receipt, MINUTE))
            except (asyncio.CancelledError, KeyboardInterrupt):
                yield Shielded(self._give_back(receipt))
                raise
            if found:
                id, payload, attempt = reply
                job: J = self._job(self, id.decode(), self._codec.loads(payload), attempt, receipt)
                return job
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return None
            yield from woken(self.client, self._wake, min(remaining, reply[0] / 1000) if reply[0] >= 0 else remaining)

    def _give_back(self, receipt: str) -> Steps[None]:
        keys = (self._jobs, self._ready, self._taken, self._wake, self._hand(receipt))
        try:
            yield from RETURN(keys, (receipt, DAY, MINUTE))
        except (RedisError, RedisClusterException):
            return  # then it is given to another after the visibility timeout

    def _hand(self, receipt: str) -> str:
        """The key of what became of a receipt."""
        return self._part(f"hand:{receipt}")

    @operation
    def dead(self, count: int = 100) -> Steps[list[Dead]]:
        """The jobs that were given up, the latest first. The value of one that the codec cannot read is its bytes."""
        found = yield from DEAD((self._jobs, self._dead), (count,))
        return [
            Dead(id.decode(), self._readable(payload), int(attempts), (error or b"").decode(), float(at) / 1000)
            for id, payload, attempts, error, at in found
        ]

    def _readable(self, payload: bytes) -> Any:
        try:
            return self._codec.loads(payload)
        except ValueError:
            return payload

    @operation
    def retry(self, id: str) -> Steps[bool]:
        """Put a job that was given up back, with all its attempts before it. False if there is none (any more)."""
        return bool((yield from RETRY((self._jobs, self._ready, self._dead, self._wake), (id, DAY))))

    @operation
    def counts(self) -> Steps[Counts]:
        """How many jobs are ready, scheduled, taken and dead. Whose time has come moves when a job is next taken."""
        sets = (self._ready, self._scheduled, self._taken, self._dead)
        return Counts(*raise_errors((yield Pipeline(Command("ZCARD", each) for each in sets))))


class Queue(QueueOperations[Job], Blocking):
    __doc__ = QueueOperations.__doc__
    _job = Job
