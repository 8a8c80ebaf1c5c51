"""Strings: what Redis 7.0.15 and Valkey 9.1.2 answered to these lines."""

from __future__ import annotations

import pytest

from miniredis.resp.types import NULL_ARRAY, OK, Error, Reply
from tests.commands.client import NOT_A_FLOAT, NOT_AN_INTEGER, SYNTAX, WRONGTYPE, Client, arity

INVALID_SET_EXPIRE = Error("ERR invalid expire time in 'set' command")
OVERFLOW = Error("ERR increment or decrement would overflow")


@pytest.fixture(params=["redis-7.0", "redis-7.2", "valkey-9.1"])
def client(request: pytest.FixtureRequest) -> Client:
    return Client(request.param)


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        (["SET k v"], OK),
        (["SET k v", "GET k"], b"v"),
        (["GET missing"], None),
        (["SET k v", "SET k w NX"], None),
        (["SET k w XX"], None),
        (["SET k v", "SET k w xx", "GET k"], b"w"),
        (["SET k v", "SET k w GET"], b"v"),
        (["SET k w GET"], None),
        (["SET k v", "SET k w NX GET", "GET k"], b"v"),
        (["RPUSH l a", "SET l v GET"], WRONGTYPE),
        (["RPUSH l a", "SET l v", "GET l"], b"v"),
        (["SET k v NX XX"], SYNTAX),
        (["SET k v EX 10 PX 10"], SYNTAX),
        (["SET k v EX 10 KEEPTTL"], SYNTAX),
        (["SET k v EX"], SYNTAX),
        (["SET k v FOO"], SYNTAX),
        (["SET k v EX abc"], NOT_AN_INTEGER),
        (["SET k v EX 0"], INVALID_SET_EXPIRE),
        (["SET k v EX 9223372036854775807"], INVALID_SET_EXPIRE),
        (["SET k v EX 100", "SET k w KEEPTTL", "TTL k"], 100),
        (["SET k v EX 100", "SET k w", "TTL k"], -1),
        (["SETNX k v"], 1),
        (["SETNX k v", "SETNX k w"], 0),
        (["SETEX k 10 v", "TTL k"], 10),
        (["SETEX k 0 v"], Error("ERR invalid expire time in 'setex' command")),
        (["PSETEX k -1 v"], Error("ERR invalid expire time in 'psetex' command")),
        (["GETSET k v"], None),
        (["SET k v EX 10", "GETSET k w"], b"v"),
        (["SET k v", "GETDEL k"], b"v"),
        (["SET k v", "GETDEL k", "EXISTS k"], 0),
        (["SET k v EX 10", "GETEX k PERSIST", "TTL k"], -1),
        (["SET k v", "GETEX k EX 10", "TTL k"], 10),
        (["SET k v", "GETEX k EX 10 PERSIST"], SYNTAX),
        (["SET k v", "GETEX k EX 0"], Error("ERR invalid expire time in 'getex' command")),
        (["SET k v", "GETEX k PXAT 1", "EXISTS k"], 0),
        (["MSET a 1 b 2", "MGET a missing b"], [b"1", None, b"2"]),
        (["RPUSH l a", "MGET l"], [None]),
        (["MSET a 1 b"], arity("mset")),
        (["MSETNX a 1 b 2"], 1),
        (["SET b x", "MSETNX a 1 b 2", "EXISTS a"], 0),
        (["MSETNX a"], arity("msetnx")),
        (["APPEND k ab", "APPEND k cd", "GET k"], b"abcd"),
        (["SET k 12", "APPEND k 3", "OBJECT ENCODING k"], b"raw"),
        (["STRLEN missing"], 0),
        (["SET k 12345", "STRLEN k"], 5),
        (["SETRANGE k 3 abc", "GET k"], b"\0\0\0abc"),
        (["SETRANGE k 3 ''", "EXISTS k"], 0),
        (["SETRANGE k -1 a"], Error("ERR offset is out of range")),
        (["SETRANGE k 536870912 a"], Error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")),
        (["SET k Hello", "GETRANGE k 1 -2"], b"ell"),
        (["SET k Hello", "GETRANGE k 0 -100"], b"H"),
        (["SET k Hello", "GETRANGE k -3 -4"], b""),
        (["SET k Hello", "SUBSTR k 3 100"], b"lo"),
        (["INCR n"], 1),
        (["SET n 9223372036854775807", "INCR n"], OVERFLOW),
        (["SET n -9223372036854775808", "DECR n"], OVERFLOW),
        (["DECRBY n -9223372036854775808"], Error("ERR decrement would overflow")),
        (["INCRBY n 1.5"], NOT_AN_INTEGER),
        (["INCRBY n 9223372036854775808"], NOT_AN_INTEGER),
        (["SET n 01", "INCR n"], NOT_AN_INTEGER),
        (["SET n 10 EX 100", "INCRBY n 5", "TTL n"], 100),
        (["SET n 10", "INCR n", "OBJECT ENCODING n"], b"int"),
        (["RPUSH l a", "INCR l"], WRONGTYPE),
        (["SET f 10.50", "INCRBYFLOAT f 0.1"], b"10.6"),
        (["SET f 5.0e3", "INCRBYFLOAT f 2.0e2"], b"5200"),
        (["INCRBYFLOAT f 3", "OBJECT ENCODING f"], b"embstr"),
        (["INCRBYFLOAT f abc"], NOT_A_FLOAT),
        (["INCRBYFLOAT f inf"], Error("ERR increment would produce NaN or Infinity")),
        (["MSET a ohmytext b mynewtext", "LCS a b"], b"mytext"),
        (["MSET a ohmytext b mynewtext", "LCS a b LEN"], 6),
        (
            ["MSET a ohmytext b mynewtext", "LCS a b IDX MINMATCHLEN 3 WITHMATCHLEN"],
            {b"matches": [[[4, 7], [5, 8], 4]], b"len": 6},
        ),
        (["LCS a b LEN IDX"], Error("ERR If you want both the length and indexes, please just use IDX.")),
        (["RPUSH l a", "LCS l b"], Error("ERR The specified keys must contain string values")),
        (["GET"], arity("get")),
        (["SET k"], arity("set")),
    ],
)
def test_a_string_command_answers_as_redis(client: Client, lines: list[str], reply: Reply) -> None:
    *before, last = lines
    for line in before:
        client(line)
    assert client(last) == reply


@pytest.mark.parametrize(
    ("version", "before", "line", "reply"),
    [
        ("redis-7.0", "EXISTS a", "GETEX a EX 0", None),
        ("valkey-9.1", "EXISTS a", "GETEX a EX 0", Error("ERR invalid expire time in 'getex' command")),
        ("redis-7.2", "SET a v EXAT 1", "DBSIZE", 1),
        ("valkey-9.1", "SET a v EXAT 1", "DBSIZE", 0),
    ],
)
def test_versions_differ_where_redis_and_valkey_do(version: str, before: str, line: str, reply: Reply) -> None:
    client = Client(version)
    client(before)
    assert client(line) == reply


@pytest.mark.parametrize(
    ("before", "line", "events"),
    [
        ("GET a", "SET a v", ["new a", "set a"]),
        ("SET a v", "SET a v EX 10", ["set a", "expire a"]),
        ("SET a v", "GETEX a EX 10", ["expire a"]),
        ("SET a v EX 10", "GETEX a PERSIST", ["persist a"]),
        ("SET a v", "GETEX a PERSIST", []),
        ("SET a v", "GETDEL a", ["del a"]),
        ("SET a v", "APPEND a w", ["append a"]),
        ("SET a v", "SETRANGE a 1 w", ["setrange a"]),
        ("SET a 1", "INCR a", ["incrby a"]),
        ("SET a 1", "DECRBY a 2", ["incrby a"]),
        ("SET a 1", "INCRBYFLOAT a 2", ["incrbyfloat a"]),
        ("SET a 1", "MSET a 2 a 3", ["set a", "set a"]),
        ("SET a 1", "SETNX a 2", []),
    ],
)
def test_the_events_are_those_of_redis(before: str, line: str, events: list[str]) -> None:
    client = Client("redis-7.0")
    client(before)
    assert client.events(line) == events


def test_mset_leaves_the_same_whether_somebody_is_told_or_not(client: Client) -> None:
    told = Client(client.engine.version.name)
    told("CONFIG SET notify-keyspace-events KEA")
    for line in ("SET k old", "RPUSH list a", "MSET k 1 list 2 new 3 new 4"):
        client("CONFIG RESETSTAT"), told("CONFIG RESETSTAT")
        assert client.changes(line) == told.changes(line)
    for key in ("k", "list", "new"):
        for question in ("GET", "TTL", "OBJECT ENCODING", "OBJECT IDLETIME"):
            assert client(f"{question} {key}") == told(f"{question} {key}")
    assert client("DBSIZE") == told("DBSIZE") == 3


@pytest.mark.parametrize(
    "before",
    [
        ["CONFIG SET maxmemory-policy allkeys-lfu", "CONFIG SET maxmemory 1gb"],
        ["SCAN 0"],
        ["SET other v EX 100"],
        ["WATCH k"],
        ["CLIENT TRACKING ON BCAST"],
    ],
)
def test_mset_counts_and_tells_where_something_listens(before: list[str]) -> None:
    client = Client(protocol=3)
    for line in ["MSET k 1 l 2", *before]:
        client(line)
    told = client("MSET k 3 l 4 m 5")
    assert (told == OK) == (not before[0].startswith("CLIENT TRACKING"))  # there the reply has a push behind it
    assert client("MGET k l m") == [b"3", b"4", b"5"]
    assert client("TTL k") == -1
    if before == ["WATCH k"]:
        assert [client(line) for line in ("MULTI", "EXEC")] == [OK, NULL_ARRAY]
    if before == ["SCAN 0"]:
        assert sorted(client("SCAN 0 COUNT 100")[1]) == [b"k", b"l", b"m"]


def test_mset_clears_the_time_to_live_and_what_has_expired(client: Client) -> None:
    client("SET k v PX 50")
    client("SET gone v PX 1")
    client.engine.clock.advance(0.01)
    assert client("MSET k w gone x") == OK
    assert (client("TTL k"), client("TTL gone")) == (-1, -1)
