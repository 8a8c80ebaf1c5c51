"""Keys, times to live, OBJECT and SORT: what Redis 7.0.15 and Valkey 9.1.2 answered to these lines."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniredis.resp.types import OK, Error, Reply, SimpleString
from tests.commands.client import NOT_AN_INTEGER, SYNTAX, WRONGTYPE, Client, arity
from tests.commands.peers import Peer, frozen_engine

SAME_OBJECT = Error("ERR source and destination objects are the same")
NO_SUCH_DB = Error("ERR DB index is out of range")
NO_SUCH_KEY = Error("ERR no such key")


@pytest.fixture(params=["redis-7.0", "redis-7.2", "valkey-9.1"])
def client(request: pytest.FixtureRequest) -> Client:
    return Client(request.param)


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        (["MSET a 1 b 2", "DEL a b missing"], 2),
        (["MSET a 1 b 2", "UNLINK a a"], 1),
        (["SET a 1", "EXISTS a a missing"], 2),
        (["SET a 1", "TOUCH a missing"], 1),
        (["TYPE missing"], SimpleString(b"none")),
        (["ZADD z 1 a", "TYPE z"], SimpleString(b"zset")),
        (["RENAME missing b"], NO_SUCH_KEY),
        (["SET a 1 EX 100", "SET b 2", "RENAME a b", "TTL b"], 100),
        (["SET a 1", "RENAME a a"], OK),
        (["SET a 1", "RENAMENX a a"], 0),
        (["MSET a 1 b 2", "RENAMENX a b"], 0),
        (["RENAMENX missing missing"], NO_SUCH_KEY),
        (["SET a 1 EX 100", "COPY a b", "TTL b"], 100),
        (["MSET a 1 b 2", "COPY a b"], 0),
        (["MSET a 1 b 2", "COPY a b REPLACE", "GET b"], b"1"),
        (["COPY a a"], SAME_OBJECT),
        (["SET a 1", "COPY a a DB 1"], 1),
        (["COPY a b DB 99"], NO_SUCH_DB),
        (["COPY a b DB abc"], NOT_AN_INTEGER),
        (["COPY a b FOO"], SYNTAX),
        (["RPUSH l a", "COPY l m", "RPUSH l b", "LLEN m"], 1),
        (["SET a 1", "MOVE a 1"], 1),
        (["SET a 1", "MOVE a 0"], SAME_OBJECT),
        (["MOVE a 99"], NO_SUCH_DB),
        (["MSET one 1 two 2 three 3", "KEYS t*"], [b"two", b"three"]),
        (["RANDOMKEY"], None),
        (["SET a 1", "RANDOMKEY"], b"a"),
        (["SET a 1", "SCAN 0"], [b"0", [b"a"]]),
        (["SCAN abc"], Error("ERR invalid cursor")),
        (["SCAN 0 COUNT 0"], SYNTAX),
        (["SCAN 0 COUNT abc"], NOT_AN_INTEGER),
        (["SET a 1", "SADD s x", "SCAN 0 COUNT 100 TYPE SET"], [b"0", [b"s"]]),
        (["SET k v", "EXPIRE k 100"], 1),
        (["EXPIRE missing 100"], 0),
        (["SET k v", "EXPIRE k 100 XX"], 0),
        (["SET k v", "EXPIRE k 100 GT"], 0),
        (["SET k v", "EXPIRE k 100 LT"], 1),
        (["SET k v EX 100", "EXPIRE k 200 NX"], 0),
        (["SET k v EX 100", "EXPIRE k 200 GT", "TTL k"], 200),
        (
            ["EXPIRE k 1 NX GT"],
            Error("ERR NX and XX, GT or LT options at the same time are not compatible"),
        ),
        (["EXPIRE k 1 GT LT"], Error("ERR GT and LT options at the same time are not compatible")),
        (["EXPIRE k 1 FOO"], Error("ERR Unsupported option FOO")),
        (["EXPIRE k abc"], NOT_AN_INTEGER),
        (["EXPIRE k 9223372036854775807"], Error("ERR invalid expire time in 'expire' command")),
        (["SET k v", "PEXPIRE k 9223372036854775807"], Error("ERR invalid expire time in 'pexpire' command")),
        (["SET k v", "EXPIRE k -1", "EXISTS k"], 0),
        (["SET k v", "EXPIREAT k 33177117420", "EXPIRETIME k"], 33177117420),
        (["SET k v", "PEXPIREAT k 33177117420123", "PEXPIRETIME k"], 33177117420123),
        (["SET k v PX 1600", "PERSIST k"], 1),
        (["SET k v", "PERSIST k"], 0),
        (["TTL missing"], -2),
        (["SET k v", "PTTL k"], -1),
        (["OBJECT ENCODING missing"], None),
        (["SET k v", "OBJECT REFCOUNT k"], 1),
        (["SET k v", "OBJECT IDLETIME k"], 0),
        (["OBJECT FOO k"], Error("ERR unknown subcommand 'FOO'. Try OBJECT HELP.")),
        (["OBJECT"], arity("object")),
        (["RPUSH l 3 1 2 10", "SORT l"], [b"1", b"2", b"3", b"10"]),
        (["RPUSH l 3 1 2 10", "SORT l ALPHA DESC"], [b"3", b"2", b"10", b"1"]),
        (["RPUSH l 3 1 2 10", "SORT l LIMIT 1 2"], [b"2", b"3"]),
        (["RPUSH l 3 1 2", "SORT l BY nosort DESC"], [b"2", b"1", b"3"]),
        (["RPUSH l 1 2", "MSET w1 9 w2 3", "SORT l BY w* GET # GET w*"], [b"2", b"3", b"1", b"9"]),
        (["RPUSH l 1 2", "HSET h1 f 9", "SORT l GET h*->f"], [b"9", None]),
        (["RPUSH l 2 1", "SORT l STORE m", "LRANGE m 0 -1"], [b"1", b"2"]),
        (["SET m x", "SORT missing STORE m", "EXISTS m"], 0),
        (["RPUSH l a b", "SORT l"], Error("ERR One or more scores can't be converted into double")),
        (["SET k v", "SORT k"], WRONGTYPE),
        (["SORT_RO l STORE m"], SYNTAX),
        (["ZADD z 2 a 1 b", "SORT z BY nosort"], [b"b", b"a"]),
    ],
)
def test_a_key_command_answers_as_redis(client: Client, lines: list[str], reply: Reply) -> None:
    *before, last = lines
    for line in before:
        client(line)
    assert client(last) == reply


def test_shared_integers_have_the_reference_count_of_what_never_dies() -> None:
    for version, count in (("redis-7.2", 2147483647), ("valkey-9.1", 1)):
        client = Client(version)
        client("SET k 9999")
        assert client("OBJECT REFCOUNT k") == count


def test_the_longest_embedded_string_depends_on_the_version() -> None:
    redis, valkey = Client("redis-7.2"), Client("valkey-9.1")
    for client, longest in ((redis, 44), (valkey, 112)):
        client("SET k " + longest * "x")
        assert client.encoding("k") == "embstr"
        client("SET k " + (longest + 1) * "x")
        assert client.encoding("k") == "raw"


@pytest.mark.parametrize(
    ("before", "line", "events"),
    [
        ("SET a v", "DEL a missing", ["del a"]),
        ("SET a v", "RENAME a b", ["new b", "rename_from a", "rename_to b"]),
        ("SET a v", "COPY a b", ["new b", "copy_to b"]),
        ("SET a v", "MOVE a 1", ["new a", "move_from a", "move_to a"]),
        ("SET a v", "EXPIRE a 10", ["expire a"]),
        ("SET a v", "EXPIRE a -1", ["del a"]),
        ("SET a v EX 10", "PERSIST a", ["persist a"]),
        ("RPUSH l 1", "SORT l STORE m", ["new m", "sortstore m"]),
        ("SET a v", "TOUCH a", []),
    ],
)
def test_the_events_are_those_of_redis(before: str, line: str, events: list[str]) -> None:
    client = Client("redis-7.0")
    client(before)
    assert client.events(line) == events


def test_smove_meets_both_keys_whatever_it_moves() -> None:
    engine = frozen_engine()
    alice, listener = Peer(engine), Peer(engine)
    alice("CONFIG SET notify-keyspace-events EA")
    engine.active_expire = False
    for line in ("SADD a 1", "SET b text", "PEXPIRE a 1", "PEXPIRE b 1"):
        alice(line)
    listener("PSUBSCRIBE __keyevent@0__:expired")
    engine.clock.advance(1)
    assert alice("SMOVE a b 1") == 0
    assert [message[3] for message in listener.seen()] == [b"a", b"b"]


@pytest.mark.parametrize(
    ("end", "events"),
    [
        (b"", [b"expired k", b"new k", b"restore k"]),
        (b"REPLACE", [b"new k", b"restore k"]),
    ],
)
def test_restore_replaces_an_expired_key_without_a_word(end: bytes, events: list[bytes]) -> None:
    engine = frozen_engine("redis-7.0")
    alice, listener = Peer(engine), Peer(engine)
    alice("CONFIG SET notify-keyspace-events EAmn")
    engine.active_expire = False
    alice("SET k v")
    alice("PEXPIRE k 1")
    payload = engine.execute(alice.session, [b"DUMP", b"k"])
    assert isinstance(payload, bytes)
    listener("PSUBSCRIBE __keyevent@0__:*")
    engine.clock.advance(1)
    engine.execute(alice.session, [b"RESTORE", b"k", b"0", payload, *([end] if end else [])])
    assert [b"%b %b" % (message[2].partition(b":")[2], message[3]) for message in listener.seen()] == events


@pytest.mark.parametrize(
    ("version", "wanted", "events"),
    [
        ("redis-7.0", "string", [b"expired k", b"keymiss k"]),
        ("redis-7.0", "list", [b"expired k", b"keymiss k"]),
        ("redis-7.2", "string", [b"expired k"]),
        ("redis-7.2", "list", [b"expired k"]),
        ("valkey-9.1", "string", [b"expired k"]),
        ("valkey-9.1", "list", []),
    ],
)
def test_scan_of_a_type_tells_of_an_expired_key(version: str, wanted: str, events: list[bytes]) -> None:
    engine = frozen_engine(version)
    alice, listener = Peer(engine), Peer(engine)
    alice("CONFIG SET notify-keyspace-events EAm")
    engine.active_expire = False
    alice("SET k v")
    alice("PEXPIRE k 1")
    listener("PSUBSCRIBE __keyevent@0__:*")
    engine.clock.advance(1)
    assert alice(f"SCAN 0 TYPE {wanted}") == [b"0", []]
    assert [b"%b %b" % (message[2].partition(b":")[2], message[3]) for message in listener.seen()] == events


@settings(max_examples=60, deadline=None)
@given(
    initial=st.sets(st.integers(0, 400), min_size=1),
    steps=st.lists(
        st.tuples(st.integers(1, 60), st.lists(st.tuples(st.booleans(), st.integers(0, 400)), max_size=80)), min_size=1
    ),
)
def test_scan_returns_every_key_that_is_there_throughout(
    initial: set[int], steps: list[tuple[int, list[tuple[bool, int]]]]
) -> None:
    """However many keys come and go between the calls, and with a new COUNT at each."""
    client = Client()
    present = {b"%d" % number for number in initial}
    for key in present:
        client(f"SET {key.decode()} v")
    throughout = set(present)
    ever = set(present)
    seen: set[bytes] = set()
    cursor, call = b"0", 0
    while True:
        count, changes = steps[call % len(steps)] if call < 200 else (1000, [])
        cursor, batch = client(f"SCAN {cursor.decode()} COUNT {count}")
        seen.update(batch)
        call += 1
        if cursor == b"0":
            break
        for comes, number in changes:
            client(f"SET {number} v" if comes else f"DEL {number}")
            key = b"%d" % number
            if comes:
                ever.add(key)
            else:
                throughout.discard(key)
    assert throughout <= seen <= ever
