"""Write-behind: a write is accepted by Redis, and goes to the database later, in batches.

**The problem.** A list and BLPOP: what a worker has popped is lost when it crashes. Nothing retries, nothing is given
up, and two workers write one key in the wrong order.

**The guarantee.** A write that ``put`` has accepted is in a stream until the database has it (or it is a dead
letter): a crash at any point loses none. At least once: after a crash a batch may be written again. One worker at a
time is at work, so that the writes of a key come in order; each has a *version* that grows, by which a database can
refuse what comes late. Of several writes to a key in one batch, the last is written. The version in the cache never
goes down either.

**The price.** A write is two round trips, a batch two and the cache's. Redis is where accepted writes are: what it
loses (no AOF, a failover before replication) is lost.

**Not for** what has to be in the database when the caller goes on; nor is a value read from the database meanwhile up
to date: when the cache has lost it, readers see the old one until the worker has written. A worker that stalls for
longer than its lock (``lock``) may write beside its successor: only the version saves the order then. Writes that
fail hold up the others until they have been tried ``max_attempts`` times.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis.exceptions import TimeoutError as RedisTimeoutError

from patterns.cache import CacheOperations
from patterns.cache_store import UnavailableError
from patterns.durations import Duration, milliseconds
from patterns.envelope import seal
from patterns.keys import check_prefix, key
from patterns.patience import LONGEST_MS, slice_ms
from patterns.pattern import Blocking, Pattern, operation
from patterns.scripts import Script
from patterns.steps import Call, Command, Sleep, Steps, Wait

TAKE: Final = Script("behind_take")
DONE: Final = Script("behind_done")
GROUP: Final = "writers"
SEQUENCE_DIGITS: Final = 20
LONGEST_PAUSE: Final = 30.0


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


class WriteBehindOperations(Pattern):
    """Writes that are accepted now, and given to *writer* later, as a list of :class:`Write`."""

    def __init__(
        self,
        cache: CacheOperations,
        writer: Callable[[Sequence[Write]], Any],
        *,
        name: str = "default",
        batch: int = 100,
        max_attempts: int = 5,
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
        self._token = secrets.token_hex(16)
        self._stopping: Any = None

    @operation
    def put(self, key: str, value: Any) -> Steps[int]:
        """Accept a write, and cache its value: its version. If it raises, the write may not have been accepted."""
        data = self._cache.store.codec.dumps(value)
        version = _version((yield Command("XADD", self._stream, "*", "key", key, "value", data)))
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
        self._stopping = self._stopping or self.new_event()
        while not self._stopping.is_set():
            answer, found, tried = yield from self._take()
            if answer == b"busy":
                yield Wait(self._stopping, min(found, LONGEST_MS) / 1000)
            elif found:
                yield from self._work(found, tried)
            else:
                yield from self._listen()
        yield from self._leave_work()

    def stop(self) -> None:
        """Let :meth:`run` end when it has ended its batch, or has waited for a second."""
        self._stopping = self._stopping or self.new_event()
        self._stopping.set()

    @operation
    def drain(self) -> Steps[int]:
        """Write until nothing is left to be written, by us or by the worker at work: how many we have ended."""
        ended = 0
        while True:
            answer, found, tried = yield from self._take()
            if answer == b"busy":
                if not (yield Command("XLEN", self._stream)):
                    return ended
                yield Sleep(min(found, LONGEST_MS) / 1000)
            elif found:
                ended += yield from self._work(found, tried)
            else:
                yield from self._leave_work()
                return ended

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
            try:
                value = self._cache.store.codec.loads(letter[b"value"])
            except ValueError:
                value = letter[b"value"]
            letters.append((letter[b"key"].decode(), value, letter[b"reason"].decode()))
        return letters

    def _take(self) -> Steps[Any]:
        answer = yield from TAKE([self._lock, self._stream], [self._token, self._lock_ms, GROUP, self._batch])
        return answer if len(answer) == 3 else [*answer, 0]

    def _leave_work(self) -> Steps[None]:
        """Let another worker begin at once."""
        if (yield Command("GET", self._lock)) == self._token.encode():
            yield Command("DEL", self._lock)

    def _listen(self) -> Steps[None]:
        # Whatever has ended is deleted: an entry, of any id, is a write to be written.
        try:
            yield Command("XREAD", "COUNT", 1, "BLOCK", slice_ms(self.client), "STREAMS", self._stream, "0")
        except RedisTimeoutError:
            return

    def _work(self, found: Sequence[Any], tried: int) -> Steps[int]:
        """Write a batch; if that fails, each key alone, so that one does not hold up all: how many were ended."""
        batch = self._read(found)
        ended = 0
        if batch.unreadable:
            ended += yield from self._end(batch.unreadable, "it cannot be read")
        if not batch.writes:
            return ended
        writes = list(batch.writes.values())
        error = yield from self._try(writes)
        if error is None:
            return ended + (yield from self._end([id for ids in batch.ids.values() for id in ids]))
        if len(writes) == 1:
            return ended + (yield from self._failed(batch.ids[writes[0].key], tried, error))
        for write in writes:
            error = yield from self._try([write])
            if error is None:
                ended += yield from self._end(batch.ids[write.key])
            else:
                ended += yield from self._failed(batch.ids[write.key], tried, error)
        return ended

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

    def _try(self, writes: Sequence[Write]) -> Steps[Exception | None]:
        try:
            yield Call(self._writer, writes)
        except Exception as error:
            return error
        # Before they are ended: if this process crashed when it had put them, nobody else would show them.
        yield from self._show(writes)
        return None

    def _failed(self, ids: Sequence[bytes], tried: int, error: Exception) -> Steps[int]:
        if tried >= self._max_attempts:
            return (yield from self._end(ids, repr(error)))
        yield Sleep(min(0.05 * 2**tried, LONGEST_PAUSE, self._lock_ms / 3000))
        return 0

    def _end(self, ids: Sequence[bytes], reason: str = "") -> Steps[int]:
        return int((yield from DONE([self._stream, self._dead], [GROUP, reason, *ids])))


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
