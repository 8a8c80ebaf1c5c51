"""Sorted sets: ranges by rank, by score and by member, to be returned, stored, counted or removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from miniredis.commands.sorted_sets import scored_reply
from miniredis.commands.sorted_sets_arguments import lex_range, score_range
from miniredis.engine import errors, notifications
from miniredis.engine.arguments import half_open_range, integer
from miniredis.engine.command import Variant, command, key_range
from miniredis.engine.record import record
from miniredis.engine.session import Session
from miniredis.resp.types import Error, Reply
from miniredis.structures.ordered_pairs import Pair
from miniredis.structures.sorted_set import LexRange, ScoreRange, SortedSet

By: TypeAlias = Literal["rank", "score", "lex"]
Bounds: TypeAlias = tuple[int, int] | ScoreRange | LexRange

_BY_OPTIONS: Final[dict[bytes, By]] = {b"BYSCORE": "score", b"BYLEX": "lex"}


@record
class RangeOptions:
    """What may follow a range: which of them a command knows depends on what its name already says."""

    by: By
    reverse: bool
    with_scores: bool = False
    offset: int = 0
    limit: int = -1


def _parse_options(
    argv: list[bytes], start: int, by: By | None, reverse: bool | None, *, with_scores: bool = True
) -> RangeOptions:
    """The options from position *start* on; BYSCORE, BYLEX and REV are options, once, if *by* or *reverse* is None."""
    options = RangeOptions(by or "rank", bool(reverse))
    position = start
    while position < len(argv):
        token = argv[position].upper()
        if token == b"WITHSCORES" and with_scores:
            options.with_scores = True
        elif token == b"LIMIT" and position + 2 < len(argv):
            options.offset, options.limit = integer(argv[position + 1]), integer(argv[position + 2])
            position += 2
        elif token == b"REV" and reverse is None:
            reverse = options.reverse = True
        elif token in _BY_OPTIONS and by is None:
            by = options.by = _BY_OPTIONS[token]
        else:
            raise errors.syntax_error()
        position += 1
    if options.limit != -1 and options.by == "rank":
        raise Error("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
    if options.with_scores and options.by == "lex":
        raise Error("ERR syntax error, WITHSCORES not supported in combination with BYLEX")
    return options


def _parse_bounds(client: Session, first: bytes, last: bytes, options: RangeOptions) -> Bounds:
    """What the range goes from and to; in reverse the higher end comes first, but ranks are counted from there."""
    if options.by == "rank":
        return integer(first), integer(last)
    minimum, maximum = (last, first) if options.reverse else (first, last)
    if options.by == "score":
        return score_range(minimum, maximum, client.engine)
    return lex_range(minimum, maximum)


def _select(client: Session, value: SortedSet, bounds: Bounds, options: RangeOptions) -> list[Pair]:
    """The pairs of *value* in the range; the highest first if in reverse."""
    offset, limit, reverse = options.offset, options.limit, options.reverse
    if offset < 0 and value.encoding == "skiplist" and client.engine.version.is_valkey:
        offset += len(_select(client, value, bounds, RangeOptions(options.by, reverse)))  # it counts from the end
    if isinstance(bounds, ScoreRange):
        return value.by_score(bounds, offset=offset, count=limit, reverse=reverse)
    if isinstance(bounds, LexRange):
        return value.by_lex(bounds, offset=offset, count=limit, reverse=reverse)
    return value.by_rank(*half_open_range(*bounds, len(value)), reverse=reverse)


def _range(client: Session, argv: list[bytes], by: By | None, reverse: bool | None) -> Reply:
    """ZRANGE and its relatives, whose names say *by* what and in which direction; None if options do."""
    options = _parse_options(argv, 4, by, reverse)
    bounds = _parse_bounds(client, argv[2], argv[3], options)
    value = client.db.read_as(argv[1], SortedSet)
    if value is None:
        return []
    pairs = _select(client, value, bounds, options)
    return scored_reply(client, pairs) if options.with_scores else [member for member, _ in pairs]


# Returning


@command(
    "ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]",
    arity=-4,
    summary="Returns members in a sorted set within a range of indexes.",
    since="1.2.0",
    group="sorted-set",
    complexity=(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned."
    ),
    flags="readonly",
    categories="sortedset",
    keys=[key_range("RO access", 1)],
    history=[
        ("6.2.0", "Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options."),
    ],
    names=["sortby", "limit"],
    details={
        "start": "type=string",
        "stop": "type=string",
        "sortby": "since=6.2.0",
        "REV": "since=6.2.0",
        "limit": "since=6.2.0",
    },
)
def zrange(client: Session, argv: list[bytes]) -> Reply:
    return _range(client, argv, None, None)


@command(
    "ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]",
    arity=-5,
    summary="Stores a range of members from sorted set in a key.",
    since="6.2.0",
    group="sorted-set",
    complexity=(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements stored into"
        " the destination key."
    ),
    flags="write denyoom",
    categories="sortedset",
    keys=[key_range("OW update", 1), key_range("RO access", 2)],
    names=["sortby", "limit"],
)
def zrangestore(client: Session, argv: list[bytes]) -> Reply:
    options = _parse_options(argv, 5, None, None, with_scores=False)
    bounds = _parse_bounds(client, argv[3], argv[4], options)
    value = client.db.read_as(argv[2], SortedSet)
    pairs = [] if value is None else _select(client, value, bounds, options)
    limits = client.engine.config
    # The length of a range of ranks is known from the start; others grow.
    result = SortedSet.expecting(len(pairs) if options.by == "rank" else 0, 0, limits)
    for member, score in pairs:
        result.add(member, score, limits)
    client.db.store(argv[1], result, notifications.ZSET, b"zrangestore")
    return len(result)


@command(
    "ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]",
    arity=-4,
    summary="Returns members in a sorted set within a range of scores.",
    since="1.0.5",
    group="sorted-set",
    complexity=(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being"
        " returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it"
        " O(log(N))."
    ),
    flags="readonly",
    categories="sortedset",
    keys=[key_range("RO access", 1)],
    history=[
        ("2.0.0", "Added the `WITHSCORES` modifier."),
    ],
    names=["limit"],
    details={"min": "type=double", "max": "type=double", "WITHSCORES": "since=2.0.0"},
    deprecated_since="6.2.0",
    replaced_by="`ZRANGE` with the `BYSCORE` argument",
    variants=[Variant(valkey_since="8.0.0", deprecated=False)],
)
def zrangebyscore(client: Session, argv: list[bytes]) -> Reply:
    return _range(client, argv, "score", False)


@command(
    "ZRANGEBYLEX key min max [LIMIT offset count]",
    arity=-4,
    summary="Returns members in a sorted set within a lexicographical range.",
    since="2.8.9",
    group="sorted-set",
    complexity=(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being"
        " returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it"
        " O(log(N))."
    ),
    flags="readonly",
    categories="sortedset",
    keys=[key_range("RO access", 1)],
    names=["limit"],
    deprecated_since="6.2.0",
    replaced_by="`ZRANGE` with the `BYLEX` argument",
    variants=[Variant(valkey_since="8.0.0", deprecated=False)],
)
def zrangebylex(client: Session, argv: list[bytes]) -> Reply:
    return _range(client, argv, "lex", False)


@command(
    "ZREVRANGE key start stop [WITHSCORES]",
    arity=-4,
    summary="Returns members in a sorted set within a range of indexes in reverse order.",
    since="1.2.0",
    group="sorted-set",
    complexity=(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned."
    ),
    flags="readonly",
    categories="sortedset",
    keys=[key_range("RO access", 1)],
    deprecated_since="6.2.0",
    replaced_by="`ZRANGE` with the `REV` argument",
    variants=[Variant(valkey_since="8.0.0", deprecated=False)],
)
def zrevrange(client: Session, argv: list[bytes]) -> Reply:
    return _range(client, argv, "rank", True)


@command(
    "ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]",
    arity=-4,
    summary="Returns members in a sorted set within a range of scores in reverse order.",
    since="2.2.0",
    group="sorted-set",
    complexity=(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being"
        " returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it"
        " O(log(N))."
    ),
    flags="readonly",
    categories="sortedset",
    keys=[key_range("RO access", 1)],
    history=[
        ("2.1.6", "`min` and `max` can be exclusive."),
    ],
    names=["limit"],
    details={"max": "type=double", "min": "type=double"},
    deprecated_since="6.2.0",
    replaced_by="`ZRANGE` with the `REV` and `BYSCORE` arguments",
    variants=[Variant(valkey_since="8.0.0", deprecated=False)],
)
def zrevrangebyscore(client: Session, argv: list[bytes]) -> Reply:
    return _range(client, argv, "score", True)


@command(
    "ZREVRANGEBYLEX key max min [LIMIT offset count]",
    arity=-4,
    summary="Returns members in a sorted set within a lexicographical range in reverse order.",
    since="2.8.9",
    group="sorted-set",
    complexity=(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being"
        " returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it"
        " O(log(N))."
    ),
    flags="readonly",
    categories="sortedset",
    keys=[key_range("RO access", 1)],
    names=["limit"],
    deprecated_since="6.2.0",
    replaced_by="`ZRANGE` with the `REV` and `BYLEX` arguments",
    variants=[Variant(valkey_since="8.0.0", deprecated=False)],
)
def zrevrangebylex(client: Session, argv: list[bytes]) -> Reply:
    return _range(client, argv, "lex", True)


# Counting


@command(
    "ZCOUNT key min max",
    arity=4,
    summary="Returns the count of members in a sorted set that have scores within a range.",
    since="2.0.0",
    group="sorted-set",
    complexity="O(log(N)) with N being the number of elements in the sorted set.",
    flags="readonly fast",
    categories="sortedset",
    keys=[key_range("RO access", 1)],
    details={"min": "type=double", "max": "type=double"},
)
def zcount(client: Session, argv: list[bytes]) -> Reply:
    scores = score_range(argv[2], argv[3], client.engine)
    value = client.db.read_as(argv[1], SortedSet)
    return 0 if value is None else value.count_by_score(scores)


@command(
    "ZLEXCOUNT key min max",
    arity=4,
    summary="Returns the number of members in a sorted set within a lexicographical range.",
    since="2.8.9",
    group="sorted-set",
    complexity="O(log(N)) with N being the number of elements in the sorted set.",
    flags="readonly fast",
    categories="sortedset",
    keys=[key_range("RO access", 1)],
)
def zlexcount(client: Session, argv: list[bytes]) -> Reply:
    members = lex_range(argv[2], argv[3])
    value = client.db.read_as(argv[1], SortedSet)
    return 0 if value is None else value.count_by_lex(members)


# Removing


@command(
    "ZREMRANGEBYRANK key start stop",
    arity=4,
    summary=(
        "Removes members in a sorted set within a range of indexes. Deletes the sorted set if all members were removed."
    ),
    since="2.0.0",
    group="sorted-set",
    complexity=(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by"
        " the operation."
    ),
    flags="write",
    categories="sortedset",
    keys=[key_range("RW delete", 1)],
)
def zremrangebyrank(client: Session, argv: list[bytes]) -> Reply:
    start, stop = integer(argv[2]), integer(argv[3])
    return _remove(
        client,
        argv[1],
        b"zremrangebyrank",
        lambda value: value.remove_range_by_rank(*half_open_range(start, stop, len(value))),
    )


@command(
    "ZREMRANGEBYSCORE key min max",
    arity=4,
    summary=(
        "Removes members in a sorted set within a range of scores. Deletes the sorted set if all members were removed."
    ),
    since="1.2.0",
    group="sorted-set",
    complexity=(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by"
        " the operation."
    ),
    flags="write",
    categories="sortedset",
    keys=[key_range("RW delete", 1)],
    details={"min": "type=double", "max": "type=double"},
)
def zremrangebyscore(client: Session, argv: list[bytes]) -> Reply:
    scores = score_range(argv[2], argv[3], client.engine)
    return _remove(client, argv[1], b"zremrangebyscore", lambda value: value.remove_range_by_score(scores))


@command(
    "ZREMRANGEBYLEX key min max",
    arity=4,
    summary=(
        "Removes members in a sorted set within a lexicographical range. Deletes the sorted set if all members were"
        " removed."
    ),
    since="2.8.9",
    group="sorted-set",
    complexity=(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by"
        " the operation."
    ),
    flags="write",
    categories="sortedset",
    keys=[key_range("RW delete", 1)],
)
def zremrangebylex(client: Session, argv: list[bytes]) -> Reply:
    members = lex_range(argv[2], argv[3])
    return _remove(client, argv[1], b"zremrangebylex", lambda value: value.remove_range_by_lex(members))


def _remove(client: Session, key: bytes, event: bytes, remove: Callable[[SortedSet], list[Pair]]) -> int:
    """Let *remove* take a range out of the sorted set at *key*; how many members that were."""
    db = client.db
    value = db.write_as(key, SortedSet)
    if value is None:
        return 0
    removed = len(remove(value))
    if removed:
        db.changed(key, notifications.ZSET, event, removed)
        db.delete_if_empty(key, value)
    return removed
