"""HyperLogLogs: what Redis 7.0.15 and Valkey 9.1.2 answered to these lines."""

from __future__ import annotations

import pytest

from miniredis.resp.types import NULL_ARRAY, OK, Error, Reply, SimpleString
from tests.commands.client import WRONGTYPE, Client

INVALID = Error("WRONGTYPE Key is not a valid HyperLogLog string value.")
CORRUPTED = Error("INVALIDOBJ Corrupted HLL object detected")
MORE = "HYLL\x01" + "\0" * 10 + "\x80\x7f\xff\x00"
"""Its runs cover one register too many."""


@pytest.fixture(params=["redis-7.0", "redis-7.2", "valkey-9.1"])
def client(request: pytest.FixtureRequest) -> Client:
    return Client(request.param)


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        (["PFADD k a b c"], 1),
        (["PFADD k a b c", "PFADD k b"], 0),
        (["PFADD k"], 1),
        (["PFADD k", "PFADD k"], 0),
        (["PFADD k a b c", "PFCOUNT k"], 3),
        (["PFADD k a b c", "PFDEBUG DECODE k"], b"Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603"),
        (["PFADD k", "GET k"], b"HYLL\x01" + bytes(10) + b"\x80\x7f\xff"),
        (["PFCOUNT missing"], 0),
        (["PFADD a 1 2 3", "PFADD b 3 4", "PFCOUNT a b missing"], 4),
        (["PFADD a 1 2 3", "PFADD b 3 4", "PFMERGE d a b"], OK),
        (["PFADD a 1 2 3", "PFADD b 3 4", "PFMERGE d a b", "PFCOUNT d"], 4),
        (["PFADD k a", "PFDEBUG TODENSE k"], 1),
        (["PFADD k a", "PFDEBUG TODENSE k", "PFDEBUG TODENSE k"], 0),
        (["PFADD k a", "PFDEBUG TODENSE k", "STRLEN k"], 12304),
        (["PFADD k a", "PFDEBUG ENCODING k"], SimpleString(b"sparse")),
        (["PFADD k a", "PFDEBUG TODENSE k", "PFDEBUG DECODE k"], Error("ERR HLL encoding is not sparse")),
        (["PFDEBUG DECODE missing"], Error("ERR The specified key does not exist")),
        (["PFADD k a", "PFDEBUG FOO k"], Error("ERR Unknown PFDEBUG subcommand 'FOO'")),
        (["SET k text", "PFADD k a"], INVALID),
        (["SET k 12", "PFCOUNT k"], INVALID),
        (["SET k text", "PFMERGE d k"], INVALID),
        (["RPUSH k a", "PFADD k a"], WRONGTYPE),
        ([f"SET k {MORE}", "PFCOUNT k"], CORRUPTED),
        ([f"SET k {MORE}", "PFADD a 1", "PFCOUNT a k"], CORRUPTED),
        ([f"SET k {MORE}", "PFADD k a"], 1),
        ([f"SET k {MORE}", "PFDEBUG TODENSE k"], CORRUPTED),
        (["PFSELFTEST"], OK),
    ],
)
def test_last_reply(client: Client, lines: list[str], reply: Reply) -> None:
    for line in lines[:-1]:
        client(line)
    assert client(lines[-1]) == reply


@pytest.mark.parametrize(
    ("setup", "line", "events", "changes"),
    [
        ("DEL k", "PFADD k a b", ["new k", "pfadd k"], 3),
        ("PFADD k a", "PFADD k a", [], 0),
        ("PFADD k a", "PFADD k a b c", ["pfadd k"], 2),
        ("PFADD k a", "PFCOUNT k", [], 1),
        ("PFADD k a", "PFMERGE k", ["pfadd k"], 1),
        ("PFADD k a", "PFDEBUG TODENSE k", [], 1),
    ],
)
def test_only_changes_are_told(client: Client, setup: str, line: str, events: list[str], changes: int) -> None:
    client(setup)
    assert client.events(line) == events
    client("DEL k")
    client(setup)
    assert client.changes(line) == changes


def test_counting_what_was_counted_changes_nothing(client: Client) -> None:
    client("PFADD k a")
    client("PFCOUNT k")
    assert client.changes("PFCOUNT k") == 0


def test_a_watched_hyperloglog_changes_when_its_count_is_computed(client: Client) -> None:
    for line in ("PFADD k a", "WATCH k", "PFCOUNT k", "MULTI", "PING"):
        client(line)
    assert client("EXEC") is NULL_ARRAY


def test_longer_than_allowed_is_dense(client: Client) -> None:
    client("CONFIG SET hll-sparse-max-bytes 30")
    client("PFADD k a b c d")
    assert client("PFDEBUG ENCODING k") == SimpleString(b"sparse")
    client("PFADD k e f g h")
    assert client("PFDEBUG ENCODING k") == SimpleString(b"dense")


def test_only_valkey_can_switch_vector_instructions() -> None:
    assert Client("valkey-9.1")("PFDEBUG SIMD OFF") == SimpleString(b"disabled")
    assert Client("redis-7.2")("PFDEBUG SIMD OFF") == Error("ERR The specified key does not exist")
