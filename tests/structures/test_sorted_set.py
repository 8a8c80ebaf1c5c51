"""The sorted set by example: orders and ranges as Redis 7.0 returns them."""

from __future__ import annotations

from dataclasses import dataclass
from math import copysign, inf, nan

import pytest

from miniredis.structures.sorted_set import LEX_MAX, LEX_MIN, Encoding, LexBound, LexRange, ScoreRange, SortedSet

PAIRS = [(b"y", -inf), (b"a", 1.0), (b"a2", 2.0), (b"b", 2.0), (b"z", inf)]  # in the order of the sorted set


@pytest.fixture
def zset() -> SortedSet:
    return SortedSet.from_pairs(reversed(PAIRS))


@pytest.fixture
def letters() -> SortedSet:
    return SortedSet.from_pairs((bytes((letter,)), 0.0) for letter in b"dcba")


def members(pairs: list[tuple[bytes, float]]) -> list[bytes]:
    return [member for member, _ in pairs]


def included(member: bytes) -> LexBound:
    return LexBound(member)


def excluded(member: bytes) -> LexBound:
    return LexBound(member, exclusive=True)


def is_negative(score: float | None) -> bool:
    assert score is not None
    return copysign(1, score) < 0


class TestOrder:
    def test_equal_scores_are_ordered_by_member(self, zset: SortedSet) -> None:
        assert list(zset) == PAIRS
        assert list(reversed(zset)) == PAIRS[::-1]

    def test_members_are_compared_as_bytes(self) -> None:
        zset = SortedSet.from_pairs([(b"\xff", 0.0), (b"", 0.0), (b"ab", 0.0), (b"B", 0.0), (b"a", 0.0)])
        assert members(list(zset)) == [b"", b"B", b"a", b"ab", b"\xff"]

    def test_a_rank_counts_the_members_before(self, zset: SortedSet) -> None:
        assert [zset.rank(member) for member, _ in PAIRS] == [0, 1, 2, 3, 4]
        assert zset.rank(b"nobody") is None

    def test_a_new_score_moves_a_member(self, zset: SortedSet) -> None:
        assert zset.add(b"a", 5.0) is False
        assert zset.rank(b"a") == 3
        assert zset.score(b"a") == 5.0
        assert len(zset) == 5

    def test_add_and_remove_say_whether_they_changed_the_membership(self, zset: SortedSet) -> None:
        assert zset.add(b"new", 0.0) is True
        assert zset.remove(b"new") is True
        assert zset.remove(b"new") is False
        assert b"new" not in zset
        assert zset.score(b"new") is None


class TestScores:
    def test_nan_is_refused_and_changes_nothing(self, zset: SortedSet) -> None:
        for member in (b"a", b"new"):
            with pytest.raises(ValueError, match="NaN"):
                zset.add(member, nan)
        with pytest.raises(ValueError, match="NaN"):
            SortedSet.from_pairs([(b"a", nan)])
        assert list(zset) == PAIRS

    def test_a_skiplist_keeps_the_sign_of_zero(self) -> None:
        zset = SortedSet("skiplist")
        zset.add(b"a", -0.0)
        assert is_negative(zset.score(b"a"))
        assert is_negative(zset.by_rank(0, 1)[0][1])

    def test_a_listpack_stores_negative_zero_as_the_integer_zero(self) -> None:
        zset = SortedSet("listpack")
        zset.add(b"a", -0.0)
        assert not is_negative(zset.score(b"a"))
        assert not is_negative(SortedSet.from_pairs([(b"a", -0.0)], "listpack").score(b"a"))

    def test_zero_does_not_replace_negative_zero_because_they_are_equal(self) -> None:
        zset = SortedSet("skiplist")
        zset.add(b"a", -0.0)
        zset.add(b"a", 0.0)
        assert is_negative(zset.score(b"a"))

    def test_zeros_of_both_signs_are_ordered_by_member(self) -> None:
        zset = SortedSet.from_pairs([(b"b", -0.0), (b"a", 0.0), (b"c", 0.0)], "skiplist")
        assert members(list(zset)) == [b"a", b"b", b"c"]
        assert zset.count_by_score(ScoreRange(0.0, -0.0)) == 3

    def test_the_last_of_several_scores_for_a_member_counts_in_a_bulk_build(self) -> None:
        assert list(SortedSet.from_pairs([(b"a", 3.0), (b"b", 2.0), (b"a", 1.0)])) == [(b"a", 1.0), (b"b", 2.0)]


class TestRangesByRank:
    def test_ranges_are_half_open(self, zset: SortedSet) -> None:
        assert zset.by_rank(1, 3) == [(b"a", 1.0), (b"a2", 2.0)]
        assert zset.by_rank(3, 1) == []

    def test_ranks_outside_the_set_hold_nothing(self, zset: SortedSet) -> None:
        assert zset.by_rank(-5, 1) == [(b"y", -inf)]
        assert zset.by_rank(4, 100) == [(b"z", inf)]
        assert zset.by_rank(5, 100) == []

    def test_reverse_counts_from_the_highest(self, zset: SortedSet) -> None:
        assert members(zset.by_rank(1, 4, reverse=True)) == [b"b", b"a2", b"a"]
        assert members(zset.by_rank(0, 100, reverse=True)) == [b"z", b"b", b"a2", b"a", b"y"]


class TestRangesByScore:
    def test_ends_are_included_unless_exclusive(self, zset: SortedSet) -> None:
        assert members(zset.by_score(ScoreRange(1, 2))) == [b"a", b"a2", b"b"]
        assert members(zset.by_score(ScoreRange(1, inf, min_exclusive=True))) == [b"a2", b"b", b"z"]
        assert members(zset.by_score(ScoreRange(-inf, 2, max_exclusive=True))) == [b"y", b"a"]
        assert members(zset.by_score(ScoreRange(-inf, inf, True, True))) == [b"a", b"a2", b"b"]

    def test_a_range_upside_down_is_empty(self, zset: SortedSet) -> None:
        assert zset.by_score(ScoreRange(3, 1)) == []
        assert zset.count_by_score(ScoreRange(3, 1)) == 0
        assert zset.count_by_score(ScoreRange(2, 2, min_exclusive=True)) == 0

    def test_a_limit_is_counted_from_the_end_where_the_range_begins(self, zset: SortedSet) -> None:
        assert members(zset.by_score(ScoreRange(), offset=3)) == [b"b", b"z"]
        assert members(zset.by_score(ScoreRange(1, 2), offset=1, count=1, reverse=True)) == [b"a2"]
        assert members(zset.by_score(ScoreRange(1, 2), count=2, reverse=True)) == [b"b", b"a2"]
        assert zset.by_score(ScoreRange(1, 2), offset=7) == []
        assert zset.by_score(ScoreRange(), count=0) == []

    def test_a_negative_offset_returns_nothing_and_a_negative_count_everything(self, zset: SortedSet) -> None:
        assert zset.by_score(ScoreRange(), offset=-1, count=5) == []
        assert zset.by_score(ScoreRange(), count=-5) == PAIRS

    def test_a_range_between_two_scores_is_an_empty_range_of_ranks_at_that_place(self, zset: SortedSet) -> None:
        assert zset.ranks_by_score(ScoreRange(1.2, 1.8)) == (2, 2)


class TestRangesByLex:
    def test_ends_are_included_unless_exclusive(self, letters: SortedSet) -> None:
        assert members(letters.by_lex(LexRange(excluded(b"a"), included(b"c")))) == [b"b", b"c"]
        assert members(letters.by_lex(LexRange(included(b"b"), excluded(b"d")))) == [b"b", b"c"]
        assert letters.count_by_lex(LexRange(LEX_MIN, included(b"bb"))) == 2

    def test_minus_and_plus_are_beyond_all_members(self, letters: SortedSet) -> None:
        assert members(letters.by_lex(LexRange())) == [b"a", b"b", b"c", b"d"]
        assert letters.by_lex(LexRange(LEX_MAX, LEX_MIN)) == []
        assert letters.by_lex(LexRange(LEX_MAX, LEX_MAX)) == []

    def test_a_limit_is_counted_from_the_end_where_the_range_begins(self, letters: SortedSet) -> None:
        assert members(letters.by_lex(LexRange(excluded(b"b"), LEX_MAX), offset=1, count=1, reverse=True)) == [b"c"]

    def test_an_empty_set_has_no_range(self) -> None:
        assert SortedSet().by_lex(LexRange()) == []
        assert SortedSet().ranks_by_lex(LexRange()) == (0, 0)

    # Redis does not say what a lex range over unequal scores is, but a small set answers the same every time.

    @pytest.mark.parametrize(
        ("low", "high", "reverse", "expected"),
        [
            (b"b", b"c", False, [b"c", b"a", b"b"]),  # once inside, Redis looks only at the end it is heading for
            (b"b", b"c", True, [b"b"]),
            (b"a", b"b", False, []),  # the very first member, c, is beyond b: Redis gives up
            (b"a", b"b", True, []),
        ],
    )
    def test_a_listpack_with_unequal_scores_is_walked_in_its_own_order(
        self, low: bytes, high: bytes, reverse: bool, expected: list[bytes]
    ) -> None:
        zset = SortedSet.from_pairs([(b"c", 0.0), (b"a", 2.0), (b"b", 3.0)])
        assert members(zset.by_lex(LexRange(included(low), included(high)), reverse=reverse)) == expected

    def test_an_offset_may_step_over_members_that_are_outside(self) -> None:
        zset = SortedSet.from_pairs([(b"c", 0.0), (b"", 2.0), (b"db", inf)])
        beyond_the_empty_one = LexRange(excluded(b""), LEX_MAX)
        assert members(zset.by_lex(beyond_the_empty_one, reverse=True)) == [b"db"]
        assert members(zset.by_lex(beyond_the_empty_one, reverse=True, offset=2)) == [b"c"]

    def test_a_skiplist_with_unequal_scores_answers_with_something(self) -> None:
        zset = SortedSet.from_pairs(((b"%d" % (i * 7919 % 5000), float(i)) for i in range(5000)), "skiplist")
        some = LexRange(included(b"2"), excluded(b"4"))
        assert zset.count_by_lex(some) == len(zset.by_lex(some)) == len(zset.by_lex(some, reverse=True))


class TestRemoving:
    def test_ranges_are_removed_and_returned_in_order(self, zset: SortedSet) -> None:
        assert zset.remove_range_by_rank(1, 3) == [(b"a", 1.0), (b"a2", 2.0)]
        assert zset.remove_range_by_score(ScoreRange(2, inf)) == [(b"b", 2.0), (b"z", inf)]
        assert list(zset) == [(b"y", -inf)]

    def test_a_lex_range_is_removed(self, letters: SortedSet) -> None:
        assert members(letters.remove_range_by_lex(LexRange(excluded(b"a"), excluded(b"d")))) == [b"b", b"c"]
        assert members(list(letters)) == [b"a", b"d"]

    def test_popping_begins_at_the_named_end(self, zset: SortedSet) -> None:
        assert zset.pop_min() == [(b"y", -inf)]
        assert zset.pop_max(2) == [(b"z", inf), (b"b", 2.0)]
        assert zset.pop_max(0) == []
        assert zset.pop_min(100) == [(b"a", 1.0), (b"a2", 2.0)]
        assert not zset


class TestValue:
    def test_a_copy_is_independent_and_keeps_the_encoding(self, zset: SortedSet) -> None:
        zset.encoding = "skiplist"
        twin = zset.copy()
        twin.remove(b"a")
        twin.add(b"new", 1.0)
        assert list(zset) == PAIRS
        assert twin.encoding == "skiplist"
        assert list(twin) == [(b"y", -inf), (b"new", 1.0), *PAIRS[2:]]

    def test_sets_are_equal_by_content_whatever_their_encoding(self, zset: SortedSet) -> None:
        assert zset == SortedSet.from_pairs(PAIRS, "skiplist")
        assert zset != SortedSet.from_pairs(PAIRS[1:])

    def test_items_come_in_any_order(self, zset: SortedSet) -> None:
        assert dict(zset.items()) == dict(PAIRS)


def test_a_large_set_ranks_every_member_after_many_changes() -> None:
    zset = SortedSet.from_pairs((b"%06d" % i, float(i * 7919 % 100_003)) for i in range(30_000))
    for i in range(0, 30_000, 3):
        zset.remove(b"%06d" % i)
    for i in range(0, 30_000, 5):
        zset.add(b"%06d" % i, float(i))
    expected = sorted(zset.items(), key=lambda pair: (pair[1], pair[0]))
    assert list(zset) == expected
    assert [zset.rank(member) for member, _ in expected] == list(range(len(expected)))
    assert zset.by_rank(12_345, 12_355) == expected[12_345:12_355]


@dataclass(frozen=True)
class Limits:
    """A listpack of at most three members of at most four bytes."""

    zset_max_listpack_entries: int = 3
    zset_max_listpack_value: int = 4


class TestLimits:
    def test_one_member_too_many_makes_a_skiplist_for_good(self) -> None:
        zset = SortedSet()
        for member in (b"a", b"b", b"c", b"a"):
            zset.add(member, 1.0, Limits())
        assert zset.encoding == "listpack"
        zset.add(b"d", 1.0, Limits())
        zset.remove(b"d")
        assert zset.encoding == "skiplist"

    def test_a_long_member_makes_a_skiplist_before_it_is_added(self) -> None:
        zset = SortedSet()
        zset.add(b"zero", -0.0, Limits())
        zset.add(b"longer", -0.0, Limits())
        assert zset.encoding == "skiplist"
        assert [is_negative(zset.score(member)) for member in (b"zero", b"longer")] == [False, True]

    def test_without_limits_the_encoding_stays(self) -> None:
        zset = SortedSet()
        for number in range(1000):
            zset.add(b"%d" % number, 0.0)
        assert zset.encoding == "listpack"

    def test_an_empty_set_may_be_told_what_to_expect(self) -> None:
        assert SortedSet.expecting(3, 4, Limits()).encoding == "listpack"
        assert SortedSet.expecting(4, 1, Limits()).encoding == "skiplist"
        assert SortedSet.expecting(1, 5, Limits()).encoding == "skiplist"

    @pytest.mark.parametrize(
        ("scores", "encoding"),
        [
            ({}, "listpack"),
            ({b"a": 1.0, b"b": -0.0, b"c": 3.0}, "listpack"),
            ({b"a": 1.0, b"b": 2.0, b"c": 3.0, b"d": 4.0}, "skiplist"),
            ({b"longer": 1.0}, "skiplist"),
        ],
    )
    def test_a_result_has_the_encoding_of_what_it_has_become(self, scores: dict[bytes, float], encoding: str) -> None:
        zset = SortedSet.from_result(scores, Limits())
        assert (zset.encoding, dict(zset.items())) == (encoding, scores)


class TestScan:
    def test_all_pairs_that_stay_are_found_whatever_else_comes_and_goes(self) -> None:
        zset = SortedSet.from_pairs((b"%d" % number, float(number)) for number in range(500))
        found: dict[bytes, float] = {}
        cursor, steps = 0, 0
        while not steps or cursor:
            cursor, pairs = zset.scan(cursor, 20)
            found.update(pairs)
            zset.add(b"new%d" % steps, 1.0)
            if steps:
                zset.remove(b"new%d" % (steps - 1))
            zset.remove_range_by_rank(499, 500)
            steps += 1
        assert found.items() >= {(b"%d" % number, float(number)) for number in range(499 - steps)}

    def test_what_was_removed_is_not_found(self) -> None:
        zset = SortedSet.from_pairs(PAIRS)
        assert len(zset.scan(0, 10)[1]) == len(PAIRS)
        zset.remove(b"y")
        zset.pop_max(3)
        assert zset.scan(0, 10) == (0, [(b"a", 1.0)])

    def test_a_copy_is_scanned_by_itself(self) -> None:
        zset = SortedSet.from_pairs(PAIRS)
        zset.scan(0, 1)
        twin = zset.copy()
        twin.remove(b"y")
        assert (len(zset.scan(0, 10)[1]), len(twin.scan(0, 10)[1])) == (5, 4)


@pytest.mark.parametrize("encoding", ["listpack", "skiplist"])
def test_a_lex_range_beyond_the_first_or_last_member_is_empty_even_if_scores_differ(encoding: Encoding) -> None:
    zset = SortedSet.from_pairs([(b"c", 1.0), (b"a", 2.0), (b"b", 3.0)], encoding)
    assert zset.by_lex(LexRange(LexBound(b"bb"), LEX_MAX)) == []
    assert zset.by_lex(LexRange(LEX_MIN, LexBound(b"bb"))) == []
