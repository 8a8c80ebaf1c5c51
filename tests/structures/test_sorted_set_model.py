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

from miniredis.structures import ordered_pairs
from miniredis.structures.sorted_set import LEX_MAX, LEX_MIN, LexBound, LexRange, ScoreRange, SortedSet

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
        patch.setattr(ordered_pairs, "CHUNK_MAX", 4)
        patch.setattr(ordered_pairs, "CHUNK_MIN", 2)
        patch.setattr(ordered_pairs, "CHUNK_BUILT", 3)
        yield


class SortedSetMachine(RuleBasedStateMachine):
    """Scores may all be equal, since only then a lex range is well defined."""

    def __init__(self) -> None:
        super().__init__()
        self.zset = SortedSet("skiplist")
        self.scores: dict[bytes, float] = {}
        self.one_score = False

    @initialize(pairs=st.dictionaries(MEMBERS, SCORES, max_size=60), one_score=st.booleans())
    def begin(self, pairs: dict[bytes, float], one_score: bool) -> None:
        self.one_score = one_score
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

    @rule(member=MEMBERS, score=SCORES)
    def add(self, member: bytes, score: float) -> None:
        score = 1.0 if self.one_score else score
        assert self.zset.add(member, score) is (member not in self.scores)
        self.scores[member] = score

    @rule(member=MEMBERS)
    def remove(self, member: bytes) -> None:
        assert self.zset.remove(member) is (self.scores.pop(member, None) is not None)

    @rule(start=RANKS, stop=RANKS)
    def remove_ranks(self, start: int, stop: int) -> None:
        expected = self.ordered()[max(start, 0) : max(stop, 0)]
        assert self.zset.remove_range_by_rank(start, stop) == expected
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

    @invariant()
    def everything_is_in_order(self) -> None:
        ordered = self.ordered()
        assert list(self.zset) == ordered
        assert list(reversed(self.zset)) == ordered[::-1]
        assert len(self.zset) == len(ordered)
        assert dict(self.zset.items()) == self.scores


TestSortedSetModel = SortedSetMachine.TestCase
TestSortedSetModel.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
