"""A stream does, step by step, what a list of entries would do; so do its groups, and the map of pending entries.

Nodes and chunks are tiny, so that a few dozen entries are enough to fill, empty and drop many of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from miniredis.structures import ordered_ids
from miniredis.structures.ordered_ids import OrderedIds
from miniredis.structures.stream import MAX_ID, Stream
from miniredis.structures.stream_groups import Consumer, Group

Entry = tuple[int, list[bytes]]

STEPS = st.sampled_from([1, 1, 1, 2, 5, 2**64, 2**64 + 3])
ENTRIES = st.sampled_from([[b"a", b"1"], [b"a", b"2"], [b"b", b"1"], [b"a", b"1", b"b", b"x" * 70]])
IDS = st.integers(0, 40) | st.integers(2**64 - 2, 2**64 + 40) | st.just(MAX_ID)
COUNTS = st.integers(0, 8)
NAMES = st.sampled_from([b"alice", b"bob", b"carol"])


@pytest.fixture(autouse=True, scope="module")
def tiny_chunks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordered_ids, "CHUNK_MAX", 4)
        yield


class StreamMachine(RuleBasedStateMachine):
    """*nodes* are the model's own: lists of what each node had when it was filled, without what was deleted since."""

    def __init__(self) -> None:
        super().__init__()
        self.stream = Stream()
        self.entries: list[Entry] = []
        self.added = 0
        self.deleted = 0
        self.max_entries = 3

    @initialize(max_entries=st.integers(1, 5))
    def begin(self, max_entries: int) -> None:
        self.max_entries = max_entries

    @rule(step=STEPS, entry=ENTRIES)
    def add(self, step: int, entry: list[bytes]) -> None:
        entry_id = self.stream.last_id + step
        self.stream.append(entry_id, entry, 0, self.max_entries)
        self.entries.append((entry_id, entry))
        self.added += 1

    @rule(entry_id=IDS)
    def delete(self, entry_id: int) -> None:
        was_there = any(found == entry_id for found, _ in self.entries)
        assert self.stream.delete(entry_id) == was_there
        self.entries = [entry for entry in self.entries if entry[0] != entry_id]
        if was_there:
            self.deleted = max(self.deleted, entry_id)

    @rule(length=COUNTS)
    def trim_to_length(self, length: int) -> None:
        surplus = max(len(self.entries) - length, 0)
        assert self.stream.trim_to_length(length) == surplus
        del self.entries[:surplus]

    @rule(minimum=IDS)
    def trim_below(self, minimum: int) -> None:
        left = [entry for entry in self.entries if entry[0] >= minimum]
        assert self.stream.trim_below(minimum) == len(self.entries) - len(left)
        self.entries = left

    @rule(length=COUNTS, limit=st.integers(0, 6))
    def trim_approximately(self, length: int, limit: int) -> None:
        before = [node.count for node in self.stream.nodes]
        trimmed = self.stream.trim_to_length(length, approximate=True, limit=limit)
        assert trimmed in (sum(before[:position]) for position in range(len(before) + 1))
        assert not limit or trimmed <= limit
        assert len(self.entries) - trimmed >= min(length, len(self.entries))
        del self.entries[:trimmed]

    @rule(start=IDS, end=IDS, count=COUNTS)
    def read(self, start: int, end: int, count: int) -> None:
        found = [entry for entry in self.entries if start <= entry[0] <= end]
        assert self.stream.range(start, end, count) == found[: count or None]
        found.reverse()
        assert self.stream.reversed_range(start, end, count) == found[: count or None]

    @rule(entry_id=IDS)
    def find(self, entry_id: int) -> None:
        assert self.stream.find(entry_id) == dict(self.entries).get(entry_id)

    @rule()
    def go_on_with_a_copy(self) -> None:
        self.stream = self.stream.copy()

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        stream = self.stream
        assert list(stream) == self.entries
        assert len(stream) == len(self.entries) == sum(node.count for node in stream.nodes)
        assert stream.first_id == (self.entries[0][0] if self.entries else 0)
        assert stream.last_valid_id() == (self.entries[-1][0] if self.entries else 0)
        assert (stream.entries_added, stream.max_deleted_id) == (self.added, self.deleted)
        assert all(0 < len(node.ids) <= self.max_entries for node in stream.nodes)


class GroupMachine(RuleBasedStateMachine):
    """The model is who has what pending, by id."""

    def __init__(self) -> None:
        super().__init__()
        self.group = Group(0)
        self.owners: dict[int, bytes] = {}

    def consumer(self, name: bytes) -> Consumer:
        return self.group.consumers.setdefault(name, Consumer(name, 0))

    @rule(entry_id=IDS, name=NAMES)
    def deliver(self, entry_id: int, name: bytes) -> None:
        self.group.deliver(entry_id, self.consumer(name), 1)
        self.owners[entry_id] = name

    @rule(entry_id=IDS)
    def acknowledge(self, entry_id: int) -> None:
        assert self.group.acknowledge(entry_id) == (self.owners.pop(entry_id, None) is not None)

    @precondition(lambda self: self.owners)
    @rule(data=st.data(), name=NAMES)
    def hand_over(self, data: st.DataObject, name: bytes) -> None:
        entry_id = data.draw(st.sampled_from(sorted(self.owners)))
        pending = self.group.pending.get(entry_id)
        assert pending is not None
        self.group.hand_over(entry_id, pending, self.consumer(name))
        self.owners[entry_id] = name

    @rule(name=NAMES)
    def delete_consumer(self, name: bytes) -> None:
        had = [entry_id for entry_id, owner in self.owners.items() if owner == name]
        assert self.group.delete_consumer(self.consumer(name)) == len(had)
        for entry_id in had:
            del self.owners[entry_id]

    @rule(start=IDS)
    def walk(self, start: int) -> None:
        expected = [entry_id for entry_id in sorted(self.owners) if entry_id >= start]
        assert [entry_id for entry_id, _ in self.group.pending.walk(start)] == expected
        assert self.group.pending.at_or_after(start) == (expected[0] if expected else None)

    @rule()
    def go_on_with_a_copy(self) -> None:
        self.group = self.group.copy()

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        pending = self.group.pending
        assert [(entry_id, item.consumer.name) for entry_id, item in pending.walk()] == sorted(self.owners.items())
        assert len(pending) == len(self.owners)
        if self.owners:
            assert (pending.first(), pending.last()) == (min(self.owners), max(self.owners))
        for name, consumer in self.group.consumers.items():
            assert list(consumer.pending) == sorted(key for key, owner in self.owners.items() if owner == name)
            assert all(pending.get(entry_id) is item for entry_id, item in consumer.pending.walk())
        assert_chunks_are_filled(pending)


def assert_chunks_are_filled(ids: OrderedIds[object]) -> None:
    assert all(0 < len(chunk) <= 4 for chunk in ids._chunks)


TestStream = StreamMachine.TestCase
TestStream.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestGroup = GroupMachine.TestCase
TestGroup.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
