"""Values as bytes: DUMP and RESTORE. (The bytes themselves are made and read by :mod:`miniredis.rdb`.)"""

from __future__ import annotations

from typing import Final

from miniredis import rdb
from miniredis.engine import errors, notifications, propagation
from miniredis.engine.arguments import integer
from miniredis.engine.command import command, key_range
from miniredis.engine.record import record
from miniredis.engine.session import Session
from miniredis.engine.values import Value
from miniredis.rdb import RdbError
from miniredis.resp.types import OK, Error, Reply
from miniredis.structures.numbers import INT64_MAX

HIGHEST_FREQUENCY: Final = 255


@command(
    "DUMP key",
    arity=2,
    summary="Returns a serialized representation of the value stored at a key.",
    since="2.6.0",
    group="generic",
    complexity=(
        "O(1) to access the key and additional O(N*M) to serialize it, where N is the number of objects composing the"
        " value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) where M is"
        " small, so simply O(1)."
    ),
    flags="readonly",
    categories="keyspace",
    keys=[key_range("RO access", 1)],
    tips=["nondeterministic_output"],
)
def dump(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.read(argv[1])
    if value is None:
        return None
    engine = client.engine
    return rdb.payload.dump(value, engine.version, compress=engine.config.rdbcompression)


@command(
    "RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]",
    arity=-4,
    summary="Creates a key from the serialized representation of a value.",
    since="2.6.0",
    group="generic",
    complexity=(
        "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N is the number"
        " of objects composing the value and M their average size. For small string values the time complexity is thus"
        " O(1)+O(1*M) where M is small, so simply O(1). However for sorted set values the complexity is O(N*M*log(N))"
        " because inserting values into sorted sets is O(log(N))."
    ),
    flags="write denyoom",
    categories="dangerous keyspace",
    keys=[key_range("OW update", 1)],
    history=[
        ("3.0.0", "Added the `REPLACE` modifier."),
        ("5.0.0", "Added the `ABSTTL` modifier."),
        ("5.0.0", "Added the `IDLETIME` and `FREQ` options."),
    ],
    details={"REPLACE": "since=3.0.0", "ABSTTL": "since=5.0.0", "IDLETIME": "since=5.0.0", "FREQ": "since=5.0.0"},
)
def restore(client: Session, argv: list[bytes]) -> Reply:
    db, key, engine = client.db, argv[1], client.engine
    options = _parse_options(argv)
    looks_first = not options.replace or engine.version.redis >= (8, 0)  # which tells of a key that has expired
    if looks_first and db.write(key) is not None and not options.replace:
        raise Error("BUSYKEY Target key name already exists.")
    ttl = integer(argv[2])
    if ttl < 0:
        raise Error("ERR Invalid TTL value, must be >= 0")
    value = _parse_payload(client, argv[3])
    deleted = options.replace and db.delete(key)
    if ttl and not options.is_absolute:
        ttl += engine.now
        if ttl <= INT64_MAX:
            propagation.rewrite(client, *argv[:2], ttl, *argv[3:], b"ABSTTL")
    if ttl and (ttl <= engine.now or ttl > INT64_MAX):  # too far away is past in Redis, where the sum overflows
        if deleted:
            propagation.rewrite(client, b"DEL", key)
            db.changed(key, notifications.GENERIC, b"del")
        return OK
    db.bring_in(key, value, ttl or None)
    db.set_usage(key, options.idle_time, options.frequency)
    db.changed(key, notifications.GENERIC, b"restore")
    return OK


@record
class _Options:
    replace: bool
    is_absolute: bool
    idle_time: int | None
    frequency: int | None


def _parse_options(argv: list[bytes]) -> _Options:
    replace = is_absolute = False
    idle_time: int | None = None
    frequency: int | None = None
    words = iter(argv[4:])
    for word in words:
        match word.lower():
            case b"replace":
                replace = True
            case b"absttl":
                is_absolute = True
            case b"idletime" if frequency is None and (value := next(words, None)) is not None:
                idle_time = integer(value)
                if idle_time < 0:
                    raise Error("ERR Invalid IDLETIME value, must be >= 0")
            case b"freq" if idle_time is None and (value := next(words, None)) is not None:
                frequency = integer(value)
                if not 0 <= frequency <= HIGHEST_FREQUENCY:
                    raise Error("ERR Invalid FREQ value, must be >= 0 and <= 255")
            case _:
                raise errors.syntax_error()
    return _Options(replace, is_absolute, idle_time, frequency)


def _parse_payload(client: Session, data: bytes) -> Value:
    engine = client.engine
    context = rdb.values.Context(engine.version, engine.config)
    try:
        return rdb.payload.load(data, context, check=not engine.persistence.skips_checksums)
    except rdb.payload.FooterError:
        raise Error("ERR DUMP payload version or checksum are wrong") from None
    except RdbError:
        raise Error("ERR Bad data format") from None


@command(
    "RESTORE-ASKING key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]",
    arity=-4,
    summary="An internal command for migrating keys in a cluster.",
    since="3.0.0",
    group="server",
    complexity=(
        "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N is the number"
        " of objects composing the value and M their average size. For small string values the time complexity is thus"
        " O(1)+O(1*M) where M is small, so simply O(1). However for sorted set values the complexity is O(N*M*log(N))"
        " because inserting values into sorted sets is O(log(N))."
    ),
    flags="write denyoom asking",
    categories="dangerous keyspace",
    keys=[key_range("OW update", 1)],
    history=[
        ("3.0.0", "Added the `REPLACE` modifier."),
        ("5.0.0", "Added the `ABSTTL` modifier."),
        ("5.0.0", "Added the `IDLETIME` and `FREQ` options."),
    ],
    details={"REPLACE": "since=3.0.0", "ABSTTL": "since=5.0.0", "IDLETIME": "since=5.0.0", "FREQ": "since=5.0.0"},
    doc_flags=["syscmd"],
)
def restore_asking(client: Session, argv: list[bytes]) -> Reply:
    return restore(client, argv)
