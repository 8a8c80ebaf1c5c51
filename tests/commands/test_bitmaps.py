"""Bitmaps: what Redis 7.0.15 and Valkey 9.1.2 answered to these lines."""

from __future__ import annotations

import tracemalloc

import pytest

from miniredis.resp.types import Error, Reply
from tests.commands.client import NOT_AN_INTEGER, SYNTAX, WRONGTYPE, Client

BAD_OFFSET = Error("ERR bit offset is not an integer or out of range")
BAD_BIT = Error("ERR bit is not an integer or out of range")
BAD_TYPE = Error("ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.")


@pytest.fixture(params=["redis-7.0", "redis-7.2", "valkey-9.1"])
def client(request: pytest.FixtureRequest) -> Client:
    return Client(request.param)


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        (["SETBIT k 7 1", "GET k"], b"\x01"),
        (["SETBIT k 7 1", "SETBIT k 7 0"], 1),
        (["SETBIT k 4294967296 1"], BAD_OFFSET),
        (["SETBIT k abc 2"], BAD_OFFSET),
        (["SETBIT k 0 2"], BAD_BIT),
        (["RPUSH l a", "SETBIT l 0 1"], WRONGTYPE),
        (["RPUSH l a", "GETBIT l 0"], WRONGTYPE),
        (["GETBIT missing 0"], 0),
        (["SET k 1", "GETBIT k 2"], 1),
        (["SET k foobar", "BITCOUNT k"], 26),
        (["SET k foobar", "BITCOUNT k 5 30 BIT"], 17),
        (["SET k foobar", "BITCOUNT k -100 -50"], 4),
        (["SET k foobar", "BITPOS k 0 0 7 BIT"], 0),
        (["SET k \xff\xff", "BITPOS k 0"], 16),
        (["SET k \xff\xff", "BITPOS k 0 0 -1"], -1),
        (["SET k \xff\xff", "BITPOS k 0 2"], -1),
        (["BITPOS missing 1"], -1),
        (["BITPOS missing 2"], Error("ERR The bit argument must be 1 or 0.")),
        (["SET a \xf0", "BITOP NOT d a", "GET d"], b"\x0f"),
        (["SET a abc", "SET d x", "BITOP AND d a missing", "GET d"], b"\0\0\0"),
        (["BITOP NOT d a b"], Error("ERR BITOP NOT must be called with a single source key.")),
        (["BITOP NAND d a"], SYNTAX),
        (["BITFIELD k SET i8 0 -100 GET i8 0 GET u8 0"], [0, -100, 156]),
        (["BITFIELD k INCRBY u2 #1 5 OVERFLOW SAT INCRBY u2 #1 5 OVERFLOW FAIL INCRBY u2 #1 1"], [1, 3, None]),
        (["BITFIELD k OVERFLOW SAT SET i13 3 -9223372036854775808 GET i13 3"], [0, 4095]),
        (["BITFIELD k OVERFLOW SAT SET u8 0 -1 GET u8 0"], [0, 255]),
        (["BITFIELD k GET u64 0"], BAD_TYPE),
        (["BITFIELD k GET u8 #-1"], BAD_OFFSET),
        (["BITFIELD k SET u8 0 abc"], NOT_AN_INTEGER),
        (["BITFIELD k OVERFLOW foo"], Error("ERR Invalid OVERFLOW type specified")),
        (["BITFIELD k GET u8"], SYNTAX),
        (["BITFIELD_RO k SET u8 0 1"], Error("ERR BITFIELD_RO only supports the GET subcommand")),
        (["BITFIELD k"], []),
    ],
)
def test_last_reply(client: Client, lines: list[str], reply: Reply) -> None:
    for line in lines[:-1]:
        client(line)
    assert client(lines[-1]) == reply


def test_bad_arguments_matter_for_a_missing_key_since_7_2() -> None:
    assert Client("redis-7.0")("BITCOUNT missing a b") == 0
    assert Client("redis-7.2")("BITCOUNT missing a b") == NOT_AN_INTEGER
    assert Client("redis-7.0")("BITPOS missing 1 a") == -1
    assert Client("redis-7.2")("BITPOS missing 1 a") == NOT_AN_INTEGER


def test_valkey_counts_from_a_start_alone() -> None:
    for version, reply in (("redis-7.2", SYNTAX), ("valkey-9.1", 4)):
        client = Client(version)
        client("SET k foobar")
        assert client("BITCOUNT k -1") == reply


@pytest.mark.parametrize(
    ("setup", "line", "events", "changes"),
    [
        ("SET k a", "SETBIT k 0 0", [], 0),
        ("SET k a", "SETBIT k 0 1", ["setbit k"], 1),
        ("SET k a", "SETBIT k 8 0", ["setbit k"], 1),
        ("DEL k", "SETBIT k 0 0", ["new k", "setbit k"], 1),
        ("SET k a", "BITOP AND k k", ["set k"], 1),
        ("SET k a", "BITOP AND k missing", ["del k"], 1),
        ("DEL k", "BITOP AND k missing", [], 0),
        ("SET k a", "BITFIELD k SET u8 0 97", [], 0),
        ("SET k a", "BITFIELD k SET u8 0 98 SET u8 0 99 SET u8 0 99", ["setbit k"], 2),
        ("SET k a", "BITFIELD k SET u8 8 0 SET u8 0 97", ["setbit k"], 2),
        ("DEL k", "BITFIELD k OVERFLOW FAIL SET u8 0 256", ["new k"], 0),
    ],
)
def test_only_changes_are_told(client: Client, setup: str, line: str, events: list[str], changes: int) -> None:
    client(setup)
    assert client.events(line) == events
    client("DEL k")
    client(setup)
    assert client.changes(line) == changes


@pytest.mark.parametrize("line", ["SETBIT k 0 0", "BITFIELD k SET u8 0 49"])
def test_a_string_is_raw_once_somebody_wanted_to_change_it(client: Client, line: str) -> None:
    client("SET k 12345")
    client(line)
    assert client.encoding("k") == "raw"
    assert client("INCR k") == 12346


@pytest.mark.parametrize("line", ["GETBIT k 80000000", "SETBIT k 80000000 1", "BITFIELD k INCRBY u8 80000000 1"])
def test_a_bit_of_a_long_string_is_had_without_copying_it(line: str) -> None:
    client = Client()
    client("SETBIT k 88000000 1")
    tracemalloc.start()
    client(line)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000
