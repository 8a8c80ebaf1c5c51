"""Fields of hashes that end at a time of their own: how they are found when it comes, and what their end brings about.

A hash knows when its fields end (:mod:`miniredis.structures.hash`), a database which of its hashes has one that ends,
and when the first of them does: ``Database.field_expiries``, which is None until there is such a hash. What is noted
there may be too early, never too late. So whoever takes fields, or their times, away need not tell; who gives one a
time, or brings in a hash that has such fields, does (:func:`note`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from miniredis.engine import notifications
from miniredis.structures.deadlines import Deadlines
from miniredis.structures.hash import Hash

if TYPE_CHECKING:
    from miniredis.engine.keyspace import Database


def note(database: Database, key: bytes, value: Hash) -> None:
    """Note when the first field of *value*, the hash at *key*, ends."""
    first = None if value.expiries is None else value.expiries.first()
    noted = database.field_expiries
    if first is None:
        if noted is not None:
            noted.discard(key)
        return
    if noted is None:
        noted = database.field_expiries = Deadlines()
    if noted.times.get(key) != first[0]:
        noted.set(key, first[0])
        if noted.first() == (first[0], key):
            database.engine.announce_due()


def count_keys(database: Database) -> int:
    """How many keys have a field that ends."""
    if database.field_expiries is None:
        return 0
    return sum(has_expiring_fields(database.data.get(key)) for key in database.field_expiries.times)


def has_expiring_fields(value: object) -> bool:
    """Whether *value* is a hash with a field that ends."""
    return isinstance(value, Hash) and value.expiries is not None


def forget_past(value: Hash, now: int) -> None:
    """Drop from *value*, a copy, the fields whose time has passed; but if they are all there are, it keeps them."""
    if value.live(now):
        value.remove_past(now, len(value))


def next_expiry(database: Database) -> int | None:
    """The first millisecond at which some field has ended; None if none will. It may be too early."""
    noted = database.field_expiries
    first = None if noted is None else noted.first()
    return None if first is None else first[0] + 1


def expire_due(database: Database, limit: int) -> None:
    """Remove fields whose time has passed, the earliest first; at most *limit*, and keys looked at in vain among them.

    A hash without fields goes. Of each key replicas are told at once, and of its end together with that of its fields.
    """
    noted, now = database.field_expiries, database.engine.now
    if noted is None:
        return
    while limit > 0 and (key := noted.pop_before(now)) is not None:
        if has_expiring_fields(database.data.get(key)):
            limit -= _expire_fields(database, key, limit)
        limit -= 1


def _expire_fields(database: Database, key: bytes, limit: int) -> int:
    """Remove from the hash at *key*, at most *limit* fields. How many."""
    engine = database.engine
    if database.expire_if_due(key):
        return 0
    database.unshare(key)
    value: Hash = database.data[key]
    past = value.remove_past(engine.now, limit)
    if past:
        engine.statistics.expired_fields += len(past)
        is_valkey = engine.version.is_valkey
        database.changed(key, notifications.EXPIRED if is_valkey else notifications.HASH, b"hexpired", dirty=0)
        if engine.propagation.active:
            for told in (past,) if is_valkey else ((field,) for field in past):
                engine.propagation.add(database, (b"HDEL", key, *told))
        if database.delete_if_empty(key, value) and engine.propagation.active and is_valkey:
            engine.propagation.deleted(database, key, lazily=engine.config.lazyfree_lazy_expire)
        engine.propagation.flush(wrap=is_valkey)
    note(database, key, value)
    return len(past)
