"""Strings: GET, SET and their relatives.

A string's class says how Redis would encode it (see :mod:`miniredis.engine.values`): a SET leaves ``bytes``, INCR an
``int``, APPEND and SETRANGE a ``bytearray`` that grows in place. GET, SET and INCR are the most used commands, so their
ordinary forms parse nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from miniredis.commands.string_options import (
    Condition,
    SetOptions,
    expire_time,
    parse_getex_options,
    parse_set_options,
    remove_expired,
    set_keys,
    set_keys_of_8_4,
)
from miniredis.engine import errors, notifications, propagation
from miniredis.engine.arguments import integer
from miniredis.engine.command import Variant, command, key_range
from miniredis.engine.session import Session
from miniredis.engine.values import PlainString, StringValue, is_string, string_bytes
from miniredis.resp.types import OK, Error, Reply
from miniredis.structures.long_double import add, format_human, parse_long_double
from miniredis.structures.numbers import INT64_MAX, INT64_MIN, parse_integer


def _get_several(client: Session, keys: Sequence[bytes]) -> list[bytes | None]:
    return client.db.read_strings(keys)


@command(
    "GET key",
    arity=2,
    summary="Returns the string value of a key.",
    since="1.0.0",
    group="string",
    complexity="O(1)",
    flags="readonly fast",
    categories="string",
    keys=[key_range("RO access", 1)],
    several=_get_several,
)
def get(client: Session, argv: list[bytes]) -> Reply:
    return client.db.read_string(argv[1])


def _set_several(
    client: Session, keys: Sequence[bytes], values: Sequence[bytes], *options: Sequence[bytes]
) -> list[Reply]:
    if options or not client.db.set_unnoticed(keys, values):
        return []
    return [OK] * len(keys)


@command(
    (
        "SET key value [NX | XX | IFEQ comparison-value | IFEQ ifeq-value | IFNE ifne-value | IFDEQ ifdeq-digest |"
        " IFDNE ifdne-digest] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds |"
        " PXAT unix-time-milliseconds | KEEPTTL]"
    ),
    arity=-3,
    summary="Sets the string value of a key, ignoring its type. The key is created if it doesn't exist.",
    since="1.0.0",
    group="string",
    complexity="O(1)",
    flags="write denyoom",
    categories="string",
    keys=[
        key_range("RW access update variable_flags", 1, notes="RW and ACCESS due to the optional `GET` argument"),
    ],
    get_keys=set_keys,
    history=[
        ("2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options."),
        ("6.0.0", "Added the `KEEPTTL` option."),
        ("6.2.0", "Added the `GET`, `EXAT` and `PXAT` option."),
        ("7.0.0", "Allowed the `NX` and `GET` options to be used together."),
        ("valkey 8.1.0", "Added the `IFEQ` option."),
        ("8.4.0", "Added 'IFEQ', 'IFNE', 'IFDEQ', 'IFDNE' options."),
    ],
    names=["condition", "expiration"],
    details={
        "NX": "since=2.6.12",
        "XX": "since=2.6.12",
        "IFEQ comparison-value": (
            "valkey-since=8.1.0 summary=Sets the key's value only if the current value matches the specified"
            " comparison value."
        ),
        "IFEQ ifeq-value": "since=8.4.0",
        "IFNE": "since=8.4.0",
        "IFDEQ": "type=integer since=8.4.0",
        "IFDNE": "type=integer since=8.4.0",
        "GET": "since=6.2.0",
        "EX": "since=2.6.12",
        "PX": "since=2.6.12",
        "EXAT": "since=6.2.0",
        "PXAT": "since=6.2.0",
        "KEEPTTL": "since=6.0.0",
    },
    variants=[Variant(since="8.4.0", get_keys=set_keys_of_8_4)],
    several=_set_several,
)
def set_(client: Session, argv: list[bytes]) -> Reply:
    key, value, db = argv[1], argv[2], client.db
    if len(argv) == 3:
        if key in db.expires:
            db.expire_if_due(key)
        db.set(key, value)
        db.changed(key, notifications.STRING, b"set")
        return OK
    options = parse_set_options(client, argv)
    _propagate_set(client, argv, options)
    return _set(client, key, value, options, OK)


@command(
    "SETNX key value",
    arity=3,
    summary="Sets the string value of a key only when the key doesn't exist.",
    since="1.0.0",
    group="string",
    complexity="O(1)",
    flags="write denyoom fast",
    categories="string",
    keys=[key_range("OW insert", 1)],
    deprecated_since="2.6.12",
    replaced_by="`SET` with the `NX` argument",
    variants=[Variant(until="7.2.0", deprecated=False), Variant(valkey_since="8.0.0", deprecated=False)],
)
def setnx(client: Session, argv: list[bytes]) -> Reply:
    stored = _set(client, argv[1], argv[2], SetOptions(condition=Condition.NX), OK)
    return int(stored is OK)


@command(
    "SETEX key seconds value",
    arity=4,
    summary="Sets the string value and expiration time of a key. Creates the key if it doesn't exist.",
    since="2.0.0",
    group="string",
    complexity="O(1)",
    flags="write denyoom",
    categories="string",
    keys=[key_range("OW update", 1)],
    deprecated_since="2.6.12",
    replaced_by="`SET` with the `EX` argument",
    variants=[Variant(until="7.2.0", deprecated=False), Variant(valkey_since="8.0.0", deprecated=False)],
)
def setex(client: Session, argv: list[bytes]) -> Reply:
    when = expire_time(client, argv[2], b"setex", milliseconds=False, absolute=False)
    propagation.rewrite(client, b"SET", argv[1], argv[3], b"PXAT", when)
    return _set(client, argv[1], argv[3], SetOptions(expire_at=when), OK)


@command(
    "PSETEX key milliseconds value",
    arity=4,
    summary=(
        "Sets both string value and expiration time in milliseconds of a key. The key is created if it doesn't exist."
    ),
    since="2.6.0",
    group="string",
    complexity="O(1)",
    flags="write denyoom",
    categories="string",
    keys=[key_range("OW update", 1)],
    deprecated_since="2.6.12",
    replaced_by="`SET` with the `PX` argument",
    variants=[Variant(until="7.2.0", deprecated=False), Variant(valkey_since="8.0.0", deprecated=False)],
)
def psetex(client: Session, argv: list[bytes]) -> Reply:
    when = expire_time(client, argv[2], b"psetex", milliseconds=True, absolute=False)
    propagation.rewrite(client, b"SET", argv[1], argv[3], b"PXAT", when)
    return _set(client, argv[1], argv[3], SetOptions(expire_at=when), OK)


def _propagate_set(client: Session, argv: list[bytes], options: SetOptions) -> None:
    """Propagate SET without GET, and with the time of the key's end. Since Redis 7.2 one with PXAT stays as it is."""
    version, when = client.engine.version, options.expire_at
    if when is None:
        if options.get:
            propagation.rewrite(client, *argv[:3], *(word for word in argv[3:] if word.upper() != b"GET"))
    elif not options.pxat or version.redis < (7, 2):
        name = argv[0] if version.is_valkey and len(argv) == 5 else b"SET"
        propagation.rewrite(client, name, argv[1], argv[2], b"PXAT", when)


def _set(client: Session, key: bytes, value: bytes, options: SetOptions, done: Reply) -> Reply:
    """SET with its options: *done* if it was stored, else None; with GET the old value either way."""
    db = client.db
    if options.get:
        done = refused = old = db.read_string(key)
    else:
        refused, old = None, db.write(key)
    if options.comparison is not None and old is not None and not client.engine.version.is_valkey:
        db.read(key)  # Redis looks it up anew to compare it, and counts that
    if not options.allow(old):
        return refused
    when = options.expire_at
    if when is not None and when <= client.engine.now and client.engine.version.is_valkey:
        if old is not None:
            remove_expired(client, key)
        return done
    db.set(key, value, keep_ttl=options.keep_ttl)
    db.changed(key, notifications.STRING, b"set")
    if when is not None:
        db.expire_at(key, when)
        db.notify(notifications.GENERIC, b"expire", key)
    return done


@command(
    "GETSET key value",
    arity=3,
    summary="Returns the previous string value of a key after setting it to a new value.",
    since="1.0.0",
    group="string",
    complexity="O(1)",
    flags="write denyoom fast",
    categories="string",
    keys=[key_range("RW access update", 1)],
    deprecated_since="6.2.0",
    replaced_by="`SET` with the `!GET` argument",
    variants=[Variant(valkey_since="8.0.0", deprecated=False)],
)
def getset(client: Session, argv: list[bytes]) -> Reply:
    key, db = argv[1], client.db
    old = db.read_string(key)
    db.set(key, argv[2])
    propagation.rewrite(client, b"SET", key, argv[2])
    db.changed(key, notifications.STRING, b"set")
    return old


@command(
    "GETDEL key",
    arity=2,
    summary="Returns the string value of a key after deleting the key.",
    since="6.2.0",
    group="string",
    complexity="O(1)",
    flags="write fast",
    categories="string",
    keys=[key_range("RW access delete", 1)],
)
def getdel(client: Session, argv: list[bytes]) -> Reply:
    key, db = argv[1], client.db
    old = db.read_string(key)
    if old is not None:
        db.delete(key)
        is_lazy = client.engine.config.lazyfree_lazy_user_del and client.engine.version.redis < (7, 2)
        propagation.rewrite(client, b"UNLINK" if is_lazy else b"DEL", key)
        db.changed(key, notifications.GENERIC, b"del")
    return old


@command(
    "GETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]",
    arity=-2,
    summary="Returns the string value of a key after setting its expiration time.",
    since="6.2.0",
    group="string",
    complexity="O(1)",
    flags="write fast",
    categories="string",
    keys=[
        key_range("RW access update", 1, notes="RW and UPDATE because it changes the TTL"),
    ],
    names=["expiration"],
)
def getex(client: Session, argv: list[bytes]) -> Reply:
    key, db = argv[1], client.db
    options = parse_getex_options(argv)
    if client.engine.version.is_valkey:
        options.check(client)
    value = db.read_string(key)
    if value is None:
        return None
    when = options.check(client)
    if options.persist:
        if db.persist(key):
            propagation.rewrite(client, b"PERSIST", key)
            db.changed(key, notifications.GENERIC, b"persist")
    elif when is not None:
        if options.absolute and when <= client.engine.now:
            remove_expired(client, key)
        else:
            db.expire_at(key, when)
            propagation.rewrite(client, b"PEXPIREAT", key, when)
            db.changed(key, notifications.GENERIC, b"expire")
    return value


@command(
    "MGET key [key ...]",
    arity=-2,
    summary="Atomically returns the string values of one or more keys.",
    since="1.0.0",
    group="string",
    complexity="O(N) where N is the number of keys to retrieve.",
    flags="readonly fast",
    categories="string",
    keys=[key_range("RO access", 1, last=-1)],
    tips=["request_policy:multi_shard"],
)
def mget(client: Session, argv: list[bytes]) -> Reply:
    read = client.db.read
    values = []
    for key in argv[1:]:
        value = read(key)
        if value is not None and value.__class__ is not bytes:
            value = string_bytes(value) if is_string(value) else None
        values.append(value)
    return values


@command(
    "MSET key value [key value ...]",
    arity=-3,
    summary="Atomically creates or modifies the string values of one or more keys.",
    since="1.0.1",
    group="string",
    complexity="O(N) where N is the number of keys to set.",
    flags="write denyoom",
    categories="string",
    keys=[key_range("OW update", 1, last=-1, step=2)],
    tips=["request_policy:multi_shard", "response_policy:all_succeeded"],
    names=["data"],
)
def mset(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) % 2 == 0:
        raise errors.wrong_arity("mset")
    _mset(client, argv)
    return OK


@command(
    "MSETNX key value [key value ...]",
    arity=-3,
    summary="Atomically modifies the string values of one or more keys only when all keys don't exist.",
    since="1.0.1",
    group="string",
    complexity="O(N) where N is the number of keys to set.",
    flags="write denyoom",
    categories="string",
    keys=[key_range("OW insert", 1, last=-1, step=2)],
    names=["data"],
    variants=[Variant(until="7.2.0", tips=("request_policy:multi_shard", "response_policy:agg_min"))],
)
def msetnx(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) % 2 == 0:
        raise errors.wrong_arity("msetnx")
    if any(client.db.write(key) is not None for key in argv[1::2]):
        return 0
    _mset(client, argv)
    return 1


def _mset(client: Session, argv: list[bytes]) -> None:
    db = client.db
    if db.set_unnoticed(argv[1::2], argv[2::2]):
        return
    expires, put, changed = db.expires, db.set, db.changed
    for key, value in zip(argv[1::2], argv[2::2], strict=True):
        if key in expires:
            db.expire_if_due(key)
        put(key, value)
        changed(key, notifications.STRING, b"set")


@command(
    "STRLEN key",
    arity=2,
    summary="Returns the length of a string value.",
    since="2.2.0",
    group="string",
    complexity="O(1)",
    flags="readonly fast",
    categories="string",
    keys=[key_range("RO", 1)],
)
def strlen(client: Session, argv: list[bytes]) -> Reply:
    return len(client.db.read_string(argv[1]) or b"")


@command(
    "APPEND key value",
    arity=3,
    summary="Appends a string to the value of a key. Creates the key if it doesn't exist.",
    since="2.0.0",
    group="string",
    complexity=(
        "O(1). The amortized time complexity is O(1) assuming the appended value is small and the already present"
        " value is of any size, since the dynamic string library used by the server will double the free space"
        " available on every reallocation."
    ),
    flags="write denyoom fast",
    categories="string",
    keys=[key_range("RW insert", 1)],
)
def append(client: Session, argv: list[bytes]) -> Reply:
    key, addition, db = argv[1], argv[2], client.db
    value = db.write_string(key)
    if value is None:
        db.add(key, addition)
        length = len(addition)
    else:
        text = _in_place(value)
        _check_length(client, len(text) + len(addition))
        text += addition
        length = len(text)
        db.set(key, text, keep_ttl=True)
    db.changed(key, notifications.STRING, b"append")
    return length


@command(
    "SETRANGE key offset value",
    arity=4,
    summary="Overwrites a part of a string value with another by an offset. Creates the key if it doesn't exist.",
    since="2.2.0",
    group="string",
    complexity=(
        "O(1), not counting the time taken to copy the new string in place. Usually, this string is very small so the"
        " amortized complexity is O(1). Otherwise, complexity is O(M) with M being the length of the value argument."
    ),
    flags="write denyoom",
    categories="string",
    keys=[key_range("RW update", 1)],
)
def setrange(client: Session, argv: list[bytes]) -> Reply:
    key, patch, db = argv[1], argv[3], client.db
    offset = integer(argv[2])
    if offset < 0:
        raise Error("ERR offset is out of range")
    value = db.write_string(key)
    if not patch:
        return 0 if value is None else len(string_bytes(value))
    _check_length(client, offset + len(patch))
    text = bytearray() if value is None else _in_place(value)
    if len(text) < offset:
        text += bytes(offset - len(text))
    text[offset : offset + len(patch)] = patch
    if value is None:
        db.add(key, text)
    else:
        db.set(key, text, keep_ttl=True)
    db.changed(key, notifications.STRING, b"setrange")
    return len(text)


def _in_place(value: StringValue) -> bytearray:
    """*value* in the form that can be changed in place."""
    return value if isinstance(value, bytearray) else bytearray(string_bytes(value))


def _check_length(client: Session, length: int) -> None:
    if length > client.engine.config.proto_max_bulk_len:
        raise Error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")


@command(
    "GETRANGE key start end",
    arity=4,
    summary="Returns a substring of the string stored at a key.",
    since="2.4.0",
    group="string",
    complexity=(
        "O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned"
        " length, but because creating a substring from an existing string is very cheap, it can be considered O(1) for"
        " small strings."
    ),
    flags="readonly",
    categories="string",
    keys=[key_range("RO access", 1)],
)
def getrange(client: Session, argv: list[bytes]) -> Reply:
    start, end = integer(argv[2]), integer(argv[3])
    value = client.db.read_string(argv[1])
    if not value or (start < 0 and end < 0 and start > end):
        return b""
    length = len(value)
    start = max(start + length, 0) if start < 0 else start
    end = max(end + length, 0) if end < 0 else end
    return value[start : end + 1]


@command(
    "SUBSTR key start end",
    arity=4,
    summary="Returns a substring from a string value.",
    since="1.0.0",
    group="string",
    complexity=(
        "O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned"
        " length, but because creating a substring from an existing string is very cheap, it can be considered O(1) for"
        " small strings."
    ),
    flags="readonly",
    categories="string",
    keys=[key_range("RO access", 1)],
    deprecated_since="2.0.0",
    replaced_by="`GETRANGE`",
    variants=[Variant(valkey_since="8.0.0", deprecated=False)],
)
def substr(client: Session, argv: list[bytes]) -> Reply:
    return getrange(client, argv)


def _increment_several(client: Session, keys: Sequence[bytes]) -> list[int]:
    return client.db.increment_unnoticed(keys)


@command(
    "INCR key",
    arity=2,
    summary="Increments the integer value of a key by one. Uses 0 as initial value if the key doesn't exist.",
    since="1.0.0",
    group="string",
    complexity="O(1)",
    flags="write denyoom fast",
    categories="string",
    keys=[key_range("RW access update", 1)],
    several=_increment_several,
)
def incr(client: Session, argv: list[bytes]) -> Reply:
    return _increment(client, argv[1], 1)


@command(
    "DECR key",
    arity=2,
    summary="Decrements the integer value of a key by one. Uses 0 as initial value if the key doesn't exist.",
    since="1.0.0",
    group="string",
    complexity="O(1)",
    flags="write denyoom fast",
    categories="string",
    keys=[key_range("RW access update", 1)],
)
def decr(client: Session, argv: list[bytes]) -> Reply:
    return _increment(client, argv[1], -1)


@command(
    "INCRBY key increment",
    arity=3,
    summary="Increments the integer value of a key by a number. Uses 0 as initial value if the key doesn't exist.",
    since="1.0.0",
    group="string",
    complexity="O(1)",
    flags="write denyoom fast",
    categories="string",
    keys=[key_range("RW access update", 1)],
)
def incrby(client: Session, argv: list[bytes]) -> Reply:
    return _increment(client, argv[1], integer(argv[2]))


@command(
    "DECRBY key decrement",
    arity=3,
    summary="Decrements the integer value of a key by a number. Uses 0 as initial value if the key doesn't exist.",
    since="1.0.0",
    group="string",
    complexity="O(1)",
    flags="write denyoom fast",
    categories="string",
    keys=[key_range("RW access update", 1)],
)
def decrby(client: Session, argv: list[bytes]) -> Reply:
    amount = integer(argv[2])
    if amount == INT64_MIN:
        raise Error("ERR decrement would overflow")
    return _increment(client, argv[1], -amount)


def _increment(client: Session, key: bytes, amount: int) -> int:
    db = client.db
    value: Any = db.write(key)
    if value.__class__ is int:
        total = value + amount
    elif value is None:
        total = amount
    elif not is_string(value):
        raise errors.wrong_type()
    else:
        number = parse_integer(string_bytes(value))
        if number is None:
            raise errors.not_an_integer()
        total = number + amount
    if not INT64_MIN <= total <= INT64_MAX:
        raise Error(errors.INCREMENT_OVERFLOW)
    db.set(key, total, keep_ttl=True)
    db.changed(key, notifications.STRING, b"incrby")
    return total


@command(
    "INCRBYFLOAT key increment",
    arity=3,
    summary=(
        "Increments the floating point value of a key by a number. Uses 0 as initial value if the key doesn't exist."
    ),
    since="2.6.0",
    group="string",
    complexity="O(1)",
    flags="write denyoom fast",
    categories="string",
    keys=[key_range("RW access update", 1)],
    details={"increment": "type=double"},
)
def incrbyfloat(client: Session, argv: list[bytes]) -> Reply:
    key, db = argv[1], client.db
    value = db.write_string(key)
    number = parse_long_double(b"0" if value is None else string_bytes(value))
    amount = parse_long_double(argv[2])
    if number is None or amount is None:
        raise errors.not_a_float()
    total = add(number, amount)
    if not total.is_finite:
        raise Error(errors.INCREMENT_TO_INFINITY)
    text = format_human(total)
    db.set(key, PlainString(text), keep_ttl=True)
    propagation.rewrite(client, b"SET", key, text, b"KEEPTTL")
    db.changed(key, notifications.STRING, b"incrbyfloat")
    return text
