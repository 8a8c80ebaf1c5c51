"""The guarantee of SCAN, and a fair choice at random."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product
from random import Random
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from miniredis.structures import ordered_pairs
from miniredis.structures.bucket_index import BucketIndex

COLLIDING = [b"".join(words) for words in product((b"plumless", b"buckeroo"), repeat=3)]  # one CRC-32 for all


@pytest.fixture(autouse=True, scope="module")
def tiny_chunks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordered_pairs, "CHUNK_MAX", 4)
        patch.setattr(ordered_pairs, "CHUNK_MIN", 2)
        patch.setattr(ordered_pairs, "CHUNK_BUILT", 3)
        yield


def numbered(count: int) -> list[bytes]:
    return [b"key:%d" % number for number in range(count)]


def full_scan(index: BucketIndex, count: int = 10) -> list[bytes]:
    cursor, found = index.scan(0, count)
    while cursor:
        cursor, more = index.scan(cursor, count)
        found += more
    return found


@pytest.mark.parametrize("count", [1, 2, 10, 999, 1000, 1001, 2**63])
def test_a_full_scan_returns_every_key_once(count: int) -> None:
    keys = numbered(1000)
    assert sorted(full_scan(BucketIndex(keys), count)) == sorted(keys)


def test_one_call_returns_as_many_keys_as_it_is_asked_for() -> None:
    index = BucketIndex(numbered(100))
    cursor, first = index.scan(0, 7)
    _, second = index.scan(cursor, 5)
    assert (len(first), len(second)) == (7, 5)


def test_a_count_below_one_still_makes_progress() -> None:
    assert len(full_scan(BucketIndex(numbered(5)), 0)) == 5


def test_scanning_nothing_is_complete_at_once() -> None:
    assert BucketIndex().scan(0, 10) == (0, [])


def test_an_index_built_at_once_and_one_grown_key_by_key_scan_alike() -> None:
    keys = numbered(500) + COLLIDING
    grown = BucketIndex()
    for key in keys:
        grown.add(key)
    assert full_scan(grown, 3) == full_scan(BucketIndex(keys), 3)


def test_adding_a_key_twice_and_discarding_an_absent_one_change_nothing() -> None:
    index = BucketIndex([b"a"])
    index.add(b"a")
    index.discard(b"b")
    assert full_scan(index) == [b"a"]
    index.discard(b"a")
    assert len(index) == 0


def test_keys_of_equal_hash_come_together() -> None:
    assert len(set(map(crc32, COLLIDING))) == 1
    index = BucketIndex(COLLIDING + numbered(20))
    assert sorted(full_scan(index, 1)) == sorted(COLLIDING + numbered(20))
    for key in COLLIDING[::2]:
        index.discard(key)
    assert sorted(full_scan(index, 1)) == sorted(COLLIDING[1::2] + numbered(20))


@given(st.integers(0, 2**64 - 1), st.integers(-1, 2**63 - 1))
def test_a_cursor_that_a_client_invented_is_answered(cursor: int, count: int) -> None:
    keys = numbered(30)
    following, found = BucketIndex(keys).scan(cursor, count)
    assert 0 <= following < 2**64
    assert set(found) <= set(keys)


def test_a_random_choice_is_the_same_for_the_same_seed() -> None:
    index = BucketIndex(numbered(50))
    assert [index.random(Random(7)) for _ in range(3)] == [index.random(Random(7)) for _ in range(3)]


def test_a_random_choice_favours_no_key() -> None:
    index = BucketIndex(numbered(40))
    for key in numbered(20):  # leave the buckets unevenly filled
        index.discard(key)
    rng = Random(1)
    times = Counter(index.random(rng) for _ in range(20_000))
    assert set(times) == set(numbered(40)[20:])
    chi_squared = sum((count - 1000) ** 2 / 1000 for count in times.values())
    assert chi_squared < 43.8  # the 99.9th percentile for 19 degrees of freedom


def test_there_is_nothing_to_choose_from_an_empty_index() -> None:
    with pytest.raises(IndexError):
        BucketIndex().random(Random(1))


KEYS = st.sampled_from(numbered(80) + COLLIDING)


class ScanMachine(RuleBasedStateMachine):
    """A client iterates while keys come and go, and while the index is dropped and built anew."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: set[bytes] = set()
        self.index = BucketIndex()
        self.cursor = 0
        self.throughout: set[bytes] = set()  # there since the iteration began
        self.ever: set[bytes] = set()  # there at some time since then
        self.returned: list[bytes] = []

    @rule(keys=st.lists(KEYS, max_size=40))
    def add(self, keys: list[bytes]) -> None:
        for key in keys:
            self.keys.add(key)
            self.ever.add(key)
            self.index.add(key)

    @rule(keys=st.lists(KEYS, max_size=40))
    def discard(self, keys: list[bytes]) -> None:
        for key in keys:
            self.keys.discard(key)
            self.throughout.discard(key)
            self.index.discard(key)

    @rule()
    def rebuild(self) -> None:
        self.index = BucketIndex(self.keys)

    @rule(count=st.integers(1, 12))
    def scan(self, count: int) -> None:
        if self.cursor == 0:
            self.throughout, self.ever, self.returned = set(self.keys), set(self.keys), []
        self.cursor, found = self.index.scan(self.cursor, count)
        self.returned += found
        assert set(found) <= self.keys
        if self.cursor == 0:
            assert self.throughout <= set(self.returned) <= self.ever
            assert all(self.returned.count(key) == 1 for key in self.throughout)

    @invariant()
    def the_index_holds_the_keys(self) -> None:
        assert len(self.index) == len(self.keys)
        assert set(full_scan(self.index)) == self.keys


TestScanGuarantee = ScanMachine.TestCase
TestScanGuarantee.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
