"""The list commands that do not wait. Every expectation was answered by Redis 7.0.15 and Valkey 9.1."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from miniredis.engine.version import VERSIONS
from miniredis.resp.types import NULL_ARRAY, OK, Error, Reply
from tests.commands.client import (
    NOT_AN_INTEGER,
    NOT_NEGATABLE,
    NOT_POSITIVE,
    SYNTAX,
    WRONGTYPE,
    Client,
)

Run = Callable[[str], Reply]

INDEX_OUT_OF_RANGE = Error("ERR index out of range")
NUMKEYS = Error("ERR numkeys should be greater than 0")
COUNT = Error("ERR count should be greater than 0")


class ListClient(Client):
    """A client that finds a list ``l``, a list of one element ``one`` and a string ``s``, but no ``x``."""

    def __init__(self, version: str = "redis-7.2") -> None:
        super().__init__(version)
        self("RPUSH l a b c a b")
        self("RPUSH one z")
        self("SET s text")

    def elements(self, key: str = "l") -> str:
        return b"".join(self(f"LRANGE {key} 0 -1")).decode()


@pytest.fixture
def client() -> ListClient:
    return ListClient()


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("LPUSH l y z", 7),
        ("LPUSH x y z", 2),
        ("LPUSH s y", WRONGTYPE),
        ("RPUSH l", Error("ERR wrong number of arguments for 'rpush' command")),
        ("LPUSHX x y", 0),
        ("LPUSHX s y", WRONGTYPE),
        ("RPUSHX l y z", 7),
        ("LPOP l", b"a"),
        ("RPOP l", b"b"),
        ("LPOP x", None),
        ("LPOP s", WRONGTYPE),
        ("LPOP l 2", [b"a", b"b"]),
        ("RPOP l 2", [b"b", b"a"]),
        ("RPOP l 100", [b"b", b"a", b"c", b"b", b"a"]),
        ("LPOP l 0", []),
        ("LPOP x 0", NULL_ARRAY),
        ("LPOP x 1", NULL_ARRAY),
        ("LPOP s 1", WRONGTYPE),
        ("LPOP l -1", NOT_POSITIVE),
        ("LPOP l text", NOT_POSITIVE),
        ("LPOP s text", NOT_POSITIVE),
        ("LPOP l 9223372036854775808", NOT_POSITIVE),
        ("RPOP l 1 2", Error("ERR wrong number of arguments for 'rpop' command")),
        ("LLEN l", 5),
        ("LLEN x", 0),
        ("LLEN s", WRONGTYPE),
        ("LINDEX l 0", b"a"),
        ("LINDEX l -5", b"a"),
        ("LINDEX l 5", None),
        ("LINDEX l -6", None),
        ("LINDEX l 9223372036854775807", None),
        ("LINDEX l 4294967296", None),
        ("LINDEX l text", NOT_AN_INTEGER),
        ("LINDEX x text", None),
        ("LINDEX s text", WRONGTYPE),
        ("LRANGE l 0 1", [b"a", b"b"]),
        ("LRANGE l -3 -2", [b"c", b"a"]),
        ("LRANGE l 5 3", []),
        ("LRANGE l 300 400", []),
        ("LRANGE l -9223372036854775808 9223372036854775807", [b"a", b"b", b"c", b"a", b"b"]),
        ("LRANGE x 0 1", []),
        ("LRANGE l text 1", NOT_AN_INTEGER),
        ("LRANGE x 1 text", NOT_AN_INTEGER),
        ("LRANGE s 0 1", WRONGTYPE),
    ],
)
def test_ends_and_reading(client: ListClient, line: str, reply: Reply) -> None:
    assert client(line) == reply


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("LPOS l a", 0),
        ("LPOS l a RANK 2", 3),
        ("LPOS l a RANK 3", None),
        ("LPOS l a RANK -1", 3),
        ("LPOS l a RANK 1 RANK -1", 3),
        ("LPOS l a COUNT 0", [0, 3]),
        ("LPOS l a RANK -1 COUNT 0", [3, 0]),
        ("LPOS l a RANK -1 COUNT 1", [3]),
        ("LPOS l b COUNT 0 MAXLEN 4", [1]),
        ("LPOS l a COUNT 0 MAXLEN 2 RANK -1", [3]),
        ("LPOS l z", None),
        ("LPOS l z COUNT 0", []),
        ("LPOS x a", None),
        ("LPOS x a COUNT 0", []),
        ("LPOS s a", WRONGTYPE),
        ("LPOS x a WHAT 1", SYNTAX),
        ("LPOS l a RANK", SYNTAX),
        ("LPOS l a RANK 1 COUNT", SYNTAX),
        ("LPOS l a RANK text", NOT_AN_INTEGER),
        ("LPOS l a RANK 9223372036854775807", None),
        ("LPOS l a RANK -9223372036854775807", None),
        ("LPOS l a COUNT -1", Error("ERR COUNT can't be negative")),
        ("LPOS l a COUNT text", Error("ERR COUNT can't be negative")),
        ("LPOS l a MAXLEN -1", Error("ERR MAXLEN can't be negative")),
        (
            "LPOS l a RANK 0",
            Error(
                "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to"
                " start from the end of the list"
            ),
        ),
    ],
)
def test_lpos(client: ListClient, line: str, reply: Reply) -> None:
    assert client(line) == reply


@pytest.mark.parametrize(
    ("line", "reply", "elements"),
    [
        ("LSET l 0 v", OK, "vbcab"),
        ("LSET l -1 v", OK, "abcav"),
        ("LSET l 5 v", INDEX_OUT_OF_RANGE, "abcab"),
        ("LSET l -6 v", INDEX_OUT_OF_RANGE, "abcab"),
        ("LSET l text v", NOT_AN_INTEGER, "abcab"),
        ("LSET x text v", Error("ERR no such key"), "abcab"),
        ("LSET s text v", WRONGTYPE, "abcab"),
        ("LINSERT l BEFORE a v", 6, "vabcab"),
        ("LINSERT l after b v", 6, "abvcab"),
        ("LINSERT l AFTER z v", -1, "abcab"),
        ("LINSERT x BEFORE a v", 0, "abcab"),
        ("LINSERT x BESIDE a v", SYNTAX, "abcab"),
        ("LINSERT s BEFORE a v", WRONGTYPE, "abcab"),
        ("LREM l 0 a", 2, "bcb"),
        ("LREM l 1 a", 1, "bcab"),
        ("LREM l -1 a", 1, "abcb"),
        ("LREM l -2 b", 2, "aca"),
        ("LREM l 0 z", 0, "abcab"),
        ("LREM l -9223372036854775807 a", 2, "bcb"),
        ("LREM l -9223372036854775808 a", 2, "bcb"),
        ("LREM x text a", NOT_AN_INTEGER, "abcab"),
        ("LREM s 0 a", WRONGTYPE, "abcab"),
        ("LTRIM l 1 2", OK, "bc"),
        ("LTRIM l -2 -1", OK, "ab"),
        ("LTRIM l 5 4", OK, ""),
        ("LTRIM l 0 100", OK, "abcab"),
        ("LTRIM x text 1", NOT_AN_INTEGER, "abcab"),
        ("LTRIM x 1 2", OK, "abcab"),
        ("LTRIM s 1 2", WRONGTYPE, "abcab"),
    ],
)
def test_changes_in_the_middle(client: ListClient, line: str, reply: Reply, elements: str) -> None:
    assert (client(line), client.elements()) == (reply, elements)


@pytest.mark.parametrize(
    ("line", "reply", "source", "destination"),
    [
        ("LMOVE l d LEFT RIGHT", b"a", "bcab", "a"),
        ("LMOVE l d right left", b"b", "abca", "b"),
        ("LMOVE l l LEFT RIGHT", b"a", "bcaba", ""),
        ("LMOVE l l LEFT LEFT", b"a", "abcab", ""),
        ("LMOVE x d LEFT LEFT", None, "abcab", ""),
        ("LMOVE x s LEFT LEFT", None, "abcab", ""),
        ("LMOVE s d LEFT LEFT", WRONGTYPE, "abcab", ""),
        ("LMOVE l s LEFT LEFT", WRONGTYPE, "abcab", ""),
        ("LMOVE l d LEFT UP", SYNTAX, "abcab", ""),
        ("RPOPLPUSH l d", b"b", "abca", "b"),
        ("RPOPLPUSH l l", b"b", "babca", ""),
        ("RPOPLPUSH l s", WRONGTYPE, "abcab", ""),
        ("LMPOP 1 l LEFT", [b"l", [b"a"]], "bcab", ""),
        ("LMPOP 2 x l right count 2", [b"l", [b"b", b"a"]], "abc", ""),
        ("LMPOP 2 x s LEFT", WRONGTYPE, "abcab", ""),
        ("LMPOP 2 s l LEFT", WRONGTYPE, "abcab", ""),
        ("LMPOP 1 x LEFT", NULL_ARRAY, "abcab", ""),
        ("LMPOP 1 l LEFT COUNT 9223372036854775807", [b"l", [b"a", b"b", b"c", b"a", b"b"]], "", ""),
        ("LMPOP 0 l LEFT", NUMKEYS, "abcab", ""),
        ("LMPOP text l LEFT", NUMKEYS, "abcab", ""),
        ("LMPOP 9223372036854775807 l LEFT", SYNTAX, "abcab", ""),
        ("LMPOP 2 l LEFT", SYNTAX, "abcab", ""),
        ("LMPOP 1 l UP", SYNTAX, "abcab", ""),
        ("LMPOP 1 l LEFT COUNT", SYNTAX, "abcab", ""),
        ("LMPOP 1 l LEFT COUNT 0", COUNT, "abcab", ""),
        ("LMPOP 1 l LEFT COUNT text", COUNT, "abcab", ""),
        ("LMPOP 1 l LEFT COUNT 1 COUNT 1", SYNTAX, "abcab", ""),
    ],
)
def test_moving(client: ListClient, line: str, reply: Reply, source: str, destination: str) -> None:
    assert (client(line), client.elements(), client.elements("d")) == (reply, source, destination)


@pytest.mark.parametrize(
    ("line", "events"),
    [
        ("RPUSH x a b", ["new x", "rpush x"]),
        ("LPUSH l a b", ["lpush l"]),
        ("LPUSHX x a", []),
        ("LPOP l", ["lpop l"]),
        ("RPOP l 3", ["rpop l"]),
        ("LPOP l 0", []),
        ("LPOP one", ["lpop one", "del one"]),
        ("LSET l 0 v", ["lset l"]),
        ("LINSERT l BEFORE a v", ["linsert l"]),
        ("LINSERT l BEFORE z v", []),
        ("LREM l 0 a", ["lrem l"]),
        ("LREM l 0 z", []),
        ("LREM one 0 z", ["lrem one", "del one"]),
        ("LTRIM l 0 -1", ["ltrim l"]),
        ("LTRIM l 5 4", ["ltrim l", "del l"]),
        ("LTRIM x 0 1", []),
        ("LMOVE l x LEFT RIGHT", ["new x", "rpush x", "lpop l"]),
        ("LMOVE one l LEFT LEFT", ["lpush l", "lpop one", "del one"]),
        ("LMOVE one one LEFT RIGHT", ["rpush one", "lpop one"]),
        ("LMPOP 2 x one LEFT COUNT 2", ["lpop one", "del one"]),
        ("BLPOP x one 0", ["lpop one", "del one"]),
        ("BLMOVE one l LEFT LEFT 0", ["lpush l", "lpop one", "del one"]),
    ],
)
def test_what_a_command_notifies(client: ListClient, line: str, events: list[str]) -> None:
    assert client.events(line) == events


def test_a_watched_list_that_was_trimmed_of_nothing_counts_as_changed(client: ListClient) -> None:
    from miniredis.engine import transactions

    transactions.watch(client.session, b"l")
    client("LTRIM l 0 -1")
    assert transactions.watch_fails(client.session)


@pytest.mark.parametrize(
    ("line", "redis_7_0", "redis_7_2", "valkey_9_1"),
    [
        ("LSET l 4294967296 v", INDEX_OUT_OF_RANGE, OK, OK),
        ("LSET l 9223372036854775807 v", INDEX_OUT_OF_RANGE, OK, OK),
        ("LSET l 2147483648 v", INDEX_OUT_OF_RANGE, INDEX_OUT_OF_RANGE, INDEX_OUT_OF_RANGE),
        ("LPOS l a RANK -9223372036854775808", 3, NOT_NEGATABLE, NOT_NEGATABLE),
        ("LREM l -9223372036854775808 a", 2, 2, NOT_NEGATABLE),
    ],
)
def test_integers_at_the_edge(line: str, redis_7_0: Reply, redis_7_2: Reply, valkey_9_1: Reply) -> None:
    replies = [ListClient(version)(line) for version in ("redis-7.0", "redis-7.2", "valkey-9.1")]
    assert replies == [redis_7_0, redis_7_2, valkey_9_1]


def test_a_small_list_is_a_quicklist_in_7_0_and_a_listpack_since_7_2() -> None:
    encodings = {version: ListClient(version).encoding("l") for version in VERSIONS}
    assert encodings.pop("redis-7.0") == "quicklist"
    assert set(encodings.values()) == {"listpack"}


def test_a_list_takes_the_encoding_that_its_size_calls_for(client: ListClient) -> None:
    client.engine.config.list_max_listpack_size = 3
    client("RPUSH x a b c")
    assert client.encoding("x") == "listpack"
    client("LINSERT x AFTER nothing d")
    assert client.encoding("x") == "quicklist", "converted although nothing was inserted"
    client("LTRIM x 0 0")
    assert client.encoding("x") == "listpack"
    client("LMOVE l x LEFT LEFT")
    client("RPUSH x d e")
    assert client.encoding("x") == "quicklist"
    client("LREM x 2 a")
    assert client.encoding("x") == "quicklist"
    client("LMPOP 1 x LEFT")
    assert client.encoding("x") == "listpack"
