"""Fields of hashes that end: what becomes of them, and who is told. Every expectation was answered by Valkey 9.1.

(What the commands take and answer is in conformance/scenarios/hashes_expiration.scenarios.)
"""

from __future__ import annotations

import pytest

from miniredis import rdb
from miniredis.engine.copy_on_write import Snapshot
from miniredis.resp.types import NULL_ARRAY, OK, Reply
from tests.commands.client import Client, keyspace_events


@pytest.fixture
def client() -> Client:
    """Has a hash ``h`` whose fields a and b end in a second, whose field c does not."""
    client = Client("valkey-9.1")
    client.engine.clock.freeze()
    client("HSETEX h EX 1 FIELDS 2 a 1 b 2")
    client("HSET h c 3")
    return client


def wait(client: Client, milliseconds: int) -> None:
    client.engine.clock.advance(milliseconds / 1000)


def hidden(client: Client) -> Client:
    """*client*, for whom a and b have ended but are still there."""
    client.engine.active_expire = False
    wait(client, 1001)
    return client


# The end of a field


def test_a_field_is_there_until_its_last_millisecond_has_passed(client: Client) -> None:
    wait(client, 1000)
    assert client("HMGET h a b c") == [b"1", b"2", b"3"]
    assert client("HPTTL h FIELDS 3 a b c") == [0, 0, -1]
    wait(client, 1)
    assert client("HMGET h a b c") == [None, None, b"3"]
    assert client("HPTTL h FIELDS 3 a b c") == [-2, -2, -1]


def test_fields_go_by_themselves_when_their_time_comes(client: Client) -> None:
    client("HPEXPIRE h 500 FIELDS 1 b")
    with keyspace_events(client.engine) as events:
        wait(client, 501)
        assert events == ["hexpired h"]
        assert client("HLEN h") == 2
        wait(client, 500)
        assert events == ["hexpired h"] * 2
        assert client("HLEN h") == 1
        assert client.engine.statistics.expired_fields == 2


def test_a_hash_goes_with_its_last_field(client: Client) -> None:
    client("HDEL h c")
    with keyspace_events(client.engine) as events:
        wait(client, 1001)
    assert events == ["hexpired h", "del h"]
    assert client("EXISTS h") == 0


def test_the_driver_is_told_when_the_first_field_ends(client: Client) -> None:
    now = client.engine.now
    assert client.engine.next_due() == now + 1001
    client("HPEXPIRE h 10 FIELDS 1 c")
    assert client.engine.next_due() == now + 11
    client("DEL h")
    assert client.engine.next_due() is None


def test_many_fields_go_in_batches_until_none_is_left(client: Client) -> None:
    client.engine.config.hash_max_listpack_entries = 0
    for start in range(0, 3000, 100):
        pairs = " ".join(f"f{number} v" for number in range(start, start + 100))
        client(f"HSETEX h KEEPTTL FIELDS 100 {pairs}")
        client(f"HSETEX other{start} PX 5 FIELDS 100 {pairs}")
    fields = " ".join(f"f{number}" for number in range(3000))
    client(f"HPEXPIRE h 5 FIELDS 3000 {fields}")
    wait(client, 6)
    assert (client("HLEN h"), client("DBSIZE")) == (3, 1)


@pytest.mark.parametrize(
    "command",
    ["DEL h", "SET h text", "FLUSHALL", "RENAME h other", "HPERSIST h FIELDS 2 a b", "HDEL h a b", "HSET h a 1 b 2"],
)
def test_what_no_longer_ends_does_not(client: Client, command: str) -> None:
    client(command)
    client("HSET h z 1") if command not in ("SET h text",) else None
    before = client("DUMP h")
    wait(client, 1001)
    assert client("DUMP h") == before
    assert b"keys_with_volatile_items=0" in bytes(client("INFO keyspace"))


# Ended, but still there


def test_what_has_ended_is_hidden_from_everyone_but_hlen(client: Client) -> None:
    hidden(client)
    assert client("HLEN h") == 3
    assert client("HGETALL h") == {b"c": b"3"}
    assert client("HRANDFIELD h -2") == [b"c", b"c"]
    assert client("HSCAN h 0") == [b"0", [b"c", b"3"]]
    assert (client("HEXISTS h a"), client("HSTRLEN h a"), client("HDEL h a")) == (0, 0, 0)
    assert client("HGETDEL h FIELDS 2 a b") == [None, None]


def test_a_hash_whose_fields_have_all_ended_is_still_there(client: Client) -> None:
    client("HDEL h c")
    hidden(client)
    assert (client("EXISTS h"), client("HLEN h"), client("HGETALL h")) == (1, 2, {})
    assert (client("HRANDFIELD h"), client("HRANDFIELD h -3"), client("HRANDFIELD h 3")) == (None, [], [])
    client.engine.active_expire = True
    wait(client, 1)
    assert client("EXISTS h") == 0


@pytest.mark.parametrize(
    ("line", "reply", "events"),
    [
        ("HSET h a 9", 1, ["hexpired h", "hset h"]),
        ("HSET h a 9 b 9", 2, ["hexpired h", "hset h"]),
        ("HMSET h a 9", OK, ["hexpired h", "hset h"]),
        ("HSETNX h a 9", 1, ["hexpired h", "hset h"]),
        ("HINCRBY h a 5", 5, ["hexpired h", "hincrby h"]),
        ("HINCRBYFLOAT h a 5", b"5", ["hexpired h", "hincrbyfloat h"]),
        ("HSETEX h EX 10 FIELDS 1 a 1", 1, ["hexpired h", "hset h", "hexpire h"]),
        ("HSETEX h KEEPTTL FIELDS 1 a 1", 1, ["hexpired h", "hset h"]),
        ("HSETEX h FNX FIELDS 2 a 1 b 1", 1, ["hexpired h", "hset h"]),
        ("HSETEX h FXX FIELDS 1 a 1", 0, []),
        ("HEXPIRE h 100 FIELDS 1 a", [-2], []),
        ("HPERSIST h FIELDS 1 a", [-2], []),
        ("COPY h other", 1, ["new other", "copy_to other"]),
    ],
)
def test_a_field_that_has_ended_comes_back_as_a_new_one(
    client: Client, line: str, reply: Reply, events: list[str]
) -> None:
    hidden(client)
    with keyspace_events(client.engine) as heard:
        assert client(line) == reply
    assert heard == events


def test_a_copy_is_without_what_has_ended_and_a_payload_is_not(client: Client) -> None:
    hidden(client)
    client("COPY h copied")
    data = bytes(client("DUMP h"))
    client.engine.execute(client.session, [b"RESTORE", b"restored", b"0", data])
    assert (client("HLEN copied"), client("HLEN restored")) == (1, 3)
    assert client("HGETALL restored") == {b"c": b"3"}


def test_a_pause_hides_what_ends_and_does_not_remove_it(client: Client) -> None:
    client("CLIENT PAUSE 5000 WRITE")
    wait(client, 2000)
    assert (client("HLEN h"), client("HGET h a")) == (3, None)
    wait(client, 4000)
    assert client("HLEN h") == 1


# What is told, and counted


@pytest.mark.parametrize(
    ("line", "events", "changes"),
    [
        ("HEXPIRE h 100 FIELDS 3 a b missing", ["hexpire h"], 2),
        ("HEXPIRE h 100 XX FIELDS 1 c", [], 0),
        ("HEXPIRE h 0 FIELDS 2 a b", ["hexpired h"], 2),
        ("HEXPIRE h 0 FIELDS 3 a b c", ["hexpired h", "del h"], 3),
        ("HPERSIST h FIELDS 3 a b c", ["hpersist h"], 2),
        ("HPERSIST h FIELDS 1 c", [], 0),
        ("HGETEX h FIELDS 1 a", [], 0),
        ("HGETEX h EX 100 FIELDS 2 a c", ["hexpire h"], 2),
        ("HGETEX h PERSIST FIELDS 2 a c", ["hpersist h"], 1),
        ("HGETEX h PXAT 1 FIELDS 3 a b c", ["hexpired h", "del h"], 3),
        ("HGETDEL h FIELDS 2 a b", ["hdel h"], 2),
        ("HGETDEL h FIELDS 3 a b c", ["hdel h", "del h"], 3),
        ("HSETEX h FIELDS 2 a 1 z 1", ["hset h"], 2),
        ("HSETEX h EX 10 FIELDS 1 a 1", ["hset h", "hexpire h"], 1),
        ("HSETEX h EX 0 FIELDS 2 a 1 z 1", ["hset h", "hexpire h", "hexpired h"], 1),
        ("HSETEX h EX 0 FIELDS 1 z 1", ["hset h", "hexpire h", "hexpired h"], 0),
        ("HSETEX n EX 0 FIELDS 1 z 1", ["new n", "hset n", "hexpire n", "hexpired n", "del n"], 0),
        ("HSETEX h NX FIELDS 1 z 1", [], 0),
    ],
)
def test_events_and_changes(client: Client, line: str, events: list[str], changes: int) -> None:
    before = client.engine.dirty
    assert client.events(line) == events
    assert client.engine.dirty - before == changes


@pytest.mark.parametrize(
    ("line", "is_told"),
    [
        ("HEXPIRE h 9 FIELDS 1 a", True),
        ("HPERSIST h FIELDS 1 a", True),
        ("HGETEX h EX 9 FIELDS 1 a", True),
        ("HGETEX h FIELDS 1 a", False),
        ("HEXPIRE h 9 XX FIELDS 1 c", False),
        ("HSETEX h EX 0 FIELDS 1 z 1", False),
        ("HSETEX h EX 0 FIELDS 1 a 1", True),
    ],
)
def test_who_watches_the_hash_is_told(client: Client, line: str, is_told: bool) -> None:
    other = Client("valkey-9.1")
    other.engine, other.session = client.engine, client.engine.connect(lambda reply: None)
    client("WATCH h")
    other(line)
    client("MULTI")
    assert (client("EXEC") == NULL_ARRAY) is is_told


def test_the_end_of_a_field_is_a_change_for_who_watches(client: Client) -> None:
    client("WATCH h")
    wait(client, 1001)
    client("MULTI")
    assert client("EXEC") == NULL_ARRAY


def test_info_counts_keys_with_fields_that_end_and_fields_that_have(client: Client) -> None:
    client("HSETEX g EX 10 FIELDS 1 a 1")
    client("SET s 1 EX 100")
    assert b"keys=3,expires=1,avg_ttl=100000,keys_with_volatile_items=2" in bytes(client("INFO keyspace"))
    wait(client, 1001)
    assert b"keys_with_volatile_items=1" in bytes(client("INFO keyspace"))
    assert b"\r\nexpired_fields:2\r\n" in bytes(client("INFO stats"))
    assert b"\r\nexpired_keys:0\r\n" in bytes(client("INFO stats"))
    client("CONFIG RESETSTAT")
    assert b"\r\nexpired_fields:0\r\n" in bytes(client("INFO stats"))


# Where the hash goes


@pytest.mark.parametrize(
    ("line", "key", "database"),
    [
        ("RENAME h x", "x", 0),
        ("COPY h x", "x", 0),
        ("MOVE h 3", "h", 3),
        ("COPY h x DB 3", "x", 3),
        ("SWAPDB 0 3", "h", 3),
    ],
)
def test_fields_end_wherever_their_hash_has_gone(client: Client, line: str, key: str, database: int) -> None:
    client(line)
    client(f"SELECT {database}")
    assert client(f"HPTTL {key} FIELDS 3 a b c") == [1000, 1000, -1]
    wait(client, 1001)
    assert client(f"HLEN {key}") == 1


def test_a_copy_ends_for_itself(client: Client) -> None:
    client("COPY h x")
    client("HPERSIST x FIELDS 1 a")
    wait(client, 1001)
    assert (client("HGETALL h"), client("HGETALL x")) == ({b"c": b"3"}, {b"a": b"1", b"c": b"3"})


def test_fields_end_after_a_file_was_loaded(client: Client) -> None:
    data = rdb.dump(client.engine)
    client("FLUSHALL")
    rdb.load(client.engine, data)
    assert client("HPTTL h FIELDS 3 a b c") == [1000, 1000, -1]
    wait(client, 1001)
    assert client("HLEN h") == 1


def test_what_has_ended_before_a_file_is_loaded_is_left_out(client: Client) -> None:
    client("HSETEX all PX 1 FIELDS 1 a 1")
    data = rdb.dump(client.engine)
    wait(client, 1001)
    rdb.load(client.engine, data)
    assert (client("HLEN h"), client("EXISTS all")) == (1, 0)
    assert set(rdb.parse(data, client.engine, keep_expired=True).databases[0][0].value.fields) == {b"a", b"b", b"c"}


def test_a_snapshot_keeps_the_fields_that_end_afterwards_until_it_is_put_back(client: Client) -> None:
    snapshot = Snapshot(client.engine)
    client("HPEXPIRE h 5 FIELDS 1 c")
    wait(client, 6)
    assert client("HLEN h") == 2
    snapshot.restore(client.engine)
    assert (client("HPTTL h FIELDS 3 a b c"), client("HLEN h")) == ([994, 994, -1], 3)
    wait(client, 995)
    assert client("HLEN h") == 1
    snapshot.restore(client.engine)
    assert client("HGETALL h") == {b"c": b"3"}


def test_a_transaction_sees_a_field_to_its_end_at_one_time(client: Client) -> None:
    client("MULTI")
    for line in ("HEXPIRE h 0 FIELDS 1 a", "HGET h a", "HSETEX h PX 0 FIELDS 1 c 1", "HLEN h"):
        client(line)
    assert client("EXEC") == [[2], None, 1, 1]
