"""What is propagated of streams where the client's words would not do: of ids from the clock, approximate trimming, and
everything that consumers are given.

A replica does not read for consumers. It is told what came of it, entry by entry: whose each is now, since when, and
how often it was delivered, in an XCLAIM that may be repeated without harm.
"""

from __future__ import annotations

from miniredis.engine import propagation
from miniredis.engine.session import Session
from miniredis.structures.stream import MAX_ID, Stream, format_id
from miniredis.structures.stream_groups import Group, PendingEntry


def with_exact_trim(argv: list[bytes], stream: Stream, threshold: int, *, by_length: bool) -> list[bytes]:
    """*argv*, in which *threshold* is where to trim approximately, with what that has left of *stream*.

    An entry that was deleted, and is still there as one, counts as the first that is left.
    """
    words = list(argv)
    words[threshold - 1] = b"="
    if by_length:
        words[threshold] = b"%d" % len(stream)
    else:
        words[threshold] = format_id(stream.nodes[0].master_id if stream.nodes else MAX_ID)
    return words


def propagate_claim(
    client: Session, key: bytes, group_name: bytes, group: Group, entry_id: int, pending: PendingEntry
) -> None:
    """Propagate whom a pending entry belongs to, and how far the group has come."""
    if not client.engine.propagation.active:
        return  # so that nothing is made for nobody: entries are delivered by the thousand
    propagation.also_propagate(
        client,
        *(b"XCLAIM", key, group_name, pending.consumer.name, 0, format_id(entry_id)),
        *(b"TIME", pending.delivery_time, b"RETRYCOUNT", pending.delivery_count),
        *(b"FORCE", b"JUSTID", b"LASTID", format_id(group.last_id)),
    )


def propagate_last_id(client: Session, key: bytes, group_name: bytes, group: Group) -> None:
    """Propagate how far a group has come, where no XCLAIM says it."""
    read = -1 if group.entries_read is None else group.entries_read
    propagation.also_propagate(
        client, b"XGROUP", b"SETID", key, group_name, format_id(group.last_id), b"ENTRIESREAD", read
    )


def propagate_consumer(client: Session, key: bytes, group_name: bytes, name: bytes) -> None:
    """Propagate that a consumer came into being who has no entries."""
    propagation.also_propagate(client, b"XGROUP", b"CREATECONSUMER", key, group_name, name)
