"""Union, intersection and difference of sorted sets, to be returned, stored or counted.

Sets can take part as well: each of their members has the score 1. The inputs of a union or an intersection are gone
through from the smallest to the largest, as in Redis, since the order decides the last digit of a sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice, repeat
from typing import Final, TypeAlias

from miniredis.commands.sorted_sets import scored_reply
from miniredis.engine import errors, notifications
from miniredis.engine.arguments import double, integer, positive_integer
from miniredis.engine.command import command, key_count, key_range
from miniredis.engine.record import record
from miniredis.engine.session import Session
from miniredis.resp.types import Error, Reply
from miniredis.structures.ordered_pairs import Pair
from miniredis.structures.set import Set
from miniredis.structures.sorted_set import SortedSet

Aggregate: TypeAlias = Callable[[float, float], float]


def _sum(total: float, score: float) -> float:
    total += score
    return total if total == total else 0.0  # inf and -inf make 0


def _minimum(least: float, score: float) -> float:
    return score if score < least else least


def _maximum(greatest: float, score: float) -> float:
    return score if score > greatest else greatest


_AGGREGATES: Final[dict[bytes, Aggregate]] = {b"SUM": _sum, b"MIN": _minimum, b"MAX": _maximum}


@record
class Input:
    """One of the sets that take part; None where there is no key."""

    value: SortedSet | Set | None
    weight: float = 1.0

    def size(self) -> int:
        """How many members it has."""
        return 0 if self.value is None else len(self.value)

    def items(self) -> Iterable[Pair]:
        """Members and scores, before weighting."""
        if self.value is None:
            return ()
        if isinstance(self.value, SortedSet):
            return self.value.items()
        return zip(self.value.members, repeat(1.0), strict=False)

    def score(self, member: bytes) -> float | None:
        """The score of *member*, before weighting; None if it is not there."""
        if isinstance(self.value, SortedSet):
            return self.value.score(member)
        return 1.0 if self.value is not None and member in self.value.members else None


@record
class Operands:
    """What a command is given: its inputs, and the options that it knows."""

    inputs: list[Input]
    aggregate: Aggregate = _sum
    with_scores: bool = False
    limit: int = 0


_UNION_OPTIONS: Final = frozenset({b"WEIGHTS", b"AGGREGATE"})
_WITH_SCORES: Final = frozenset({b"WITHSCORES"})
_LIMIT: Final = frozenset({b"LIMIT"})
_NONE: Final[frozenset[bytes]] = frozenset()


def _parse_operands(client: Session, argv: list[bytes], name: str, position: int, known: frozenset[bytes]) -> Operands:
    """Read ``numkeys key [key ...]`` at *position* and the *known* options that follow, for the command *name*.

    As in Redis, the keys are looked up before the options are read.
    """
    numkeys = integer(argv[position])
    if numkeys < 1:
        raise Error(f"ERR at least 1 input key is needed for '{name}' command")
    keys = argv[position + 1 : position + 1 + numkeys]
    if len(keys) < numkeys:
        raise errors.syntax_error()
    operands = Operands([_read_input(client, key) for key in keys])
    _parse_options(client, argv, position + 1 + numkeys, known, operands)
    return operands


def _read_input(client: Session, key: bytes) -> Input:
    value = client.db.read(key)
    if value is not None and not isinstance(value, (SortedSet, Set)):
        raise errors.wrong_type()
    return Input(value)


def _parse_options(
    client: Session, argv: list[bytes], position: int, known: frozenset[bytes], operands: Operands
) -> None:
    while position < len(argv):
        token = argv[position].upper()
        if token not in known:
            raise errors.syntax_error()
        wanted = 0 if token == b"WITHSCORES" else len(operands.inputs) if token == b"WEIGHTS" else 1
        values = argv[position + 1 : position + 1 + wanted]
        if len(values) < wanted:
            raise errors.syntax_error()
        position += 1 + wanted
        if token == b"WEIGHTS":
            weights = [double(text, client.engine, "ERR weight value is not a float") for text in values]
            operands.inputs = [Input(each.value, weight) for each, weight in zip(operands.inputs, weights, strict=True)]
        elif token == b"AGGREGATE":
            if values[0].upper() not in _AGGREGATES:
                raise errors.syntax_error()
            operands.aggregate = _AGGREGATES[values[0].upper()]
        elif token == b"LIMIT":
            operands.limit = positive_integer(values[0], "ERR LIMIT can't be negative")
        else:
            operands.with_scores = True


# Computing


def _union(operands: Operands) -> dict[bytes, float]:
    aggregate = operands.aggregate
    scores: dict[bytes, float] = {}
    for each in sorted(operands.inputs, key=Input.size):
        for member, unweighted in each.items():
            score = _weighted(unweighted, each.weight)
            scores[member] = aggregate(scores[member], score) if member in scores else score
    return scores


def _intersection(operands: Operands) -> Iterator[Pair]:
    first, *others = sorted(operands.inputs, key=Input.size)
    for member, unweighted in first.items():
        score = _weighted(unweighted, first.weight)
        for other in others:
            found = other.score(member)
            if found is None:
                break
            score = operands.aggregate(score, found * other.weight)
        else:
            yield member, score


def _difference(operands: Operands) -> dict[bytes, float]:
    first, *others = operands.inputs
    return {member: score for member, score in first.items() if all(other.score(member) is None for other in others)}


def _weighted(score: float, weight: float) -> float:
    """The product, where that of infinity and 0 is 0."""
    score *= weight
    return score if score == score else 0.0


# Replying and storing


def _reply(client: Session, scores: dict[bytes, float], operands: Operands) -> list[Reply]:
    """Members in the order of their *scores*, and those if asked for."""
    pairs = list(SortedSet.from_pairs(scores.items(), "skiplist"))
    return scored_reply(client, pairs) if operands.with_scores else [member for member, _ in pairs]


def _store(client: Session, destination: bytes, scores: dict[bytes, float], event: bytes) -> int:
    """Store the result of *scores* at *destination*, or nothing if there are none; how many members it has."""
    result = SortedSet.from_result(scores, client.engine.config)
    client.db.store(destination, result, notifications.ZSET, event)
    return len(result)


# The commands


@command(
    "ZUNION numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]",
    arity=-3,
    summary="Returns the union of multiple sorted sets.",
    since="6.2.0",
    group="sorted-set",
    complexity=(
        "O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of"
        " elements in the resulting sorted set."
    ),
    flags="readonly",
    categories="sortedset",
    keys=[key_count("RO access", 1)],
    names=["aggregate"],
)
def zunion(client: Session, argv: list[bytes]) -> Reply:
    operands = _parse_operands(client, argv, "zunion", 1, _UNION_OPTIONS | _WITH_SCORES)
    return _reply(client, _union(operands), operands)


@command(
    "ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]",
    arity=-4,
    summary="Stores the union of multiple sorted sets in a key.",
    since="2.0.0",
    group="sorted-set",
    complexity=(
        "O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of"
        " elements in the resulting sorted set."
    ),
    flags="write denyoom",
    categories="sortedset",
    keys=[key_range("OW update", 1), key_count("RO access", 2)],
    names=["aggregate"],
)
def zunionstore(client: Session, argv: list[bytes]) -> Reply:
    operands = _parse_operands(client, argv, "zunionstore", 2, _UNION_OPTIONS)
    return _store(client, argv[1], _union(operands), b"zunionstore")


@command(
    "ZINTER numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]",
    arity=-3,
    summary="Returns the intersect of multiple sorted sets.",
    since="6.2.0",
    group="sorted-set",
    complexity=(
        "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted"
        " sets and M being the number of elements in the resulting sorted set."
    ),
    flags="readonly",
    categories="sortedset",
    keys=[key_count("RO access", 1)],
    names=["aggregate"],
)
def zinter(client: Session, argv: list[bytes]) -> Reply:
    operands = _parse_operands(client, argv, "zinter", 1, _UNION_OPTIONS | _WITH_SCORES)
    return _reply(client, dict(_intersection(operands)), operands)


@command(
    "ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]",
    arity=-4,
    summary="Stores the intersect of multiple sorted sets in a key.",
    since="2.0.0",
    group="sorted-set",
    complexity=(
        "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted"
        " sets and M being the number of elements in the resulting sorted set."
    ),
    flags="write denyoom",
    categories="sortedset",
    keys=[key_range("OW update", 1), key_count("RO access", 2)],
    names=["aggregate"],
)
def zinterstore(client: Session, argv: list[bytes]) -> Reply:
    operands = _parse_operands(client, argv, "zinterstore", 2, _UNION_OPTIONS)
    return _store(client, argv[1], dict(_intersection(operands)), b"zinterstore")


@command(
    "ZINTERCARD numkeys key [key ...] [LIMIT limit]",
    arity=-3,
    summary="Returns the number of members of the intersect of multiple sorted sets.",
    since="7.0.0",
    group="sorted-set",
    complexity="O(N*K) worst case with N being the smallest input sorted set, K being the number of input sorted sets.",
    flags="readonly",
    categories="sortedset",
    keys=[key_count("RO access", 1)],
)
def zintercard(client: Session, argv: list[bytes]) -> Reply:
    operands = _parse_operands(client, argv, "zintercard", 1, _LIMIT)
    return len(list(islice(_intersection(operands), operands.limit or None)))


@command(
    "ZDIFF numkeys key [key ...] [WITHSCORES]",
    arity=-3,
    summary="Returns the difference between multiple sorted sets.",
    since="6.2.0",
    group="sorted-set",
    complexity=(
        "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the"
        " first set, and K is the size of the result set."
    ),
    flags="readonly",
    categories="sortedset",
    keys=[key_count("RO access", 1)],
)
def zdiff(client: Session, argv: list[bytes]) -> Reply:
    operands = _parse_operands(client, argv, "zdiff", 1, _WITH_SCORES)
    return _reply(client, _difference(operands), operands)


@command(
    "ZDIFFSTORE destination numkeys key [key ...]",
    arity=-4,
    summary="Stores the difference of multiple sorted sets in a key.",
    since="6.2.0",
    group="sorted-set",
    complexity=(
        "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the"
        " first set, and K is the size of the result set."
    ),
    flags="write denyoom",
    categories="sortedset",
    keys=[key_range("OW update", 1), key_count("RO access", 2)],
)
def zdiffstore(client: Session, argv: list[bytes]) -> Reply:
    operands = _parse_operands(client, argv, "zdiffstore", 2, _NONE)
    return _store(client, argv[1], _difference(operands), b"zdiffstore")
