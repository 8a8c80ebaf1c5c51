"""The value of a sorted set: members that are unique, each with a score, in the order of (score, member).

As in Redis it is two structures over the same data: a dict answers "which score?" and an ordered sequence answers
"which rank?" and "who is between?". Every method changes both or neither, but for one thing: in a set that is not large
members get their places when somebody asks for the order (`_late` are those who wait for it). Where many are added, or
change their scores, before anybody does, to sort them all takes a fraction of what placing one after the other takes;
and where one was, it is placed as it would have been at once. In a large set nobody waits, for then whoever asks would
have to wait for all of them.

Ranges by score and by lex are first turned into ranks; reading, counting and removing a range are then each one
operation on ranks.
"""

from __future__ import annotations

from array import array
from collections.abc import ItemsView, Iterable, Iterator, Mapping
from math import inf, isnan
from typing import Final, Literal, NamedTuple, Protocol

from miniredis.structures.bucket_index import BucketIndex
from miniredis.structures.ordered_pairs import OrderedPairs, Pair

Encoding = Literal["listpack", "skiplist"]


LATE_MAX: Final = 1 << 14
"""Members up to which the order of a set may be put off: to sort so many takes some 8 milliseconds, on a busy machine
twice as many, and nobody should be held up for 20."""

_SORTED: Final = 8
"""Where more than one of so many has no place, all are sorted."""


class ScoreRange(NamedTuple):
    """The scores from `minimum` to `maximum`, each end included unless it is exclusive. Upside down means empty."""

    minimum: float = -inf
    maximum: float = inf
    min_exclusive: bool = False
    max_exclusive: bool = False


class LexBound(NamedTuple):
    """One end of a range of members: a member, included or not, or one of the two constants `LEX_MIN`, `LEX_MAX`."""

    member: bytes
    exclusive: bool = False
    infinity: int = 0  # -1: before every member, +1: after every member, 0: `member` counts


LEX_MIN: Final = LexBound(b"", infinity=-1)  # Redis writes it "-"
LEX_MAX: Final = LexBound(b"", infinity=+1)  # Redis writes it "+"


class LexRange(NamedTuple):
    """The members from `minimum` to `maximum`, compared as bytes."""

    minimum: LexBound = LEX_MIN
    maximum: LexBound = LEX_MAX

    def is_above_minimum(self, member: bytes) -> bool:
        """Whether the lower end lets *member* in."""
        bound, exclusive, infinity = self.minimum
        return infinity < 0 or (not infinity and (member > bound if exclusive else member >= bound))

    def is_below_maximum(self, member: bytes) -> bool:
        """Whether the upper end lets *member* in."""
        bound, exclusive, infinity = self.maximum
        return infinity > 0 or (not infinity and (member < bound if exclusive else member <= bound))


class SortedSetLimits(Protocol):
    """How far the listpack goes, in members and in bytes of a member, by the names of the directives."""

    @property
    def zset_max_listpack_entries(self) -> int: ...
    @property
    def zset_max_listpack_value(self) -> int: ...


class SortedSet:
    """Unique members in the order of (score, member). Ranks count from 0, ranges of ranks are half-open.

    Pairs come out as (member, score). A score is never NaN (ValueError). Costs, with n members and m of them returned
    or removed: `score` and `in` O(1); everything else O(log n + m), but for the first look at an order that was put
    off, which is O(n log n) in a set of at most `LATE_MAX`. Do not change the set while iterating over it.

    `encoding` is what OBJECT ENCODING says: a "listpack" becomes a "skiplist" when it outgrows the limits that are
    given when something is added, and never comes back. The structure is the same whatever it says, but two oddities of
    Redis depend on it: a "listpack" stores -0.0 as 0, and lex ranges over unequal scores (see
    `ranks_by_lex`).
    """

    __slots__ = ("_index", "_late", "_pairs", "_score_of", "encoding")

    type_name = b"zset"

    def __init__(self, encoding: Encoding = "listpack") -> None:
        self.encoding: Encoding = encoding
        self._score_of: dict[bytes, float] = {}
        self._pairs = OrderedPairs()
        self._late: dict[bytes, float | None] = {}
        """Who has changed since the pairs were put in order, and the score by which they stand there, if they do."""
        self._index: BucketIndex | None = None

    @classmethod
    def expecting(cls, added: int, longest: int, limits: SortedSetLimits) -> SortedSet:
        """An empty set in the encoding that suits so many members, the *longest* of so many bytes."""
        built = cls()
        built.expect(added, longest, limits)
        return built

    @classmethod
    def from_result(cls, score_of: Mapping[bytes, float], limits: SortedSetLimits) -> SortedSet:
        """Build what a command has computed: all at once, so that only what it came to be decides its encoding."""
        built = cls.expecting(len(score_of), max(map(len, score_of), default=0), limits)
        return cls.from_pairs(score_of.items(), built.encoding)

    @classmethod
    def from_pairs(
        cls, pairs: Iterable[Pair], encoding: Encoding = "listpack", *, has_negative_zero: bool = False
    ) -> SortedSet:
        """Build from (member, score) pairs in any order; of several scores for one member the last counts.

        *has_negative_zero*: a listpack keeps it, as one that was read does; what is put into one becomes 0.
        """
        built = cls(encoding)
        score_of = dict(pairs)
        if encoding == "listpack" and not has_negative_zero:
            score_of = {member: score or 0.0 for member, score in score_of.items()}
        built._score_of = score_of
        if any(map(isnan, score_of.values())):
            raise ValueError("a score cannot be NaN")
        built._pairs = _in_order(score_of)
        return built

    def copy(self) -> SortedSet:
        """One like it that shares nothing that can change."""
        twin = SortedSet(self.encoding)
        twin._score_of = self._score_of.copy()
        twin._pairs = self._order.copy()
        return twin

    def __len__(self) -> int:
        return len(self._score_of)

    def __contains__(self, member: object) -> bool:
        return member in self._score_of

    def __iter__(self) -> Iterator[Pair]:
        """Pairs from the lowest to the highest."""
        return iter(self._order)

    def __reversed__(self) -> Iterator[Pair]:
        return reversed(self._order)

    def __eq__(self, other: object) -> bool:
        """Equal members with equal scores; the encoding does not count."""
        return self._score_of == other._score_of if isinstance(other, SortedSet) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"<SortedSet of {len(self)}, {self.encoding}>"

    # One member

    def items(self) -> ItemsView[bytes, float]:
        """All (member, score) pairs in no particular order, for when the order would only cost time."""
        return self._score_of.items()

    def score(self, member: bytes) -> float | None:
        """The member's score; None if it is not in the set."""
        return self._score_of.get(member)

    def add(self, member: bytes, score: float, limits: SortedSetLimits | None = None) -> bool:
        """Add a member, or change its score; True if it is new. With *limits*, in the encoding that this calls for.

        An equal score changes nothing: -0.0 does not replace 0.0, as in Redis.
        """
        old = self._score_of.get(member)
        if self.encoding == "listpack":
            if old is None and limits is not None:
                self.expect(len(self._score_of) + 1, len(member), limits)
            if not score and self.encoding == "listpack":
                score = 0.0
        if old is None:
            if score != score:
                raise ValueError("a score cannot be NaN")
            self._put(member, None, score)
            if self._index is not None:
                self._index.add(member)
            return True
        if score != old:
            if score != score:
                raise ValueError("a score cannot be NaN")
            self._put(member, old, score)
        return False

    def put(self, member: bytes, score: float, limits: SortedSetLimits) -> float | None:
        """As :meth:`add`, of a score that is not NaN; the score that the member had, None if it is new."""
        old = self._score_of.get(member)
        if old is None:
            self.add(member, score, limits)
        elif score != old:
            if not score and self.encoding == "listpack":
                score = 0.0
            self._put(member, old, score)
        return old

    def _put(self, member: bytes, old: float | None, score: float) -> None:
        """Give a member its score; *old* is what it has, None if it is new."""
        score_of = self._score_of
        if len(score_of) < LATE_MAX:
            score_of[member] = score
            self._late.setdefault(member, old)
            return
        order = self._order  # nobody is late any more
        score_of[member] = score
        if old is None:
            order.insert(score, member)
        else:
            order.move(member, old, score)

    @property
    def _order(self) -> OrderedPairs:
        """All pairs in their places."""
        late = self._late
        if late:
            score_of = self._score_of
            if len(late) * _SORTED > len(score_of):
                self._pairs = _in_order(score_of)
                late.clear()
            while late:
                member, old = late.popitem()
                if old is None:
                    self._pairs.insert(score_of[member], member)
                else:
                    self._pairs.move(member, old, score_of[member])
        return self._pairs

    def expect(self, members: int, longest: int, limits: SortedSetLimits) -> None:
        """Leave the listpack if so many members, the *longest* of so many bytes, are too much for it."""
        if members > limits.zset_max_listpack_entries or longest > limits.zset_max_listpack_value:
            self.encoding = "skiplist"

    def remove(self, member: bytes) -> bool:
        """Remove a member; True if it was there."""
        score = self._score_of.pop(member, None)
        if score is None:
            return False
        placed = self._late.pop(member, score)
        if placed is not None:
            self._pairs.remove(placed, member)
        if self._index is not None:
            self._index.discard(member)
        return True

    def rank(self, member: bytes) -> int | None:
        """How many members come before this one; None if it is not in the set."""
        score = self._score_of.get(member)
        return None if score is None else self._order.rank(score, member)

    # Ranges as ranks

    def ranks_by_score(self, scores: ScoreRange) -> tuple[int, int]:
        """The half-open range of ranks whose scores are in the range; (r, r) if there are none."""
        start = self._order.rank_of_score(scores.minimum, after=scores.min_exclusive)
        stop = self._order.rank_of_score(scores.maximum, after=not scores.max_exclusive)
        return start, max(start, stop)

    def ranks_by_lex(self, members: LexRange, *, reverse: bool = False) -> tuple[int, int]:
        """The half-open range of ranks whose members are in the range; (r, r) if there are none.

        Meant for equal scores, and Redis leaves the rest unspecified. With unequal scores a listpack is walked as Redis
        walks it (from the end that `reverse` names, past what is not yet inside, on to the first outside); a skiplist
        is searched as though it were in the order of its members, which ends anywhere, in Redis as here. Both are
        empty if the first member is above the range, or the last below it.
        """
        if self._is_walked():
            return self._walk_lex(members, reverse)
        if not self._may_hold(members):
            return 0, 0
        start = self._rank_of_bound(members.minimum, after=members.minimum.exclusive)
        stop = self._rank_of_bound(members.maximum, after=not members.maximum.exclusive)
        return start, max(start, stop)

    def _rank_of_bound(self, bound: LexBound, *, after: bool) -> int:
        if bound.infinity:
            return 0 if bound.infinity < 0 else len(self)
        return self._order.rank_of_member(bound.member, after=after)

    def _may_hold(self, members: LexRange) -> bool:
        """Whether some member can be in the range, were they all in lexical order: Redis looks at both ends first."""
        size = len(self)
        if not size:
            return False
        first, last = self._order.slice(0, 1)[0][0], self._order.slice(size - 1, size)[0][0]
        return members.is_below_maximum(first) and members.is_above_minimum(last)

    def _is_walked(self) -> bool:
        """Whether a lex range has to be found as Redis finds it in a listpack whose scores are not equal."""
        if self.encoding == "skiplist" or not self:
            return False
        order = self._order
        return order.slice(0, 1)[0][1] != order.slice(len(order) - 1, len(order))[0][1]

    def _walk_lex(self, members: LexRange, reverse: bool, skipped: int = 0) -> tuple[int, int]:
        """The ranks of a lex range in a small set of unequal scores; `skipped` is a LIMIT's offset, which Redis steps
        over without looking whether that leaves the range."""
        if not self._may_hold(members):
            return 0, 0
        above = [members.is_above_minimum(member) for member, _ in self._order]
        below = [members.is_below_maximum(member) for member, _ in self._order]
        enters, stays = (below[::-1], above[::-1]) if reverse else (above, below)
        start = enters.index(True)
        if not stays[start]:
            return 0, 0
        start = min(start + skipped, len(stays))
        stop = stays.index(False, start) if False in stays[start:] else len(stays)
        return (len(stays) - stop, len(stays) - start) if reverse else (start, stop)

    # Ranges

    def by_rank(self, start: int, stop: int, *, reverse: bool = False) -> list[Pair]:
        """The pairs of ranks start..stop-1; with `reverse` ranks count from the highest pair, and it comes first."""
        if not reverse:
            return self._order.slice(start, stop)
        pairs = self._order.slice(len(self) - stop, len(self) - start)
        pairs.reverse()
        return pairs

    def by_score(self, scores: ScoreRange, *, offset: int = 0, count: int = -1, reverse: bool = False) -> list[Pair]:
        """The pairs whose scores are in the range, without the first `offset` of them, at most `count`.

        As with LIMIT, a negative count means all and a negative offset means none. `reverse` starts at the highest.
        """
        return self._limited(*self.ranks_by_score(scores), offset, count, reverse)

    def by_lex(self, members: LexRange, *, offset: int = 0, count: int = -1, reverse: bool = False) -> list[Pair]:
        """The pairs whose members are in the range; the rest as in `by_score`."""
        if offset > 0 and self._is_walked():
            return self._limited(*self._walk_lex(members, reverse, offset), 0, count, reverse)
        return self._limited(*self.ranks_by_lex(members, reverse=reverse), offset, count, reverse)

    def _limited(self, start: int, stop: int, offset: int, count: int, reverse: bool) -> list[Pair]:
        if offset < 0:
            return []
        if reverse:
            start, stop = len(self) - stop, len(self) - start
        start += offset
        if count >= 0:
            stop = min(stop, start + count)
        return self.by_rank(start, stop, reverse=reverse)

    def count_by_score(self, scores: ScoreRange) -> int:
        """How many scores are in the range."""
        start, stop = self.ranks_by_score(scores)
        return stop - start

    def count_by_lex(self, members: LexRange) -> int:
        """How many members are in the range; see `ranks_by_lex`."""
        start, stop = self.ranks_by_lex(members)
        return stop - start

    # Removing ranges

    def remove_range_by_rank(self, start: int, stop: int) -> list[Pair]:
        """Remove the pairs of ranks start..stop-1 and return them in order."""
        removed = self._order.remove_slice(start, stop)
        for member, _ in removed:
            del self._score_of[member]
            if self._index is not None:
                self._index.discard(member)
        return removed

    def remove_range_by_score(self, scores: ScoreRange) -> list[Pair]:
        """Remove the pairs whose scores are in the range and return them in order."""
        return self.remove_range_by_rank(*self.ranks_by_score(scores))

    def remove_range_by_lex(self, members: LexRange) -> list[Pair]:
        """Remove the pairs whose members are in the range and return them in order; see `ranks_by_lex`."""
        return self.remove_range_by_rank(*self.ranks_by_lex(members))

    def pop_min(self, count: int = 1) -> list[Pair]:
        """Remove up to `count` of the lowest pairs and return them, the lowest first."""
        return self.remove_range_by_rank(0, count)

    def pop_max(self, count: int = 1) -> list[Pair]:
        """Remove up to `count` of the highest pairs and return them, the highest first."""
        removed = self.remove_range_by_rank(len(self) - count, len(self))
        removed.reverse()
        return removed

    # Iterating in steps

    def scan(self, cursor: int, wanted: int) -> tuple[int, list[Pair]]:
        """The next pairs for ZSCAN, and the cursor to go on with, as :meth:`BucketIndex.scan`.

        The first call builds the index, which is then kept up.
        """
        if self._index is None:
            self._index = BucketIndex(self._score_of)
        following, found = self._index.scan(cursor, wanted)
        return following, [(member, self._score_of[member]) for member in found]


def _in_order(score_of: dict[bytes, float]) -> OrderedPairs:
    """All of them, from the lowest to the highest."""
    # Sorting twice by simple keys (the second sort is stable) takes half the time of sorting tuples.
    members = sorted(score_of)
    members.sort(key=score_of.__getitem__)
    return OrderedPairs.from_sorted(array("d", map(score_of.__getitem__, members)), members)
