"""Random choices and cursors over the keys of a dict that changes."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from miniredis.structures.member_index import MemberIndex

NAMES = st.integers(0, 30).map(lambda number: b"m%d" % number)


def numbered(count: int) -> dict[bytes, None]:
    return dict.fromkeys(b"m%d" % number for number in range(count))


@pytest.mark.parametrize("touched", [False, True])
def test_every_member_is_as_likely_as_any_other(touched: bool) -> None:
    members = numbered(12)
    index = MemberIndex(members)
    rng = Random(1)
    if touched:
        index.random(rng)
        for gone in (b"m0", b"m11", b"m5"):
            del members[gone]
            index.discard(gone)
        members[b"new"] = None
        index.add(b"new")
    drawn = Counter(index.random(rng) for _ in range(len(members) * 1000))
    assert drawn.keys() == members.keys()
    assert all(850 < count < 1150 for count in drawn.values())


def test_a_sample_has_no_member_twice_and_choices_may() -> None:
    index = MemberIndex(numbered(5))
    assert sorted(index.sample(Random(1), 5)) == sorted(numbered(5))
    assert len(index.choices(Random(1), 50)) == 50


def test_the_same_seed_draws_the_same_members() -> None:
    first, second = (MemberIndex(numbered(100)).sample(Random(7), 10) for _ in range(2))
    assert first == second


class Kept(RuleBasedStateMachine):
    """An index that is told of every change knows what its dict knows."""

    def __init__(self) -> None:
        super().__init__()
        self.members: dict[bytes, None] = {}
        self.index = MemberIndex(self.members)
        self.rng = Random(0)

    @rule(name=NAMES)
    def add(self, name: bytes) -> None:
        if name not in self.members:
            self.members[name] = None
            self.index.add(name)

    @rule(name=NAMES)
    def discard(self, name: bytes) -> None:
        if name in self.members:
            del self.members[name]
            self.index.discard(name)

    @precondition(lambda self: self.members)
    @rule()
    def draw(self) -> None:
        assert self.index.random(self.rng) in self.members

    @rule()
    def scan(self) -> None:
        assert sorted(self.index.scan(0, 100)[1]) == sorted(self.members)

    @invariant()
    def a_sample_of_all_is_all(self) -> None:
        if self.index._row is not None:  # do not make it draw: how it begins is part of the test
            assert sorted(self.index._row) == sorted(self.members)


TestKept = Kept.TestCase
TestKept.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
