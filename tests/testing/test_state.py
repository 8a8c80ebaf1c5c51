"""The data of a server in a test's hands: rolled back, compared, printed, put in, looked at."""

from __future__ import annotations

import json
import pickle
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from miniredis.engine.keyspace import Database
from miniredis.resp.types import NULL_ARRAY, Push
from miniredis.testing import Expiring, MiniRedis, SortedSet, Stream
from tests.commands.peers import Peer
from tests.testing.wire import Wire

EVERY_TYPE: dict[Any, Any] = {
    "string": "hello",
    "number": 5,
    "float": 1.5,
    "bytes": b"\xff\x00",
    "list": ["a", b"\xff", 3],
    "set": {"a", "b"},
    "hash": {"name": "Ann", "visits": 3},
    "zset": SortedSet({"ann": 10, "bob": 7.5}),
    "stream": Stream([("1-1", {"f": "v"}), ("2-1", {"g": "w"})], groups={"workers": "1-1"}),
}


@pytest.fixture
def server() -> MiniRedis:
    """One that was never started, and stands at new year."""
    server = MiniRedis(seed=1)
    server.clock.freeze()
    server.clock.set(datetime(2030, 1, 1, tzinfo=UTC))
    return server


@pytest.fixture
def peer(server: MiniRedis) -> Peer:
    return Peer(server.engine)


# Loading


def test_every_type_is_loaded_as_commands_would(server: MiniRedis, peer: Peer) -> None:
    server.load(EVERY_TYPE)
    assert peer("GET string") == b"hello"
    assert peer("GET number") == b"5"
    assert peer("GET float") == b"1.5"
    assert peer("GET bytes") == b"\xff\x00"
    assert peer("LRANGE list 0 -1") == [b"a", b"\xff", b"3"]
    assert sorted(peer("SMEMBERS set")) == [b"a", b"b"]
    assert peer("HGETALL hash") == {b"name": b"Ann", b"visits": b"3"}
    assert peer("ZRANGE zset 0 -1 WITHSCORES") == [b"bob", 7.5, b"ann", 10.0]
    assert peer("XRANGE stream - +") == [[b"1-1", [b"f", b"v"]], [b"2-1", [b"g", b"w"]]]
    assert peer("XREADGROUP GROUP workers me STREAMS stream >") == [[b"stream", [[b"2-1", [b"g", b"w"]]]]]
    assert peer("OBJECT ENCODING number") == b"int"
    assert peer("OBJECT ENCODING set") == b"listpack"


def test_what_was_there_is_replaced_and_an_empty_collection_is_no_key(server: MiniRedis, peer: Peer) -> None:
    peer("SET a 1 EX 100")
    peer("SET b 1")
    server.load({"a": ["x"], "b": [], "c": {}, "d": set(), "e": SortedSet(), "f": Stream()})
    assert peer("LRANGE a 0 -1") == [b"x"]
    assert peer("TTL a") == -1
    assert peer("DBSIZE") == 1


def test_times_to_live(server: MiniRedis, peer: Peer) -> None:
    server.load(
        {
            "a": Expiring("x", 10),
            "b": Expiring(["x"], timedelta(milliseconds=1500)),
            "c": Expiring({"f": "v"}, datetime(2030, 1, 2, tzinfo=UTC)),
        }
    )
    assert [peer(f"PTTL {key}") for key in "abc"] == [10_000, 1500, 86_400_000]


def test_keys_as_bytes_and_numbers_and_other_databases(server: MiniRedis, peer: Peer) -> None:
    server.load({b"\xff": "a", 7: "b"}, db=3)
    peer("SELECT 3")
    assert peer("GET \xff") == b"a"
    assert peer("GET 7") == b"b"
    assert len(server.db(0)) == 0


def test_an_entry_without_an_id_has_one_made_up(server: MiniRedis, peer: Peer) -> None:
    server.load({"s": Stream([{"a": 1}, {"b": 2}])})
    milliseconds = round(server.clock.time() * 1000)
    assert peer("XRANGE s - +") == [
        [b"%d-0" % milliseconds, [b"a", b"1"]],
        [b"%d-1" % milliseconds, [b"b", b"2"]],
    ]


@pytest.mark.parametrize("value", [None, True, object(), [None], {"f": []}, {1: {2}}, Expiring(None, 1)])
def test_what_redis_has_no_type_for_is_refused_and_nothing_is_loaded(server: MiniRedis, value: Any) -> None:
    with pytest.raises(TypeError, match="Redis has no type for"):
        server.load({"first": "x", "k": value})
    assert len(server.db(0)) == 0


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (SortedSet({"a": "much"}), "'k': ERR value is not a valid float"),
        (Stream([("0-0", {"f": "v"})]), "must be greater than 0-0"),
        (Expiring("x", 0), "a time to live is more than 0"),
        (Expiring("x", datetime(2030, 1, 1)), "has no time zone"),
    ],
)
def test_what_redis_refuses_is_said_in_its_words(server: MiniRedis, value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        server.load({"k": value})


def test_who_waits_gets_what_is_loaded(server: MiniRedis, peer: Peer) -> None:
    peer.send("BLPOP l 0")
    server.load({"l": ["a", "b"]})
    assert peer.seen() == [[b"l", b"a"]]
    assert server.db(0)["l"] == ["b"]


def test_neither_faults_nor_logs_nor_passwords_nor_limits_are_in_the_way() -> None:
    server = MiniRedis(requirepass="secret", maxmemory=1)
    with server.faults.fail(), server.log as log:
        server.load({"k": "v"})
        assert server.db(0)["k"] == "v"
    assert len(log) == 0


def test_replicas_are_told_what_is_loaded(server: MiniRedis) -> None:
    told: list[Any] = []
    propagation = server.engine.propagation
    propagation.feed = lambda number, argv: told.append((number, *argv))
    propagation.activate(True)
    server.load({"l": ["a", "b"]}, db=2)
    assert told == [(2, b"RPUSH", b"l", b"a", b"b")]


def test_a_time_to_live_counts_from_now() -> None:
    server = MiniRedis()
    time.sleep(0.03)
    before = server.clock.time()
    server.load({"k": Expiring("v", 10)})
    end = server.db(0).end_of("k")
    assert end is not None
    assert end >= int(before * 1000) + 10_000


def test_what_has_ended_meanwhile_is_in_no_dump_diff_or_snapshot() -> None:
    server = MiniRedis()
    server.engine.active_expire = False
    before = server.snapshot()
    server.load({"k": Expiring("v", 0.005)})
    time.sleep(0.01)
    assert server.dump() == ""
    server.load({"k": Expiring("v", 0.005)})
    time.sleep(0.01)
    assert server.diff(before) == []
    server.load({"k": Expiring("v", 0.005)})
    time.sleep(0.01)
    assert server.diff(server.snapshot()) == []


def test_loading_breaks_a_watch(server: MiniRedis, peer: Peer) -> None:
    peer("WATCH k")
    server.load({"k": "v"})
    peer("MULTI")
    assert peer("EXEC") == NULL_ARRAY


# Looking


def test_a_database_is_a_mapping(server: MiniRedis) -> None:
    server.load(EVERY_TYPE)
    db = server.db(0)
    assert len(db) == 9
    assert set(db) == set(EVERY_TYPE)
    assert "list" in db
    assert b"list" in db
    assert "nothing" not in db
    assert 5 not in db
    with pytest.raises(KeyError, match="nothing"):
        db["nothing"]
    assert db.get("nothing") is None
    assert db == EVERY_TYPE
    assert db != {**EVERY_TYPE, "string": "hallo"}
    assert db.type("zset") == "zset"
    with pytest.raises(ValueError, match="databases 0 to 15, and no 16"):
        server.db(16)


def test_text_and_bytes_are_equal(server: MiniRedis) -> None:
    server.load(EVERY_TYPE)
    db = server.db(0)
    assert db["string"] == "hello" == db[b"string"]
    assert db["string"] == b"hello"
    assert db["string"] != b"hallo"
    assert db["string"] != "hallo"
    assert db["number"] == 5
    assert db["number"] == "5"
    assert db["number"] != 6
    assert db["bytes"] == b"\xff\x00"
    assert db["list"] == ["a", b"\xff", 3] == db["list"]
    assert db["list"] != ["a", b"\xff"]
    assert db["set"] == {"a", "b"}
    assert db["set"] == {b"a", b"b"}
    assert db["set"] != {"a"}
    assert b"a" in db["set"]
    assert db["hash"] == {"name": "Ann", "visits": 3}
    assert db["hash"] == {b"name": b"Ann", b"visits": b"3"}
    assert db["hash"] != {"name": "Ann"}
    assert db["hash"]["name"] == db["hash"][b"name"] == "Ann"
    assert db["hash"].get(b"none", 1) == 1
    assert db["zset"] == {"bob": 7.5, "ann": 10}
    assert list(db["zset"]) == ["bob", "ann"]
    assert db["stream"] == [("1-1", {"f": "v"}), ("2-1", {b"g": b"w"})]
    assert db["stream"].groups == {"workers": "1-1"}


def test_what_applications_store_comes_out_as_they_can_use_it(server: MiniRedis, peer: Peer) -> None:
    server.load({"j": json.dumps({"a": 1}), "p": pickle.dumps({"a": 1})})
    assert json.loads(server.db(0)["j"]) == {"a": 1}
    assert pickle.loads(server.db(0)["p"]) == {"a": 1}
    peer("XADD s 1-1 f 1 f 2")
    assert server.db(0)["s"] == [("1-1", [("f", "1"), ("f", "2")])]


def test_what_has_ended_is_not_there(server: MiniRedis) -> None:
    server.engine.active_expire = False
    server.load({"k": Expiring("v", 10), "stays": "v"})
    assert server.db(0).ttl("k") == 10
    assert server.db(0).ttl("stays") is None
    server.clock.advance(10.001)
    assert "k" not in server.db(0)
    assert list(server.db(0)) == ["stays"]
    assert len(server.db(0)) == 1
    with pytest.raises(KeyError):
        server.db(0).ttl("k")
    assert server.dump() == 'db0 "stays" = "v"\n'


def test_on_a_flowing_clock_the_view_is_of_now() -> None:
    server = MiniRedis()
    server.load({"k": Expiring("v", 600)})
    ttl = server.db(0).ttl("k")
    assert ttl is not None
    assert 0 < ttl <= 600
    server.load({"k": Expiring("v", 0.01)})
    time.sleep(0.02)
    assert "k" not in server.db(0)


def test_looking_leaves_no_trace(server: MiniRedis, peer: Peer) -> None:
    server.load({"k": "v"})
    server.clock.advance(100)
    assert server.db(0)["k"] == "v"
    assert server.engine.statistics.keyspace_hits == 0
    assert peer("OBJECT IDLETIME k") == 100


def test_a_value_is_a_copy(server: MiniRedis, peer: Peer) -> None:
    server.load({"l": ["a"]})
    before = server.db(0)["l"]
    peer("RPUSH l b")
    before.append("c")
    assert server.db(0)["l"] == ["a", "b"]


def test_from_another_thread() -> None:
    with MiniRedis() as server, Wire(server) as wire:
        server.load(EVERY_TYPE)
        assert wire("GET string") == b"$5\r\nhello\r\n"
        wire("RPUSH list z")
        assert server.db(0)["list"] == ["a", b"\xff", 3, "z"]


# Printing


def test_a_dump_is_text_in_a_fixed_order(server: MiniRedis, peer: Peer) -> None:
    server.load(EVERY_TYPE)
    server.load({"session": Expiring("abc", 3600)}, db=2)
    peer("XREADGROUP GROUP workers me STREAMS stream >")
    assert server.dump() == (
        'db0 "bytes" = "\\xff\\x00"\n'
        'db0 "float" = "1.5"\n'
        'db0 "hash" hash\n'
        '    "name" = "Ann"\n'
        '    "visits" = "3"\n'
        'db0 "list" list\n'
        '    "a"\n'
        '    "\\xff"\n'
        '    "3"\n'
        'db0 "number" = "5"\n'
        'db0 "set" set\n'
        '    "a"\n'
        '    "b"\n'
        'db0 "stream" stream\n'
        '    1-1 "f" = "v"\n'
        '    2-1 "g" = "w"\n'
        "    last id 2-1, deleted up to 0-0, 2 added\n"
        '    group "workers" last given 2-1, read 2\n'
        '    group "workers" consumer "me"\n'
        '    group "workers" consumer "me" pending 2-1 2030-01-01T00:00:00.000Z, 1 times\n'
        'db0 "string" = "hello"\n'
        'db0 "zset" zset\n'
        '    "bob" = 7.5\n'
        '    "ann" = 10\n'
        'db2 "session" = "abc" until 2030-01-01T01:00:00.000Z\n'
    )


def test_a_dump_shows_functions_and_fields_that_end() -> None:
    server = MiniRedis(emulate="valkey-9.1")
    server.clock.freeze()
    server.clock.set(datetime(2030, 1, 1, tzinfo=UTC))
    peer = Peer(server.engine)
    peer("HSET h a 1 b 2")
    peer("HEXPIRE h 60 FIELDS 1 a")
    code = b"#!lua name=lib\nredis.register_function('f', function() return 1 end)"
    server.engine.execute(peer.session, [b"FUNCTION", b"LOAD", code])
    assert server.dump() == (
        'db0 "h" hash\n'
        '    "a" = "1" until 2030-01-01T00:01:00.000Z\n'
        '    "b" = "2"\n'
        "functions\n"
        "    #!lua name=lib\n"
        "    redis.register_function('f', function() return 1 end)\n"
    )


def test_a_dump_of_nothing_is_empty(server: MiniRedis) -> None:
    assert server.dump() == ""


# Rolling back


def test_a_snapshot_puts_everything_back(server: MiniRedis, peer: Peer) -> None:
    server.load(EVERY_TYPE)
    server.load({"k": Expiring("v", 10)}, db=1)
    before = server.dump()
    with server.snapshot():
        peer("FLUSHALL")
        peer("SET new 1")
        assert server.dump() == 'db0 "new" = "1"\n'
    assert server.dump() == before


def test_it_can_be_put_back_again_and_again(server: MiniRedis, peer: Peer) -> None:
    server.load(EVERY_TYPE)
    snapshot, before = server.snapshot(), server.dump()
    for _ in range(3):
        for line in (
            "RPUSH list x",
            "SADD set x",
            "HSET hash x y",
            "ZADD zset 1 x",
            "XADD stream * x y",
            "APPEND string x",
        ):
            peer(line)
        assert len(server.diff(snapshot)) >= 6
        server.restore(snapshot)
        assert server.dump() == before
        assert server.diff(snapshot) == []


def test_functions_are_rolled_back_and_scripts_stay(server: MiniRedis, peer: Peer) -> None:
    snapshot = server.snapshot()
    code = b"#!lua name=lib\nredis.register_function('f', function() return 1 end)"
    server.engine.execute(peer.session, [b"FUNCTION", b"LOAD", code])
    sha = server.engine.execute(peer.session, [b"SCRIPT", b"LOAD", b"return 1"])
    assert server.diff(snapshot)[0].startswith('+ functions "#!lua name=lib')
    server.restore(snapshot)
    assert peer("FUNCTION LIST") == []
    assert peer(f"SCRIPT EXISTS {sha.decode()}") == [1]
    loaded = server.snapshot()
    server.engine.execute(peer.session, [b"FUNCTION", b"LOAD", code])
    server.restore(loaded)
    assert peer("FUNCTION LIST") == []


def test_the_configuration_and_clients_are_not_rolled_back(server: MiniRedis, peer: Peer) -> None:
    with server.snapshot():
        peer("CONFIG SET maxmemory-samples 7")
        peer("CLIENT SETNAME me")
    assert peer("CONFIG GET maxmemory-samples") == {b"maxmemory-samples": b"7"}
    assert peer("CLIENT GETNAME") == b"me"


def test_time_is_not_rolled_back(server: MiniRedis, peer: Peer) -> None:
    server.load({"k": Expiring("v", 10), "l": Expiring("v", 100)})
    snapshot = server.snapshot()
    server.clock.advance(50)
    server.restore(snapshot)
    assert peer("GET k") is None
    assert peer("TTL l") == 50


def test_who_waits_and_who_watches_notice(server: MiniRedis, peer: Peer) -> None:
    server.load({"l": ["a"]})
    snapshot = server.snapshot()
    peer("DEL l")
    watcher, waiter = Peer(server.engine), Peer(server.engine)
    watcher("WATCH l")
    waiter.send("BLPOP l 0")
    server.restore(snapshot)
    assert waiter.seen() == [[b"l", b"a"]]
    watcher("MULTI")
    assert watcher("EXEC") == NULL_ARRAY


def test_an_error_in_the_block_rolls_back_as_well(server: MiniRedis, peer: Peer) -> None:
    with pytest.raises(ZeroDivisionError), server.snapshot():
        raise ZeroDivisionError(peer("SET k v"))
    assert server.dump() == ""


def test_an_untouched_value_is_not_copied(server: MiniRedis, peer: Peer) -> None:
    server.load({"touched": ["a"], "read": ["b"]})
    data = server.engine.databases[0].data
    touched, read = data[b"touched"], data[b"read"]
    snapshot = server.snapshot()
    peer("RPUSH touched x")
    peer("LRANGE read 0 -1")
    assert data[b"touched"] is not touched
    assert data[b"read"] is read
    server.restore(snapshot)
    assert server.engine.databases[0].data[b"touched"] is touched


def test_without_a_snapshot_a_database_is_an_ordinary_one(server: MiniRedis, peer: Peer) -> None:
    server.load({"l": ["a"]})
    snapshot = server.snapshot()
    assert type(server.engine.databases[0]) is not Database
    del snapshot
    peer("RPUSH l b")
    assert type(server.engine.databases[0]) is Database


@pytest.mark.parametrize("version", ["redis-7.0", "redis-7.2"])
def test_who_is_served_by_what_comes_back_does_not_change_the_snapshot(version: str) -> None:
    server = MiniRedis(emulate=version)
    peer, waiter = Peer(server.engine), Peer(server.engine)
    peer("XADD x 1-1 a b")
    peer("XGROUP CREATE x g 0")
    snapshot, dump = server.snapshot(), server.dump()
    peer("XREADGROUP GROUP g me STREAMS x >")
    waiter.send("XREADGROUP GROUP g c BLOCK 0 STREAMS x >")
    server.restore(snapshot)
    assert waiter.seen() == [[[b"x", [[b"1-1", [b"a", b"b"]]]]]]
    server.restore(snapshot)
    assert server.dump() == dump


# Comparing


def test_a_diff_reads_well(server: MiniRedis, peer: Peer) -> None:
    server.load({**EVERY_TYPE, "old": ["x"], "ends": "1"})
    snapshot = server.snapshot()
    assert server.diff(snapshot) == []
    for line in (
        *("SET new 1", "RPUSH fresh a b", "DEL old", "SET string bye", "EXPIRE ends 60", "LPUSH list z", "RPOP list"),
        *(
            "SREM set a",
            "HSET hash name Bob",
            "ZADD zset 11 ann",
            "XADD stream 3-1 h x",
            "DEL number",
            "RPUSH number 5",
        ),
    ):
        peer(line)
    assert server.diff(snapshot) == [
        '~ db0 "ends" until for ever -> 2030-01-01T00:01:00.000Z',
        '+ db0 "fresh" list',
        '+ db0 "fresh": "a"',
        '+ db0 "fresh": "b"',
        '~ db0 "hash" hash: - "name" = "Ann"',
        '~ db0 "hash" hash: + "name" = "Bob"',
        '~ db0 "list" list: + "z"',
        '~ db0 "list" list: - "3"',
        '+ db0 "new" = "1"',
        '~ db0 "number" = "5" -> list',
        '- db0 "old" list',
        '- db0 "old": "x"',
        '~ db0 "set" set: - "a"',
        '~ db0 "stream" stream: - last id 2-1, deleted up to 0-0, 2 added',
        '~ db0 "stream" stream: + 3-1 "h" = "x"',
        '~ db0 "stream" stream: + last id 3-1, deleted up to 0-0, 3 added',
        '~ db0 "string" = "hello" -> "bye"',
        '~ db0 "zset" zset: - "ann" = 10',
        '~ db0 "zset" zset: + "ann" = 11',
    ]


def test_a_diff_of_what_time_has_done(server: MiniRedis) -> None:
    server.engine.active_expire = False
    server.load({"k": Expiring("v", 10)})
    snapshot = server.snapshot()
    server.clock.advance(11)
    assert server.diff(snapshot) == ['- db0 "k" = "v" until 2030-01-01T00:00:10.000Z']
    assert server.diff(server.snapshot()) == []


def test_a_diff_of_fields_that_have_ended() -> None:
    server = MiniRedis(emulate="valkey-9.1")
    server.clock.freeze()
    server.clock.set(datetime(2030, 1, 1, tzinfo=UTC))
    server.engine.active_expire = False
    peer = Peer(server.engine)
    peer("HSET h a 1 b 2")
    peer("HEXPIRE h 10 FIELDS 1 a")
    snapshot = server.snapshot()
    server.clock.advance(11)
    assert server.diff(snapshot) == ['~ db0 "h" hash: - "a" = "1" until 2030-01-01T00:00:10.000Z']


def test_a_diff_of_much_stays_short(server: MiniRedis, peer: Peer) -> None:
    server.load({"l": list(range(5000)), "s": "x" * 10_000})
    snapshot = server.snapshot()
    server.load({"l": list(range(5000, 0, -1)), "s": "y" * 10_000})
    lines = server.diff(snapshot)
    assert lines[0] == '~ db0 "l" list: 5000 lines -> 5000 lines'
    assert all(len(line) <= 201 for line in lines)
    assert len(lines) == 2
    peer("RPUSH l end")
    server.restore(snapshot)
    assert server.diff(snapshot) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("PFADD p a b", "PFCOUNT p"),
        ("XADD x 1-1 a b; XGROUP CREATE x g 0", "XREADGROUP GROUP g c STREAMS x >"),
        ("XADD x 1-1 a b; XGROUP CREATE x g 0; XREADGROUP GROUP g c STREAMS x >", "XREADGROUP GROUP g d STREAMS x 0"),
        ("XGROUP CREATE x g 0 MKSTREAM", "XREADGROUP GROUP g c STREAMS x >"),
        ("XADD x 1-1 a b; XGROUP CREATE x g 0; XREADGROUP GROUP g c STREAMS x >", "XAUTOCLAIM x g d 0 0"),
        ("XADD x 1-1 a b; XGROUP CREATE x g 0; XREADGROUP GROUP g c STREAMS x >", "XCLAIM x g d 0 1-1"),
        ("XADD x 1-1 a b; XGROUP CREATE x g 0; XREADGROUP GROUP g c STREAMS x >", "XACK x g 1-1"),
        ("HSET h a 1 b 2; HEXPIRE h 1000 FIELDS 1 a", "HPERSIST h FIELDS 1 a"),
        ("HSET h a 1 b 2; HEXPIRE h 1 FIELDS 1 a", "advance"),
        ("HSET h a 1 b 2; HEXPIRE h 1000 FIELDS 1 a", "HGETEX h PERSIST FIELDS 1 a"),
        ("HSET h a 1 b 2", "HGETEX h EX 1 FIELDS 1 a"),
        ("HSET h a 1 b 2", "HGETDEL h FIELDS 1 a"),
        ("RPUSH l a b", "RENAME l l2; RPUSH l2 c"),
        ("RPUSH l a b", "MOVE l 1; SELECT 1; RPUSH l c"),
        ("RPUSH l a b", "SWAPDB 0 1; SELECT 1; RPUSH l c"),
        ("RPUSH l a b", "COPY l l2; RPUSH l2 c"),
        ("SET t abc; APPEND t d", "SETRANGE t 0 x; SETBIT t 1 1; APPEND t y"),
        ("SET t 1", "INCR t"),
        ("SADD s a", "SPOP s"),
        ("ZADD z 1 a", "BZPOPMIN z 0"),
        ("RPUSH l a b", "EVAL return(redis.call('rpush',KEYS[1],'x')) 1 l"),
        ("RPUSH l a b", "MULTI; RPUSH l c; LPOP l; EXEC"),
    ],
)
def test_what_a_snapshot_holds_is_never_changed(before: str, after: str) -> None:
    server = MiniRedis(emulate="valkey-9.1")
    server.clock.freeze()
    peer = Peer(server.engine)
    for line in before.split("; "):
        peer(line)
    snapshot, dump = server.snapshot(), server.dump()
    data = dict(server.engine.databases[0].data)
    now = server.clock.now()
    for line in after.split("; "):
        if line == "advance":
            server.clock.advance(1.001)
        else:
            peer.send(line)
    server.clock.set(now)
    server.restore(snapshot)
    assert server.dump() == dump
    assert all(server.engine.databases[0].data[key] is value for key, value in data.items())


@pytest.mark.parametrize("mode", ["", " BCAST"])
def test_clients_with_a_cache_hear_of_what_is_loaded_and_rolled_back(server: MiniRedis, mode: str) -> None:
    server.load({"k": "v"})
    peer = Peer(server.engine, protocol=3)
    peer(f"CLIENT TRACKING ON{mode}")
    peer("GET k")
    snapshot = server.snapshot()
    server.load({"k": "w"})
    assert peer.seen() == [Push([b"invalidate", [b"k"]])]
    peer("GET k")
    server.restore(snapshot)
    assert peer.seen() == [Push([b"invalidate", None])]
    assert peer("GET k") == b"v"
