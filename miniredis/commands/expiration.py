"""Times to live: EXPIRE and its relatives."""

from __future__ import annotations

from miniredis.commands.string_options import remove_expired
from miniredis.engine import errors, notifications, propagation
from miniredis.engine.arguments import integer
from miniredis.engine.command import command, key_range
from miniredis.engine.session import Session
from miniredis.resp.types import Error, Reply
from miniredis.structures.numbers import INT64_MAX, INT64_MIN


@command(
    "EXPIRE key seconds [NX | XX | GT | LT]",
    arity=-3,
    summary="Sets the expiration time of a key in seconds.",
    since="1.0.0",
    group="generic",
    complexity="O(1)",
    flags="write fast",
    categories="keyspace",
    keys=[key_range("RW update", 1)],
    history=[
        ("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`."),
    ],
    names=["condition"],
    details={"condition": "since=7.0.0"},
)
def expire(client: Session, argv: list[bytes]) -> Reply:
    return _expire(client, argv, b"expire", unit=1000, base=client.engine.now)


@command(
    "PEXPIRE key milliseconds [NX | XX | GT | LT]",
    arity=-3,
    summary="Sets the expiration time of a key in milliseconds.",
    since="2.6.0",
    group="generic",
    complexity="O(1)",
    flags="write fast",
    categories="keyspace",
    keys=[key_range("RW update", 1)],
    history=[
        ("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`."),
    ],
    names=["condition"],
    details={"condition": "since=7.0.0"},
)
def pexpire(client: Session, argv: list[bytes]) -> Reply:
    return _expire(client, argv, b"pexpire", unit=1, base=client.engine.now)


@command(
    "EXPIREAT key unix-time-seconds [NX | XX | GT | LT]",
    arity=-3,
    summary="Sets the expiration time of a key to a Unix timestamp.",
    since="1.2.0",
    group="generic",
    complexity="O(1)",
    flags="write fast",
    categories="keyspace",
    keys=[key_range("RW update", 1)],
    history=[
        ("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`."),
    ],
    names=["condition"],
    details={"condition": "since=7.0.0"},
)
def expireat(client: Session, argv: list[bytes]) -> Reply:
    return _expire(client, argv, b"expireat", unit=1000, base=0)


@command(
    "PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]",
    arity=-3,
    summary="Sets the expiration time of a key to a Unix milliseconds timestamp.",
    since="2.6.0",
    group="generic",
    complexity="O(1)",
    flags="write fast",
    categories="keyspace",
    keys=[key_range("RW update", 1)],
    history=[
        ("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`."),
    ],
    names=["condition"],
    details={"condition": "since=7.0.0"},
)
def pexpireat(client: Session, argv: list[bytes]) -> Reply:
    return _expire(client, argv, b"pexpireat", unit=1, base=0)


def _expire(client: Session, argv: list[bytes], name: bytes, *, unit: int, base: int) -> int:
    """Set an end *argv[2]* units of *unit* milliseconds after *base*, if the options agree. Whether it was set."""
    key, db = argv[1], client.db
    conditions = parse_conditions(argv[3:]) if len(argv) > 3 else ()
    when = integer(argv[2]) * unit
    if not INT64_MIN <= when <= INT64_MAX - base:
        raise errors.invalid_expire(name)
    when += base
    if db.write(key) is None:
        return 0
    if conditions and not agree(conditions, db.expires.get(key), when):
        return 0
    if when <= client.engine.now:
        remove_expired(client, key)
    else:
        db.expire_at(key, when)
        if name != b"pexpireat":
            propagation.rewrite(client, b"PEXPIREAT", key, when, *argv[3:])
        db.changed(key, notifications.GENERIC, b"expire")
    return 1


def parse_conditions(options: list[bytes]) -> set[bytes]:
    """Which of NX, XX, GT and LT are set in *options*. Raises an error for others, and for those that exclude each
    other."""
    conditions = set()
    for argument in options:
        token = argument.upper()
        if token not in (b"NX", b"XX", b"GT", b"LT"):
            raise Error(b"ERR Unsupported option %b" % errors.at_end(argument))
        conditions.add(token)
    if b"NX" in conditions and len(conditions) > 1:
        raise Error("ERR NX and XX, GT or LT options at the same time are not compatible")
    if {b"GT", b"LT"} <= conditions:
        raise Error("ERR GT and LT options at the same time are not compatible")
    return conditions


def agree(conditions: set[bytes] | tuple[()], current: int | None, when: int) -> bool:
    """Whether the options allow *when*; a key without a time to live ends later than any that has one."""
    if b"NX" in conditions and current is not None:
        return False
    if b"XX" in conditions and current is None:
        return False
    if b"GT" in conditions and (current is None or when <= current):
        return False
    return not (b"LT" in conditions and current is not None and when >= current)


@command(
    "PERSIST key",
    arity=2,
    summary="Removes the expiration time of a key.",
    since="2.2.0",
    group="generic",
    complexity="O(1)",
    flags="write fast",
    categories="keyspace",
    keys=[key_range("RW update", 1)],
)
def persist(client: Session, argv: list[bytes]) -> Reply:
    key, db = argv[1], client.db
    if db.write(key) is None or not db.persist(key):
        return 0
    db.changed(key, notifications.GENERIC, b"persist")
    return 1


@command(
    "TTL key",
    arity=2,
    summary="Returns the expiration time in seconds of a key.",
    since="1.0.0",
    group="generic",
    complexity="O(1)",
    flags="readonly fast",
    categories="keyspace",
    keys=[key_range("RO access", 1)],
    tips=["nondeterministic_output"],
    history=[
        ("2.8.0", "Added the -2 reply."),
    ],
)
def ttl(client: Session, argv: list[bytes]) -> Reply:
    return _in_seconds(_remaining(client, argv[1]))


@command(
    "PTTL key",
    arity=2,
    summary="Returns the expiration time in milliseconds of a key.",
    since="2.6.0",
    group="generic",
    complexity="O(1)",
    flags="readonly fast",
    categories="keyspace",
    keys=[key_range("RO access", 1)],
    tips=["nondeterministic_output"],
    history=[
        ("2.8.0", "Added the -2 reply."),
    ],
)
def pttl(client: Session, argv: list[bytes]) -> Reply:
    return _remaining(client, argv[1])


@command(
    "EXPIRETIME key",
    arity=2,
    summary="Returns the expiration time of a key as a Unix timestamp.",
    since="7.0.0",
    group="generic",
    complexity="O(1)",
    flags="readonly fast",
    categories="keyspace",
    keys=[key_range("RO access", 1)],
)
def expiretime(client: Session, argv: list[bytes]) -> Reply:
    return _in_seconds(_end(client, argv[1]))


@command(
    "PEXPIRETIME key",
    arity=2,
    summary="Returns the expiration time of a key as a Unix milliseconds timestamp.",
    since="7.0.0",
    group="generic",
    complexity="O(1)",
    flags="readonly fast",
    categories="keyspace",
    keys=[key_range("RO access", 1)],
)
def pexpiretime(client: Session, argv: list[bytes]) -> Reply:
    return _end(client, argv[1])


def _end(client: Session, key: bytes) -> int:
    """When *key* ends, in milliseconds since the epoch; -1 if never, -2 if there is no such key."""
    if client.db.look(key) is None:
        return -2
    return client.db.expires.get(key, -1)


def _remaining(client: Session, key: bytes) -> int:
    end = _end(client, key)
    return end if end < 0 else max(end - client.engine.now, 0)


def _in_seconds(milliseconds: int) -> int:
    return milliseconds if milliseconds < 0 else (milliseconds + 500) // 1000
