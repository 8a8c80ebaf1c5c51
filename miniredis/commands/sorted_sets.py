"""Sorted sets: members and their scores, one by one.

Ranges stand in :mod:`miniredis.commands.sorted_sets_ranges`, what is computed from several sets in
:mod:`miniredis.commands.sorted_sets_algebra`, and what takes members from the ends in
:mod:`miniredis.commands.sorted_sets_pops`.

The structure (:mod:`miniredis.structures.sorted_set`) knows the encodings; the commands pass it the configuration,
which has the limits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import Final

from miniredis.commands.scanning import parse_scan_options, scan_cursor, scan_reply
from miniredis.engine import errors, notifications
from miniredis.engine.arguments import double, random_count, refuse_endless
from miniredis.engine.command import Variant, command, key_range
from miniredis.engine.session import Session
from miniredis.resp.types import NULL_ARRAY, Error, Reply
from miniredis.structures.numbers import INT64_MAX, format_double_17g, format_double_shortest
from miniredis.structures.ordered_pairs import Pair
from miniredis.structures.sorted_set import SortedSet

_ADD_OPTIONS: Final = frozenset({b"NX", b"XX", b"GT", b"LT", b"CH", b"INCR"})
_PLAIN: Final[frozenset[bytes]] = frozenset()
_INCREMENT: Final = frozenset({b"INCR"})

LARGEST_INTEGER: Final = 2.0**62
"""Larger integral scores are kept as text in a listpack."""

SPARSE: Final = 8
"""Random ranks are looked up one by one if there are so many members, or more, for each."""


def scored_reply(client: Session, pairs: Sequence[Pair]) -> list[Reply]:
    """Members and scores, as WITHSCORES shows them: pairs in RESP3, a flat array in RESP2."""
    if client.protocol == 2:
        return list(chain.from_iterable(pairs))
    return [[member, score] for member, score in pairs]


# Adding


@command(
    "ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]",
    arity=-4,
    summary="Adds one or more members to a sorted set, or updates their scores. Creates the key if it doesn't exist.",
    since="1.2.0",
    group="sorted-set",
    complexity="O(log(N)) for each item added, where N is the number of elements in the sorted set.",
    flags="write denyoom fast",
    categories="sortedset",
    keys=[key_range("RW update", 1)],
    history=[
        ("2.4.0", "Accepts multiple elements."),
        ("3.0.2", "Added the `XX`, `NX`, `CH` and `INCR` options."),
        ("6.2.0", "Added the `GT` and `LT` options."),
    ],
    names=["condition", "comparison", "data"],
    details={
        "condition": "since=3.0.2",
        "comparison": "since=6.2.0",
        "CH": "name=change since=3.0.2",
        "INCR": "name=increment since=3.0.2",
    },
)
def zadd(client: Session, argv: list[bytes]) -> Reply:
    text, member = argv[2], argv[3]
    if len(argv) == 4 and len(text) < 16 and text.isdigit():  # the usual case: one member, a whole number, no option
        key, score, db, limits = argv[1], float(text), client.db, client.engine.config
        value = db.write(key)
        if value.__class__ is not SortedSet:
            value = _make_room(client, key, db.write_as(key, SortedSet), [member])
        elif len(member) > limits.zset_max_listpack_value or limits.zset_max_listpack_entries < 1:
            _make_room(client, key, value, [member])
        old = value.put(member, score, limits)
        if score == old:
            return 0
        db.changed(key, notifications.ZSET, b"zadd")
        return 1 if old is None else 0
    if text.upper() not in _ADD_OPTIONS:
        return _add(client, argv, 2, _PLAIN)
    position = 3
    while position < len(argv) and argv[position].upper() in _ADD_OPTIONS:
        position += 1
    return _add(client, argv, position, {option.upper() for option in argv[2:position]})


@command(
    "ZINCRBY key increment member",
    arity=4,
    summary="Increments the score of a member in a sorted set.",
    since="1.2.0",
    group="sorted-set",
    complexity="O(log(N)) where N is the number of elements in the sorted set.",
    flags="write denyoom fast",
    categories="sortedset",
    keys=[key_range("RW access update", 1)],
)
def zincrby(client: Session, argv: list[bytes]) -> Reply:
    if argv[2].upper() in _ADD_OPTIONS:
        raise errors.syntax_error()  # it is read as ZADD's, and what is left is no score and member
    return _add(client, argv, 2, _INCREMENT)


def _add(client: Session, argv: list[bytes], position: int, options: AbstractSet[bytes]) -> Reply:
    """ZADD with these *options*, in upper case; its scores and members begin at *position*."""
    if position == len(argv) or (len(argv) - position) % 2:
        raise errors.syntax_error()
    members = argv[position + 1 :: 2]
    if options:
        _check_options(options, len(members))
    engine = client.engine
    scores = [double(text, engine) for text in argv[position::2]]
    value = client.db.write_as(argv[1], SortedSet)
    if value is None and b"XX" in options:
        return None if b"INCR" in options else 0
    value = _make_room(client, argv[1], value, members)
    if b"INCR" in options:
        return _increment(client, argv[1], value, members[0], scores[0], options)
    added = changed = 0
    limits = engine.config
    for member, score in zip(members, scores, strict=True):
        old = value.score(member)
        if _allows(options, old, score) and score != old:
            added += value.add(member, score, limits)
            changed += 1
    if changed:
        client.db.changed(argv[1], notifications.ZSET, b"zadd", changed)
    return changed if b"CH" in options else added


def _check_options(options: AbstractSet[bytes], pairs: int) -> None:
    if {b"NX", b"XX"} <= options:
        raise Error("ERR XX and NX options at the same time are not compatible")
    if len(options & {b"NX", b"GT", b"LT"}) > 1:
        raise Error("ERR GT, LT, and/or NX options at the same time are not compatible")
    if b"INCR" in options and pairs > 1:
        raise Error("ERR INCR option supports a single increment-element pair")


def _make_room(client: Session, key: bytes, value: SortedSet | None, members: list[bytes]) -> SortedSet:
    """The sorted set at *key*, made if *value* is None, in the encoding that *members* to come let Redis choose.

    Since 7.2 that is decided by all of them, be they new or not.
    """
    engine = client.engine
    expects_all = engine.version.redis >= (7, 2)
    if value is None:
        if expects_all:
            value = SortedSet.expecting(len(members), max(map(len, members)), engine.config)
        else:
            value = SortedSet.expecting(1, len(members[0]), engine.config)
        client.db.add(key, value)
    elif expects_all and value.encoding == "listpack":
        value.expect(len(members), max(map(len, members)), engine.config)
    return value


def _allows(options: AbstractSet[bytes], old: float | None, new: float) -> bool:
    """Whether NX, XX, GT or LT let a member have the score *new*; *old* is None for one that is not there."""
    if not options:
        return True
    if old is None:
        return b"XX" not in options
    return not (b"NX" in options or (b"GT" in options and new <= old) or (b"LT" in options and new >= old))


def _increment(
    client: Session, key: bytes, value: SortedSet, member: bytes, increment: float, options: AbstractSet[bytes]
) -> float | None:
    """ZADD INCR: the new score; None if the *options* forbid it."""
    old = value.score(member)
    score = increment if old is None else old + increment
    if score != score and b"NX" not in options:
        raise Error("ERR resulting score is not a number (NaN)")
    if not _allows(options, old, score):
        return None
    if score != old:
        value.add(member, score, client.engine.config)
        client.db.changed(key, notifications.ZSET, b"zincr")
    return score


@command(
    "ZREM key member [member ...]",
    arity=-3,
    summary="Removes one or more members from a sorted set. Deletes the sorted set if all members were removed.",
    since="1.2.0",
    group="sorted-set",
    complexity=(
        "O(M*log(N)) with N being the number of elements in the sorted set and M the number of elements to be removed."
    ),
    flags="write fast",
    categories="sortedset",
    keys=[key_range("RW delete", 1)],
    history=[
        ("2.4.0", "Accepts multiple elements."),
    ],
)
def zrem(client: Session, argv: list[bytes]) -> Reply:
    key, db = argv[1], client.db
    value = db.write_as(key, SortedSet)
    if value is None:
        return 0
    removed = sum(map(value.remove, argv[2:]))
    if removed:
        db.changed(key, notifications.ZSET, b"zrem", removed)
        db.delete_if_empty(key, value)
    return removed


# Asking


@command(
    "ZCARD key",
    arity=2,
    summary="Returns the number of members in a sorted set.",
    since="1.2.0",
    group="sorted-set",
    complexity="O(1)",
    flags="readonly fast",
    categories="sortedset",
    keys=[key_range("RO", 1)],
)
def zcard(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.read_as(argv[1], SortedSet)
    return 0 if value is None else len(value)


@command(
    "ZSCORE key member",
    arity=3,
    summary="Returns the score of a member in a sorted set.",
    since="1.2.0",
    group="sorted-set",
    complexity="O(1)",
    flags="readonly fast",
    categories="sortedset",
    keys=[key_range("RO access", 1)],
)
def zscore(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.read_as(argv[1], SortedSet)
    return None if value is None else value.score(argv[2])


@command(
    "ZMSCORE key member [member ...]",
    arity=-3,
    summary="Returns the score of one or more members in a sorted set.",
    since="6.2.0",
    group="sorted-set",
    complexity="O(N) where N is the number of members being requested.",
    flags="readonly fast",
    categories="sortedset",
    keys=[key_range("RO access", 1)],
)
def zmscore(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.read_as(argv[1], SortedSet)
    if value is None:
        return [None] * (len(argv) - 2)
    return list(map(value.score, argv[2:]))


@command(
    "ZRANK key member [WITHSCORE]",
    arity=-3,
    summary="Returns the index of a member in a sorted set ordered by ascending scores.",
    since="2.0.0",
    group="sorted-set",
    complexity="O(log(N))",
    flags="readonly fast",
    categories="sortedset",
    keys=[key_range("RO access", 1)],
    history=[
        ("7.2.0", "Added the optional `WITHSCORE` argument."),
    ],
    details={"WITHSCORE": "added=7.2.0"},
    variants=[Variant(until="7.2.0", arity=3)],
)
def zrank(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) > 3:
        return _rank_with_score(client, argv, reverse=False)
    value = client.db.read_as(argv[1], SortedSet)
    return None if value is None else value.rank(argv[2])


@command(
    "ZREVRANK key member [WITHSCORE]",
    arity=-3,
    summary="Returns the index of a member in a sorted set ordered by descending scores.",
    since="2.0.0",
    group="sorted-set",
    complexity="O(log(N))",
    flags="readonly fast",
    categories="sortedset",
    keys=[key_range("RO access", 1)],
    history=[
        ("7.2.0", "Added the optional `WITHSCORE` argument."),
    ],
    details={"WITHSCORE": "added=7.2.0"},
    variants=[Variant(until="7.2.0", arity=3)],
)
def zrevrank(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) > 3:
        return _rank_with_score(client, argv, reverse=True)
    value = client.db.read_as(argv[1], SortedSet)
    if value is None or (rank := value.rank(argv[2])) is None:
        return None
    return len(value) - 1 - rank


def _rank_with_score(client: Session, argv: list[bytes], reverse: bool) -> Reply:
    if len(argv) > 4:
        raise errors.wrong_arity("zrevrank" if reverse else "zrank")
    if argv[3].upper() != b"WITHSCORE":
        raise errors.syntax_error()
    value = client.db.read_as(argv[1], SortedSet)
    if value is None or (rank := value.rank(argv[2])) is None:
        return NULL_ARRAY
    return [len(value) - 1 - rank if reverse else rank, value.score(argv[2])]


# Choosing and iterating


@command(
    "ZRANDMEMBER key [count [WITHSCORES]]",
    arity=-2,
    summary="Returns one or more random members from a sorted set.",
    since="6.2.0",
    group="sorted-set",
    complexity="O(N) where N is the number of members returned",
    flags="readonly",
    categories="sortedset",
    keys=[key_range("RO access", 1)],
    tips=["nondeterministic_output"],
    names=["options"],
)
def zrandmember(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) == 2:
        value = client.db.read_as(argv[1], SortedSet)
        return None if value is None else _random_pairs(client, value, -1)[0][0]
    count = random_count(argv[2])
    if len(argv) > 4 or (len(argv) == 4 and argv[3].upper() != b"WITHSCORES"):
        raise errors.syntax_error()
    with_scores = len(argv) == 4
    if with_scores and abs(count) > INT64_MAX // 2:
        raise Error(errors.OUT_OF_RANGE)
    value = client.db.read_as(argv[1], SortedSet)
    if value is None or not count:
        return []
    refuse_endless(client, count)
    chosen = _random_pairs(client, value, count)
    return scored_reply(client, chosen) if with_scores else [member for member, _ in chosen]


def _random_pairs(client: Session, value: SortedSet, count: int) -> list[Pair]:
    """So many different pairs; if *count* is negative as many, but each of them chosen among all."""
    if count >= len(value):
        return list(reversed(value))  # the order of Redis
    ranks = range(len(value))
    random = client.engine.random
    chosen = random.sample(ranks, count) if count > 0 else random.choices(ranks, k=-count)
    if len(chosen) * SPARSE > len(value):
        pairs = list(value)
        return [pairs[rank] for rank in chosen]
    return [value.by_rank(rank, rank + 1)[0] for rank in chosen]


@command(
    "ZSCAN key cursor [MATCH pattern] [COUNT count] [NOSCORES]",
    arity=-3,
    summary="Iterates over members and scores of a sorted set.",
    since="2.8.0",
    group="sorted-set",
    complexity=(
        "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return"
        " back to 0. N is the number of elements inside the collection."
    ),
    flags="readonly",
    categories="sortedset",
    keys=[key_range("RO access", 1)],
    tips=["nondeterministic_output"],
    history=[
        ("valkey 8.0.0", "Added noscores option."),
    ],
    details={"NOSCORES": "valkey-added=8.0.0"},
)
def zscan(client: Session, argv: list[bytes]) -> Reply:
    cursor = scan_cursor(client, argv[2])
    value = client.db.read_as(argv[1], SortedSet)
    if value is None:
        return scan_reply(0, [])
    options = parse_scan_options(client, argv, 3, names_only=b"NOSCORES")
    if value.encoding == "skiplist":
        cursor, pairs = value.scan(cursor, options.count)
    else:
        cursor, pairs = 0, list(value)
    if options.matcher is not None:
        pairs = [pair for pair in pairs if options.matcher(pair[0])]
    if options.names_only:
        return scan_reply(cursor, [member for member, _ in pairs])
    digits = _digits_of_zscan(client, value)
    return scan_reply(cursor, [item for member, score in pairs for item in (member, digits(score))])


def _digits_of_zscan(client: Session, value: SortedSet) -> Callable[[float], bytes]:
    """How ZSCAN shows scores: those of a listpack as they are kept, those of a skiplist as ever."""
    if value.encoding == "skiplist":
        return format_double_17g
    return format_double_shortest if client.engine.version.redis >= (7, 2) else _digits_in_listpack


def _digits_in_listpack(score: float) -> bytes:
    """What a listpack keeps of a score up to Redis 7.0: an integer, if it is one that fits, or its digits."""
    is_kept_as_integer = score.is_integer() and abs(score) <= LARGEST_INTEGER
    return b"%d" % int(score) if is_kept_as_integer else format_double_17g(score)
