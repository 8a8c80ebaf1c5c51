"""Consumer groups: making, moving and removing them, and their consumers.

What these commands change is not the content of the key in the sense of WATCH: as in Redis, a watching client hears
nothing of it, while it counts as a change of the dataset and has its keyspace events.
"""

from __future__ import annotations

from typing import Final

from miniredis.commands.help import subcommand_help
from miniredis.commands.stream_ids import special_or_id, stream_id
from miniredis.engine import errors, notifications
from miniredis.engine.arguments import integer
from miniredis.engine.command import command, container, key_range
from miniredis.engine.keyspace import Database
from miniredis.engine.session import Session
from miniredis.resp.types import OK, Error, Reply
from miniredis.structures.stream import Counting, Stream
from miniredis.structures.stream_groups import Consumer, Group

NO_KEY: Final = (
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option"
    " to create an empty stream automatically."
)

NO_EVENT: Final = 0
"""The class of what is a change, but no keyspace event."""


def no_such_group(key: bytes, name: bytes) -> Error:
    """The stream at *key* has no such group."""
    name, key = errors.until_nul(name), errors.until_nul(key)
    return Error(b"NOGROUP No such consumer group '%b' for key name '%b'" % (name, key))


def no_such_key_or_group(key: bytes, name: bytes, where: bytes = b"") -> Error:
    """There is no stream at *key*, or it has no such group."""
    name, key = errors.until_nul(name), errors.until_nul(key)
    return Error(b"NOGROUP No such key '%b' or consumer group '%b'%b" % (key, name, where))


def find_or_create_consumer(db: Database, key: bytes, group: Group, name: bytes) -> Consumer:
    """The consumer of that name, seen now."""
    now = db.engine.now
    consumer = group.consumers.get(name)
    if consumer is None:
        return create_consumer(db, key, group, name)
    consumer.seen_time = now
    return consumer


def create_consumer(db: Database, key: bytes, group: Group, name: bytes) -> Consumer:
    """A new consumer, of a name that *group* does not have."""
    consumer = group.consumers[name] = Consumer(name, db.engine.now)
    _changed(db, key, b"xgroup-createconsumer")
    return consumer


def _changed(db: Database, key: bytes, event: bytes) -> None:
    db.engine.dirty += 1
    db.notify(notifications.STREAM, event, key)


def _group_of(client: Session, argv: list[bytes]) -> tuple[Stream, Group]:
    """The stream and the group that a subcommand names behind itself; both must be there."""
    stream = _stream_of(client, argv)
    group = stream.groups.get(argv[3])
    if group is None:
        raise no_such_group(argv[2], argv[3])
    return stream, group


def _stream_of(client: Session, argv: list[bytes]) -> Stream:
    stream = client.db.write_as(argv[2], Stream)
    if stream is None:
        raise Error(NO_KEY)
    return stream


def counting(client: Session) -> Counting:
    """How the emulated version reckons how far a group has read."""
    version = client.engine.version
    if version.is_valkey:
        return Counting.VALKEY
    return Counting.REDIS_8 if version.redis >= (8, 0) else Counting.REDIS_7


def _believed(client: Session, stream: Stream, entries_read: int | None) -> int | None:
    """What ENTRIESREAD says, which Redis 8 does not believe if it is more than were ever added."""
    if entries_read is None or counting(client) is not Counting.REDIS_8:
        return entries_read
    return min(entries_read, stream.entries_added)


container(
    "XGROUP",
    summary="A container for consumer groups commands.",
    since="5.0.0",
    group="stream",
    complexity="Depends on subcommand.",
)


@command(
    "XGROUP|CREATE key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]",
    arity=-5,
    summary="Creates a consumer group.",
    since="5.0.0",
    group="stream",
    complexity="O(1)",
    flags="write denyoom",
    categories="stream",
    keys=[key_range("RW insert", 2)],
    history=[
        ("7.0.0", "Added the `entries_read` named argument."),
    ],
    names=["id-selector"],
    details={"ENTRIESREAD": "name=entriesread"},
)
def xgroup_create(client: Session, argv: list[bytes]) -> Reply:
    db, key, name = client.db, argv[2], argv[3]
    creates, entries_read = _parse_options(argv, may_create=True)
    stream = db.write_as(key, Stream) if creates else _stream_of(client, argv)
    if len(argv) > 8:
        raise errors.subcommand_syntax(argv)
    last_id = stream.last_id if argv[4] == b"$" and stream is not None else 0
    if argv[4] != b"$":
        last_id = stream_id(argv[4])
    if stream is None:
        stream = Stream()
        db.add(key, stream)
        db.changed(key, NO_EVENT, b"", dirty=0)
    if name in stream.groups:
        raise Error("BUSYGROUP Consumer Group name already exists")
    stream.groups[name] = Group(last_id, _believed(client, stream, entries_read))
    _changed(db, key, b"xgroup-create")
    return OK


@command(
    "XGROUP|SETID key group <id | $> [ENTRIESREAD entries-read]",
    arity=-5,
    summary="Sets the last-delivered ID of a consumer group.",
    since="5.0.0",
    group="stream",
    complexity="O(1)",
    flags="write",
    categories="stream",
    keys=[key_range("RW update", 2)],
    history=[
        ("7.0.0", "Added the optional `entries_read` argument."),
    ],
    names=["id-selector"],
    details={"ENTRIESREAD": "name=entriesread"},
)
def xgroup_setid(client: Session, argv: list[bytes]) -> Reply:
    _, entries_read = _parse_options(argv, may_create=False)
    stream, group = _group_of(client, argv)
    if len(argv) > 7:
        raise errors.subcommand_syntax(argv)
    group.last_id = stream.last_id if argv[4] == b"$" else special_or_id(argv[4])
    group.entries_read = _believed(client, stream, entries_read)
    _changed(client.db, argv[2], b"xgroup-setid")
    return OK


def _parse_options(argv: list[bytes], *, may_create: bool) -> tuple[bool, int | None]:
    """Whether MKSTREAM is among the options, and what ENTRIESREAD says."""
    creates, entries_read, position = False, None, 5
    while position < len(argv):
        token = argv[position].upper()
        if token == b"MKSTREAM" and may_create:
            creates = True
            position += 1
        elif token == b"ENTRIESREAD" and position + 1 < len(argv):
            given = integer(argv[position + 1])
            if given < -1:
                raise Error("ERR value for ENTRIESREAD must be positive or -1")
            entries_read = None if given == -1 else given
            position += 2
        else:
            raise errors.subcommand_syntax(argv)
    return creates, entries_read


@command(
    "XGROUP|DESTROY key group",
    arity=4,
    summary="Destroys a consumer group.",
    since="5.0.0",
    group="stream",
    complexity="O(N) where N is the number of entries in the group's pending entries list (PEL).",
    flags="write",
    categories="stream",
    keys=[key_range("RW delete", 2)],
)
def xgroup_destroy(client: Session, argv: list[bytes]) -> Reply:
    db, key = client.db, argv[2]
    stream = _stream_of(client, argv)
    if stream.groups.pop(argv[3], None) is None:
        return 0
    _changed(db, key, b"xgroup-destroy")
    if key in db.waiting:
        db.engine.blocked_clients.signal_ready(db, key)  # who waits for this group has to know
    return 1


@command(
    "XGROUP|CREATECONSUMER key group consumer",
    arity=5,
    summary="Creates a consumer in a consumer group.",
    since="6.2.0",
    group="stream",
    complexity="O(1)",
    flags="write denyoom",
    categories="stream",
    keys=[key_range("RW insert", 2)],
)
def xgroup_createconsumer(client: Session, argv: list[bytes]) -> Reply:
    _, group = _group_of(client, argv)
    if argv[4] in group.consumers:
        return 0
    create_consumer(client.db, argv[2], group, argv[4])
    return 1


@command(
    "XGROUP|DELCONSUMER key group consumer",
    arity=5,
    summary="Deletes a consumer from a consumer group.",
    since="5.0.0",
    group="stream",
    complexity="O(1)",
    flags="write",
    categories="stream",
    keys=[key_range("RW delete", 2)],
)
def xgroup_delconsumer(client: Session, argv: list[bytes]) -> Reply:
    _, group = _group_of(client, argv)
    consumer = group.consumers.get(argv[4])
    if consumer is None:
        return 0
    pending = group.delete_consumer(consumer)
    _changed(client.db, argv[2], b"xgroup-delconsumer")
    return pending


@command(
    "XGROUP|HELP",
    arity=2,
    summary="Returns helpful text about the different subcommands.",
    since="5.0.0",
    group="stream",
    complexity="O(1)",
    flags="loading stale",
    categories="stream",
)
def xgroup_help(client: Session, argv: list[bytes]) -> Reply:
    return subcommand_help(
        client,
        "XGROUP",
        (
            "CREATE <key> <groupname> <id|$> [option]",
            "    Create a new consumer group. Options are:",
            "    * MKSTREAM",
            "      Create the empty stream if it does not exist.",
            "    * ENTRIESREAD entries_read",
            "      Set the group's entries_read counter (internal use).",
            "CREATECONSUMER <key> <groupname> <consumer>",
            "    Create a new consumer in the specified group.",
            "DELCONSUMER <key> <groupname> <consumer>",
            "    Remove the specified consumer.",
            "DESTROY <key> <groupname>",
            "    Remove the specified group.",
            "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
            "    Set the current group ID and entries_read counter.",
        ),
    )
