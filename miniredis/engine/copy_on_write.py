"""Snapshots of a dataset that cost next to nothing: the dictionaries are copied, the values are shared.

The rule of this file: a value that a snapshot holds is never changed. While there is a snapshot, every database is a
:class:`CopyOnWrite`, which copies a shared value when somebody looks it up to change it. Values that cannot change
(most strings) need no copy, and a key that nobody touches costs its place in a dictionary, nothing else. When the last
snapshot is gone a database becomes an ordinary one again, so that without one nobody pays for the possibility.

Whether a value is shared is a question of identity: it is, if a snapshot has the very same object under the same key.
Under another key it cannot turn up, because whoever takes a value elsewhere (RENAME, MOVE) looks it up to change it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from miniredis.engine.keyspace import Database
from miniredis.engine.values import PlainString, Value, copy_value

if TYPE_CHECKING:
    from miniredis.engine.engine import Engine

UNCHANGEABLE: Final = frozenset({bytes, int, PlainString})
"""The classes of values that can be shared for ever."""


class Content:
    """What one database held at one moment. To be read, never to be changed."""

    __slots__ = ("__weakref__", "access", "data", "expire_heap", "expires", "field_expiries")

    def __init__(self, database: Database) -> None:
        self.data: dict[bytes, Value] = database.data.copy()
        self.expires: dict[bytes, int] = database.expires.copy()
        self.expire_heap: list[tuple[int, bytes]] = database._expire_heap.copy()
        self.field_expiries = None if database.field_expiries is None else database.field_expiries.copy()
        self.access: dict[bytes, int] = dict(database.access)


class CopyOnWrite(Database):
    """A database some of whose values belong to snapshots as well."""

    __slots__ = ()

    def write(self, key: bytes) -> Value | None:
        if super().write(key) is None:
            return None
        self.unshare(key)
        return self.data[key]

    def unshare(self, key: bytes) -> None:
        value = self.data.get(key)
        if value is None or value.__class__ in UNCHANGEABLE:
            return
        if not self.shared:
            self.__class__ = Database  # type: ignore[assignment]  # the snapshots are gone
            return
        if any(content.data.get(key) is value for content in self.shared):
            self.data[key] = copy_value(value)


class Snapshot:
    """All keys of an engine, with their times to live and last accesses, and its functions, as they were when it was
    taken. It can be put back any number of times."""

    __slots__ = ("contents", "functions")

    def __init__(self, engine: Engine) -> None:
        self.contents: list[Content] = []
        self.functions = engine.function_codes()
        for database in engine.databases:
            content = Content(database)
            database.shared.add(content)
            database.__class__ = CopyOnWrite
            self.contents.append(content)

    def restore(self, engine: Engine) -> None:
        """Make *engine*, which it was taken of, hold what it held.

        Watched keys count as changed, clients that wait for a key that comes back are served. Times to live end when
        they would have ended: what has run out meanwhile is gone.
        """
        for database, content in zip(engine.databases, self.contents, strict=True):
            _put_back(database, content)
        if engine.function_codes() != self.functions:
            engine.load_functions(self.functions, flush=True)
        if engine.tracks:
            engine.tracking.flushed()
        if engine.blocked_clients.has_ready():
            engine.blocked_clients.serve()
        engine.announce_due()


def _put_back(database: Database, content: Content) -> None:
    if not database.data and not content.data:
        return
    before = Database(database.engine, database.number)
    before.data, before.expires = content.data.copy(), content.expires.copy()
    before._expire_heap = content.expire_heap.copy()
    before.field_expiries = None if content.field_expiries is None else content.field_expiries.copy()
    access, before.access = database.access, {}
    database.swap(before)
    database.access = access
    access.clear()
    dict.update(access, content.access)  # as it was: to count an access is the mapping's own affair
    database.shared.add(content)  # SWAPDB may have taken it elsewhere
    database.__class__ = CopyOnWrite
