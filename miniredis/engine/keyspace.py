"""The keyspace: keys, their values, their times to live, and who must hear of a change.

The rule of this file: every way in which a key comes, goes or changes passes through here, so that watched keys,
keyspace notifications, blocked clients, the expire heap and SCAN's index are right whatever command did it. A handler

- looks a key up with ``read`` (counts a hit or a miss) or ``write`` (does not), which never show an expired key;
- brings a value in with ``set`` (replaces whatever was there) or ``add`` (the key must not exist), or with ``bring_in``
  one that was under another key, or in a payload;
- changes a collection in place, and calls ``delete_if_empty`` after taking something out;
- says what it did with ``changed(key, event class, event)``: once per change, after it.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakSet

from miniredis.engine import errors, field_expiry, notifications, transactions
from miniredis.engine.access import AccessFrequencies
from miniredis.engine.command import LONG
from miniredis.engine.lazyfree import LAZYFREE_THRESHOLD, free_effort
from miniredis.engine.values import StringValue, Value, is_string, string_bytes, type_name
from miniredis.structures.bucket_index import BucketIndex
from miniredis.structures.deadlines import Deadlines
from miniredis.structures.numbers import INT64_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miniredis.engine.blocking import Blocked
    from miniredis.engine.copy_on_write import Content
    from miniredis.engine.engine import Engine
    from miniredis.engine.session import Session

T = TypeVar("T")

STALE_BATCH: Final = 500
"""Entries of the expire heap whose keys live longer, or no more, that are passed over at a time."""


class Database:
    """One of an engine's numbered databases.

    ``data`` maps keys to values and ``expires`` some of them to the millisecond (since the epoch) of their end: read
    them freely, change them only through the methods. ``watched`` and ``waiting`` are kept by transactions and
    blocking; they belong to the number of the database, not to its content (SWAPDB leaves them in place).
    ``field_expiries`` has the hashes some of whose fields end, see :mod:`miniredis.engine.field_expiry`.
    ``unmeasured`` are the keys that changed since :mod:`miniredis.engine.memory` looked, if it does. ``shared`` are the
    snapshots that may hold some of the values, see :mod:`miniredis.engine.copy_on_write`.
    """

    __slots__ = (
        "_expire_heap",
        "_index",
        "access",
        "data",
        "engine",
        "expires",
        "field_expiries",
        "number",
        "shared",
        "unmeasured",
        "waiting",
        "watched",
    )

    def __init__(self, engine: Engine, number: int) -> None:
        self.engine = engine
        self.number = number
        self.data: dict[bytes, Value] = {}
        self.expires: dict[bytes, int] = {}
        self.access: dict[bytes, int] = {}
        self.unmeasured: set[bytes] | None = None
        self.watched: dict[bytes, dict[Session, None]] = {}
        self.waiting: dict[bytes, dict[Blocked, None]] = {}
        self._expire_heap: list[tuple[int, bytes]] = []
        self.field_expiries: Deadlines | None = None
        self._index: BucketIndex | None = None
        self.shared: WeakSet[Content] = WeakSet()

    # Looking up

    def peek(self, key: bytes) -> Value | None:
        """The value at *key*, without counting and without touching its access time; None if there is none."""
        if key in self.expires and self.expire_if_due(key):
            return None
        return self.data.get(key)

    def read(self, key: bytes) -> Value | None:
        """The value at *key* for a command that reads; None if there is none."""
        is_past = key in self.expires and self.expire_if_due(key)
        engine = self.engine
        value = None if is_past else self.data.get(key)
        if value is None:
            engine.statistics.keyspace_misses += 1
            if engine.event_classes & notifications.KEY_MISS:
                engine.notify(notifications.KEY_MISS, b"keymiss", key, self)
            return None
        engine.statistics.keyspace_hits += 1
        if engine.touches:
            self.access[key] = engine.second
        return value

    def look(self, key: bytes) -> Value | None:
        """As :meth:`read`, but without touching the access time: for commands that only ask about a key."""
        touches, self.engine.touches = self.engine.touches, False
        value = self.read(key)
        self.engine.touches = touches
        return value

    def inspect(self, key: bytes) -> Value | None:
        """As :meth:`look`, but nobody hears of a miss: for commands that ask how a value is kept."""
        value = self.peek(key)
        if value is None:
            self.engine.statistics.keyspace_misses += 1
        else:
            self.engine.statistics.keyspace_hits += 1
        return value

    def write(self, key: bytes) -> Value | None:
        """The value at *key* for a command that changes it; None if there is none."""
        if key in self.expires:
            self.expire_if_due(key)
        value = self.data.get(key)
        if value is not None and self.engine.touches:
            self.access[key] = self.engine.second
        return value

    def read_as(self, key: bytes, kind: type[T]) -> T | None:
        """As :meth:`read`, for a collection of class *kind*. Raises ``WRONGTYPE`` if it is anything else."""
        value = self.read(key)
        if value is None or isinstance(value, kind):
            return value
        raise errors.wrong_type()

    def write_as(self, key: bytes, kind: type[T]) -> T | None:
        """As :meth:`write`, for a collection of class *kind*. Raises ``WRONGTYPE`` if it is anything else."""
        value = self.write(key)
        if value is None or isinstance(value, kind):
            return value
        raise errors.wrong_type()

    def read_string(self, key: bytes) -> bytes | None:
        """As :meth:`read`, for a string: its bytes. Raises ``WRONGTYPE`` if it is anything else."""
        value = self.data.get(key)
        if value.__class__ is bytes and key not in self.expires:  # the most frequent of all look-ups, without a call
            engine = self.engine
            engine.statistics.keyspace_hits += 1
            if engine.touches:
                self.access[key] = engine.second
            return value
        value = self.read(key)
        if value.__class__ is bytes or value is None:
            return value
        if not is_string(value):
            raise errors.wrong_type()
        return string_bytes(value)

    def read_strings(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """As :meth:`read_string`, of each of *keys* up to the first whose value is no string, is long, or has to be
        looked at otherwise: the quick way of several GET."""
        engine = self.engine
        values: list[bytes | None] = []
        if engine.event_classes & notifications.KEY_MISS:
            return values
        find, expires, access = self.data.get, self.expires, self.access
        touches, second = engine.touches, engine.second
        misses = 0
        for key in keys:
            value: Any = None if key in expires and self.expire_if_due(key) else find(key)
            if value is None:
                misses += 1
            else:
                if value.__class__ is int:
                    value = b"%d" % value
                elif value.__class__ is not bytes or len(value) > LONG:
                    break
                if touches:
                    access[key] = second
            values.append(value)
        engine.statistics.keyspace_misses += misses
        engine.statistics.keyspace_hits += len(values) - misses
        return values

    def write_string(self, key: bytes) -> StringValue | None:
        """As :meth:`write`, for a string: the value as it is kept. Raises ``WRONGTYPE`` if it is anything else."""
        value: Any = self.write(key)
        if value is None or is_string(value):
            return value  # type: ignore[no-any-return]
        raise errors.wrong_type()

    def unshare(self, key: bytes) -> None:
        """Call it before a value that was looked up to be read is changed in place all the same, and look it up anew:
        a snapshot may share it."""

    # Changing

    def set(self, key: bytes, value: Value, *, keep_ttl: bool = False) -> None:
        """Put *value* at *key*, whatever was there; its time to live goes unless *keep_ttl*."""
        data = self.data
        if key not in data:
            self.add(key, value)
            return
        if self.waiting and key in self.waiting:
            self.engine.blocked_clients.signal_deleted(self, key, data[key])
        data[key] = value
        if keep_ttl:
            return  # it was looked up to be changed, which was an access already
        self.access[key] = self.engine.second
        if key in self.expires:
            del self.expires[key]

    def add(self, key: bytes, value: Value) -> None:
        """Put *value* at *key*, which must not exist. Clients that wait for it are served after the command."""
        engine = self.engine
        self.data[key] = value
        if self.unmeasured is not None:
            self.unmeasured.add(key)
        self.access[key] = engine.second
        if self._index is not None:
            self._index.add(key)
        if key in self.waiting:
            engine.blocked_clients.signal_ready(self, key)
        if engine.event_classes & notifications.NEW:
            engine.notify(notifications.NEW, b"new", key, self)

    def set_unnoticed(self, keys: Sequence[bytes], values: Sequence[Value]) -> bool:
        """Set and count all of them at once, if nobody is to be told of any and no key is to expire; or do nothing.

        Whether it was done. The quick way of MSET, and of several SET.
        """
        if not self._is_unnoticed(keys):
            return False
        engine = self.engine
        self.data.update(zip(keys, values, strict=True))
        self.access.update(dict.fromkeys(keys, engine.second))
        engine.dirty += len(keys)
        return True

    def increment_unnoticed(self, keys: Sequence[bytes]) -> list[int]:
        """Add one to each of *keys*, as far as they are integers and on the same conditions. What they are then.

        The quick way of several INCR.
        """
        totals: list[int] = []
        if not self._is_unnoticed(keys):
            return totals
        data = self.data
        for key in keys:
            value = data.get(key)
            if value.__class__ is not int or value == INT64_MAX:
                break
            data[key] = total = value + 1
            totals.append(total)
        engine = self.engine
        engine.dirty += len(totals)
        if engine.touches:
            self.access.update(dict.fromkeys(keys[: len(totals)], engine.second))
        return totals

    def _is_unnoticed(self, keys: Sequence[bytes]) -> bool:
        """Whether nobody is to be told if *keys* change, and none of them is to expire."""
        engine = self.engine
        return not (
            self.waiting
            or self.watched
            or engine.event_classes
            or engine.tracks
            or self.unmeasured is not None
            or self._index is not None
            or self.access.__class__ is not dict
            or (self.expires and not self.expires.keys().isdisjoint(keys))
        )

    def bring_in(self, key: bytes, value: Value, when: int | None) -> None:
        """As :meth:`add`, for a value that was elsewhere: it ends after the millisecond *when*, if any, and its fields
        end when they did."""
        self.add(key, value)
        if when is not None:
            self.expire_at(key, when)
        if field_expiry.has_expiring_fields(value):
            field_expiry.note(self, key, value)

    def load(
        self, key: bytes, value: Value, expires_at: int | None, idle: int | None, frequency: int | None = None
    ) -> None:
        """Put *value*, which comes from a file and not from a command, at *key*: nobody is told, whatever was there.

        It ends after the millisecond *expires_at*, and has not been used for *idle* seconds, or with *frequency*.
        """
        self.data[key] = value
        if self.unmeasured is not None:
            self.unmeasured.add(key)
        self.access[key] = self.engine.second
        self.set_usage(key, idle, frequency)
        if self._index is not None:
            self._index.add(key)
        self.expires.pop(key, None)
        if expires_at is not None:
            self.expire_at(key, expires_at)
        if field_expiry.has_expiring_fields(value):
            field_expiry.note(self, key, value)

    def set_usage(self, key: bytes, idle: int | None, frequency: int | None) -> None:
        """Note how long *key* was idle, in seconds, or how often it is used, whichever of them is kept."""
        access = self.access
        if not isinstance(access, AccessFrequencies):
            if idle is not None:
                access[key] = self.engine.second - idle
        elif frequency is not None:
            access.set_frequency(key, frequency)

    def frequency(self, key: bytes) -> int:
        """How often *key* is used, by Redis's logarithmic counter; 0 where nobody counts."""
        return self.access.frequency(key) if isinstance(self.access, AccessFrequencies) else 0

    def delete(self, key: bytes, lazily: bool = False) -> bool:
        """Remove *key* and its time to live, with no event. Whether it was there.

        *lazily* is whether Redis would leave a large value to its background thread: that is counted.
        """
        value = self.data.pop(key, None)
        if value is None:
            return False
        if lazily and free_effort(value) > LAZYFREE_THRESHOLD:
            self.engine.statistics.lazyfreed_objects += 1
        if self.waiting and key in self.waiting:
            self.engine.blocked_clients.signal_deleted(self, key, value)
        self.access.pop(key, None)
        if self.unmeasured is not None:
            self.unmeasured.add(key)
        if key in self.expires:
            del self.expires[key]
        if self.field_expiries is not None:
            self.field_expiries.discard(key)
        if self._index is not None:
            self._index.discard(key)
        return True

    def delete_if_empty(self, key: bytes, value: Any) -> bool:
        """Remove *key* if its collection *value* has no element left, with a ``del`` event. Whether it did."""
        if value:
            return False
        self.delete(key)
        self.notify(notifications.GENERIC, b"del", key)
        return True

    def store(self, key: bytes, result: Value, event_class: int, event: bytes, dirty: int = 1) -> None:
        """Put a collection that a command computed at *key*, whatever was there; an empty one only removes that."""
        if result:
            self.expire_if_due(key)
            self.set(key, result)
            self.changed(key, event_class, event, dirty)
        elif self.delete(key):
            self.changed(key, notifications.GENERIC, b"del")

    def changed(self, key: bytes, event_class: int, event: bytes, dirty: int = 1) -> None:
        """Tell everyone who must know that a command changed *key* (counts as *dirty* changes)."""
        engine = self.engine
        engine.dirty += dirty
        if self.unmeasured is not None:
            self.unmeasured.add(key)
        if self.watched:
            transactions.touch(self, key)
        if engine.tracks:
            engine.tracking.key_changed(key, event_class, event, dirty)
        if engine.event_classes & event_class:
            engine.notify(event_class, event, key, self)

    def notify(self, event_class: int, event: bytes, key: bytes) -> None:
        """Only the keyspace notification, for a second event of the same change."""
        if self.engine.event_classes & event_class:
            self.engine.notify(event_class, event, key, self)

    # Time to live

    def expire_at(self, key: bytes, when: int) -> None:
        """Let *key*, which must exist, end after the millisecond *when* (since the epoch)."""
        before = self.expires.get(key)
        self.expires[key] = when
        heap = self._expire_heap
        if len(self.expires) == 1:
            heap[:] = [(when, key)]  # what else is in there is stale, and with no key to expire nobody woke up for it
        elif len(heap) > 2 * len(self.expires) + 1024:
            heap[:] = [(due, name) for name, due in self.expires.items()]
            heapq.heapify(heap)
        else:
            heapq.heappush(heap, (when, key))
        if heap[0][0] == when and (before is None or when < before):  # who wakes up too early looks for the next
            self.engine.announce_due()

    def persist(self, key: bytes) -> bool:
        """Take the time to live from *key*. Whether it had one."""
        return self.expires.pop(key, None) is not None

    def is_past(self, key: bytes) -> bool:
        """Whether the time of *key* has passed: for all that a client can see, it does not exist."""
        when = self.expires.get(key)
        return when is not None and self.engine.now > when

    def expire_if_due(self, key: bytes) -> bool:
        """Remove *key* if its time has passed, with its event. Whether that has, be the key removed or not."""
        engine = self.engine
        when = self.expires.get(key)
        if when is None or engine.now <= when:
            return False
        if engine.keeps_expired:
            return True
        engine.latency.timed(b"expire-del", self.delete, key, engine.config.lazyfree_lazy_expire)
        engine.statistics.expired_keys += 1
        self.changed(key, notifications.EXPIRED, b"expired", dirty=0)
        if engine.propagation.active:
            engine.propagation.deleted(self, key, lazily=engine.config.lazyfree_lazy_expire)
        return True

    def next_expiry(self) -> int | None:
        """The first millisecond at which some key has ended; None if no key will.

        It is too early where very many entries of the heap are stale: they go in batches, as keys do.
        """
        heap, expires = self._expire_heap, self.expires
        for _ in range(STALE_BATCH):
            if not heap:
                return None
            when, key = heap[0]
            if expires.get(key) == when:
                break
            heapq.heappop(heap)
        return heap[0][0] + 1 if heap else None

    def expire_due(self, limit: int) -> None:
        """Remove keys whose time has passed, the earliest first, and stale entries, at most *limit* in all."""
        heap, expires = self._expire_heap, self.expires
        for _ in range(limit):
            if not heap or heap[0][0] >= self.engine.now:
                return
            when, key = heapq.heappop(heap)
            if expires.get(key) == when:
                self.expire_if_due(key)

    def soonest_to_expire(self) -> bytes | None:
        """The key whose time ends first; None if there is none with a time to live."""
        heap, expires = self._expire_heap, self.expires
        while heap and expires.get(heap[0][1]) != heap[0][0]:
            heapq.heappop(heap)
        return heap[0][1] if heap else None

    def random_volatile(self) -> bytes:
        """Any key with a time to live. There must be one."""
        heap, expires, rng = self._expire_heap, self.expires, self.engine.random
        for _ in range(STALE_BATCH):
            when, key = heap[rng.randrange(len(heap))]
            if expires.get(key) == when:
                return key
        return next(iter(expires))  # nearly all of the heap is stale

    # The whole

    def index(self) -> BucketIndex:
        """The index behind SCAN and RANDOMKEY; built when first asked for, kept up from then on."""
        if self._index is None:
            self._index = BucketIndex(self.data)
        return self._index

    def flush(self) -> int:
        """Remove every key, with no event; watched keys that existed count as changed. How many there were."""
        removed = len(self.data)
        transactions.touch_all(self)
        self._signal_deleted({})
        if self.unmeasured is not None:
            self.unmeasured.update(self.data)
        self.data, self.expires, self._expire_heap, self._index = {}, {}, [], None
        self.field_expiries = None
        self.access.clear()
        return removed

    def swap(self, other: Database) -> None:
        """Exchange the contents with *other*: watched keys on either side count as changed, waiters are served."""
        for mine, theirs in ((self, other), (other, self)):
            transactions.touch_all(mine, replaced_with=theirs)
            mine._signal_deleted(theirs.data)
            if mine.unmeasured is not None:
                mine.unmeasured.update(mine.data, theirs.data)
        for name in ("data", "expires", "access", "_expire_heap", "field_expiries", "_index", "shared"):
            mine_, theirs_ = getattr(self, name), getattr(other, name)
            setattr(self, name, theirs_)
            setattr(other, name, mine_)
        for database in (self, other):
            database._signal_ready()

    def _signal_ready(self) -> None:
        for key in self.waiting:
            if key in self.data:
                self.engine.blocked_clients.signal_ready(self, key)

    def _signal_deleted(self, replaced_with: dict[bytes, Value]) -> None:
        """Tell who waits for a key that it goes, or becomes another type, when all keys are replaced with others."""
        for key in self.waiting:
            value, other = self.data.get(key), replaced_with.get(key)
            if value is not None and (other is None or type_name(value) != type_name(other)):
                self.engine.blocked_clients.signal_deleted(self, key, value)
