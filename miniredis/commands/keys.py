"""Keys, whatever they hold: DEL, EXISTS, RENAME, COPY, MOVE, SCAN, …"""

from __future__ import annotations

from typing import Final

from miniredis.commands.scanning import parse_scan_options, scan_cursor, scan_reply
from miniredis.engine import errors, field_expiry, notifications
from miniredis.engine.arguments import database
from miniredis.engine.command import Variant, command, key_range
from miniredis.engine.keyspace import Database
from miniredis.engine.session import Session
from miniredis.engine.values import copy_value, type_name
from miniredis.resp.types import OK, Error, Reply, SimpleString
from miniredis.structures.glob import compile_glob

REPLICA_TRIES: Final = 100
"""How often RANDOMKEY of a replica looks for a key that has not expired."""


@command(
    "DEL key [key ...]",
    arity=-2,
    summary="Deletes one or more keys.",
    since="1.0.0",
    group="generic",
    complexity=(
        "O(N) where N is the number of keys that will be removed. When a key to remove holds a value other than a"
        " string, the individual complexity for this key is O(M) where M is the number of elements in the list, set,"
        " sorted set or hash. Removing a single key that holds a string value is O(1)."
    ),
    flags="write",
    categories="keyspace",
    keys=[key_range("RM delete", 1, last=-1)],
    tips=["request_policy:multi_shard", "response_policy:agg_sum"],
)
def del_(client: Session, argv: list[bytes]) -> Reply:
    return delete_keys(client, argv, client.engine.config.lazyfree_lazy_user_del)


def delete_keys(client: Session, argv: list[bytes], lazily: bool) -> int:
    """Delete the keys in *argv*, behind the command's name. How many there were."""
    db = client.db
    removed = 0
    for key in argv[1:]:
        if key in db.expires:
            db.expire_if_due(key)
        if db.delete(key, lazily):
            db.changed(key, notifications.GENERIC, b"del")
            removed += 1
    return removed


@command(
    "UNLINK key [key ...]",
    arity=-2,
    summary="Asynchronously deletes one or more keys.",
    since="4.0.0",
    group="generic",
    complexity=(
        "O(1) for each key removed regardless of its size. Then the command does O(N) work in a different thread in"
        " order to reclaim memory, where N is the number of allocations the deleted objects where composed of."
    ),
    flags="write fast",
    categories="keyspace",
    keys=[key_range("RM delete", 1, last=-1)],
    tips=["request_policy:multi_shard", "response_policy:agg_sum"],
)
def unlink(client: Session, argv: list[bytes]) -> Reply:
    return delete_keys(client, argv, True)


@command(
    "EXISTS key [key ...]",
    arity=-2,
    summary="Determines whether one or more keys exist.",
    since="1.0.0",
    group="generic",
    complexity="O(N) where N is the number of keys to check.",
    flags="readonly fast",
    categories="keyspace",
    keys=[key_range("RO", 1, last=-1)],
    tips=["request_policy:multi_shard", "response_policy:agg_sum"],
    history=[
        ("3.0.3", "Accepts multiple `key` arguments."),
    ],
)
def exists(client: Session, argv: list[bytes]) -> Reply:
    look = client.db.look
    return sum(look(key) is not None for key in argv[1:])


@command(
    "TOUCH key [key ...]",
    arity=-2,
    summary=(
        "Returns the number of existing keys out of those specified after updating the time they were last accessed."
    ),
    since="3.2.1",
    group="generic",
    complexity="O(N) where N is the number of keys that will be touched.",
    flags="readonly fast",
    categories="keyspace",
    keys=[key_range("RO", 1, last=-1)],
    tips=["request_policy:multi_shard", "response_policy:agg_sum"],
)
def touch(client: Session, argv: list[bytes]) -> Reply:
    read = client.db.read
    return sum(read(key) is not None for key in argv[1:])


@command(
    "TYPE key",
    arity=2,
    summary="Determines the type of value stored at a key.",
    since="1.0.0",
    group="generic",
    complexity="O(1)",
    flags="readonly fast",
    categories="keyspace",
    keys=[key_range("RO", 1)],
)
def type_(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.look(argv[1])
    return SimpleString(b"none" if value is None else type_name(value))


@command(
    "RENAME key newkey",
    arity=3,
    summary="Renames a key and overwrites the destination.",
    since="1.0.0",
    group="generic",
    complexity="O(1)",
    flags="write",
    categories="keyspace",
    keys=[key_range("RW access delete", 1), key_range("OW update", 2)],
)
def rename(client: Session, argv: list[bytes]) -> Reply:
    _rename(client.db, argv[1], argv[2], replace=True)
    return OK


@command(
    "RENAMENX key newkey",
    arity=3,
    summary="Renames a key only when the target key name doesn't exist.",
    since="1.0.0",
    group="generic",
    complexity="O(1)",
    flags="write fast",
    categories="keyspace",
    keys=[key_range("RW access delete", 1), key_range("OW insert", 2)],
    history=[
        ("3.2.0", "The command no longer returns an error when source and destination names are the same."),
    ],
)
def renamenx(client: Session, argv: list[bytes]) -> Reply:
    return int(_rename(client.db, argv[1], argv[2], replace=False))


def _rename(db: Database, source: bytes, destination: bytes, *, replace: bool) -> bool:
    """Whether it was renamed; a key renamed to itself counts where an existing destination may be replaced."""
    value = db.write(source)
    if value is None:
        raise Error(errors.NO_SUCH_KEY)
    if source == destination:
        return replace
    if db.write(destination) is not None:
        if not replace:
            return False
        db.delete(destination)
    when = db.expires.get(source)
    db.delete(source)
    db.bring_in(destination, value, when)
    db.changed(source, notifications.GENERIC, b"rename_from")
    db.changed(destination, notifications.GENERIC, b"rename_to", dirty=0)
    return True


@command(
    "COPY source destination [DB destination-db] [REPLACE]",
    arity=-3,
    summary="Copies the value of a key to a new key.",
    since="6.2.0",
    group="generic",
    complexity="O(N) worst case for collections, where N is the number of nested items. O(1) for string values.",
    flags="write denyoom",
    categories="keyspace",
    keys=[key_range("RO access", 1), key_range("OW update", 2)],
)
def copy(client: Session, argv: list[bytes]) -> Reply:
    source, destination, target = argv[1], argv[2], client.db
    replace = False
    position = 3
    while position < len(argv):
        token = argv[position].upper()
        if token == b"REPLACE":
            replace = True
        elif token == b"DB" and position + 1 < len(argv):
            target = database(argv[position + 1], client.engine)
            position += 1
        else:
            raise errors.syntax_error()
        position += 1
    if target is client.db and source == destination:
        raise Error("ERR source and destination objects are the same")
    value = client.db.read(source)
    if value is None:
        return 0
    if target.write(destination) is not None:
        if not replace:
            return 0
        target.delete(destination)
    twin = copy_value(value)
    if client.engine.version.is_valkey and field_expiry.has_expiring_fields(twin):
        field_expiry.forget_past(twin, client.engine.now)
    target.bring_in(destination, twin, client.db.expires.get(source))
    target.changed(destination, notifications.GENERIC, b"copy_to")
    return 1


@command(
    "MOVE key db",
    arity=3,
    summary="Moves a key to another database.",
    since="1.0.0",
    group="generic",
    complexity="O(1)",
    flags="write fast",
    categories="keyspace",
    keys=[key_range("RW access update", 1)],
)
def move(client: Session, argv: list[bytes]) -> Reply:
    key, db = argv[1], client.db
    target = database(argv[2], client.engine)
    if target is db:
        raise Error("ERR source and destination objects are the same")
    value = db.write(key)
    if value is None or target.write(key) is not None:
        return 0
    when = db.expires.get(key)
    db.delete(key)
    target.bring_in(key, value, when)
    db.changed(key, notifications.GENERIC, b"move_from")
    target.changed(key, notifications.GENERIC, b"move_to", dirty=0)
    return 1


@command(
    "KEYS pattern",
    arity=2,
    summary="Returns all key names that match a pattern.",
    since="1.0.0",
    group="generic",
    complexity=(
        "O(N) with N being the number of keys in the database, under the assumption that the key names in the"
        " database and the given pattern have limited length."
    ),
    flags="readonly",
    categories="dangerous keyspace",
    tips=["request_policy:all_shards", "nondeterministic_output_order"],
)
def keys(client: Session, argv: list[bytes]) -> Reply:
    db = client.db
    found = list(db.data) if argv[1] == b"*" else list(filter(compile_glob(argv[1]), db.data))
    if not db.expires:
        return found
    return [key for key in found if not db.is_past(key)]


@command(
    "RANDOMKEY",
    arity=1,
    summary="Returns a random key name from the database.",
    since="1.0.0",
    group="generic",
    complexity="O(1)",
    flags="readonly",
    categories="keyspace",
    tips=["request_policy:all_shards", "response_policy:special", "nondeterministic_output"],
    variants=[Variant(until="7.2.0", tips=("request_policy:all_shards", "nondeterministic_output"))],
)
def randomkey(client: Session, argv: list[bytes]) -> Reply:
    db = client.db
    # A replica keeps what has expired, and so may have nothing else: it gives up then, and names such a key.
    tries = REPLICA_TRIES if client.engine.keeps_expired else 0
    while db.data:
        key = db.index().random(client.engine.random)
        tries -= 1
        if not db.expire_if_due(key) or not tries:
            return key
    return None


@command(
    "SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]",
    arity=-2,
    summary="Iterates over the key names in the database.",
    since="2.8.0",
    group="generic",
    complexity=(
        "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return"
        " back to 0. N is the number of elements inside the collection."
    ),
    flags="readonly",
    categories="keyspace",
    tips=["nondeterministic_output", "request_policy:special", "response_policy:special"],
    history=[
        ("6.0.0", "Added the `TYPE` subcommand."),
    ],
    details={"TYPE": "since=6.0.0"},
    variants=[Variant(until="7.2.0", tips=("nondeterministic_output", "request_policy:special"))],
)
def scan(client: Session, argv: list[bytes]) -> Reply:
    db = client.db
    cursor = scan_cursor(client, argv[1])
    options = parse_scan_options(client, argv, 2, with_type=True)
    cursor, batch = db.index().scan(cursor, options.count)
    version = client.engine.version
    found: list[bytes] = []
    for key in options.filter(batch):
        is_wanted = options.type is None or type_name(db.data[key]) == options.type
        if version.is_valkey and not is_wanted:
            continue  # Valkey looks at the type first, and so leaves it there though it has expired
        if options.type is not None and version.redis < (7, 2):
            db.look(key)  # which tells of an expired key not only that it has expired, but that it was missed
        if not db.expire_if_due(key) and key in db.data and is_wanted:
            found.append(key)
    return scan_reply(cursor, found)
