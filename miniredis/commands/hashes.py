"""Hashes: fields and values under one key.

The structure (:mod:`miniredis.structures.hash`) knows the encodings; the commands pass it the configuration, which has
the limits. Fields that have a time of their own are the matter of :mod:`miniredis.commands.hashes_expiration`; here
they are overlooked when it has passed, and lose it when they are set anew.
"""

from __future__ import annotations

from miniredis.commands.hash_fields import drop_past, remove_past, visible_fields, write_or_create
from miniredis.commands.scanning import parse_scan_options, scan_cursor, scan_reply
from miniredis.engine import errors, notifications, propagation
from miniredis.engine.arguments import integer, random_count, refuse_endless
from miniredis.engine.command import Variant, command, key_range
from miniredis.engine.session import Session
from miniredis.resp.types import OK, Error, Reply
from miniredis.structures.hash import Hash
from miniredis.structures.long_double import ZERO, add, format_human, parse_long_double
from miniredis.structures.member_index import MemberIndex
from miniredis.structures.numbers import INT64_MAX, INT64_MIN, parse_integer


@command(
    "HSET key field value [field value ...]",
    arity=-4,
    summary="Creates or modifies the value of a field in a hash.",
    since="2.0.0",
    group="hash",
    complexity=(
        "O(1) for each field/value pair added, so O(N) to add N field/value pairs when the command is called with"
        " multiple field/value pairs."
    ),
    flags="write denyoom fast",
    categories="hash",
    keys=[key_range("RW update", 1)],
    history=[
        ("4.0.0", "Accepts multiple `field` and `value` arguments."),
    ],
    names=["data"],
)
def hset(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) % 2:
        raise errors.wrong_arity("hset")
    if len(argv) == 4:  # the usual case
        value = client.db.write(argv[1])
        if value.__class__ is Hash and value.expiries is None:
            is_new = value.set(argv[2], argv[3], client.engine.config)
            client.db.changed(argv[1], notifications.HASH, b"hset")
            return 1 if is_new else 0
    return _set_fields(client, argv)


@command(
    "HMSET key field value [field value ...]",
    arity=-4,
    summary="Sets the values of multiple fields.",
    since="2.0.0",
    group="hash",
    complexity="O(N) where N is the number of fields being set.",
    flags="write denyoom fast",
    categories="hash",
    keys=[key_range("RW update", 1)],
    names=["data"],
    deprecated_since="4.0.0",
    replaced_by="`HSET` with multiple field-value pairs",
    variants=[Variant(valkey_since="8.0.0", deprecated=False)],
)
def hmset(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) % 2:
        raise errors.wrong_arity("hmset")
    _set_fields(client, argv)
    return OK


def _set_fields(client: Session, argv: list[bytes]) -> int:
    """Set the fields and values that follow the key; how many fields are new."""
    key, db, config = argv[1], client.db, client.engine.config
    value = write_or_create(client, key)
    pairs = len(argv) // 2 - 1
    if value.expiries is not None and client.engine.version.is_valkey:
        remove_past(client, key, value, argv[2::2])
    if value.expiries is not None:
        created = _set_endless(client, value, argv)
    elif pairs == 1:
        created = int(value.set(argv[2], argv[3], config))
    else:
        if client.engine.version.redis >= (7, 2):
            value.expect(pairs, config)
        created = sum(value.set(argv[at], argv[at + 1], config) for at in range(2, len(argv), 2))
    db.changed(key, notifications.HASH, b"hset", pairs)
    return created


def _set_endless(client: Session, value: Hash, argv: list[bytes]) -> int:
    """Set fields that do not end from now on, one after another, as Redis orders them. How many are new."""
    config, created = client.engine.config, 0
    value.expect(len(argv) // 2 - 1, config)
    for at in range(2, len(argv), 2):
        created += value.set(argv[at], argv[at + 1], config)
        value.persist(argv[at])
    return created


@command(
    "HSETNX key field value",
    arity=4,
    summary="Sets the value of a field in a hash only when the field doesn't exist.",
    since="2.0.0",
    group="hash",
    complexity="O(1)",
    flags="write denyoom fast",
    categories="hash",
    keys=[key_range("RW insert", 1)],
)
def hsetnx(client: Session, argv: list[bytes]) -> Reply:
    key, field = argv[1], argv[2]
    value = write_or_create(client, key)
    if value.is_live(field, client.engine.now):
        return 0
    if value.expiries is not None and client.engine.version.is_valkey:
        remove_past(client, key, value, (field,))
        propagation.rewrite(client, b"HSET", *argv[1:])
    elif drop_past(client, key, value, (field,)):
        value = write_or_create(client, key)
    value.set(field, argv[3], client.engine.config)
    client.db.changed(key, notifications.HASH, b"hset")
    return 1


@command(
    "HGET key field",
    arity=3,
    summary="Returns the value of a field in a hash.",
    since="2.0.0",
    group="hash",
    complexity="O(1)",
    flags="readonly fast",
    categories="hash",
    keys=[key_range("RO access", 1)],
)
def hget(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.read_as(argv[1], Hash)
    if value is None:
        return None
    if value.expiries is not None and value.is_past(argv[2], client.engine.now):
        drop_past(client, argv[1], value, argv[2:])
        return None
    return value.fields.get(argv[2])


@command(
    "HMGET key field [field ...]",
    arity=-3,
    summary="Returns the values of all fields in a hash.",
    since="2.0.0",
    group="hash",
    complexity="O(N) where N is the number of fields being requested.",
    flags="readonly fast",
    categories="hash",
    keys=[key_range("RO access", 1)],
)
def hmget(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.read_as(argv[1], Hash)
    if value is None:
        return [None] * (len(argv) - 2)
    drop_past(client, argv[1], value, argv[2:], is_quiet=len(value) == 1)  # as Redis, which forgets to tell of one
    fields = value.fields if value.expiries is None else value.live(client.engine.now)
    return list(map(fields.get, argv[2:]))


@command(
    "HDEL key field [field ...]",
    arity=-3,
    summary="Deletes one or more fields and their values from a hash. Deletes the hash if no fields remain.",
    since="2.0.0",
    group="hash",
    complexity="O(N) where N is the number of fields to be removed.",
    flags="write fast",
    categories="hash",
    keys=[key_range("RW delete", 1)],
    history=[
        ("2.4.0", "Accepts multiple `field` arguments."),
    ],
)
def hdel(client: Session, argv: list[bytes]) -> Reply:
    key, db = argv[1], client.db
    value = db.write_as(key, Hash)
    if value is None:
        return 0
    fields = argv[2:]
    if value.expiries is not None and client.engine.version.is_valkey:
        fields = [field for field in fields if not value.is_past(field, client.engine.now)]
    removed = sum(map(value.remove, fields))
    if removed:
        db.changed(key, notifications.HASH, b"hdel", removed)
        db.delete_if_empty(key, value)
    return removed


@command(
    "HEXISTS key field",
    arity=3,
    summary="Determines whether a field exists in a hash.",
    since="2.0.0",
    group="hash",
    complexity="O(1)",
    flags="readonly fast",
    categories="hash",
    keys=[key_range("RO", 1)],
)
def hexists(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.read_as(argv[1], Hash)
    if value is None or drop_past(client, argv[1], value, argv[2:]):
        return 0
    return 1 if value.is_live(argv[2], client.engine.now) else 0


@command(
    "HLEN key",
    arity=2,
    summary="Returns the number of fields in a hash.",
    since="2.0.0",
    group="hash",
    complexity="O(1)",
    flags="readonly fast",
    categories="hash",
    keys=[key_range("RO", 1)],
)
def hlen(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.read_as(argv[1], Hash)
    return 0 if value is None else len(value.fields)


@command(
    "HSTRLEN key field",
    arity=3,
    summary="Returns the length of the value of a field.",
    since="3.2.0",
    group="hash",
    complexity="O(1)",
    flags="readonly fast",
    categories="hash",
    keys=[key_range("RO", 1)],
)
def hstrlen(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.read_as(argv[1], Hash)
    if value is None or drop_past(client, argv[1], value, argv[2:]):
        return 0
    return len(visible_fields(client, value).get(argv[2], b""))


@command(
    "HKEYS key",
    arity=2,
    summary="Returns all fields in a hash.",
    since="2.0.0",
    group="hash",
    complexity="O(N) where N is the size of the hash.",
    flags="readonly",
    categories="hash",
    keys=[key_range("RO access", 1)],
    tips=["nondeterministic_output_order"],
)
def hkeys(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.read_as(argv[1], Hash)
    return [] if value is None else list(visible_fields(client, value))


@command(
    "HVALS key",
    arity=2,
    summary="Returns all values in a hash.",
    since="2.0.0",
    group="hash",
    complexity="O(N) where N is the size of the hash.",
    flags="readonly",
    categories="hash",
    keys=[key_range("RO access", 1)],
    tips=["nondeterministic_output_order"],
)
def hvals(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.read_as(argv[1], Hash)
    return [] if value is None else list(visible_fields(client, value).values())


@command(
    "HGETALL key",
    arity=2,
    summary="Returns all fields and values in a hash.",
    since="2.0.0",
    group="hash",
    complexity="O(N) where N is the size of the hash.",
    flags="readonly",
    categories="hash",
    keys=[key_range("RO access", 1)],
    tips=["nondeterministic_output_order"],
)
def hgetall(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.read_as(argv[1], Hash)
    return {} if value is None else visible_fields(client, value).copy()


@command(
    "HINCRBY key field increment",
    arity=4,
    summary=(
        "Increments the integer value of a field in a hash by a number. Uses 0 as initial value if the field doesn't"
        " exist."
    ),
    since="2.0.0",
    group="hash",
    complexity="O(1)",
    flags="write denyoom fast",
    categories="hash",
    keys=[key_range("RW access update", 1)],
)
def hincrby(client: Session, argv: list[bytes]) -> Reply:
    key, field = argv[1], argv[2]
    increment = integer(argv[3])
    value = write_or_create(client, key)
    if drop_past(client, key, value, (field,)):
        value = write_or_create(client, key)
    fields = value.fields if value.expiries is None else value.live(client.engine.now)
    present = parse_integer(fields.get(field, b"0"))
    if present is None:
        raise Error("ERR hash value is not an integer")
    result = present + increment
    if not INT64_MIN <= result <= INT64_MAX:
        raise Error(errors.INCREMENT_OVERFLOW)
    text = b"%d" % result
    if value.expiries is not None and client.engine.version.is_valkey:
        remove_past(client, key, value, (field,))
        _propagate_sum(client, key, value, field, text)
    value.set(field, text, client.engine.config)
    client.db.changed(key, notifications.HASH, b"hincrby")
    return result


@command(
    "HINCRBYFLOAT key field increment",
    arity=4,
    summary=(
        "Increments the floating point value of a field by a number. Uses 0 as initial value if the field doesn't"
        " exist."
    ),
    since="2.6.0",
    group="hash",
    complexity="O(1)",
    flags="write denyoom fast",
    categories="hash",
    keys=[key_range("RW access update", 1)],
    details={"increment": "type=double"},
)
def hincrbyfloat(client: Session, argv: list[bytes]) -> Reply:
    key, field = argv[1], argv[2]
    increment = parse_long_double(argv[3])
    if increment is None:
        raise errors.not_a_float()
    if not increment.is_finite:
        raise Error("ERR value is NaN or Infinity")
    value = write_or_create(client, key)
    if drop_past(client, key, value, (field,)):
        value = write_or_create(client, key)
    text = visible_fields(client, value).get(field)
    present = ZERO if text is None else parse_long_double(text)
    if present is None:
        raise Error("ERR hash value is not a float")
    result = add(present, increment)
    if not result.is_finite:
        raise Error(errors.INCREMENT_TO_INFINITY)
    text = format_human(result)
    if client.engine.version.is_valkey or client.engine.version.redis < (8, 0):
        remove_past(client, key, value, (field,))
        _propagate_sum(client, key, value, field, text)
    else:
        propagation.rewrite(client, b"HSETEX", key, b"KEEPTTL", b"FIELDS", 1, field, text)
    value.set(field, text, client.engine.config)
    client.db.changed(key, notifications.HASH, b"hincrbyfloat")
    return text


def _propagate_sum(client: Session, key: bytes, value: Hash, field: bytes, text: bytes) -> None:
    """Have the running command told as what it comes to, with the time at which the field ends."""
    when = None if value.expiries is None else value.expiries.times.get(field)
    if when is None:
        propagation.rewrite(client, b"HSET", key, field, text)
    else:
        propagation.rewrite(client, b"HSETEX", key, b"PXAT", when, b"FIELDS", 1, field, text)


@command(
    "HRANDFIELD key [count [WITHVALUES]]",
    arity=-2,
    summary="Returns one or more random fields from a hash.",
    since="6.2.0",
    group="hash",
    complexity="O(N) where N is the number of fields returned",
    flags="readonly",
    categories="hash",
    keys=[key_range("RO access", 1)],
    tips=["nondeterministic_output"],
    names=["options"],
)
def hrandfield(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) == 2:
        value = client.db.read_as(argv[1], Hash)
        return None if value is None else next(iter(_choose(client, argv[1], value, 1)), None)
    count = random_count(argv[2])
    if len(argv) > 4 or (len(argv) == 4 and argv[3].upper() != b"WITHVALUES"):
        raise errors.syntax_error()
    with_values = len(argv) == 4
    if with_values and abs(count) > INT64_MAX // 2:
        raise Error(errors.OUT_OF_RANGE)
    value = client.db.read_as(argv[1], Hash)
    if value is None:
        return []
    chosen = _choose(client, argv[1], value, count)
    if not with_values:
        return chosen
    values = value.fields
    if client.protocol == 2:
        return [item for field in chosen for item in (field, values[field])]
    return [[field, values[field]] for field in chosen]


def _choose(client: Session, key: bytes, value: Hash, count: int) -> list[bytes]:
    """*count* different fields, at most all there are; if it is negative, so many of which each is drawn from all."""
    if drop_past(client, key, value, value.fields):
        value = client.db.data.get(key, Hash())
    if not count:
        return []
    rng, fields = client.engine.random, visible_fields(client, value)
    if count >= len(fields):
        return list(fields)
    if count < 0:
        refuse_endless(client, count)
    index = value.index() if fields is value.fields else MemberIndex(fields)
    if count == 1:
        return [index.random(rng)]
    if count > 0:
        return index.sample(rng, count)
    return index.choices(rng, -count) if fields else []


@command(
    "HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]",
    arity=-3,
    summary="Iterates over fields and values of a hash.",
    since="2.8.0",
    group="hash",
    complexity=(
        "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return"
        " back to 0. N is the number of elements inside the collection."
    ),
    flags="readonly",
    categories="hash",
    keys=[key_range("RO access", 1)],
    tips=["nondeterministic_output"],
    details={"NOVALUES": "since=7.4.0 valkey-added=8.0.0"},
)
def hscan(client: Session, argv: list[bytes]) -> Reply:
    cursor = scan_cursor(client, argv[2])
    value = client.db.read_as(argv[1], Hash)
    if value is None:
        return scan_reply(0, [])
    options = parse_scan_options(client, argv, 3, names_only=b"NOVALUES")
    if value.encoding == "hashtable":
        cursor, found = value.index().scan(cursor, options.count)
    else:
        cursor, found = 0, list(value.fields)
    values = visible_fields(client, value)
    if values is not value.fields:
        found = [field for field in found if field in values]
    if options.names_only:
        return scan_reply(cursor, options.filter(found))
    return scan_reply(cursor, [item for field in options.filter(found) for item in (field, values[field])])
