"""Sorted sets: taking members from the ends, and waiting for members to come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from miniredis.commands.popping import parse_multiple_pop, pop_or_block
from miniredis.commands.sorted_sets import scored_reply
from miniredis.engine import errors, notifications, propagation
from miniredis.engine.arguments import positive_integer, timeout
from miniredis.engine.command import Variant, command, key_count, key_range
from miniredis.engine.keyspace import Database
from miniredis.engine.record import record
from miniredis.engine.session import Session
from miniredis.resp.types import NULL_ARRAY, Reply
from miniredis.structures.ordered_pairs import Pair
from miniredis.structures.sorted_set import SortedSet


@record
class End:
    """An end of a sorted set: how to pop from it, and the event."""

    take: Callable[[SortedSet, int], list[Pair]]
    event: bytes


MIN: Final = End(SortedSet.pop_min, b"zpopmin")
MAX: Final = End(SortedSet.pop_max, b"zpopmax")

_ENDS: Final = {b"MIN": MIN, b"MAX": MAX}


def _take(db: Database, key: bytes, source: SortedSet, end: End, count: int) -> list[Pair]:
    """Pop up to *count* pairs from *end* of *source*, the sorted set at *key*, in the order they are met."""
    pairs = end.take(source, count)
    db.changed(key, notifications.ZSET, end.event, len(pairs))
    db.delete_if_empty(key, source)
    return pairs


# Without waiting


@command(
    "ZPOPMIN key [count]",
    arity=-2,
    summary=(
        "Returns the lowest-scoring members from a sorted set after removing them. Deletes the sorted set if the last"
        " member was popped."
    ),
    since="5.0.0",
    group="sorted-set",
    complexity=(
        "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of elements popped."
    ),
    flags="write fast",
    categories="sortedset",
    keys=[key_range("RW access delete", 1)],
)
def zpopmin(client: Session, argv: list[bytes]) -> Reply:
    return _pop(client, argv, MIN)


@command(
    "ZPOPMAX key [count]",
    arity=-2,
    summary=(
        "Returns the highest-scoring members from a sorted set after removing them. Deletes the sorted set if the"
        " last member was popped."
    ),
    since="5.0.0",
    group="sorted-set",
    complexity=(
        "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of elements popped."
    ),
    flags="write fast",
    categories="sortedset",
    keys=[key_range("RW access delete", 1)],
)
def zpopmax(client: Session, argv: list[bytes]) -> Reply:
    return _pop(client, argv, MAX)


def _pop(client: Session, argv: list[bytes], end: End) -> Reply:
    if len(argv) > 3:
        raise errors.syntax_error()
    count = positive_integer(argv[2]) if len(argv) == 3 else None
    source = client.db.write_as(argv[1], SortedSet)
    if source is None or count == 0:
        return []
    if count is None:
        return list(_take(client.db, argv[1], source, end, 1)[0])
    return scored_reply(client, _take(client.db, argv[1], source, end, count))


@command(
    "ZMPOP numkeys key [key ...] <MIN | MAX> [COUNT count]",
    arity=-4,
    summary=(
        "Returns the highest- or lowest-scoring members from one or more sorted sets after removing them. Deletes the"
        " sorted set if the last member was popped."
    ),
    since="7.0.0",
    group="sorted-set",
    complexity=(
        "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted set,"
        " and M being the number of elements popped."
    ),
    flags="write",
    categories="sortedset",
    keys=[key_count("RW access delete", 1)],
    names=["where"],
)
def zmpop(client: Session, argv: list[bytes]) -> Reply:
    keys, end, count = parse_multiple_pop(argv, 1, _ENDS)
    return _pop_several(client, keys, end, count) or NULL_ARRAY


# Waiting


@command(
    "BZPOPMIN key [key ...] timeout",
    arity=-3,
    summary=(
        "Removes and returns the member with the lowest score from one or more sorted sets. Blocks until a member is"
        " available otherwise. Deletes the sorted set if the last element was popped."
    ),
    since="5.0.0",
    group="sorted-set",
    complexity="O(log(N)) with N being the number of elements in the sorted set.",
    flags="write blocking fast",
    categories="sortedset",
    keys=[key_range("RW access delete", 1, last=-2)],
    history=[
        ("6.0.0", "`timeout` is interpreted as a double instead of an integer."),
    ],
    details={"timeout": "type=double"},
    variants=[Variant(until="7.2.0", flags="write noscript blocking fast")],
)
def bzpopmin(client: Session, argv: list[bytes]) -> Reply:
    waiting_time = timeout(argv[-1], client.engine)
    return pop_or_block(client, "zset", argv[1:-1], waiting_time, lambda keys: _pop_one(client, keys, MIN))


@command(
    "BZPOPMAX key [key ...] timeout",
    arity=-3,
    summary=(
        "Removes and returns the member with the highest score from one or more sorted sets. Blocks until a member is"
        " available otherwise. Deletes the sorted set if the last element was popped."
    ),
    since="5.0.0",
    group="sorted-set",
    complexity="O(log(N)) with N being the number of elements in the sorted set.",
    flags="write blocking fast",
    categories="sortedset",
    keys=[key_range("RW access delete", 1, last=-2)],
    history=[
        ("6.0.0", "`timeout` is interpreted as a double instead of an integer."),
    ],
    details={"timeout": "type=double"},
    variants=[Variant(until="7.2.0", flags="write noscript blocking fast")],
)
def bzpopmax(client: Session, argv: list[bytes]) -> Reply:
    waiting_time = timeout(argv[-1], client.engine)
    return pop_or_block(client, "zset", argv[1:-1], waiting_time, lambda keys: _pop_one(client, keys, MAX))


@command(
    "BZMPOP timeout numkeys key [key ...] <MIN | MAX> [COUNT count]",
    arity=-5,
    summary=(
        "Removes and returns a member by score from one or more sorted sets. Blocks until a member is available"
        " otherwise. Deletes the sorted set if the last element was popped."
    ),
    since="7.0.0",
    group="sorted-set",
    complexity=(
        "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted set,"
        " and M being the number of elements popped."
    ),
    flags="write blocking",
    categories="sortedset",
    keys=[key_count("RW access delete", 2)],
    names=["where"],
    details={"timeout": "type=double"},
)
def bzmpop(client: Session, argv: list[bytes]) -> Reply:
    keys, end, count = parse_multiple_pop(argv, 2, _ENDS)
    waiting_time = timeout(argv[1], client.engine)
    return pop_or_block(client, "zset", keys, waiting_time, lambda keys: _pop_several(client, keys, end, count))


# From the first of several sorted sets


def _pop_one(client: Session, keys: Sequence[bytes], end: End) -> list[Reply] | None:
    """Pop from the first of *keys* that has a sorted set: the key, member and score; None if none has."""
    found = _first(client, keys)
    if found is None:
        return None
    key, source = found
    propagation.rewrite(client, end.event.upper(), key)
    return [key, *_take(client.db, key, source, end, 1)[0]]


def _pop_several(client: Session, keys: Sequence[bytes], end: End, count: int) -> list[Reply] | None:
    """Pop up to *count* from the first of *keys* that has a sorted set: the key, and pairs; None if none has."""
    found = _first(client, keys)
    if found is None:
        return None
    key, source = found
    propagation.rewrite(client, end.event.upper(), key, min(count, len(source)))
    return [key, [list(pair) for pair in _take(client.db, key, source, end, count)]]


def _first(client: Session, keys: Sequence[bytes]) -> tuple[bytes, SortedSet] | None:
    """The first of *keys* that has a sorted set, and that. What holds something else is an error if it comes before."""
    for key in keys:
        source = client.db.write_as(key, SortedSet)
        if source is not None:
            return key, source
    return None
