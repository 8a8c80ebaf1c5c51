"""Fields of hashes with a time to live of their own: HEXPIRE and its relatives, HGETEX, HSETEX; and HGETDEL.

In Redis since 7.4, whose ways are in :mod:`miniredis.commands.hashes_expiration_redis`; in Valkey since 9.0. A field's
end is the last millisecond at which it is there. A time that is past removes the field at once, which Valkey calls an
expiry (``hexpired``), and tells as an HDEL.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from miniredis.commands import hashes_expiration_redis
from miniredis.commands.expiration import agree, parse_conditions
from miniredis.commands.hash_fields import remove_past, visible_fields, write_or_create
from miniredis.commands.string_options import UNITS, with_end
from miniredis.engine import errors, field_expiry, notifications, propagation
from miniredis.engine.arguments import integer
from miniredis.engine.command import Variant, command, key_range
from miniredis.engine.record import record
from miniredis.engine.session import Session
from miniredis.resp.types import Error, Reply
from miniredis.structures.hash import Hash
from miniredis.structures.numbers import INT64_MAX

NUMFIELDS: Final = "ERR numfields should be greater than 0 and match the provided number of fields"

NO_FIELD, REFUSED, SET, REMOVED = -2, 0, 1, 2
"""What HEXPIRE answers for a field; HPERSIST and HTTL too say -2 for one that is not there."""

NO_EXPIRY: Final = -1

_CONDITIONS: Final = frozenset({b"NX", b"XX", b"FNX", b"FXX"})
"""HSETEX's, which replicas are not told: they hold."""


# The arguments


def _fields_at(argv: list[bytes], start: int) -> int:
    """Where the first ``FIELDS`` stands, from *start* on; in HGETEX and HSETEX that may be the key, as in Valkey."""
    for position in range(start, len(argv)):
        if argv[position].upper() == b"FIELDS":
            return position
    raise Error(NUMFIELDS)


def _fields(argv: list[bytes], position: int, *, width: int = 1, message: str = NUMFIELDS) -> list[bytes]:
    """What follows ``FIELDS numfields`` at *position*: so many times *width* arguments, and at least one."""
    if position + 1 >= len(argv):
        raise Error(message)
    count = integer(argv[position + 1])
    fields = argv[position + 2 :]
    if count <= 0 or len(fields) != count * width:
        raise Error(message)
    return fields


def _only_fields(argv: list[bytes], message: str = NUMFIELDS) -> list[bytes]:
    """The fields of a command that takes nothing else."""
    if argv[2].upper() != b"FIELDS":
        raise errors.syntax_error()
    return _fields(argv, 2, message=message)


@record
class _Options:
    """What stands before ``FIELDS`` in HGETEX and HSETEX; *unit* is the token of the expiration *amount*, if any."""

    words: set[bytes]
    unit: bytes = b""
    amount: bytes = b""

    def expire_at(self, client: Session, command: bytes) -> int | None:
        """The millisecond since the epoch that is meant, if any; *command* is named in the error for a bad one."""
        if not self.unit:
            return None
        milliseconds, absolute = UNITS[self.unit]
        return _moment(client, self.amount, command, milliseconds=milliseconds, absolute=absolute)


def _parse_options(options: list[bytes], allowed: tuple[frozenset[bytes], ...]) -> _Options:
    """*options* that are an expiration, or among *allowed*: sets of words of which at most one may be there.

    The first set excludes an expiration as well. A word may be repeated, and the last amount counts.
    """
    parsed = _Options(set())
    words = iter(options)
    for word in words:
        token = word.upper()
        if token in UNITS and parsed.unit in (b"", token) and not parsed.words & allowed[0]:
            amount = next(words, None)
            if amount is None:
                raise errors.syntax_error()
            parsed.unit, parsed.amount = token, amount
            continue
        group = next((group for group in allowed if token in group), None)
        if group is None or parsed.words & group - {token} or (group is allowed[0] and parsed.unit):
            raise errors.syntax_error()
        parsed.words.add(token)
    return parsed


def _moment(client: Session, text: bytes, command: bytes, *, milliseconds: bool, absolute: bool) -> int:
    """The millisecond since the epoch that *text* names; *command* is named in the error for a time out of range."""
    amount = integer(text)
    if not milliseconds:
        amount *= 1000
    base = 0 if absolute else client.engine.now
    if not 0 <= amount <= INT64_MAX - base:
        raise errors.invalid_expire(command)
    return amount + base


# Setting times


@command(
    "HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
    arity=-6,
    summary="Sets expiry time on hash fields.",
    since="7.4.0",
    valkey_since="9.0.0",
    group="hash",
    complexity="O(N) where N is the number of specified fields.",
    flags="write fast",
    categories="hash",
    keys=[key_range("RW update", 1)],
    names=["condition", "fields"],
)
def hexpire(client: Session, argv: list[bytes]) -> Reply:
    return _expire(client, argv, b"hexpire", milliseconds=False, absolute=False)


@command(
    "HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
    arity=-6,
    summary="Sets expiry time on hash object.",
    since="7.4.0",
    valkey_since="9.0.0",
    group="hash",
    complexity="O(N) where N is the number of specified fields.",
    flags="write fast",
    categories="hash",
    keys=[key_range("RW update", 1)],
    names=["condition", "fields"],
    details={"condition": "valkey-since=9.0.0", "numfields": "key-spec=0"},
)
def hpexpire(client: Session, argv: list[bytes]) -> Reply:
    return _expire(client, argv, b"hpexpire", milliseconds=True, absolute=False)


@command(
    "HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
    arity=-6,
    summary="Sets expiry time on hash fields.",
    since="7.4.0",
    valkey_since="9.0.0",
    group="hash",
    complexity="O(N) where N is the number of specified fields.",
    flags="write fast",
    categories="hash",
    keys=[key_range("RW update", 1)],
    names=["condition", "fields"],
    details={"unix-time-seconds": "type=integer", "condition": "valkey-since=9.0.0", "numfields": "key-spec=0"},
)
def hexpireat(client: Session, argv: list[bytes]) -> Reply:
    return _expire(client, argv, b"hexpireat", milliseconds=False, absolute=True)


@command(
    "HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
    arity=-6,
    summary="Sets expiration time on hash field.",
    since="7.4.0",
    valkey_since="9.0.0",
    group="hash",
    complexity="O(N) where N is the number of specified fields.",
    flags="write fast",
    categories="hash",
    keys=[key_range("RW update", 1)],
    names=["condition", "fields"],
    details={"unix-time-milliseconds": "type=integer", "condition": "valkey-since=9.0.0", "numfields": "key-spec=0"},
)
def hpexpireat(client: Session, argv: list[bytes]) -> Reply:
    return _expire(client, argv, b"hpexpireat", milliseconds=True, absolute=True)


def _expire(client: Session, argv: list[bytes], name: bytes, *, milliseconds: bool, absolute: bool) -> Reply:
    """Give fields the time *argv[2]*, where the options agree. What became of each."""
    if not client.engine.version.is_valkey:
        return hashes_expiration_redis.expire(client, argv, name, milliseconds=milliseconds, absolute=absolute)
    key = argv[1]
    position = _fields_at(argv, 3)
    conditions = parse_conditions(argv[3:position])
    fields = _fields(argv, position)
    when = _moment(client, argv[2], name, milliseconds=milliseconds, absolute=absolute)
    value = client.db.write_as(key, Hash)
    if value is None:
        return [NO_FIELD] * len(fields)
    changes = _Changes(client, key, value)
    reply: list[Reply] = []
    for field in fields:
        if not value.is_live(field, client.engine.now):
            reply.append(NO_FIELD)
        elif conditions and not agree(conditions, value.end_of(field), when):
            reply.append(REFUSED)
        else:
            reply.append(changes.expire_at(field, when))
    if name == b"hpexpireat":
        changes.tell()
    else:
        changes.tell(b"HPEXPIREAT", key, when, *argv[3:])
    return reply


class _Changes:
    """What a command does to the fields of one hash, one after another, to be told when it is done."""

    __slots__ = ("_client", "_key", "_value", "removed", "timed")

    def __init__(self, client: Session, key: bytes, value: Hash) -> None:
        self._client = client
        self._key = key
        self._value = value
        self.timed: list[bytes] = []
        self.removed: list[bytes] = []

    def expire_at(self, field: bytes, when: int) -> int:
        """Let *field* end after the millisecond *when*, or at once if that is past. HEXPIRE's answer."""
        if when > self._client.engine.now:
            self._value.expire_at(field, when)
            self.timed.append(field)
            return SET
        self._value.remove(field)
        self.removed.append(field)
        return REMOVED

    def tell(self, *words: bytes | int) -> None:
        """Tell everyone, replicas in *words*, if there are any, where times were set; let a hash that is empty go."""
        client, key, db = self._client, self._key, self._client.db
        if self.timed:
            field_expiry.note(db, key, self._value)
            if words:
                propagation.rewrite(client, *words)
            db.changed(key, notifications.HASH, b"hexpire", len(self.timed))
        if self.removed:
            client.engine.statistics.expired_fields += len(self.removed)
            propagation.rewrite(client, b"HDEL", key, *self.removed)
            db.changed(key, notifications.HASH, b"hexpired", len(self.removed))
            db.delete_if_empty(key, self._value)


@command(
    "HPERSIST key FIELDS numfields field [field ...]",
    arity=-5,
    summary="Remove the existing expiration on a hash key's field(s).",
    since="7.4.0",
    valkey_since="9.0.0",
    group="hash",
    complexity="O(N) where N is the number of specified fields.",
    flags="write fast",
    categories="hash",
    keys=[key_range("RW update", 1)],
    names=["fields"],
    details={"numfields": "key-spec=0"},
)
def hpersist(client: Session, argv: list[bytes]) -> Reply:
    if not client.engine.version.is_valkey:
        return hashes_expiration_redis.hpersist(client, argv)
    key, fields, db, now = argv[1], _only_fields(argv), client.db, client.engine.now
    value = db.write_as(key, Hash)
    if value is None:
        return [NO_FIELD] * len(fields)
    reply: list[Reply] = []
    for field in fields:
        if not value.is_live(field, now):
            reply.append(NO_FIELD)
        else:
            reply.append(SET if value.persist(field) else NO_EXPIRY)
    if persisted := reply.count(SET):
        db.changed(key, notifications.HASH, b"hpersist", persisted)
    return reply


# Asking for times


@command(
    "HTTL key FIELDS numfields field [field ...]",
    arity=-5,
    summary=(
        "Returns the remaining time to live (in seconds) of a hash key's field(s) that have an associated expiration."
    ),
    since="7.4.0",
    valkey_since="9.0.0",
    group="hash",
    complexity="O(N) where N is the number of specified fields.",
    flags="readonly fast",
    categories="hash",
    keys=[key_range("RO access", 1)],
    names=["fields"],
    variants=[Variant(since="7.4.0", tips=("nondeterministic_output",))],
    details={"numfields": "key-spec=0"},
)
def httl(client: Session, argv: list[bytes]) -> Reply:
    now, rounding = client.engine.now, _rounding(client)
    return _times(client, argv, lambda when: (when - now + rounding) // 1000)


@command(
    "HPTTL key FIELDS numfields field [field ...]",
    arity=-5,
    summary=(
        "Returns the remaining time to live in milliseconds of a hash key's field(s) that have an associated"
        " expiration."
    ),
    since="7.4.0",
    valkey_since="9.0.0",
    group="hash",
    complexity="O(N) where N is the number of specified fields.",
    flags="readonly fast",
    categories="hash",
    keys=[key_range("RO access", 1)],
    names=["fields"],
    variants=[Variant(since="7.4.0", tips=("nondeterministic_output",))],
    details={"numfields": "key-spec=0"},
)
def hpttl(client: Session, argv: list[bytes]) -> Reply:
    now = client.engine.now
    return _times(client, argv, lambda when: when - now)


@command(
    "HEXPIRETIME key FIELDS numfields field [field ...]",
    arity=-5,
    summary="Returns Unix timestamps in seconds since the epoch at which the given key's field(s) will expire.",
    since="7.4.0",
    valkey_since="9.0.0",
    group="hash",
    complexity="O(N) where N is the number of specified fields.",
    flags="readonly fast",
    categories="hash",
    keys=[key_range("RO access", 1)],
    names=["fields"],
    details={"numfields": "key-spec=0"},
)
def hexpiretime(client: Session, argv: list[bytes]) -> Reply:
    rounding = _rounding(client)
    return _times(client, argv, lambda when: (when + rounding) // 1000)


@command(
    "HPEXPIRETIME key FIELDS numfields field [field ...]",
    arity=-5,
    summary=(
        "Returns the Unix timestamp in milliseconds since Unix epoch at which the given key's field(s) will expire."
    ),
    since="7.4.0",
    valkey_since="9.0.0",
    group="hash",
    complexity="O(N) where N is the number of specified fields.",
    flags="readonly fast",
    categories="hash",
    keys=[key_range("RO access", 1)],
    names=["fields"],
    details={"numfields": "key-spec=0"},
)
def hpexpiretime(client: Session, argv: list[bytes]) -> Reply:
    return _times(client, argv, lambda when: when)


def _rounding(client: Session) -> int:
    """What is added to milliseconds before they become seconds: Redis rounds up, Valkey to the nearest."""
    return 500 if client.engine.version.is_valkey else 999


def _times(client: Session, argv: list[bytes], show: Callable[[int], int]) -> Reply:
    """The times of the fields, each as *show* makes it of the last millisecond; -1 without one, -2 without a field."""
    if client.engine.version.is_valkey:
        fields = _only_fields(argv, errors.SYNTAX)
        value = client.db.read_as(argv[1], Hash)
    else:
        value = client.db.read_as(argv[1], Hash)
        fields = hashes_expiration_redis.only_fields(argv)
    reply: list[Reply] = []
    for field in fields:
        if value is None or not value.is_live(field, client.engine.now):
            reply.append(NO_FIELD)
        else:
            when = value.end_of(field)
            reply.append(NO_EXPIRY if when is None else show(when))
    return reply


# Values and times at once


@command(
    "HGETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]"
    " FIELDS numfields field [field ...]",
    arity=-5,
    summary=(
        "Gets the value of one or more fields of a given hash key, and optionally sets their expiration time or"
        " time-to-live (TTL)."
    ),
    since="8.0.0",
    valkey_since="9.0.0",
    group="hash",
    complexity="O(N) where N is the number of specified fields.",
    flags="write fast",
    categories="hash",
    keys=[key_range("RW access update", 1)],
    variants=[
        Variant(
            since="8.0.0",
            keys=(key_range("RW access update", 1, notes="RW and UPDATE because it changes the TTL"),),
        )
    ],
    names=["expiration", "fields"],
    details={"numfields": "key-spec=0"},
)
def hgetex(client: Session, argv: list[bytes]) -> Reply:
    if not client.engine.version.is_valkey:
        return hashes_expiration_redis.hgetex(client, argv)
    key, db, now = argv[1], client.db, client.engine.now
    position = _fields_at(argv, 1)
    options = _parse_options(argv[2:position], (frozenset({b"PERSIST"}),))
    fields = _fields(argv, position)
    value = db.read_as(key, Hash)
    when = options.expire_at(client, b"hgetex")
    if value is None:
        return [None] * len(fields)
    if when is None and not options.words:
        return list(map(visible_fields(client, value).get, fields))
    db.unshare(key)
    value = db.data[key]
    changes = _Changes(client, key, value)
    persisted: list[bytes] = []
    reply: list[Reply] = []
    for field in fields:
        if not value.is_live(field, now):
            reply.append(None)
            continue
        reply.append(value.fields[field])
        if when is not None:
            changes.expire_at(field, when)
        elif value.persist(field):
            persisted.append(field)
    changes.tell(b"HPEXPIREAT", key, when or 0, b"FIELDS", len(changes.timed), *changes.timed)
    if persisted:
        propagation.rewrite(client, b"HPERSIST", key, b"FIELDS", len(persisted), *persisted)
        db.changed(key, notifications.HASH, b"hpersist", len(persisted))
    return reply


@command(
    "HSETEX key [NX | XX] [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT"
    " unix-time-milliseconds | KEEPTTL] FIELDS numfields field value [field value ...]",
    arity=-6,
    summary="Sets the value of one or more fields of a given hash key, and optionally sets their expiration time.",
    since="8.0.0",
    valkey_since="9.0.0",
    group="hash",
    complexity="O(N) where N is the number of specified fields.",
    flags="write denyoom fast",
    categories="hash",
    keys=[key_range("RW insert", 1)],
    variants=[Variant(since="8.0.0", keys=(key_range("RW update", 1),))],
    names=["key-condition", "fields-condition", "expiration", "fields", "data"],
    details={"numfields": "key-spec=0", "key-condition": "valkey-added=9.0.0"},
)
def hsetex(client: Session, argv: list[bytes]) -> Reply:
    if not client.engine.version.is_valkey:
        return hashes_expiration_redis.hsetex(client, argv)
    key = argv[1]
    position = _fields_at(argv, 1)
    options = _parse_options(
        argv[2:position], (frozenset({b"KEEPTTL"}), frozenset({b"NX", b"XX"}), frozenset({b"FNX", b"FXX"}))
    )
    pairs = _fields(argv, position, width=2)
    present = client.db.write_as(key, Hash)
    when = options.expire_at(client, b"hsetex")
    if not _agree_to_set(client, options.words, present, pairs[::2]):
        return 0
    value = write_or_create(client, key)
    if when is not None and when <= client.engine.now:
        _set_past(client, key, value, pairs[::2])
        return 1
    remove_past(client, key, value, pairs[::2])
    _set_pairs(client, value, pairs, when, keep_ttl=b"KEEPTTL" in options.words)
    told = [word for word in argv[2:position] if word.upper() not in _CONDITIONS]
    propagation.rewrite(client, argv[0], key, *(told if when is None else with_end(told, when)), *argv[position:])
    client.db.changed(key, notifications.HASH, b"hset", len(pairs) // 2)
    if when is not None:
        field_expiry.note(client.db, key, value)
        client.db.notify(notifications.HASH, b"hexpire", key)
    return 1


def _agree_to_set(client: Session, words: set[bytes], value: Hash | None, fields: list[bytes]) -> bool:
    """Whether the conditions of HSETEX allow *fields* to be set in *value*."""
    if (b"NX" in words and value is not None) or (b"XX" in words and value is None):
        return False
    live = {} if value is None else visible_fields(client, value)
    if b"FNX" in words:
        return not any(field in live for field in fields)
    return b"FXX" not in words or all(field in live for field in fields)


def _set_pairs(client: Session, value: Hash, pairs: list[bytes], when: int | None, *, keep_ttl: bool) -> None:
    """Set fields and values by turns, to end after the millisecond *when*, if any."""
    config = client.engine.config
    value.expect(len(pairs) // 2, config)
    for field, content in zip(pairs[::2], pairs[1::2], strict=True):
        value.set(field, content, config)
        if when is not None:
            value.expire_at(field, when)
        elif not keep_ttl:
            value.persist(field)


def _set_past(client: Session, key: bytes, value: Hash, fields: list[bytes]) -> None:
    """Set *fields* to end before now: they are gone at once, and Valkey tells of all that would have happened."""
    db = client.db
    removed = [field for field in fields if value.remove(field)]
    if removed:
        propagation.rewrite(client, b"HDEL", key, *removed)
        db.changed(key, notifications.HASH, b"hset", len(removed))
    else:
        db.notify(notifications.HASH, b"hset", key)
    client.engine.statistics.expired_fields += len(fields)
    db.notify(notifications.HASH, b"hexpire", key)
    db.notify(notifications.HASH, b"hexpired", key)
    db.delete_if_empty(key, value)


@command(
    "HGETDEL key FIELDS numfields field [field ...]",
    arity=-5,
    summary="Returns the values of one or more fields and deletes them from a hash.",
    since="8.0.0",
    valkey_since="9.1.0",
    group="hash",
    complexity="O(N) where N is the number of fields to be retrieved and deleted.",
    flags="write fast",
    categories="hash",
    keys=[key_range("RW access delete", 1)],
    names=["fields"],
    details={"numfields": "key-spec=0"},
)
def hgetdel(client: Session, argv: list[bytes]) -> Reply:
    if not client.engine.version.is_valkey:
        return hashes_expiration_redis.hgetdel(client, argv)
    key, fields, db, now = argv[1], _only_fields(argv), client.db, client.engine.now
    value = db.write_as(key, Hash)
    if value is None:
        return [None] * len(fields)
    reply: list[Reply] = []
    removed = 0
    for field in fields:
        if value.is_live(field, now):
            reply.append(value.fields[field])
            removed += value.remove(field)
        else:
            reply.append(None)
    if removed:
        db.changed(key, notifications.HASH, b"hdel", removed)
        db.delete_if_empty(key, value)
    return reply
