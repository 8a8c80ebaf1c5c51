"""XREAD and XREADGROUP: what comes behind an id, now or when it comes.

Who waits is served, up to Redis 7.0, with what has come into the one key that became ready. Since 7.2 the whole command
runs once more, with ``$`` replaced by the id that it stood for when the client began to wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final, TypeAlias

from miniredis.commands.stream_ids import stream_id
from miniredis.commands.streams import entry_replies
from miniredis.commands.streams_groups import counting, find_or_create_consumer, no_such_key_or_group
from miniredis.commands.streams_propagation import propagate_claim, propagate_consumer, propagate_last_id
from miniredis.engine import errors, propagation
from miniredis.engine.arguments import integer
from miniredis.engine.blocking import Blocked
from miniredis.engine.command import command, key_range
from miniredis.engine.engine import Engine
from miniredis.engine.record import record
from miniredis.engine.session import Session
from miniredis.resp.types import NULL_ARRAY, Error, Pairs, Reply
from miniredis.structures.numbers import INT64_MAX
from miniredis.structures.stream import MAX_ID, Entry, Stream, format_id
from miniredis.structures.stream_groups import Consumer, Group

MOST_WHEN_SERVED: Final = 1000
"""The entries that a client gets, up to Redis 7.0, that waited and gave no COUNT."""

NEW: Final = MAX_ID
"""What ``>`` stands for: entries that nobody in the group was given. The greatest id means the same."""


Position: TypeAlias = tuple[int, Group | None]
"""Where to read in a stream: behind which id, and for which group."""


@record
class Read:
    """What an XREAD or XREADGROUP asks for.

    *keys* and *ids* belong together. *count* of 0 is no limit, *timeout* (milliseconds) None does not wait, and *group*
    is None for XREAD.
    """

    name: str
    keys: list[bytes]
    ids: list[bytes]
    count: int = 0
    timeout: int | None = None
    group: bytes | None = None
    consumer: bytes = b""
    no_ack: bool = False


SKIPPED: Final = {b"count": 1, b"block": 1, b"group": 2, b"noack": 0}
"""How many arguments the options have that may stand before STREAMS, be they XREAD's or not."""


def xread_keys(argv: Sequence[bytes]) -> list[tuple[int, tuple[str, ...]]]:
    """The keys of XREAD; none where there is not an id for each."""
    position = 1
    while position < len(argv) and (skipped := SKIPPED.get(argv[position].lower())) is not None:
        position += 1 + skipped
    first = position + 1
    count, rest = divmod(len(argv) - first, 2)
    if rest or count < 0 or argv[position].lower() != b"streams":
        return []
    return [(key, ("RO", "access")) for key in range(first, first + count)]


@command(
    "XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]",
    arity=-4,
    summary=(
        "Returns messages from multiple streams with IDs greater than the ones requested. Blocks until a message is"
        " available otherwise."
    ),
    since="5.0.0",
    group="stream",
    flags="readonly blocking",
    categories="stream",
    keys=[key_range("RO access", ("STREAMS", 1), last=-1, limit=2)],
    get_keys=xread_keys,
    names=["streams"],
)
def xread(client: Session, argv: list[bytes]) -> Reply:
    return _read_or_block(client, _parse(client, argv, "xread"))


@command(
    "XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]",
    arity=-7,
    summary=(
        "Returns new or historical messages from a stream for a consumer in a group. Blocks until a message is"
        " available otherwise."
    ),
    since="5.0.0",
    group="stream",
    complexity=(
        "For each stream mentioned: O(M) with M being the number of elements returned. If M is constant (e.g. always"
        " asking for the first 10 elements with COUNT), you can consider it O(1). On the other side when XREADGROUP"
        " blocks, XADD will pay the O(N) time in order to serve the N clients blocked on the stream getting new data."
    ),
    flags="write blocking",
    categories="stream",
    keys=[key_range("RO access", ("STREAMS", 4), last=-1, limit=2)],
    names=["group-block", "streams"],
)
def xreadgroup(client: Session, argv: list[bytes]) -> Reply:
    return _read_or_block(client, _parse(client, argv, "xreadgroup"))


# Arguments


def _parse(client: Session, argv: list[bytes], name: str) -> Read:
    read, with_group, position = Read(name, [], []), name == "xreadgroup", 1
    while position < len(argv):
        token, left = argv[position].upper(), len(argv) - position - 1
        if token == b"BLOCK" and left:
            _check_may_block(client, argv)
            read.timeout = _milliseconds(argv[position + 1], client.engine)
            position += 2
        elif token == b"COUNT" and left:
            read.count = max(integer(argv[position + 1]), 0)
            position += 2
        elif token == b"STREAMS" and left:
            half, odd = divmod(left, 2)
            if odd:
                raise _unbalanced(client, name)
            read.keys, read.ids = argv[position + 1 : position + 1 + half], argv[position + 1 + half :]
            break
        elif token == b"GROUP" and left >= 2:
            if not with_group:
                raise _only_for_groups("GROUP")
            read.group, read.consumer = argv[position + 1 : position + 3]
            position += 3
        elif token == b"NOACK":
            if not with_group:
                raise _only_for_groups("NOACK")
            read.no_ack = True
            position += 1
        else:
            raise errors.syntax_error()
    if not read.keys:
        raise errors.syntax_error()
    if with_group and read.group is None:
        raise Error("ERR Missing GROUP option for XREADGROUP")
    return read


def _check_may_block(client: Session, argv: list[bytes]) -> None:
    """Up to Redis 7.2 a script must not even say BLOCK; since then, and in Valkey, the time is up at once."""
    version = client.engine.version
    if client.is_script and not version.is_valkey and version.redis < (7, 4):
        raise Error(b"ERR %b command is not allowed with BLOCK option from scripts" % argv[0])


def _milliseconds(text: bytes, engine: Engine) -> int:
    """BLOCK's timeout; 0 is for ever."""
    timeout = integer(text, "ERR timeout is not an integer or out of range")
    if timeout < 0:
        raise Error("ERR timeout is negative")
    if timeout > INT64_MAX - engine.now and engine.version.redis >= (7, 2):
        raise Error("ERR timeout is out of range")
    return timeout


def _unbalanced(client: Session, name: str) -> Error:
    command, wanted, version = "XREAD", "an ID or '$'", client.engine.version
    if version.redis >= (7, 2):
        command = f"'{name}'"
        if name == "xreadgroup":
            wanted = "an ID or '>'"
        elif version.redis >= (7, 4):
            wanted = "an ID, '+', or '$'"
    return Error(f"ERR Unbalanced {command} list of streams: for each stream key {wanted} must be specified.")


def _only_for_groups(option: str) -> Error:
    return Error(f"ERR The {option} option is only supported by XREADGROUP. You called XREAD instead.")


def _meaningless(special: str) -> Error:
    return Error(
        f"ERR The {special} ID is meaningless in the context of XREADGROUP: you want to read the history of this"
        f" consumer by specifying a proper ID, or use the > ID to get new messages. The {special} ID would just return"
        " an empty result set."
    )


# Reading


def _read_or_block(client: Session, read: Read) -> Reply:
    positions = _positions(client, read)
    propagation.prevent(client)
    reply = _serve(client, read, positions)
    if reply is not None:
        return reply
    if read.timeout is None:
        return NULL_ARRAY
    if client.engine.version.redis >= (7, 2):
        for at, (after, _) in enumerate(positions):
            if read.ids[at] == b"$":
                read.ids[at] = format_id(after)
        attempt = partial(_read_again, client, read)
    else:
        attempt = partial(_serve_ready, client, read, positions)
    blocked = Blocked(client, "stream", read.keys, attempt, unblock_on_nokey=read.group is not None)
    return client.engine.block(blocked, read.timeout)


def _positions(client: Session, read: Read) -> list[Position]:
    """Where to read in each of the streams."""
    positions: list[Position] = []
    for key, text in zip(read.keys, read.ids, strict=True):
        if read.group is not None:
            client.db.unshare(key)  # a group changes when it is read
        stream = client.db.read_as(key, Stream)
        group = None
        if read.group is not None:
            group = None if stream is None else stream.groups.get(read.group)
            if group is None:
                raise no_such_key_or_group(key, read.group, b" in XREADGROUP with GROUP option")
        positions.append((_behind(client, stream, text, group), group))
    return positions


def _before_last(client: Session, stream: Stream) -> int:
    """Where to read so that only the last entry comes: the last one that there is in Redis, that ever was in Valkey."""
    if client.engine.version.is_valkey:
        return max(stream.last_id - 1, 0)
    last = stream.last_valid_id()
    return last - 1 if last else stream.last_id


def _behind(client: Session, stream: Stream | None, text: bytes, group: Group | None) -> int:
    if text == b"$":
        if group is not None:
            raise _meaningless("$")
        return 0 if stream is None else stream.last_id
    version = client.engine.version
    if text == b"+" and (version.is_valkey or version.redis >= (7, 4)):
        if group is not None:
            raise _meaningless("+")
        return 0 if stream is None else _before_last(client, stream)
    if text == b">":
        if group is None:
            raise Error(
                "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
            )
        return NEW
    return stream_id(text)


def _serve(client: Session, read: Read, positions: list[Position]) -> Reply | None:
    """What there is to read in all the streams; None if there is nothing in any."""
    found: list[tuple[bytes, list[Reply]]] = []
    for key, (after, group) in zip(read.keys, positions, strict=True):
        stream = client.db.read_as(key, Stream)
        if stream is None:
            continue
        if group is not None:
            entries = _read_group(client, read, key, stream, group, after)
        elif len(stream) and stream.last_valid_id() > after:
            entries = entry_replies(stream.range(after + 1, MAX_ID, read.count))
        else:
            continue
        if entries is not None:
            found.append((key, entries))
    return _reply(client, found) if found else None


def _reply(client: Session, found: list[tuple[bytes, list[Reply]]]) -> Reply:
    return Pairs(found) if client.protocol == 3 else [[key, entries] for key, entries in found]


def _read_group(
    client: Session, read: Read, key: bytes, stream: Stream, group: Group, after: int
) -> list[Reply] | None:
    """What a consumer gets of one stream: new entries, or its own pending ones behind an id; None for nothing."""
    engine = client.engine
    has_any = after != NEW or (len(stream) > 0 and stream.last_valid_id() > group.last_id)
    if not has_any and engine.version.redis < (7, 2):
        return None
    consumer = _consumer(client, read, key, group)
    if not has_any:
        return None
    if after == NEW or engine.version.redis < (8, 0):  # to look at what is pending counts as a change before Redis 8
        engine.dirty += 1
    if after != NEW:
        return _history(engine, stream, consumer, after, read.count)
    entries = stream.range(group.last_id + 1, MAX_ID, read.count)
    return _deliver(client, read, key, stream, group, consumer, entries)


def _consumer(client: Session, read: Read, key: bytes, group: Group) -> Consumer:
    """The consumer who reads, new if need be; that is told where no entry that it gets tells it."""
    if read.no_ack and read.consumer not in group.consumers:
        propagate_consumer(client, key, read.group or b"", read.consumer)
    return find_or_create_consumer(client.db, key, group, read.consumer)


def _deliver(
    client: Session, read: Read, key: bytes, stream: Stream, group: Group, consumer: Consumer, entries: list[Entry]
) -> list[Reply]:
    """Give *entries* to *consumer*: they are pending until it acknowledges them, unless it said NOACK."""
    assert read.group is not None
    rules, now = counting(client), client.engine.now
    last_id = group.last_id
    for entry_id, _ in entries:
        stream.advance(group, entry_id, counting=rules)
        if not read.no_ack:
            group.deliver(entry_id, consumer, now)
            consumer.active_time = now
            pending = group.pending.get(entry_id)
            assert pending is not None
            propagate_claim(client, key, read.group, group, entry_id, pending)
    if group.last_id > last_id and (read.no_ack or client.engine.version.redis >= (7, 2)):
        propagate_last_id(client, key, read.group, group)
    return entry_replies(entries)


def _history(engine: Engine, stream: Stream, consumer: Consumer, after: int, count: int) -> list[Reply]:
    """The pending entries of *consumer* behind an id; those that are gone from the stream have a null for fields."""
    found: list[Reply] = []
    for entry_id, pending in consumer.pending.walk(after + 1):
        fields = stream.find(entry_id)
        if fields is not None:
            pending.delivery_time = engine.now
            pending.delivery_count += 1
        found.append([format_id(entry_id), NULL_ARRAY if fields is None else fields])
        if len(found) == count:
            break
    return found


def _read_again(client: Session, read: Read, _: bytes) -> Reply | None:
    """What a client that waited gets, since Redis 7.2, of all its keys; None for nothing."""
    return _serve(client, read, _positions(client, read))


def _serve_ready(client: Session, read: Read, positions: list[Position], key: bytes) -> Reply | None:
    """What a client that waited gets of the key that became ready, up to Redis 7.0; None for nothing."""
    client.db.unshare(key)
    stream = client.db.peek(key)
    if not isinstance(stream, Stream):
        raise Error("UNBLOCKED the stream key no longer exists")
    group, after = None, positions[read.keys.index(key)][0]
    if read.group is not None:
        group = stream.groups.get(read.group)
        if group is None:
            raise Error("NOGROUP the consumer group this client was blocked on no longer exists")
        after = group.last_id
    if stream.last_id <= after:
        return None
    entries = stream.range(after + 1, MAX_ID, read.count or MOST_WHEN_SERVED)
    if group is None:
        return _reply(client, [(key, entry_replies(entries))])
    consumer = _consumer(client, read, key, group)
    return _reply(client, [(key, _deliver(client, read, key, stream, group, consumer, entries))])
