"""The sorted set does, step by step, what a list that is sorted anew each time would do.

Chunks are made tiny, so that a few dozen members are enough to split, merge and drop many of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from miniredis.structures import ordered_pairs, sorted_set
from miniredis.structures.sorted_set import LEX_MAX, LEX_MIN, LexBound, LexRange, ScoreRange, SortedSet
from tests.structures.test_sorted_set import Limits

Pair = tuple[bytes, float]

MEMBERS = st.integers(0, 60).map(lambda number: b"%d" % number)
SCORES = st.sampled_from([-inf, -1.5, -0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 1e300, inf])
SCORE_RANGES = st.builds(ScoreRange, SCORES, SCORES, st.booleans(), st.booleans())
LEX_BOUNDS = st.just(LEX_MIN) | st.just(LEX_MAX) | st.builds(LexBound, MEMBERS, st.booleans())
LEX_RANGES = st.builds(LexRange, LEX_BOUNDS, LEX_BOUNDS)
RANKS = st.integers(-2, 70)


@pytest.fixture(autouse=True, scope="module")
def tiny_chunks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordered_pairs, "CHUNK_MAX", 6)
        patch.setattr(ordered_pairs, "CHUNK_MIN", 2)
        patch.setattr(ordered_pairs, "CHUNK_BUILT", 4)
        yield


def assert_chunks_are_well_filled(zset: SortedSet) -> None:
    *lengths, last = map(len, zset._pairs._members)
    assert all(2 <= length <= 6 for length in lengths)
    assert last <= 6  # a bulk build may leave the last one short
    assert last > 0 or not lengths


@pytest.mark.parametrize("size", range(30))
def test_any_range_can_be_removed_from_a_set_of_any_size(size: int) -> None:
    members = [b"%02d" % number for number in range(size)]
    for start in range(size):
        for stop in range(start, size + 1):
            zset = SortedSet.from_pairs((member, 0.0) for member in members)
            zset.remove_range_by_rank(start, stop)
            left = members[:start] + members[stop:]
            assert [zset.rank(member) for member in left] == list(range(len(left)))
            assert_chunks_are_well_filled(zset)


def test_a_zero_that_was_another_number_meanwhile_has_its_new_sign() -> None:
    zset = SortedSet.from_pairs([(b"%d" % number, float(number)) for number in range(1, 20)], "skiplist")
    zset.add(b"zero", -0.0)
    assert repr(next(iter(zset))) == "(b'zero', -0.0)"
    zset.add(b"zero", 5.0)
    zset.add(b"zero", 0.0)
    assert repr(next(iter(zset))) == "(b'zero', 0.0)"


def test_a_set_that_becomes_large_puts_nothing_off_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorted_set, "LATE_MAX", 4)
    for last, score in ((b"d", 0.0), (b"e", 0.0), (b"a", 9.0)):
        zset = SortedSet("skiplist")
        for member in (b"a", b"b", b"c", b"d"):
            zset.add(member, 1.0)
        assert zset._late
        zset.add(last, score)
        assert not zset._late
        assert [member for member, _ in zset] == sorted(
            {b"a", b"b", b"c", b"d", last}, key=lambda member: (score if member == last else 1.0, member)
        )


class SortedSetMachine(RuleBasedStateMachine):
    """Scores may all be equal, since only then a lex range is well defined.

    Order and ranks may be asked for after every step or only now and then, since the index by rank is kept up only
    while it is asked for, and members get their places when the order is asked for, as long as there are few of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.zset = SortedSet("skiplist")
        self.scores: dict[bytes, float] = {}
        self.one_score = False
        self.ranks_are_watched = self.order_is_watched = False
        self.patch = pytest.MonkeyPatch()

    @initialize(
        pairs=st.dictionaries(MEMBERS, SCORES, max_size=60),
        one_score=st.booleans(),
        order_is_watched=st.booleans(),
        ranks_are_watched=st.booleans(),
        late_max=st.sampled_from([0, 5, 10, 20, 1000]),
        sorted_from=st.sampled_from([1, 8, 1000]),
    )
    def begin(
        self,
        pairs: dict[bytes, float],
        one_score: bool,
        order_is_watched: bool,
        ranks_are_watched: bool,
        late_max: int,
        sorted_from: int,
    ) -> None:
        self.one_score = one_score
        self.order_is_watched = order_is_watched
        self.ranks_are_watched = order_is_watched and ranks_are_watched
        self.patch.setattr(sorted_set, "LATE_MAX", late_max)
        self.patch.setattr(sorted_set, "_SORTED", sorted_from)
        self.scores = dict.fromkeys(pairs, 1.0) if one_score else pairs
        self.zset = SortedSet.from_pairs(self.scores.items(), "skiplist")

    def ordered(self) -> list[Pair]:
        return sorted(self.scores.items(), key=lambda pair: (pair[1], pair[0]))

    def within(self, scores: ScoreRange) -> list[Pair]:
        low, high, above, below = scores
        return [
            (member, score)
            for member, score in self.ordered()
            if (low < score if above else low <= score) and (score < high if below else score <= high)
        ]

    def between(self, members: LexRange) -> list[Pair]:
        def key(bound: LexBound) -> tuple[int, bytes]:
            return (bound.infinity, bound.member)

        low, high = members
        return [
            (member, score)
            for member, score in self.ordered()
            if (key(low) < (0, member) or (not low.exclusive and key(low) == (0, member)))
            and ((0, member) < key(high) or (not high.exclusive and key(high) == (0, member)))
        ]

    def forget(self, removed: list[Pair]) -> None:
        for member, _ in removed:
            del self.scores[member]

    @rule(pairs=st.lists(st.tuples(MEMBERS, SCORES), max_size=20))
    def add(self, pairs: list[Pair]) -> None:
        for member, score in pairs:
            score = 1.0 if self.one_score else score
            assert self.zset.add(member, score) is (member not in self.scores)
            if self.scores.get(member) != score:  # -0.0 does not replace 0.0
                self.scores[member] = score

    @rule(members=st.lists(MEMBERS, max_size=20))
    def remove(self, members: list[bytes]) -> None:
        for member in members:
            assert self.zset.remove(member) is (self.scores.pop(member, None) is not None)

    @rule(start=st.integers(0, 60), count=st.integers(0, 5))
    def remove_neighbours_one_by_one(self, start: int, count: int) -> None:
        for member, _ in self.ordered()[start : start + count]:
            assert self.zset.remove(member)
            del self.scores[member]

    @rule(start=RANKS, count=st.integers(-1, 12))
    def remove_ranks(self, start: int, count: int) -> None:
        expected = self.ordered()[max(start, 0) : max(start + count, 0)]
        assert self.zset.remove_range_by_rank(start, start + count) == expected
        self.forget(expected)

    @rule(scores=SCORE_RANGES)
    def remove_scores(self, scores: ScoreRange) -> None:
        expected = self.within(scores)
        assert self.zset.remove_range_by_score(scores) == expected
        self.forget(expected)

    @rule(members=LEX_RANGES)
    def remove_lex(self, members: LexRange) -> None:
        if self.one_score:
            expected = self.between(members)
            assert self.zset.remove_range_by_lex(members) == expected
            self.forget(expected)

    @rule(count=st.integers(0, 9), highest=st.booleans())
    def pop(self, count: int, highest: bool) -> None:
        expected = self.ordered()[::-1][:count] if highest else self.ordered()[:count]
        assert (self.zset.pop_max(count) if highest else self.zset.pop_min(count)) == expected
        self.forget(expected)

    @rule()
    def go_on_with_a_copy(self) -> None:
        original, self.zset = self.zset, self.zset.copy()
        original.remove_range_by_rank(0, len(original))

    @rule(start=RANKS, stop=RANKS, reverse=st.booleans())
    def read_ranks(self, start: int, stop: int, reverse: bool) -> None:
        ordered = self.ordered()[::-1] if reverse else self.ordered()
        assert self.zset.by_rank(start, stop, reverse=reverse) == ordered[max(start, 0) : max(stop, 0)]

    @rule(scores=SCORE_RANGES, offset=st.integers(0, 5), count=st.integers(-1, 9), reverse=st.booleans())
    def read_scores(self, scores: ScoreRange, offset: int, count: int, reverse: bool) -> None:
        within = self.within(scores)
        assert self.zset.count_by_score(scores) == len(within)
        expected = (within[::-1] if reverse else within)[offset:][: None if count < 0 else count]
        assert self.zset.by_score(scores, offset=offset, count=count, reverse=reverse) == expected

    @rule(members=LEX_RANGES, offset=st.integers(0, 5), count=st.integers(-1, 9), reverse=st.booleans())
    def read_lex(self, members: LexRange, offset: int, count: int, reverse: bool) -> None:
        found = self.zset.by_lex(members, offset=offset, count=count, reverse=reverse)
        if self.one_score:
            between = self.between(members)
            assert self.zset.count_by_lex(members) == len(between)
            assert found == (between[::-1] if reverse else between)[offset:][: None if count < 0 else count]

    @rule(member=MEMBERS)
    def ask_for_a_rank(self, member: bytes) -> None:
        expected = [each for each, _ in self.ordered()].index(member) if member in self.scores else None
        assert self.zset.rank(member) == expected

    @rule(pairs=st.lists(st.tuples(MEMBERS, SCORES), max_size=20))
    def put(self, pairs: list[Pair]) -> None:
        for member, score in pairs:
            score = 1.0 if self.one_score else score
            assert self.zset.put(member, score, Limits()) == self.scores.get(member)
            if self.scores.get(member) != score:
                self.scores[member] = score

    @invariant()
    def everything_is_there(self) -> None:
        assert len(self.zset) == len(self.scores)
        assert repr(sorted(self.zset.items())) == repr(sorted(self.scores.items()))
        if self.order_is_watched:
            self.everything_is_in_order()

    @rule()
    def everything_is_in_order(self) -> None:
        ordered = self.ordered()
        assert repr(list(self.zset)) == repr(ordered)
        assert list(reversed(self.zset)) == ordered[::-1]

    def teardown(self) -> None:
        self.everything_is_in_order()
        self.patch.undo()

    @invariant()
    def every_rank_is_right(self) -> None:
        if self.ranks_are_watched:
            for rank, pair in enumerate(self.ordered()):
                assert self.zset.rank(pair[0]) == rank
                assert self.zset.by_rank(rank, rank + 1) == [pair]

    @invariant()
    def no_chunk_is_too_long_or_too_short(self) -> None:
        assert_chunks_are_well_filled(self.zset)


TestSortedSetModel = SortedSetMachine.TestCase
TestSortedSetModel.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
