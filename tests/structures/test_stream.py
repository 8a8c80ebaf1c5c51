"""Streams: how they are cut into nodes, what their ids and counters are. The figures are those of Redis 7.0.15."""

from __future__ import annotations

import pytest

from miniredis.structures.stream import MAX_ID, MAX_PART, Stream, format_id, make_id
from miniredis.structures.stream_groups import Consumer, Group


def stream_of(*ids: int, max_bytes: int = 4096, max_entries: int = 100) -> Stream:
    """A stream with an entry at each millisecond of *ids*."""
    stream = Stream()
    for number in ids:
        stream.append(make_id(number, 0), [b"a", b"b"], max_bytes, max_entries)
    return stream


def milliseconds(stream: Stream) -> list[int]:
    return [entry_id >> 64 for entry_id, _ in stream]


def test_an_id_is_written_as_its_two_halves() -> None:
    assert format_id(make_id(5, 7)) == b"5-7"
    assert format_id(MAX_ID) == b"18446744073709551615-18446744073709551615"
    assert format_id(0) == b"0-0"


def test_the_next_id_is_that_of_the_clock_and_never_goes_back() -> None:
    stream = Stream()
    assert stream.next_id(1000) == make_id(1000, 0)
    stream.last_id = make_id(1000, 0)
    assert stream.next_id(1000) == make_id(1000, 1)
    assert stream.next_id(999) == make_id(1000, 1)
    assert stream.next_id(1001) == make_id(1001, 0)
    stream.last_id = make_id(1000, MAX_PART)
    assert stream.next_id(5) == make_id(1001, 0)
    stream.last_id = MAX_ID
    assert stream.next_id(5) == 0  # none is left


@pytest.mark.parametrize(
    ("entry", "max_bytes", "nodes"),
    [
        # counted by XINFO STREAM after ten XADDs of this entry with that stream-node-max-bytes
        ([b"field", b"1"], 100, 2),
        ([b"field", b"1"], 60, 3),
        ([b"field", b"x" * 64], 200, 5),
        ([b"field", b"1000"], 100, 2),
        ([b"a", b"1", b"b", b"2"], 80, 2),
        ([b"field", b"1"], 1, 10),
        ([b"field", b"1"], 0, 1),
    ],
)
def test_a_node_is_full_when_redis_says_so(entry: list[bytes], max_bytes: int, nodes: int) -> None:
    stream = Stream()
    for number in range(1, 11):
        stream.append(make_id(number, 1), entry, max_bytes, 100)
    assert len(stream.nodes) == nodes


def test_field_names_that_are_those_of_the_nodes_first_entry_take_no_bytes() -> None:
    same, other = stream_of(1), stream_of(1)
    same.append(make_id(2, 0), [b"a", b"1"], 0, 0)
    other.append(make_id(2, 0), [b"z", b"1"], 0, 0)
    assert other.nodes[0].listpack_size - same.nodes[0].listpack_size == 3 + 2  # the name, and how many names


def test_trimming_by_length_removes_the_first() -> None:
    stream = stream_of(*range(1, 11), max_entries=3)
    assert stream.trim_to_length(5) == 5
    assert milliseconds(stream) == [6, 7, 8, 9, 10]
    assert stream.first_id == make_id(6, 0)
    assert stream.trim_to_length(5) == 0
    assert stream.trim_to_length(0) == 5
    assert (stream.first_id, stream.nodes) == (0, [])


def test_approximate_trimming_removes_whole_nodes_only() -> None:
    stream = stream_of(*range(1, 11), max_entries=3)
    assert stream.trim_to_length(8, approximate=True) == 0
    assert stream.trim_to_length(7, approximate=True) == 3
    assert stream.trim_below(make_id(9, 0), approximate=True) == 3
    assert milliseconds(stream) == [7, 8, 9, 10]


def test_no_node_goes_beyond_the_limit() -> None:
    stream = stream_of(*range(1, 11), max_entries=3)
    assert stream.trim_to_length(0, approximate=True, limit=2) == 0
    assert stream.trim_to_length(0, approximate=True, limit=7) == 6


def test_a_node_goes_with_its_last_entry_but_trimming_by_id_may_leave_an_empty_one() -> None:
    stream = stream_of(1, 2, 3)
    for number in (1, 2, 3):
        assert stream.delete(make_id(number, 0))
    assert stream.nodes == []
    stream = stream_of(1, 2, 3)
    stream.delete(make_id(3, 0))
    assert stream.trim_below(make_id(3, 0)) == 2
    assert [node.count for node in stream.nodes] == [0]
    stream.append(make_id(4, 0), [b"a", b"b"], 4096, 100)
    assert (len(stream.nodes), milliseconds(stream), stream.first_id) == (1, [4], make_id(4, 0))


def test_deleting_keeps_the_greatest_id_deleted_and_finds_the_first_anew() -> None:
    stream = stream_of(1, 2, 3, 4)
    assert not stream.delete(make_id(9, 0))
    stream.delete(make_id(3, 0))
    stream.delete(make_id(1, 0))
    assert not stream.delete(make_id(1, 0))
    assert (stream.max_deleted_id, stream.first_id) == (make_id(3, 0), make_id(2, 0))
    assert stream.last_valid_id() == make_id(4, 0)


def test_a_copy_shares_nothing() -> None:
    stream = stream_of(1, 2)
    group = stream.groups[b"g"] = Group(0)
    alice = group.consumers[b"alice"] = Consumer(b"alice", 5)
    group.deliver(make_id(1, 0), alice, 5)
    twin = stream.copy()
    stream.delete(make_id(1, 0))
    stream.append(make_id(3, 0), [b"a", b"b"], 4096, 100)
    group.acknowledge(make_id(1, 0))
    assert milliseconds(twin) == [1, 2]
    other = twin.groups[b"g"]
    assert list(other.pending) == list(other.consumers[b"alice"].pending) == [make_id(1, 0)]
    assert other.pending.get(make_id(1, 0)) is other.consumers[b"alice"].pending.get(make_id(1, 0))


def test_a_stream_is_there_even_when_it_is_empty() -> None:
    assert Stream()
    assert len(Stream()) == 0
