"""Intersection, union and difference of sets: to be returned, stored or counted.

Members are filtered and joined as the keys of dicts, in C. What is stored is built as Redis builds it, since that
decides its encoding: a set of integers that came out of larger ones is an intset again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, filterfalse, islice

from miniredis.engine import errors, notifications
from miniredis.engine.arguments import integer_in_range, positive_integer
from miniredis.engine.command import Variant, command, key_count, key_range
from miniredis.engine.session import Session
from miniredis.resp.types import Error, Reply, ReplySet
from miniredis.structures.numbers import INT64_MAX, parse_integer
from miniredis.structures.set import Set, SetLimits


@command(
    "SINTER key [key ...]",
    arity=-2,
    summary="Returns the intersect of multiple sets.",
    since="1.0.0",
    group="set",
    complexity="O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
    flags="readonly",
    categories="set",
    keys=[key_range("RO access", 1, last=-1)],
    tips=["nondeterministic_output_order"],
)
def sinter(client: Session, argv: list[bytes]) -> Reply:
    return ReplySet(_intersection(_read_sets(client, argv[1:])))


@command(
    "SINTERSTORE destination key [key ...]",
    arity=-3,
    summary="Stores the intersect of multiple sets in a key.",
    since="1.0.0",
    group="set",
    complexity="O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
    flags="write denyoom",
    categories="set",
    keys=[key_range("RW update", 1), key_range("RO access", 2, last=-1)],
    variants=[
        Variant(
            since="8.0.0", valkey_since="8.0.0", keys=(key_range("OW update", 1), key_range("RO access", 2, last=-1))
        )
    ],
)
def sinterstore(client: Session, argv: list[bytes]) -> Reply:
    sets = _read_sets(client, argv[2:])
    result = _intersection_as_set(sets, client.engine.config)
    return _store(client, argv[1], result, b"sinterstore")


@command(
    "SINTERCARD numkeys key [key ...] [LIMIT limit]",
    arity=-3,
    summary="Returns the number of members of the intersect of multiple sets.",
    since="7.0.0",
    group="set",
    complexity="O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
    flags="readonly",
    categories="set",
    keys=[key_count("RO access", 1)],
)
def sintercard(client: Session, argv: list[bytes]) -> Reply:
    count = integer_in_range(argv[1], 1, INT64_MAX, "ERR numkeys should be greater than 0")
    if count > len(argv) - 2:
        raise Error("ERR Number of keys can't be greater than number of args")
    limit = 0
    options = iter(argv[2 + count :])
    for option in options:
        amount = next(options, None)
        if option.upper() != b"LIMIT" or amount is None:
            raise errors.syntax_error()
        limit = positive_integer(amount, "ERR LIMIT can't be negative")
    common = _intersection(_read_sets(client, argv[2 : 2 + count]))
    return len(list(islice(common, limit or None)))


@command(
    "SUNION key [key ...]",
    arity=-2,
    summary="Returns the union of multiple sets.",
    since="1.0.0",
    group="set",
    complexity="O(N) where N is the total number of elements in all given sets.",
    flags="readonly",
    categories="set",
    keys=[key_range("RO access", 1, last=-1)],
    tips=["nondeterministic_output_order"],
)
def sunion(client: Session, argv: list[bytes]) -> Reply:
    sets = _read_sets(client, argv[1:])
    members = _union(sets)
    if all(each.encoding == "intset" for each in sets):
        return ReplySet(Set.from_members(members, client.engine.config))
    return ReplySet(members)


@command(
    "SUNIONSTORE destination key [key ...]",
    arity=-3,
    summary="Stores the union of multiple sets in a key.",
    since="1.0.0",
    group="set",
    complexity="O(N) where N is the total number of elements in all given sets.",
    flags="write denyoom",
    categories="set",
    keys=[key_range("OW update", 1), key_range("RO access", 2, last=-1)],
)
def sunionstore(client: Session, argv: list[bytes]) -> Reply:
    result = Set.from_members(_union(_read_sets(client, argv[2:])), client.engine.config)
    return _store(client, argv[1], result, b"sunionstore")


@command(
    "SDIFF key [key ...]",
    arity=-2,
    summary="Returns the difference of multiple sets.",
    since="1.0.0",
    group="set",
    complexity="O(N) where N is the total number of elements in all given sets.",
    flags="readonly",
    categories="set",
    keys=[key_range("RO access", 1, last=-1)],
    tips=["nondeterministic_output_order"],
)
def sdiff(client: Session, argv: list[bytes]) -> Reply:
    return ReplySet(_difference(_read_sets(client, argv[1:])))


@command(
    "SDIFFSTORE destination key [key ...]",
    arity=-3,
    summary="Stores the difference of multiple sets in a key.",
    since="1.0.0",
    group="set",
    complexity="O(N) where N is the total number of elements in all given sets.",
    flags="write denyoom",
    categories="set",
    keys=[key_range("OW update", 1), key_range("RO access", 2, last=-1)],
)
def sdiffstore(client: Session, argv: list[bytes]) -> Reply:
    sets = _read_sets(client, argv[2:])
    result = _difference_as_set(sets, client.engine.config)
    return _store(client, argv[1], result, b"sdiffstore")


def _read_sets(client: Session, keys: list[bytes]) -> list[Set]:
    """The sets at *keys*, an empty one where there is none."""
    return [client.db.read_as(key, Set) or Set() for key in keys]


def _intersection(sets: list[Set]) -> Iterator[bytes]:
    """The members that all have, in the order of the smallest."""
    smallest, *others = sorted(sets, key=len)
    common = iter(smallest)
    for other in others:
        common = filter(other.members.__contains__, common)
    return common


def _intersection_as_set(sets: list[Set], limits: SetLimits) -> Set:
    members = list(_intersection(sets))
    if len(members) <= limits.set_max_intset_entries and None not in map(parse_integer, members):
        return Set.from_members(members, limits)
    is_intset = min(sets, key=len).encoding == "intset"
    return Set.from_members(members, limits, "intset" if is_intset else "listpack")


def _union(sets: list[Set]) -> dict[bytes, None]:
    """The members that any set has, those of the first before those that the next adds."""
    first, *others = sets
    members = first.in_order().copy()
    for other in others:
        members.update(other.in_order())
    return members


def _difference(sets: list[Set]) -> Iterator[bytes]:
    """The members of the first that no other has, in its order."""
    first, *others = sets
    left = iter(first)
    for other in others:
        left = filterfalse(other.members.__contains__, left)
    return left


def _difference_as_set(sets: list[Set], limits: SetLimits) -> Set:
    """The difference, built by whichever of Redis's two algorithms has less to do.

    One looks each member of the first set up in all others; the other takes all of the first set, which decides the
    encoding, and removes the members of the others from it.
    """
    first, *others = sets
    existing = sum(map(bool, sets))
    if not any(first is other for other in others) and len(first) * existing // 2 > sum(map(len, sets)):
        result = Set.from_members(first, limits)
        for member in chain.from_iterable(others):
            result.remove(member)
        return result
    return Set.from_members(_difference(sets), limits)


def _store(client: Session, destination: bytes, result: Set, event: bytes) -> int:
    """Put *result* at *destination*, or nothing if it is empty; how many members it has."""
    client.db.store(destination, result, notifications.SET, event)
    return len(result)
