"""What commands on hashes share: which fields are to be seen, and what becomes of those whose time has passed."""

from __future__ import annotations

from collections.abc import Iterable

from miniredis.engine import errors, notifications, propagation
from miniredis.engine.session import Session
from miniredis.structures.hash import Hash


def visible_fields(client: Session, value: Hash) -> dict[bytes, bytes]:
    """The fields of *value* that a client sees, with their values: to be read only."""
    return value.fields if value.expiries is None else value.live(client.engine.now)


def write_or_create(client: Session, key: bytes) -> Hash:
    """The hash at *key*, to be changed; made if there is none."""
    value = client.db.write(key)
    if value.__class__ is not Hash:
        if value is not None:
            raise errors.wrong_type()
        value = Hash()
        client.db.add(key, value)
    return value


def remove_past(client: Session, key: bytes, value: Hash, fields: Iterable[bytes]) -> int:
    """Remove those of *fields* whose time has passed: a command is about to bring them in anew. How many there were."""
    if value.expiries is None:
        return 0
    engine = client.engine
    past = {field for field in fields if value.is_past(field, engine.now)}
    for field in past:
        value.remove(field)
    if past:
        engine.statistics.expired_fields += len(past)
        client.db.notify(notifications.HASH, b"hexpired", key)
    return len(past)


def drop_past(
    client: Session,
    key: bytes,
    value: Hash,
    fields: Iterable[bytes],
    *,
    keeps_empty: bool = False,
    is_quiet: bool = False,
) -> int:
    """Remove those of *fields* whose time has passed, as Redis does where they are asked for. How many there were.

    The hash goes with its last field, unless *keeps_empty*. Valkey leaves them to be found by their time.
    *is_quiet*: without events.
    """
    engine, db = client.engine, client.db
    if value.expiries is None or engine.version.is_valkey or engine.keeps_expired:
        return 0
    past = [field for field in dict.fromkeys(fields) if value.is_past(field, engine.now)]
    if not past:
        return 0
    db.unshare(key)
    value = db.data[key]
    for field in past:
        value.remove(field)
        propagation.also_propagate(client, b"HDEL", key, field)
    engine.statistics.expired_fields += len(past)
    db.changed(key, notifications.NONE if is_quiet else notifications.HASH, b"hexpired", dirty=0)
    if is_quiet and not value:
        db.delete(key)
    elif not keeps_empty:
        db.delete_if_empty(key, value)
    return len(past)
