"""HEXPIRE and its relatives as Redis has them since 7.4, HGETEX, HSETEX and HGETDEL since 8.0.

They look the key up before they look at their arguments, say otherwise than Valkey what is wrong with these, and have
no time beyond some two thousand years. A time that is past removes the field at once, which is told as ``hdel``. A
field whose time has passed goes when somebody asks for it, even if only to read it (``drop_past``); but HEXPIRE, HSET
and HDEL take it for one that is there.
"""

from __future__ import annotations

from typing import Final

from miniredis.commands.expiration import agree
from miniredis.commands.hash_fields import drop_past, write_or_create
from miniredis.commands.string_options import UNITS, with_end
from miniredis.engine import errors, field_expiry, notifications, propagation
from miniredis.engine.arguments import integer, integer_in_range
from miniredis.engine.record import record
from miniredis.engine.session import Session
from miniredis.resp.types import Error, Reply
from miniredis.structures.hash import Hash
from miniredis.structures.numbers import INT64_MAX

LATEST: Final = (1 << 46) - 1
"""The last millisecond since the epoch at which a field may end."""

NEGATIVE: Final = "ERR invalid expire time, must be >= 0"
NO_FIELDS: Final = "ERR Mandatory argument FIELDS is missing or not at the right position"
NOT_POSITIVE: Final = "ERR Number of fields must be a positive integer"
NOT_POSITIVE_TO_EXPIRE: Final = "ERR Parameter `numFields` should be greater than 0"
NO_MATCH: Final = "ERR The `numfields` parameter must match the number of arguments"
ONE_EXPIRATION: Final = "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"
ONE_CONDITION: Final = "ERR Only one of FXX or FNX arguments can be specified"

INT_MAX: Final = 2**31 - 1

NO_FIELD, NO_EXPIRY, REFUSED, SET, REMOVED = -2, -1, 0, 1, 2
"""What is answered for a field: by HEXPIRE, and by HPERSIST all but the last."""


def _moment(client: Session, text: bytes, command: bytes, *, milliseconds: bool, absolute: bool) -> int:
    """The millisecond since the epoch that *text* names; *command* is named in the error for one out of range."""
    amount = integer(text)
    if amount < 0:
        raise Error(NEGATIVE)
    if not milliseconds:
        amount *= 1000
    base = 0 if absolute else client.engine.now
    if amount > LATEST - base:
        raise errors.invalid_expire(command)
    return amount + base


def _fields_at(argv: list[bytes], position: int, message: str = NOT_POSITIVE) -> list[bytes]:
    """What follows ``FIELDS numfields``, which must stand at *position*."""
    if argv[position].upper() != b"FIELDS":
        raise Error(NO_FIELDS)
    count = integer_in_range(argv[position + 1], 1, INT64_MAX, message)
    fields = argv[position + 2 :]
    if count != len(fields):
        raise Error(NO_MATCH)
    return fields


def only_fields(argv: list[bytes]) -> list[bytes]:
    """The fields of a command that takes nothing else."""
    return _fields_at(argv, 2)


class _Changes:
    """What a command does to the fields of one hash, one after another, to be told when it is done."""

    __slots__ = ("_client", "_key", "_value", "persisted", "removed", "timed")

    def __init__(self, client: Session, key: bytes, value: Hash) -> None:
        self._client = client
        self._key = key
        self._value = value
        self.timed: list[bytes] = []
        self.removed: list[bytes] = []
        self.persisted = 0
        value.order_by_expiry()

    def expire_at(self, field: bytes, when: int) -> int:
        """Let *field* end after the millisecond *when*, or at once if that is past. HEXPIRE's answer."""
        if when > self._client.engine.now:
            self._value.expire_at(field, when)
            self.timed.append(field)
            return SET
        self._value.remove(field)
        self.removed.append(field)
        return REMOVED

    def tell(self, *, is_counted: bool = False) -> None:
        """Tell everyone, and let a hash that is empty go. What replicas are told of times, the command has said.

        *is_counted*: as what has changed, the fields are counted already.
        """
        client, key, db = self._client, self._key, self._client.db
        if self.timed:
            field_expiry.note(db, key, self._value)
            db.changed(key, notifications.HASH, b"hexpire", 0 if is_counted else len(self.timed))
        if self.persisted:
            db.changed(key, notifications.HASH, b"hpersist", self.persisted)
        if self.removed:
            client.engine.statistics.expired_fields += len(self.removed)
            propagation.prevent(client)
            for field in self.removed:
                propagation.also_propagate(client, b"HDEL", key, field)
            db.changed(key, notifications.HASH, b"hdel", 0 if is_counted else len(self.removed))
            db.delete_if_empty(key, self._value)


def expire(client: Session, argv: list[bytes], name: bytes, *, milliseconds: bool, absolute: bool) -> Reply:
    """HEXPIRE and the like: give fields the time *argv[2]*, where the condition agrees. What became of each."""
    key = argv[1]
    value = client.db.write_as(key, Hash)
    when = _moment(client, argv[2], name, milliseconds=milliseconds, absolute=absolute)
    condition = argv[3].upper()
    conditions = {condition} if condition in (b"NX", b"XX", b"GT", b"LT") else set[bytes]()
    fields = _fields_at(argv, 3 + len(conditions), NOT_POSITIVE_TO_EXPIRE)
    if value is None:
        return [NO_FIELD] * len(fields)
    changes = _Changes(client, key, value)
    reply: list[Reply] = []
    for field in fields:
        if field not in value.fields:
            reply.append(NO_FIELD)
        elif conditions and not agree(conditions, value.end_of(field), when):
            reply.append(REFUSED)
        else:
            reply.append(changes.expire_at(field, when))
    timed = changes.timed
    propagation.rewrite(client, b"HPEXPIREAT", key, when, *argv[3 : 3 + len(conditions)], b"FIELDS", len(timed), *timed)
    changes.tell()
    return reply


def hpersist(client: Session, argv: list[bytes]) -> Reply:
    """HPERSIST: a field whose time has passed is none to it, and stays."""
    key, now = argv[1], client.engine.now
    value = client.db.write_as(key, Hash)
    fields = only_fields(argv)
    if value is None:
        return [NO_FIELD] * len(fields)
    reply: list[Reply] = []
    for field in fields:
        if not value.is_live(field, now):
            reply.append(NO_FIELD)
        else:
            reply.append(SET if value.persist(field) else NO_EXPIRY)
    if SET in reply:
        client.db.changed(key, notifications.HASH, b"hpersist")  # one change, of however many fields
    return reply


def hgetex(client: Session, argv: list[bytes]) -> Reply:
    """HGETEX: values, and a time from now on, or none any more, for the fields that are there."""
    key, db = argv[1], client.db
    value = db.write_as(key, Hash)
    option, when, position = argv[2].upper(), None, 2
    if option in UNITS:
        milliseconds, absolute = UNITS[option]
        when, position = _moment(client, argv[3], b"hgetex", milliseconds=milliseconds, absolute=absolute), 4
    elif option == b"PERSIST":
        position = 3
    if position + 1 >= len(argv):
        raise errors.wrong_arity("hgetex")
    fields = _fields_at(argv, position)
    if value is None:
        return [None] * len(fields)
    drop_past(client, key, value, fields)
    if position == 2:
        return list(map(value.fields.get, fields))
    changes = _Changes(client, key, value)
    reply: list[Reply] = []
    for field in fields:
        reply.append(value.fields.get(field))
        if field not in value.fields:
            continue
        if when is not None:
            changes.expire_at(field, when)
        else:
            changes.persisted += value.persist(field)
    if when is not None:
        propagation.rewrite(client, b"HPEXPIREAT", key, when, *argv[position:])
    elif changes.persisted:
        propagation.rewrite(client, b"HPERSIST", key, *argv[position:])
    changes.tell()
    return reply


@record
class _SetOptions:
    """HSETEX's options; *position* is where the first field stands, *unit* the token of a time or ``KEEPTTL``."""

    position: int = 0
    condition: bytes = b""
    unit: bytes = b""
    when: int | None = None


def _parse_set_options(client: Session, argv: list[bytes]) -> _SetOptions:
    options, position = _SetOptions(), 2
    while True:  # there are more words than options that go together, so that FIELDS comes, or an error
        token = argv[position].upper()
        if token == b"FIELDS":
            if position >= len(argv) - 3:
                raise errors.wrong_arity("hsetex")
            count = integer_in_range(argv[position + 1], 1, INT_MAX, "ERR invalid number of fields")
            if 2 * count != len(argv) - position - 2:
                raise errors.wrong_arity("hsetex")
            options.position = position + 2
            return options
        if token in UNITS or token == b"KEEPTTL":
            if options.unit:
                raise Error(ONE_EXPIRATION)
            options.unit = token
            if token in UNITS:
                position += 1
                milliseconds, absolute = UNITS[token]
                options.when = _moment(client, argv[position], b"hsetex", milliseconds=milliseconds, absolute=absolute)
        elif token in (b"FXX", b"FNX"):
            if options.condition:
                raise Error(ONE_CONDITION)
            options.condition = token
        else:
            raise Error(b"ERR unknown argument: %b" % errors.until_nul(argv[position]))
        position += 1


def hsetex(client: Session, argv: list[bytes]) -> Reply:
    """HSETEX: set all of the fields, or none if the condition does not hold for all of them."""
    key, db, config = argv[1], client.db, client.engine.config
    options = _parse_set_options(client, argv)
    pairs = argv[options.position :]
    fields, when = pairs[::2], options.when
    value = db.write_as(key, Hash)
    if options.condition and not _agree(client, key, value, options.condition, fields):
        return 0
    value = write_or_create(client, key)
    value.expect(len(fields), config)
    changes = _Changes(client, key, value) if when is not None else None
    for field, content in zip(fields, pairs[1::2], strict=True):
        value.set(field, content, config)
        if changes is not None and when is not None:
            changes.expire_at(field, when)
        elif options.unit != b"KEEPTTL":
            value.persist(field)
    if when is not None:
        words = argv[2 : options.position - 2]
        propagation.rewrite(client, argv[0], key, *with_end(words, when), *argv[options.position - 2 :])
    db.changed(key, notifications.HASH, b"hset", len(fields))
    if changes is not None:
        changes.tell(is_counted=True)
    return 1


def _agree(client: Session, key: bytes, value: Hash | None, condition: bytes, fields: list[bytes]) -> bool:
    """Whether all *fields* are there (FXX), or none is (FNX); the first that disagrees is the last looked at."""
    if value is None:
        return condition == b"FNX"
    agrees = True
    past = list[bytes]()
    for field in fields:
        is_past = value.is_past(field, client.engine.now)
        if is_past:
            past.append(field)
        agrees = (field in value.fields and not is_past) is (condition == b"FXX")
        if not agrees:
            break
    drop_past(client, key, value, past, keeps_empty=agrees)
    return agrees


def hgetdel(client: Session, argv: list[bytes]) -> Reply:
    """HGETDEL: values of fields, which go with that."""
    key, db = argv[1], client.db
    value = db.write_as(key, Hash)
    fields = only_fields(argv)
    if value is None:
        return [None] * len(fields)
    drop_past(client, key, value, fields)
    reply: list[Reply] = []
    removed = 0
    for field in fields:
        reply.append(value.fields.get(field))
        removed += value.remove(field)
    if removed:
        propagation.rewrite(client, b"HDEL", key, *fields)
        db.changed(key, notifications.HASH, b"hdel", removed)
        db.delete_if_empty(key, value)
    return reply
