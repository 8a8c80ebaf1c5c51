"""Hostile payloads: refused where real servers refuse them, in the same words, and the same value where they do not."""

from __future__ import annotations

import tracemalloc
from typing import Final

import pytest

from conformance.servers import Server
from miniredis.resp.types import OK, Error, Reply
from tests.commands.client import Client
from tests.rdb.hostile_payloads import bomb, hostile_payloads
from tests.rdb.older_encodings import length, payload, string, ziplist

BAD_FORMAT: Final = Error("ERR Bad data format")
EMULATED: Final = {"redis_server": "redis-7.0", "valkey_server": "valkey-9.1"}


def questions(data: bytes) -> list[tuple[bytes, ...]]:
    """What is asked about one payload."""
    return [
        (b"RESTORE", b"k", b"0", data, b"REPLACE"),
        (b"TYPE", b"k"),
        (b"OBJECT", b"ENCODING", b"k"),
        (b"DEBUG", b"DIGEST-VALUE", b"k"),
    ]


@pytest.mark.parametrize("fixture", EMULATED)
def test_what_a_real_server_says(fixture: str, request: pytest.FixtureRequest) -> None:
    server: Server = request.getfixturevalue(fixture)
    client = Client(EMULATED[fixture])
    client.engine.config.enable_debug_command = "yes"
    outcomes = {"refused": 0, "restored": 0}
    with server.connect(timeout=30) as wire:
        wire.call("FLUSHALL")
        wire.call("CONFIG", "SET", "sanitize-dump-payload", "yes")
        try:
            for name, data in hostile_payloads():
                theirs = [frame.value for frame in wire.pipeline(questions(data))]
                ours = [client.engine.execute(client.session, list(argv)) for argv in questions(data)]
                assert ours == theirs, name
                outcomes["restored" if ours[0] == OK else "refused"] += 1
        finally:
            wire.call("CONFIG", "SET", "sanitize-dump-payload", "no")
    assert min(outcomes.values()) > 100


def restored(client: Client, body: bytes) -> tuple[Reply, int]:
    """What RESTORE answers, and the most memory that it took meanwhile."""
    data = payload(body)
    tracemalloc.start()
    try:
        reply = client.engine.execute(client.session, [b"RESTORE", b"k", b"0", data, b"REPLACE"])
        return reply, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


GREAT: Final = b"\x81\x00\x00\x01" + bytes(5)
"""2^40."""


@pytest.mark.parametrize("kind", range(23))
def test_a_length_that_is_only_claimed_takes_no_memory(kind: int) -> None:
    reply, most = restored(Client("valkey-9.1"), bytes([kind]) + GREAT + b"\x01a\x01b")
    assert reply == BAD_FORMAT
    assert most < 100_000


def test_a_bomb_takes_no_more_than_it_says() -> None:
    compressed, size = bomb()
    client = Client()
    reply, most = restored(client, b"\x00\xc3" + length(len(compressed)) + length(100_000) + compressed)
    assert reply == BAD_FORMAT
    assert most < 1_000_000
    reply, most = restored(client, b"\x00\xc3" + length(len(compressed)) + length(size) + compressed)
    assert reply == OK
    assert client("STRLEN k") == size
    assert most < 6 * size


def test_a_negative_zero_of_redis_6_stays_one() -> None:
    """In a ziplist it was text, as it is in a listpack made from one; what is added here becomes 0."""
    client = Client("redis-7.0")
    body = b"\x0c" + string(ziplist([b"a", b"-0"]))
    assert client.engine.execute(client.session, [b"RESTORE", b"k", b"0", payload(body)]) == OK
    assert repr(client("ZSCORE k a")) == "-0.0"
    client("ZADD k -0 b")
    assert repr(client("ZSCORE k b")) == "0.0"
