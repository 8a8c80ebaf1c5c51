"""XINFO: what there is to know of a stream, its groups and their consumers."""

from __future__ import annotations

from itertools import islice
from typing import Final

from miniredis.commands.help import subcommand_help
from miniredis.commands.streams import entry_replies, entry_reply
from miniredis.commands.streams_groups import counting, no_such_group
from miniredis.engine import errors
from miniredis.engine.arguments import integer
from miniredis.engine.command import command, container, key_range
from miniredis.engine.session import Session
from miniredis.resp.types import Error, Reply
from miniredis.structures.ordered_ids import OrderedIds
from miniredis.structures.stream import MAX_ID, Stream, format_id
from miniredis.structures.stream_groups import NEVER, Consumer, Group, PendingEntry

FULL_COUNT: Final = 10
"""The entries, and pending entries, that ``XINFO STREAM FULL`` shows if no COUNT is given."""


def _stream_of(client: Session, argv: list[bytes]) -> Stream:
    stream = client.db.read_as(argv[2], Stream)
    if stream is None:
        raise Error(errors.NO_SUCH_KEY)
    return stream


container(
    "XINFO",
    summary="A container for stream introspection commands.",
    since="5.0.0",
    group="stream",
    complexity="Depends on subcommand.",
)


@command(
    "XINFO|STREAM key [FULL [COUNT count]]",
    arity=-3,
    summary="Returns information about a stream.",
    since="5.0.0",
    group="stream",
    complexity="O(1)",
    flags="readonly",
    categories="stream",
    keys=[key_range("RO access", 2)],
    history=[
        ("6.0.0", "Added the `FULL` modifier."),
        (
            "7.0.0",
            (
                "Added the `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, `entries-read` and"
                " `lag` fields"
            ),
        ),
        ("7.2.0", "Added the `active-time` field, and changed the meaning of `seen-time`."),
    ],
    names=["full-block"],
)
def xinfo_stream(client: Session, argv: list[bytes]) -> Reply:
    stream = _stream_of(client, argv)
    options = argv[3:]
    if not options:
        return _description(stream) | {
            b"groups": len(stream.groups),
            b"first-entry": next(map(entry_reply, stream.range(0, MAX_ID, 1)), None),
            b"last-entry": next(map(entry_reply, stream.reversed_range(0, MAX_ID, 1)), None),
        }
    words = [word.upper() for word in options[:2]]
    if len(options) not in (1, 3) or words not in ([b"FULL"], [b"FULL", b"COUNT"]):
        raise errors.subcommand_syntax(argv)
    count = FULL_COUNT
    if len(options) == 3:
        count = integer(options[2])
        if count < 0:
            count = FULL_COUNT
    return _description(stream) | {
        b"entries": entry_replies(stream.range(0, MAX_ID, count)),
        b"groups": [_full_group(client, stream, name, count) for name in sorted(stream.groups)],
    }


def _description(stream: Stream) -> dict[bytes, Reply]:
    return {
        b"length": len(stream),
        b"radix-tree-keys": len(stream.nodes),
        b"radix-tree-nodes": stream.radix_tree_nodes(),
        b"last-generated-id": format_id(stream.last_id),
        b"max-deleted-entry-id": format_id(stream.max_deleted_id),
        b"entries-added": stream.entries_added,
        b"recorded-first-entry-id": format_id(stream.first_id),
    }


def _full_group(client: Session, stream: Stream, name: bytes, count: int) -> Reply:
    group = stream.groups[name]
    return {
        b"name": name,
        b"last-delivered-id": format_id(group.last_id),
        b"entries-read": group.entries_read,
        b"lag": _lag(client, stream, group),
        b"pel-count": len(group.pending),
        b"pending": [
            [format_id(entry_id), item.consumer.name, item.delivery_time, item.delivery_count]
            for entry_id, item in _first(group.pending, count)
        ],
        b"consumers": [_full_consumer(client, consumer, count) for consumer in group.sorted_consumers()],
    }


def _full_consumer(client: Session, consumer: Consumer, count: int) -> Reply:
    reply: dict[bytes, Reply] = {b"name": consumer.name, b"seen-time": consumer.seen_time}
    if client.engine.version.redis >= (7, 2):
        reply[b"active-time"] = consumer.active_time
    reply[b"pel-count"] = len(consumer.pending)
    reply[b"pending"] = [
        [format_id(entry_id), item.delivery_time, item.delivery_count]
        for entry_id, item in _first(consumer.pending, count)
    ]
    return reply


def _first(pending: OrderedIds[PendingEntry], count: int) -> list[tuple[int, PendingEntry]]:
    """The first *count* of *pending* (0: all)."""
    return list(islice(pending.walk(), count or None))


def _lag(client: Session, stream: Stream, group: Group) -> int | None:
    return stream.lag(group, counting=counting(client))


@command(
    "XINFO|GROUPS key",
    arity=3,
    summary="Returns a list of the consumer groups of a stream.",
    since="5.0.0",
    group="stream",
    complexity="O(1)",
    flags="readonly",
    categories="stream",
    keys=[key_range("RO access", 2)],
    history=[
        ("7.0.0", "Added the `entries-read` and `lag` fields"),
    ],
)
def xinfo_groups(client: Session, argv: list[bytes]) -> Reply:
    stream = _stream_of(client, argv)
    return [
        {
            b"name": name,
            b"consumers": len(group.consumers),
            b"pending": len(group.pending),
            b"last-delivered-id": format_id(group.last_id),
            b"entries-read": group.entries_read,
            b"lag": _lag(client, stream, group),
        }
        for name, group in sorted(stream.groups.items())
    ]


@command(
    "XINFO|CONSUMERS key group",
    arity=4,
    summary="Returns a list of the consumers in a consumer group.",
    since="5.0.0",
    group="stream",
    complexity="O(1)",
    flags="readonly",
    categories="stream",
    keys=[key_range("RO access", 2)],
    tips=["nondeterministic_output"],
    history=[
        ("7.2.0", "Added the `inactive` field, and changed the meaning of `idle`."),
    ],
)
def xinfo_consumers(client: Session, argv: list[bytes]) -> Reply:
    group = _stream_of(client, argv).groups.get(argv[3])
    if group is None:
        raise no_such_group(argv[2], argv[3])
    now, replies = client.engine.now, list[Reply]()
    for consumer in group.sorted_consumers():
        reply = {
            b"name": consumer.name,
            b"pending": len(consumer.pending),
            b"idle": max(now - consumer.seen_time, 0),
        }
        if client.engine.version.redis >= (7, 2):
            active = consumer.active_time
            reply[b"inactive"] = NEVER if active == NEVER else max(now - active, 0)
        replies.append(reply)
    return replies


@command(
    "XINFO|HELP",
    arity=2,
    summary="Returns helpful text about the different subcommands.",
    since="5.0.0",
    group="stream",
    complexity="O(1)",
    flags="loading stale",
    categories="stream",
)
def xinfo_help(client: Session, argv: list[bytes]) -> Reply:
    return subcommand_help(
        client,
        "XINFO",
        (
            "CONSUMERS <key> <groupname>",
            "    Show consumers of <groupname>.",
            "GROUPS <key>",
            "    Show the stream consumer groups.",
            "STREAM <key> [FULL [COUNT <count>]",
            "    Show information about the stream.",
        ),
    )
