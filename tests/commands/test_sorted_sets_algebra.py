"""Union, intersection, difference. Expectations were answered by Redis 7.0.15 and Valkey 9.1, unless they name one."""

from __future__ import annotations

from math import copysign

import pytest

from miniredis.resp.types import Error, Reply
from tests.commands.client import NOT_AN_INTEGER, SYNTAX, WRONGTYPE, Client
from tests.commands.sorted_sets import LONG, filled, numbered

LIMIT = Error("ERR LIMIT can't be negative")
WEIGHT = Error("ERR weight value is not a float")


def no_keys(command: str) -> Error:
    return Error(f"ERR at least 1 input key is needed for '{command}' command")


@pytest.fixture
def client() -> Client:
    return filled()


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("ZUNION 2 z y", [b"a", b"d", b"b", b"c", b"e"]),
        ("ZUNION 2 z y WITHSCORES", [b"a", 1.0, b"d", 4.0, b"b", 12.0, b"c", 23.0, b"e", 30.0]),
        ("ZUNION 2 z m WITHSCORES", [b"e", 1.0, b"q", 1.0, b"a", 2.0, b"b", 2.0, b"c", 3.0, b"d", 4.0]),
        ("ZUNION 2 z x WITHSCORES", [b"a", 1.0, b"b", 2.0, b"c", 3.0, b"d", 4.0]),
        ("ZUNION 1 x", []),
        ("ZUNION 2 z y WEIGHTS 2 0.5 WITHSCORES", [b"a", 2.0, b"d", 8.0, b"b", 9.0, b"e", 15.0, b"c", 16.0]),
        ("ZUNION 2 z y AGGREGATE MIN WITHSCORES", [b"a", 1.0, b"b", 2.0, b"c", 3.0, b"d", 4.0, b"e", 30.0]),
        ("ZUNION 2 z y aggregate max withscores", [b"a", 1.0, b"d", 4.0, b"b", 10.0, b"c", 20.0, b"e", 30.0]),
        ("ZUNION 2 z z WITHSCORES AGGREGATE SUM", [b"a", 2.0, b"b", 4.0, b"c", 6.0, b"d", 8.0]),
        (
            "ZUNION 2 z y WEIGHTS 1 1 AGGREGATE MAX WEIGHTS 3 0 WITHSCORES",
            [b"e", 0.0, b"a", 3.0, b"b", 6.0, b"c", 9.0, b"d", 12.0],
        ),
        ("ZUNION 2 z z WEIGHTS inf -inf WITHSCORES", [b"a", 0.0, b"b", 0.0, b"c", 0.0, b"d", 0.0]),
        ("ZUNION 1 w WEIGHTS inf WITHSCORES", [b"a", 0.0, b"b", 0.0, b"c", 0.0, b"d", 0.0]),
        ("ZINTER 2 z y", [b"b", b"c"]),
        ("ZINTER 2 z y WITHSCORES", [b"b", 12.0, b"c", 23.0]),
        ("ZINTER 2 z y WEIGHTS 2 -1 AGGREGATE MIN WITHSCORES", [b"c", -20.0, b"b", -10.0]),
        ("ZINTER 2 m z WITHSCORES", [b"a", 2.0]),
        ("ZINTER 2 z x", []),
        ("ZINTER 2 z z WITHSCORES", [b"a", 2.0, b"b", 4.0, b"c", 6.0, b"d", 8.0]),
        ("ZDIFF 2 z y", [b"a", b"d"]),
        ("ZDIFF 2 z y WITHSCORES", [b"a", 1.0, b"d", 4.0]),
        ("ZDIFF 3 z y m WITHSCORES", [b"d", 4.0]),
        ("ZDIFF 2 m z WITHSCORES", [b"e", 1.0, b"q", 1.0]),
        ("ZDIFF 2 x z", []),
        ("ZDIFF 2 z z", []),
        ("ZINTERCARD 2 z y", 2),
        ("ZINTERCARD 2 z w LIMIT 3", 3),
        ("ZINTERCARD 2 z w LIMIT 0", 4),
        ("ZINTERCARD 2 z w LIMIT 1 limit 2", 2),
        ("ZINTERCARD 2 z x", 0),
        ("ZUNIONSTORE x 2 z y", 5),
        ("ZUNIONSTORE z 2 z x WEIGHTS 2 1", 4),
        ("ZINTERSTORE x 2 z y AGGREGATE MAX", 2),
        ("ZINTERSTORE z 2 z x", 0),
        ("ZDIFFSTORE s 2 z y", 2),
        ("ZDIFFSTORE z 1 z", 4),
    ],
)
def test_a_command_answers_as_redis(client: Client, line: str, reply: Reply) -> None:
    answer = client(line)
    assert (answer, type(answer)) == (reply, type(reply))


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("ZUNION 0 s", no_keys("zunion")),
        ("ZUNION -1 s", no_keys("zunion")),
        ("ZUNION abc s", NOT_AN_INTEGER),
        ("ZUNION 2 s", SYNTAX),
        ("ZUNION 1 s FOO", WRONGTYPE),
        ("ZUNION 1 z FOO", SYNTAX),
        ("ZUNION 1 z LIMIT 1", SYNTAX),
        ("ZUNION 2 z y WEIGHTS 1", SYNTAX),
        ("ZUNION 2 z y WEIGHTS 1 abc", WEIGHT),
        ("ZUNION 2 z y WEIGHTS 1 WITHSCORES", WEIGHT),
        ("ZUNION 1 z AGGREGATE", SYNTAX),
        ("ZUNION 1 z AGGREGATE AVG", SYNTAX),
        ("ZINTER 0 s", no_keys("zinter")),
        ("ZDIFF 0 s", no_keys("zdiff")),
        ("ZDIFF 1 z WEIGHTS 1", SYNTAX),
        ("ZDIFF 1 z AGGREGATE SUM", SYNTAX),
        ("ZINTERCARD 0 s", no_keys("zintercard")),
        ("ZINTERCARD 1 s LIMIT -1", WRONGTYPE),
        ("ZINTERCARD 1 z LIMIT -1", LIMIT),
        ("ZINTERCARD 1 z LIMIT abc", LIMIT),
        ("ZINTERCARD 1 z LIMIT", SYNTAX),
        ("ZINTERCARD 1 z WITHSCORES", SYNTAX),
        ("ZUNIONSTORE x 0 s", no_keys("zunionstore")),
        ("ZUNIONSTORE x 2 z", SYNTAX),
        ("ZUNIONSTORE x 1 z WITHSCORES", SYNTAX),
        ("ZINTERSTORE x 0 s", no_keys("zinterstore")),
        ("ZINTERSTORE x 1 s", WRONGTYPE),
        ("ZDIFFSTORE x 0 s", no_keys("zdiffstore")),
        ("ZDIFFSTORE x 2 z s", WRONGTYPE),
        ("ZDIFFSTORE x 1 z WITHSCORES", SYNTAX),
    ],
)
def test_a_command_refuses_as_redis(client: Client, line: str, error: Error) -> None:
    assert client(line) == error


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("ZUNION 2 z m WITHSCORES", [[b"e", 1.0], [b"q", 1.0], [b"a", 2.0], [b"b", 2.0], [b"c", 3.0], [b"d", 4.0]]),
        ("ZDIFF 2 z y WITHSCORES", [[b"a", 1.0], [b"d", 4.0]]),
        ("ZINTER 2 z y", [b"b", b"c"]),
    ],
)
def test_replies_in_resp3(line: str, reply: Reply) -> None:
    assert filled(protocol=3)(line) == reply


@pytest.mark.parametrize(
    ("line", "events", "changes"),
    [
        ("ZUNIONSTORE x 2 z y", ["new x", "zunionstore x"], 1),
        ("ZINTERSTORE s 2 z y", ["zinterstore s"], 1),
        ("ZDIFFSTORE x 2 z y", ["new x", "zdiffstore x"], 1),
        ("ZDIFFSTORE z 2 z z", ["del z"], 1),
        ("ZINTERSTORE x 2 z x", [], 0),
    ],
)
def test_events_and_changes(line: str, events: list[str], changes: int) -> None:
    assert filled().changes(line) == changes
    assert filled().events(line) == events


def test_a_stored_result_replaces_what_was_there(client: Client) -> None:
    client("EXPIRE s 100")
    client("ZUNIONSTORE s 2 z m WEIGHTS 1 10")
    assert client("ZRANGE s 0 -1 WITHSCORES") == [
        *(b"b", 2.0, b"c", 3.0, b"d", 4.0),
        *(b"e", 10.0, b"q", 10.0, b"a", 11.0),
    ]
    assert client("TTL s") == -1
    client("ZINTERSTORE s 2 s x")
    assert client("EXISTS s") == 0


def test_infinities_that_cancel_out_make_zero(client: Client) -> None:
    client("ZADD up inf a")
    client("ZADD down -inf a")
    assert client("ZUNION 2 up down WITHSCORES") == [b"a", 0.0]
    assert client("ZINTER 2 up down WITHSCORES") == [b"a", 0.0]
    assert client("ZUNION 1 up WEIGHTS 0 WITHSCORES") == [b"a", 0.0]


def test_sums_are_taken_from_the_smallest_set_to_the_largest(client: Client) -> None:
    client("ZADD three 1e16 a 0 b 0 c")
    client("ZADD two -1e16 a 0 b")
    client("ZADD one 1 a")
    assert client("ZINTER 3 three two one WITHSCORES") == [b"a", 0.0]
    assert client("ZINTER 3 one two three WITHSCORES") == [b"a", 0.0]


def test_weights_are_not_hexadecimal_in_valkey() -> None:
    assert filled("redis-7.2")("ZUNION 1 z WEIGHTS 0x2") == [b"a", b"b", b"c", b"d"]
    assert filled("valkey-9.1")("ZUNION 1 z WEIGHTS 0x2") == WEIGHT


@pytest.mark.parametrize(
    ("setup", "line", "encoding"),
    [
        (f"ZADD big {numbered(129)}", "ZUNIONSTORE k 1 big", "skiplist"),
        (f"ZADD big {numbered(129)}", "ZDIFFSTORE k 2 big y", "skiplist"),
        (f"ZADD big {numbered(129)} 5 b", "ZINTERSTORE k 2 big y", "listpack"),
        (f"ZADD big 1 a 1 {LONG}", "ZUNIONSTORE k 1 big", "skiplist"),
        (f"ZADD big 1 a 1 {LONG}", "ZINTERSTORE k 2 big z", "listpack"),
        ("SADD big a b c", "ZUNIONSTORE k 1 big", "listpack"),
    ],
)
def test_only_what_it_has_become_decides_the_encoding_of_a_result(
    client: Client, setup: str, line: str, encoding: str
) -> None:
    client(setup)
    client(line)
    assert client.encoding("k") == encoding


def test_a_result_loses_a_negative_zero_only_if_it_is_stored_small(client: Client) -> None:
    client(f"ZADD big 1 {LONG} -0 a")
    client("ZUNIONSTORE large 1 big")
    client(f"ZREM big {LONG}")
    client("ZUNIONSTORE small 1 big")
    assert copysign(1, client("ZUNION 1 big WITHSCORES")[1]) == -1
    assert [copysign(1, client(f"ZSCORE {key} a")) for key in ("large", "small")] == [-1, 1]
