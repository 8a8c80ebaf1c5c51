"""The dataset of a server is read whole, and in a form in which only what matters differs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.servers import Server
from conformance.state import differences, snapshot
from conformance.wire import Wire


@pytest.fixture
def wire(valkey_server: Server) -> Iterator[Wire]:
    with valkey_server.connect() as wire:
        wire.call("FLUSHALL")
        yield wire
        wire.call("FLUSHALL")


def test_every_database_and_every_type_is_read(wire: Wire) -> None:
    wire.pipeline(
        [
            ("SET", "string", "a", "EX", 100),
            ("SELECT", 3),
            ("RPUSH", "list", "a", "b"),
            ("SADD", "set", "b", "a"),
            ("HSET", "hash", "f", "v"),
            ("ZADD", "zset", "1", "a"),
            ("XADD", "stream", "1-1", "f", "v"),
            ("SELECT", 0),
        ]
    )
    dataset = snapshot(wire)
    assert {place: (state.type, state.encoding) for place, state in dataset.items()} == {
        (0, b"string"): (b"string", b"embstr"),
        (3, b"list"): (b"list", b"listpack"),
        (3, b"set"): (b"set", b"listpack"),
        (3, b"hash"): (b"hash", b"listpack"),
        (3, b"zset"): (b"zset", b"listpack"),
        (3, b"stream"): (b"stream", b"stream"),
    }
    assert dataset[3, b"set"].value == [b"a", b"b"]
    assert 90_000 < dataset[0, b"string"].pttl <= 100_000


def test_when_a_group_was_read_from_makes_no_difference(wire: Wire) -> None:
    wire.pipeline([("XADD", "s", "1-1", "f", "v"), ("XGROUP", "CREATE", "s", "g", "0")])
    wire.call("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
    before = snapshot(wire)
    wire.call("XCLAIM", "s", "g", "c", "0", "1-1", "TIME", "1000", "RETRYCOUNT", "1")
    assert list(differences(before, snapshot(wire))) == []
    wire.call("XCLAIM", "s", "g", "c", "0", "1-1", "RETRYCOUNT", "7")
    assert list(differences(before, snapshot(wire))) != []


def test_a_lost_lifetime_is_a_difference(wire: Wire) -> None:
    wire.pipeline([("SET", "a", "1", "EX", "100"), ("RPUSH", "b", "1")])
    before = snapshot(wire)
    wire.pipeline([("SET", "a", "1"), ("RPUSH", "b", "2"), ("RPOP", "b")])
    lines = list(differences(before, snapshot(wire)))
    assert len(lines) == 1
    assert lines[0].startswith("db0 b'a' time to live")
