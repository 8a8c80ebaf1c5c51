"""Write-behind: a write is accepted by Redis, and goes to the database later, in batches.

**The problem.** A list and BLPOP: what a worker has popped is lost when it crashes. Nothing retries, nothing is given
up, and two workers write one key in the wrong order.

**The guarantee.** A write that ``put`` has accepted is in a stream until the database has it (or it is a dead
letter): a crash at any point loses none. At least once: after a crash a batch may be written again. One worker at a
time is at work, and each call of ``run`` or ``drain`` is a worker of its own, so that the writes of a key come in
order; each has a *version* that grows, by which a database can refuse what comes late. Of several writes to a key in
one batch, the last is written. The version in the cache never goes down either. A ``put`` that is sent again within a
minute, since its reply was lost, is one write.

**The price.** A write is two round trips, a batch two and the cache's. So that a write is not accepted twice, Redis
keeps a small key for each, for a minute. Redis is where accepted writes are: what it loses (no AOF, a failover before
replication) is lost.

**Not for** what has to be in the database when the caller goes on; nor is a value read from the database meanwhile up
to date: when the cache has lost it, readers see the old one until the worker has written. A worker has its lock anew
for each call of the writer, but a call that lasts longer than the lock (``lock``) may write beside the successor: only
the version saves the order then. Writes that fail are tried again, ``max_attempts`` times with pauses that grow to ten
seconds (with the defaults: for some 80 seconds at least), then they are dead letters; until then they hold up those
that came after them. So let the writer put aside itself what the database will never take.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

from redis.exceptions import RedisClusterException, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from patterns.cache import CacheOperations
from patterns.cache_store import UnavailableError
from patterns.durations import Duration, milliseconds
from patterns.envelope import seal
from patterns.keys import check_prefix, key
from patterns.patience import LONGEST_MS, slice_ms
from patterns.pattern import Blocking, Pattern, operation
from patterns.scripts import Script
from patterns.steps import Call, Command, Shielded, Sleep, Steps, Wait

PUT: Final = Script("behind_put")
TAKE: Final = Script("behind_take")
HOLD: Final = Script("behind_hold")
DONE: Final = Script("behind_done")
RETRY: Final = Script("behind_retry")

T = TypeVar("T")

GROUP: Final = "writers"
SEQUENCE_DIGITS: Final = 20
LONGEST_PAUSE: Final = 10.0
POLL: Final = 0.1
"""Seconds after which :meth:`~WriteBehindOperations.drain` looks again whether another worker has written all."""
RETRIED: Final = 100
ANSWERED_MS: Final = 60_000
"""How long the answer to a call is kept for whom it did not reach."""


@dataclass(frozen=True)
class Write:
    """A write that the database has to be told of."""

    key: str
    value: Any
    version: int
    """Grows with each write of the key."""


@dataclass
class _Batch:
    """The last write to each key, and the ids of all that it stands for."""

    writes: dict[str, Write]
    ids: dict[str, list[bytes]]
    unreadable: list[bytes]


@dataclass
class _Worker:
    """One call of ``run`` or ``drain``."""

    token: str = field(default_factory=lambda: secrets.token_hex(16))
    """What tells it from all others, those of the same object too."""
    writing: bool = False
    """Whether the writer is at work, for all that is known: one that was cancelled may be, in a thread of its own."""


class WriteBehindOperations(Pattern):
    """Writes that are accepted now, and given to *writer* later, as a list of :class:`Write`."""

    def __init__(
        self,
        cache: CacheOperations,
        writer: Callable[[Sequence[Write]], Any],
        *,
        name: str = "default",
        batch: int = 100,
        max_attempts: int = 15,
        lock: Duration = 30,
        version_ttl: Duration = 24 * 3600,
        prefix: str = "behind:",
    ) -> None:
        self.client = cache.client
        self._cache = cache
        self._writer = writer
        self._batch = batch
        self._max_attempts = max_attempts
        self._lock_ms = milliseconds(lock)
        self._version_ms = milliseconds(version_ttl)
        self._stream = key(check_prefix(prefix), name)
        self._lock = key(prefix, name, "worker")
        self._dead = key(prefix, name, "dead")
        self._part = partial(key, prefix, name)
        self._stopping: Any = None

    @operation
    def put(self, key: str, value: Any) -> Steps[int]:
        """Accept a write, and cache its value: its version. If it raises, the write may not have been accepted."""
        data = self._cache.store.codec.dumps(value)
        keys = [self._stream, self._part(f"put:{secrets.token_hex(8)}")]
        version = _version((yield from PUT(keys, [key, data, ANSWERED_MS])))
        yield from self._show([Write(key, value, version)])
        return version

    def _show(self, writes: Sequence[Write]) -> Steps[None]:
        """Let the cache have the values, unless it has later ones."""
        store = self._cache.store
        shown = []
        for write in writes:
            fresh = store.expiry.ttl_of(write.value, None) or 0.001
            shown.append((write.key, str(write.version), seal(store.codec, write.value, 0.0), fresh))
        try:
            yield from store.write_versions(shown, self._version_ms)
        except UnavailableError:
            # Accepted it is; the worker shows it once more.
            self._cache.metrics.note("error", writes[0].key)
        for write in writes:
            self._cache.forget(write.key)

    @operation
    def run(self) -> Steps[None]:
        """Be the worker, or stand by while another is, until :meth:`stop`."""
        stopping = self._stopping = self._stopping or self.new_event()
        try:
            yield from self._at_work(lambda worker: self._run(worker, stopping))
        finally:
            if stopping.is_set() and self._stopping is stopping:
                self._stopping = None  # it was for this run

    def stop(self) -> None:
        """Let :meth:`run` end when it has ended its batch, or has waited for a second; if none runs, the next one."""
        self._stopping = self._stopping or self.new_event()
        self._stopping.set()

    @operation
    def drain(self) -> Steps[int]:
        """Write until nothing is left to be written, by us or by the worker at work: how many we have ended."""
        return (yield from self._at_work(self._drain))

    @operation
    def pending(self) -> Steps[int]:
        """How many writes the database does not have yet."""
        return int((yield Command("XLEN", self._stream)))

    @operation
    def dead(self) -> Steps[list[tuple[str, Any, str]]]:
        """What was given up: key, value and the last error. A value that cannot be read is given as its bytes."""
        letters = []
        for _, fields in (yield Command("XRANGE", self._dead, "-", "+")):
            letter = _fields(fields)
            # What somebody else put into the stream may have neither key nor value.
            key, data, reason = (letter.get(name, b"") for name in (b"key", b"value", b"reason"))
            try:
                value = self._cache.store.codec.loads(data)
            except ValueError:
                value = data
            letters.append((key.decode("utf-8", "backslashreplace"), value, reason.decode()))
        return letters

    @operation
    def retry_dead(self) -> Steps[int]:
        """Accept all dead letters once more: how many. Now they come after all that was written to their keys since."""
        last = yield Command("XREVRANGE", self._dead, "+", "-", "COUNT", 1)
        retried = 0
        while last and (found := (yield from RETRY([self._stream, self._dead], [last[0][0], RETRIED]))):
            retried += found
        return retried

    def _at_work(self, work: Callable[[_Worker], Steps[T]]) -> Steps[T]:
        """Do that as a worker of its own, and let another begin at once when it has ended, in whatever way."""
        worker = _Worker()
        try:
            result = yield from work(worker)
        except GeneratorExit:
            raise  # nobody is left to carry out steps
        except BaseException:
            yield Shielded(self._leave_work(worker))
            raise
        yield Shielded(self._leave_work(worker))
        return result

    def _leave_work(self, worker: _Worker) -> Steps[None]:
        if worker.writing:
            return  # nobody else is to write before the lock has run out
        try:
            yield from HOLD([self._lock], [worker.token, 0])
        except (RedisError, RedisClusterException):
            return  # it runs out by itself

    def _run(self, worker: _Worker, stopping: Any) -> Steps[None]:
        while not stopping.is_set():
            answer, found, tried = yield from self._take(worker)
            if answer == b"busy":
                yield Wait(stopping, min(found, LONGEST_MS) / 1000)
            elif found:
                _, pause = yield from self._work(worker, found, tried)
                if pause:
                    yield Wait(stopping, pause)
            else:
                yield from self._listen()

    def _drain(self, worker: _Worker) -> Steps[int]:
        ended = 0
        while True:
            answer, found, tried = yield from self._take(worker)
            if answer == b"busy":
                if not (yield Command("XLEN", self._stream)):
                    return ended
                yield Sleep(min(found / 1000, POLL))
            elif found:
                count, pause = yield from self._work(worker, found, tried)
                ended += count
                if pause:
                    yield Sleep(pause)
            else:
                return ended

    def _take(self, worker: _Worker) -> Steps[Any]:
        answer = yield from TAKE([self._lock, self._stream], [worker.token, self._lock_ms, GROUP, self._batch])
        return answer if len(answer) == 3 else [*answer, 0]

    def _listen(self) -> Steps[None]:
        # Whatever has ended is deleted: an entry, of any id, is a write to be written.
        try:
            yield Command("XREAD", "COUNT", 1, "BLOCK", slice_ms(self.client), "STREAMS", self._stream, "0")
        except RedisTimeoutError:
            return

    def _work(self, worker: _Worker, found: Sequence[Any], tried: int) -> Steps[tuple[int, float]]:
        """Write a batch; if that fails, each key alone, so that one does not hold up all.

        How many were ended, and for how many seconds to let the database be.
        """
        batch = self._read(found)
        ended, pause = 0, 0.0
        if batch.unreadable:
            ended += yield from self._end(batch.unreadable, "it cannot be read")
        writes = list(batch.writes.values())
        alone = [[write] for write in writes]
        # If it was tried often enough without coming to an end, writing all at once takes longer than the lock lasts.
        attempts = [writes] if writes and tried <= self._max_attempts else alone
        for number, attempt in enumerate(attempts):
            if number and not (yield from HOLD([self._lock], [worker.token, self._lock_ms])):
                return ended, 0.0  # a successor has them, and may be writing
            error = yield from self._try(worker, attempt)
            ids = [id for write in attempt for id in batch.ids[write.key]]
            if error is None:
                ended += yield from self._end(ids)
            elif len(attempt) > 1:
                attempts += alone
            elif tried >= self._max_attempts:
                ended += yield from self._end(ids, repr(error))
            else:
                pause = min(0.05 * 2 ** min(tried, 10), LONGEST_PAUSE, self._lock_ms / 3000)
        return ended, pause

    def _read(self, found: Sequence[Any]) -> _Batch:
        batch = _Batch({}, {}, [])
        for id, fields in found:
            entry = _fields(fields or [])
            try:
                name = entry[b"key"].decode()
                value = self._cache.store.codec.loads(entry[b"value"])
            except (KeyError, ValueError):
                batch.unreadable.append(id)
                continue
            batch.writes[name] = Write(name, value, _version(id))
            batch.ids.setdefault(name, []).append(id)
        return batch

    def _try(self, worker: _Worker, writes: Sequence[Write]) -> Steps[Exception | None]:
        worker.writing = True
        try:
            yield Call(self._writer, writes)
        except Exception as error:
            worker.writing = False
            return error
        worker.writing = False
        # Before they are ended: if this process crashed when it had put them, nobody else would show them.
        yield from self._show(writes)
        return None

    def _end(self, ids: Sequence[bytes], reason: str = "") -> Steps[int]:
        reason_text = reason.encode("utf-8", "backslashreplace")
        return int((yield from DONE([self._stream, self._dead], [GROUP, reason_text, *ids])))


def _fields(flat: Any) -> dict[bytes, bytes]:
    if isinstance(flat, dict):  # where redis-py knows the command
        return flat
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _version(id: bytes) -> int:
    """The version that an entry's id makes: ids grow, and so does this."""
    milliseconds, sequence = id.split(b"-")
    return int(milliseconds) * 10**SEQUENCE_DIGITS + int(sequence)


class WriteBehind(WriteBehindOperations, Blocking):
    __doc__ = WriteBehindOperations.__doc__
