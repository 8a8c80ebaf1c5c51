"""The stream commands. Every expectation was answered by Redis 7.0.15 and, for 7.2 and later, by Valkey 9.1."""

from __future__ import annotations

import pytest

from miniredis.resp.types import NULL_ARRAY, OK, Error, Pairs, Reply, SimpleString
from tests.commands.client import NOT_AN_INTEGER, SYNTAX, WRONGTYPE, Client, arity

INVALID_ID = Error("ERR Invalid stream ID specified as stream command argument")
NOT_GREATER = Error("ERR The ID specified in XADD is equal or smaller than the target stream top item")


@pytest.fixture(params=["redis-7.0", "redis-7.2", "valkey-9.1"])
def client(request: pytest.FixtureRequest) -> Client:
    return Client(request.param)


def frozen(version: str = "redis-7.2", protocol: int = 2) -> Client:
    """A client of an engine whose clock stands at 1,700,000,000 seconds."""
    client = Client(version, protocol)
    client.engine.clock.freeze()
    client.engine.clock.set(1_700_000_000)
    return client


# Adding


def test_ids_come_from_the_clock_and_never_go_back() -> None:
    client = frozen()
    assert client("XADD s * a b") == b"1700000000000-0"
    assert client("XADD s * a b") == b"1700000000000-1"
    client.engine.clock.advance(0.001)
    assert client("XADD s * a b") == b"1700000000001-0"
    client.engine.clock.set(1_600_000_000)
    assert client("XADD s * a b") == b"1700000000001-1"
    assert client("XADD s 1800000000000-5 a b") == b"1800000000000-5"
    assert client("XADD s * a b") == b"1800000000000-6"


@pytest.mark.parametrize(
    ("id", "reply"),
    [
        ("5-3", b"5-3"),
        ("6", b"6-0"),
        ("5-*", b"5-3"),
        ("6-*", b"6-0"),
        ("5-2", NOT_GREATER),
        ("4-*", NOT_GREATER),
        ("0-0", Error("ERR The ID specified in XADD must be greater than 0-0")),
        ("0-1", NOT_GREATER),
        ("06-01", b"6-1"),
        ("+6-+1", b"6-1"),
        ("6--01", b"6-18446744073709551615"),
        ("6--1", INVALID_ID),
        ("-1", INVALID_ID),
        ("6-", INVALID_ID),
        ("''", INVALID_ID),
        ("+", INVALID_ID),
        ("-", INVALID_ID),
        ("6.5", INVALID_ID),
        ("6-1-1", INVALID_ID),
        ("18446744073709551616", INVALID_ID),
        ("6-" + "0" * 126, INVALID_ID),
        ("6-\x001", INVALID_ID),
    ],
)
def test_an_id_may_be_given_whole_or_in_part(client: Client, id: str, reply: Reply) -> None:
    client("XADD s 5-2 a b")
    assert client(f"XADD s {id} a b") == reply


def test_a_stream_whose_ids_are_used_up_takes_no_more(client: Client) -> None:
    client("XADD s 18446744073709551615-18446744073709551615 a b")
    for entry_id in ("*", "5", "18446744073709551615-*"):
        assert client(f"XADD s {entry_id} a b") == Error(
            "ERR The stream has exhausted the last possible ID, unable to add more items"
        )


def test_no_sequence_is_left_in_a_millisecond() -> None:
    for version, reply in (
        ("redis-7.0", Error("ERR Elements are too large to be stored")),
        ("valkey-9.1", NOT_GREATER),
    ):
        client = Client(version)
        client("XADD s 5-18446744073709551615 a b")
        assert client("XADD s 5-* a b") == reply
        assert client("XADD s * a b")


def test_a_refused_entry_leaves_no_stream_behind(client: Client) -> None:
    for line in ("XADD s abc a b", "XADD s 0-0 a b", "XADD s 1 a", "XADD s MAXLEN -1 1 a b", "XADD s NOMKSTREAM 1 a b"):
        client(line)
        assert client("EXISTS s") == 0


def test_an_odd_number_of_words_is_a_wrong_number_of_arguments(client: Client) -> None:
    for line in ("XADD s 1 a", "XADD s 1 a b c", "XADD s MAXLEN 1 2", "XADD s NOMKSTREAM 1 a", "XADD s * a b c"):
        assert client(line) == arity("xadd")


def test_options_of_trimming_are_checked_before_the_fields(client: Client) -> None:
    assert client("XADD s LIMIT 1 1 a b c") == Error(
        "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"
    )
    assert client("XADD s MAXLEN 1 LIMIT 1 1 a b c") == Error(
        "ERR syntax error, LIMIT cannot be used without the special ~ option"
    )


def test_without_a_limit_approximate_trimming_takes_a_hundred_nodes_at_most(client: Client) -> None:
    client("CONFIG SET stream-node-max-entries 1")
    for number in range(1, 111):
        client(f"XADD s {number} a b")
    assert client("XTRIM s MAXLEN ~ 1") == 100
    assert client("XTRIM s MAXLEN ~ 1") == 9


# Reading


def test_ranges_are_read_from_both_ends(client: Client) -> None:
    for entry_id in ("1-1", "1-2", "2-1"):
        client(f"XADD s {entry_id} a {entry_id}")
    first, second, third = ([entry_id, [b"a", entry_id]] for entry_id in (b"1-1", b"1-2", b"2-1"))
    for line, reply in (
        ("XRANGE s - +", [first, second, third]),
        ("XRANGE s 1 1", [first, second]),
        ("XRANGE s (1-1 (2-1", [second]),
        ("XRANGE s - + COUNT 1", [first]),
        ("XRANGE s - + COUNT 0", NULL_ARRAY),
        ("XRANGE s - + COUNT -1", NULL_ARRAY),
        ("XRANGE nosuch - + COUNT 0", []),
        ("XREVRANGE s + - COUNT 2", [third, second]),
        ("XREVRANGE s 1 -", [second, first]),
        ("XRANGE s (18446744073709551615-18446744073709551615 +", Error("ERR invalid start ID for the interval")),
        ("XRANGE s - (0", []),
        ("XRANGE s - (0-0", Error("ERR invalid end ID for the interval")),
        ("XRANGE s - + COUNT", SYNTAX),
        ("XRANGE s - + COUNT x", NOT_AN_INTEGER),
        ("XRANGE s (- +", INVALID_ID),
    ):
        assert client(line) == reply, line


def test_a_reader_gets_a_map_of_streams_in_resp3() -> None:
    for protocol, reply in ((2, [[b"s", [[b"1-0", [b"a", b"b"]]]]]), (3, Pairs([(b"s", [[b"1-0", [b"a", b"b"]]])]))):
        client = Client(protocol=protocol)
        client("XADD s 1 a b")
        assert client("XREAD STREAMS s nosuch 0 0") == reply
        assert client("XREAD STREAMS s 1") == NULL_ARRAY


def test_the_last_entry_can_be_asked_for_in_valkey() -> None:
    for version, reply in (
        ("redis-7.0", INVALID_ID),
        ("redis-7.2", INVALID_ID),
        ("valkey-9.1", [[b"s", [[b"2-0", [b"a", b"b"]]]]]),
    ):
        client = Client(version)
        client("XADD s 1 a b")
        client("XADD s 2 a b")
        assert client("XREAD STREAMS s +") == reply


# Consumers


def test_a_consumer_is_there_from_its_first_entry_and_since_7_2_from_its_first_try() -> None:
    for version, consumers in (("redis-7.0", 0), ("redis-7.2", 4)):
        client = Client(version)
        client("XGROUP CREATE s g $ MKSTREAM")
        client("XREADGROUP GROUP g alice STREAMS s >")
        client("XCLAIM s g bob 0 5")
        client("XAUTOCLAIM s g carol 0 0")
        client("XCLAIM s g dave 0 IDLE 5")
        assert len(client("XINFO CONSUMERS s g")) == consumers


def test_since_7_2_trying_and_getting_are_told_apart() -> None:
    client = frozen("redis-7.2")
    client("XADD s 1 a b")
    client("XGROUP CREATE s g 0")
    client("XREADGROUP GROUP g alice STREAMS s >")
    client.engine.clock.advance(5)
    client("XREADGROUP GROUP g alice STREAMS s >")
    client("XREADGROUP GROUP g bob NOACK STREAMS s >")
    client.engine.clock.advance(1)
    assert client("XINFO CONSUMERS s g") == [
        {b"name": b"alice", b"pending": 1, b"idle": 1000, b"inactive": 6000},
        {b"name": b"bob", b"pending": 0, b"idle": 1000, b"inactive": -1},
    ]


def test_up_to_7_0_only_who_gets_something_is_seen() -> None:
    client = frozen("redis-7.0")
    client("XADD s 1 a b")
    client("XGROUP CREATE s g 0")
    client("XREADGROUP GROUP g alice STREAMS s >")
    client.engine.clock.advance(5)
    client("XREADGROUP GROUP g alice STREAMS s >")
    assert client("XINFO CONSUMERS s g") == [{b"name": b"alice", b"pending": 1, b"idle": 5000}]
    client("XREADGROUP GROUP g alice STREAMS s 5")
    assert client("XINFO CONSUMERS s g") == [{b"name": b"alice", b"pending": 1, b"idle": 0}]


def test_what_is_pending_grows_older_until_it_is_delivered_anew(client: Client) -> None:
    client.engine.clock.freeze()
    client("XADD s 1 a b")
    client("XADD s 2 a b")
    client("XGROUP CREATE s g 0")
    client("XREADGROUP GROUP g alice STREAMS s >")
    client.engine.clock.advance(10)
    assert client("XPENDING s g - + 10") == [[b"1-0", b"alice", 10_000, 1], [b"2-0", b"alice", 10_000, 1]]
    assert client("XPENDING s g IDLE 10001 - + 10") == []
    client("XREADGROUP GROUP g alice COUNT 1 STREAMS s 0")
    assert client("XPENDING s g - + 10") == [[b"1-0", b"alice", 0, 2], [b"2-0", b"alice", 10_000, 1]]
    assert client("XCLAIM s g bob 10000 1 2 JUSTID") == [b"2-0"]
    assert client("XPENDING s g - + 10 bob") == [[b"2-0", b"bob", 0, 1]]
    client("XCLAIM s g bob 0 1 2 IDLE 500 RETRYCOUNT 7")
    assert client("XPENDING s g - + 10 bob") == [[b"1-0", b"bob", 500, 7], [b"2-0", b"bob", 500, 7]]
    client("XCLAIM s g bob 0 1 TIME 99999999999999")
    assert client("XPENDING s g - 1 10") == [[b"1-0", b"bob", 0, 8]]
    assert client("XAUTOCLAIM s g carol 500 0") == [b"0-0", [[b"2-0", [b"a", b"b"]]], []]


def test_claiming_forgets_what_is_gone_from_the_stream(client: Client) -> None:
    for entry_id in (1, 2, 3):
        client(f"XADD s {entry_id} a b")
    client("XGROUP CREATE s g 0")
    client("XREADGROUP GROUP g alice STREAMS s >")
    client("XDEL s 1 3")
    assert client("XCLAIM s g bob 0 1") == []
    assert client("XAUTOCLAIM s g bob 0 0 COUNT 1") == [b"3-0", [[b"2-0", [b"a", b"b"]]], []]
    assert client("XAUTOCLAIM s g bob 0 3 COUNT 1") == [b"0-0", [], [b"3-0"]]
    assert client("XPENDING s g") == [1, b"2-0", b"2-0", [[b"bob", b"1"]]]


def test_the_lag_is_unknown_behind_a_deletion_and_valkey_does_not_guess() -> None:
    for version, lag in (("redis-7.0", 1), ("redis-7.2", 1), ("valkey-9.1", None)):
        client = Client(version)
        for entry_id in (1, 2, 3, 4):
            client(f"XADD s {entry_id} a b")
        client("XGROUP CREATE s g 0")
        client("XREADGROUP GROUP g alice COUNT 1 STREAMS s >")
        client("XDEL s 3")
        assert client("XINFO GROUPS s")[0][b"lag"] is None
        client("XREADGROUP GROUP g alice COUNT 1 STREAMS s >")
        client("XTRIM s MAXLEN 0")
        client("XADD s 5 a b")
        assert client("XINFO GROUPS s")[0][b"lag"] == lag


# What others notice


@pytest.mark.parametrize(
    ("line", "events", "changes"),
    [
        ("XADD s 9 a b", ["xadd s"], 1),
        ("XADD s MAXLEN 1 9 a b", ["xadd s", "xtrim s"], 1),
        ("XADD s MAXLEN 9 9 a b", ["xadd s"], 1),
        ("XADD s 1 a b", [], 0),
        ("XADD new 1 a b", ["new new", "xadd new"], 1),
        ("XDEL s 1 2 7", ["xdel s"], 2),
        ("XDEL s 7", [], 0),
        ("XTRIM s MAXLEN 1", ["xtrim s"], 2),
        ("XTRIM s MAXLEN 5", [], 0),
        ("XSETID s 9", ["xsetid s"], 1),
        ("XGROUP CREATE s h 0", ["xgroup-create s"], 1),
        ("XGROUP CREATE s g 0", [], 0),
        ("XGROUP CREATE new g 0 MKSTREAM", ["new new", "xgroup-create new"], 1),
        ("XGROUP SETID s g 0", ["xgroup-setid s"], 1),
        ("XGROUP DESTROY s g", ["xgroup-destroy s"], 1),
        ("XGROUP DESTROY s h", [], 0),
        ("XGROUP CREATECONSUMER s g bob", ["xgroup-createconsumer s"], 1),
        ("XGROUP CREATECONSUMER s g alice", [], 0),
        ("XGROUP DELCONSUMER s g alice", ["xgroup-delconsumer s"], 1),
        ("XGROUP DELCONSUMER s g bob", [], 0),
        ("XREADGROUP GROUP g bob STREAMS s >", ["xgroup-createconsumer s"], 2),
        ("XREADGROUP GROUP g alice STREAMS s >", [], 1),
        ("XREADGROUP GROUP g alice STREAMS s 0", [], 1),
        ("XACK s g 1 2", [], 1),
        ("XCLAIM s g alice 0 1 3", [], 1),
        ("XCLAIM s g alice 0 9 LASTID 5", [], 1),
        ("XAUTOCLAIM s g alice 0 0", [], 1),
    ],
)
def test_events_and_changes_are_those_of_redis(client: Client, line: str, events: list[str], changes: int) -> None:
    def prepare() -> None:
        client("FLUSHALL")
        for entry_id in (1, 2, 3):
            client(f"XADD s {entry_id} a b")
        client("XGROUP CREATE s g 0")
        client("XREADGROUP GROUP g alice COUNT 1 STREAMS s >")

    prepare()
    assert client.events(line) == events
    prepare()
    assert client.changes(line) == changes


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("XADD s 9 a b", NULL_ARRAY),
        ("XDEL s 1", NULL_ARRAY),
        ("XTRIM s MAXLEN 0", NULL_ARRAY),
        ("XGROUP CREATE new g 0 MKSTREAM", NULL_ARRAY),
        ("XGROUP CREATE s h 0", []),
        ("XGROUP DESTROY s g", []),
        ("XREADGROUP GROUP g alice STREAMS s >", []),
        ("XACK s g 1", []),
        ("XSETID s 9", []),
    ],
)
def test_to_who_watches_groups_are_no_part_of_the_stream(client: Client, line: str, reply: Reply) -> None:
    client("XADD s 1 a b")
    client("XGROUP CREATE s g 0")
    client("WATCH s new")
    client(line)
    client("MULTI")
    assert client("EXEC") == reply


def test_an_empty_stream_stays_and_is_copied_with_its_groups(client: Client) -> None:
    assert client("XGROUP CREATE s g 5 MKSTREAM") == OK
    assert client("TYPE s") == SimpleString(b"stream")
    assert client.encoding("s") == "stream"
    assert client("COPY s t") == 1
    assert client("XINFO GROUPS t")[0][b"last-delivered-id"] == b"5-0"
    assert client("XLEN t") == 0
    assert client("RENAME t u") == OK
    assert client("DEL u") == 1


def test_streams_are_for_stream_commands(client: Client) -> None:
    client("SET k text")
    client("XADD s 1 a b")
    for line in ("XLEN k", "XADD k 1 a b", "XREAD STREAMS k 0", "XPENDING k g", "XINFO STREAM k", "GET s", "LLEN s"):
        assert client(line) == WRONGTYPE
