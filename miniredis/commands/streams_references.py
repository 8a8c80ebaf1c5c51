"""XDELEX and XACKDEL of Redis 8.2: deleting entries with regard to the groups that refer to them.

A group refers to an entry that it has pending, or has not been given yet.
"""

from __future__ import annotations

from typing import Final

from miniredis.commands.stream_ids import stream_id
from miniredis.commands.streams import REFERENCES
from miniredis.engine import errors, notifications
from miniredis.engine.arguments import integer_in_range
from miniredis.engine.command import command, key_range
from miniredis.engine.session import Session
from miniredis.resp.types import Error, Reply
from miniredis.structures.numbers import INT64_MAX
from miniredis.structures.stream import Stream

NO_SUCH_ID, DELETED, REFERENCED = -1, 1, 2
"""What is answered for an id; XACKDEL says the first of one that is not pending in its group."""

NOT_POSITIVE: Final = "ERR Number of IDs must be a positive integer"
NO_MATCH: Final = "ERR The `numids` parameter must match the number of arguments"


def _parse(argv: list[bytes], position: int) -> tuple[bytes, list[bytes]]:
    """What shall become of references, and the ids, from what stands at *position* and behind it."""
    references, ids = b"", list[bytes]()
    while position < len(argv):
        token = argv[position].upper()
        position += 1
        if token in REFERENCES and not references:
            references = token
        elif token == b"IDS" and position < len(argv):
            count = integer_in_range(argv[position], 1, INT64_MAX, NOT_POSITIVE)
            ids = argv[position + 1 : position + 1 + count]
            if len(ids) < count:
                raise Error(NO_MATCH)
            position += 1 + count
        else:
            raise errors.syntax_error()
    if not ids:
        raise errors.syntax_error()
    return references or b"KEEPREF", ids


def _delete(stream: Stream, entry_id: int, references: bytes) -> bool | None:
    """Delete the entry with that id. Whether it was there; None if it may not go."""
    if references == b"ACKED" and stream.is_referenced(entry_id):
        return None
    if references == b"DELREF":
        stream.forget_references(entry_id)
    return stream.delete(entry_id)


@command(
    "XDELEX key [KEEPREF | DELREF | ACKED] IDS numids id [id ...]",
    arity=-5,
    summary="Deletes entries from a stream, and says of each what became of it.",
    since="8.2.0",
    group="stream",
    complexity="O(1) for each single item to delete in the stream, regardless of the stream size.",
    flags="write fast",
    categories="stream",
    keys=[key_range("RW delete", 1)],
    names=["condition", "ids"],
)
def xdelex(client: Session, argv: list[bytes]) -> Reply:
    key, db = argv[1], client.db
    stream = db.write_as(key, Stream)
    references, texts = _parse(argv, 2)
    if stream is None:
        return [NO_SUCH_ID] * len(texts)
    reply: list[Reply] = []
    for entry_id in [stream_id(text) for text in texts]:
        deleted = _delete(stream, entry_id, references)
        reply.append(REFERENCED if deleted is None else DELETED if deleted else NO_SUCH_ID)
    if count := reply.count(DELETED):
        db.changed(key, notifications.STREAM, b"xdel", dirty=count)
    return reply


@command(
    "XACKDEL key group [KEEPREF | DELREF | ACKED] IDS numids id [id ...]",
    arity=-6,
    summary="Acknowledges entries for a consumer group and deletes them, and says of each what became of it.",
    since="8.2.0",
    group="stream",
    complexity="O(1) for each message ID processed.",
    flags="write fast",
    categories="stream",
    keys=[key_range("RW update delete", 1)],
    names=["condition", "ids"],
)
def xackdel(client: Session, argv: list[bytes]) -> Reply:
    key, db = argv[1], client.db
    db.unshare(key)
    stream = db.read_as(key, Stream)
    references, texts = _parse(argv, 3)
    group = None if stream is None else stream.groups.get(argv[2])
    if stream is None or group is None:
        return [NO_SUCH_ID] * len(texts)
    reply: list[Reply] = []
    deleted = 0
    for entry_id in [stream_id(text) for text in texts]:
        if not group.acknowledge(entry_id):
            reply.append(NO_SUCH_ID)
            continue
        is_gone = _delete(stream, entry_id, references)
        deleted += bool(is_gone)
        reply.append(REFERENCED if is_gone is None else DELETED)
    client.engine.dirty += len(reply) - reply.count(NO_SUCH_ID) - deleted
    if deleted:
        db.changed(key, notifications.STREAM, b"xdel", dirty=deleted)
    return reply
