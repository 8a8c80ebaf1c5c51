"""Sets: members, and random ones. What is computed from several sets stands in :mod:`miniredis.commands.sets_algebra`.

The structure (:mod:`miniredis.structures.set`) knows the encodings; the commands pass it the configuration, which has
the limits.
"""

from __future__ import annotations

from itertools import filterfalse
from typing import Final

from miniredis.commands.scanning import parse_scan_options, scan_cursor, scan_reply
from miniredis.engine import errors, notifications, propagation
from miniredis.engine.arguments import positive_integer, random_count, refuse_endless
from miniredis.engine.command import command, key_range
from miniredis.engine.session import Session
from miniredis.resp.types import Reply, ReplySet
from miniredis.structures.set import Set

SREM_BATCH: Final = 1024
"""SPOP with a count is propagated as commands with so many members each."""

MOVE_STRATEGY: Final = 5
"""SPOP with a count moves the members that stay to a new set if those that go are so many times as many."""


@command(
    "SADD key member [member ...]",
    arity=-3,
    summary="Adds one or more members to a set. Creates the key if it doesn't exist.",
    since="1.0.0",
    group="set",
    complexity=(
        "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments."
    ),
    flags="write denyoom fast",
    categories="set",
    keys=[key_range("RW insert", 1)],
    history=[
        ("2.4.0", "Accepts multiple `member` arguments."),
    ],
)
def sadd(client: Session, argv: list[bytes]) -> Reply:
    key, db, config = argv[1], client.db, client.engine.config
    value = db.write_as(key, Set)
    count = len(argv) - 2
    # Since 7.2 the number of arguments, equal ones included, is taken for the number of members to come.
    expected = count if count > 1 and client.engine.version.redis >= (7, 2) else 1
    if value is None:
        value = Set.for_member(argv[2], config, expected)
        db.add(key, value)
    elif expected > 1:
        value.expect(expected, config)
    if count == 1:
        added = int(value.add(argv[2], config))
    else:
        added = sum(value.add(member, config) for member in argv[2:])
    if added:
        db.changed(key, notifications.SET, b"sadd", added)
    return added


@command(
    "SREM key member [member ...]",
    arity=-3,
    summary="Removes one or more members from a set. Deletes the set if the last member was removed.",
    since="1.0.0",
    group="set",
    complexity="O(N) where N is the number of members to be removed.",
    flags="write fast",
    categories="set",
    keys=[key_range("RW delete", 1)],
    history=[
        ("2.4.0", "Accepts multiple `member` arguments."),
    ],
)
def srem(client: Session, argv: list[bytes]) -> Reply:
    key, db = argv[1], client.db
    value = db.write_as(key, Set)
    if value is None:
        return 0
    removed = sum(map(value.remove, argv[2:]))
    if removed:
        db.changed(key, notifications.SET, b"srem", removed)
        db.delete_if_empty(key, value)
    return removed


@command(
    "SMOVE source destination member",
    arity=4,
    summary="Moves a member from one set to another.",
    since="1.0.0",
    group="set",
    complexity="O(1)",
    flags="write fast",
    categories="set",
    keys=[key_range("RW access delete", 1), key_range("RW insert", 2)],
)
def smove(client: Session, argv: list[bytes]) -> Reply:
    source_key, destination_key, member = argv[1], argv[2], argv[3]
    db, config = client.db, client.engine.config
    db.peek(source_key)
    db.peek(destination_key)  # Redis looks both up first: one that has expired goes, though nothing is moved
    source = db.write_as(source_key, Set)
    if source is None:
        return 0
    destination = db.write_as(destination_key, Set)
    if source is destination:
        return 1 if member in source.members else 0
    if not source.remove(member):
        return 0
    db.changed(source_key, notifications.SET, b"srem")
    db.delete_if_empty(source_key, source)
    if destination is None:
        destination = Set.for_member(member, config)
        db.add(destination_key, destination)
    if destination.add(member, config):
        db.changed(destination_key, notifications.SET, b"sadd")
    return 1


@command(
    "SCARD key",
    arity=2,
    summary="Returns the number of members in a set.",
    since="1.0.0",
    group="set",
    complexity="O(1)",
    flags="readonly fast",
    categories="set",
    keys=[key_range("RO", 1)],
)
def scard(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.read_as(argv[1], Set)
    return 0 if value is None else len(value.members)


@command(
    "SISMEMBER key member",
    arity=3,
    summary="Determines whether a member belongs to a set.",
    since="1.0.0",
    group="set",
    complexity="O(1)",
    flags="readonly fast",
    categories="set",
    keys=[key_range("RO", 1)],
)
def sismember(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.read_as(argv[1], Set)
    return 1 if value is not None and argv[2] in value.members else 0


@command(
    "SMISMEMBER key member [member ...]",
    arity=-3,
    summary="Determines whether multiple members belong to a set.",
    since="6.2.0",
    group="set",
    complexity="O(N) where N is the number of elements being checked for membership",
    flags="readonly fast",
    categories="set",
    keys=[key_range("RO access", 1)],
)
def smismember(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.read_as(argv[1], Set)
    if value is None:
        return [0] * (len(argv) - 2)
    members = value.members
    return [1 if member in members else 0 for member in argv[2:]]


@command(
    "SMEMBERS key",
    arity=2,
    summary="Returns all members of a set.",
    since="1.0.0",
    group="set",
    complexity="O(N) where N is the set cardinality.",
    flags="readonly",
    categories="set",
    keys=[key_range("RO access", 1)],
    tips=["nondeterministic_output_order"],
)
def smembers(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.read_as(argv[1], Set)
    return ReplySet() if value is None else ReplySet(value)


@command(
    "SPOP key [count]",
    arity=-2,
    summary=(
        "Returns one or more random members from a set after removing them. Deletes the set if the last member was"
        " popped."
    ),
    since="1.0.0",
    group="set",
    complexity="Without the count argument O(1), otherwise O(N) where N is the value of the passed count.",
    flags="write fast",
    categories="set",
    keys=[key_range("RW access delete", 1)],
    tips=["nondeterministic_output"],
    history=[
        ("3.2.0", "Added the `count` argument."),
    ],
    details={"count": "since=3.2.0"},
)
def spop(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) > 3:
        raise errors.syntax_error()
    if len(argv) == 3:
        return _spop_count(client, argv[1], positive_integer(argv[2]))
    key, db = argv[1], client.db
    value = db.write_as(key, Set)
    if value is None:
        return None
    member = value.index().random(client.engine.random)
    value.remove(member)
    propagation.rewrite(client, b"SREM", key, member)
    db.changed(key, notifications.SET, b"spop")
    db.delete_if_empty(key, value)
    return member


def _spop_count(client: Session, key: bytes, count: int) -> Reply:
    db = client.db
    value = db.write_as(key, Set)
    if value is None or not count:
        return ReplySet()
    remaining = len(value) - count
    if remaining <= 0:
        client.engine.statistics.keyspace_hits += 1  # Redis answers as SUNION of this one key does
        popped = ReplySet(value)
        is_lazy = client.engine.version.redis >= (7, 2) and client.engine.config.lazyfree_lazy_server_del
        propagation.rewrite(client, b"UNLINK" if is_lazy else b"DEL", key)
        db.changed(key, notifications.SET, b"spop", len(popped))
        db.delete(key)
        db.notify(notifications.GENERIC, b"del", key)
        return popped
    if remaining * MOVE_STRATEGY > count:
        popped = ReplySet(value.index().sample(client.engine.random, count))
        for member in popped:
            value.remove(member)
    else:
        popped = _move_remaining(client, key, value, remaining)
    _propagate_removal(client, key, popped)
    db.changed(key, notifications.SET, b"spop", count)
    return popped


def _propagate_removal(client: Session, key: bytes, members: list[bytes]) -> None:
    """Propagate that *members* were removed: one by one up to Redis 7.0, since then many at a time."""
    propagation.prevent(client)
    batch = SREM_BATCH if client.engine.version.redis >= (7, 2) else 1
    for first in range(0, len(members), batch):
        propagation.also_propagate(client, b"SREM", key, *members[first : first + batch])


def _move_remaining(client: Session, key: bytes, value: Set, remaining: int) -> ReplySet:
    """Pop all but *remaining* random members of *value*. Those go to a new set, which may have a smaller encoding."""
    config = client.engine.config
    kept = dict.fromkeys(value.index().sample(client.engine.random, remaining))
    if value.encoding == "listpack":
        staying = Set.from_members(filter(kept.__contains__, value), config, "listpack")
    elif value.encoding == "intset":
        staying = Set.from_members(kept, config)
    elif client.engine.version.redis >= (7, 2):
        staying = Set.from_members(kept, config, "listpack")
    else:
        staying = Set.from_members(kept, config, Set.for_member(next(iter(kept)), config).encoding)
    client.db.set(key, staying, keep_ttl=True)
    return ReplySet(filterfalse(kept.__contains__, value))


@command(
    "SRANDMEMBER key [count]",
    arity=-2,
    summary="Gets one or multiple random members from a set.",
    since="1.0.0",
    group="set",
    complexity="Without the count argument O(1), otherwise O(N) where N is the absolute value of the passed count.",
    flags="readonly",
    categories="set",
    keys=[key_range("RO access", 1)],
    tips=["nondeterministic_output"],
    history=[
        ("2.6.0", "Added the optional `count` argument."),
    ],
    details={"count": "since=2.6.0"},
)
def srandmember(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) > 3:
        raise errors.syntax_error()
    if len(argv) == 2:
        value = client.db.read_as(argv[1], Set)
        return None if value is None else value.index().random(client.engine.random)
    count = random_count(argv[2])
    value = client.db.read_as(argv[1], Set)
    if value is None or not count:
        return []
    if count >= len(value):
        return list(value)
    if count > 0:
        return value.index().sample(client.engine.random, count)
    refuse_endless(client, count)
    return value.index().choices(client.engine.random, -count)


@command(
    "SSCAN key cursor [MATCH pattern] [COUNT count]",
    arity=-3,
    summary="Iterates over members of a set.",
    since="2.8.0",
    group="set",
    complexity=(
        "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return"
        " back to 0. N is the number of elements inside the collection."
    ),
    flags="readonly",
    categories="set",
    keys=[key_range("RO access", 1)],
    tips=["nondeterministic_output"],
)
def sscan(client: Session, argv: list[bytes]) -> Reply:
    cursor = scan_cursor(client, argv[2])
    value = client.db.read_as(argv[1], Set)
    if value is None:
        return scan_reply(0, [])
    options = parse_scan_options(client, argv, 3)
    if value.encoding == "hashtable":
        cursor, found = value.index().scan(cursor, options.count)
    else:
        cursor, found = 0, list(value)
    return scan_reply(cursor, options.filter(found))
