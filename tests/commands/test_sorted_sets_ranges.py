"""Ranges of sorted sets. Every expectation was answered by Redis 7.0.15 and Valkey 9.1, unless it names a version."""

from __future__ import annotations

from math import copysign

import pytest

from miniredis.resp.types import Error, Reply
from tests.commands.client import NOT_AN_INTEGER, SYNTAX, WRONGTYPE, Client
from tests.commands.sorted_sets import LONG, NOT_MEMBERS, NOT_SCORES, filled, numbered

NO_LIMIT = Error("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
NO_SCORES = Error("ERR syntax error, WITHSCORES not supported in combination with BYLEX")


@pytest.fixture
def client() -> Client:
    return filled()


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("ZRANGE z 0 -1", [b"a", b"b", b"c", b"d"]),
        ("ZRANGE z 1 2", [b"b", b"c"]),
        ("ZRANGE z -2 -1", [b"c", b"d"]),
        ("ZRANGE z -99 99", [b"a", b"b", b"c", b"d"]),
        ("ZRANGE z 2 1", []),
        ("ZRANGE z 4 9", []),
        ("ZRANGE z 0 -99", []),
        ("ZRANGE x 0 -1", []),
        ("ZRANGE z 0 1 WITHSCORES", [b"a", 1.0, b"b", 2.0]),
        ("ZRANGE z 0 1 withscores WITHSCORES", [b"a", 1.0, b"b", 2.0]),
        ("ZRANGE z 0 1 REV", [b"d", b"c"]),
        ("ZRANGE z -2 -1 REV WITHSCORES", [b"b", 2.0, b"a", 1.0]),
        ("ZRANGE z 0 1 LIMIT 1 -1", [b"a", b"b"]),
        ("ZRANGE z 2 3 BYSCORE", [b"b", b"c"]),
        ("ZRANGE z (1 (4 BYSCORE WITHSCORES", [b"b", 2.0, b"c", 3.0]),
        ("ZRANGE z -inf +inf BYSCORE LIMIT 1 2", [b"b", b"c"]),
        ("ZRANGE z +inf -inf BYSCORE REV LIMIT 1 2", [b"c", b"b"]),
        ("ZRANGE z 3 2 BYSCORE", []),
        ("ZRANGE z 0 9 LIMIT 0 2 BYSCORE", [b"a", b"b"]),
        ("ZRANGE w [b + BYLEX", [b"b", b"c", b"d"]),
        ("ZRANGE w + (b BYLEX REV", [b"d", b"c"]),
        ("ZRANGE w - + BYLEX LIMIT 1 2", [b"b", b"c"]),
        ("ZREVRANGE z 0 1", [b"d", b"c"]),
        ("ZREVRANGE z -1 -1 WITHSCORES", [b"a", 1.0]),
        ("ZRANGEBYSCORE z 2 3", [b"b", b"c"]),
        ("ZRANGEBYSCORE z (2 inf WITHSCORES", [b"c", 3.0, b"d", 4.0]),
        ("ZRANGEBYSCORE z -inf inf LIMIT 1 2 WITHSCORES", [b"b", 2.0, b"c", 3.0]),
        ("ZRANGEBYSCORE z -inf inf LIMIT 1 -1", [b"b", b"c", b"d"]),
        ("ZRANGEBYSCORE z -inf inf LIMIT 1 0", []),
        ("ZRANGEBYSCORE z -inf inf LIMIT -1 2", []),
        ("ZRANGEBYSCORE z '' 2", [b"a", b"b"]),
        ("ZREVRANGEBYSCORE z 3 2", [b"c", b"b"]),
        ("ZREVRANGEBYSCORE z inf -inf WITHSCORES LIMIT 0 1", [b"d", 4.0]),
        ("ZRANGEBYLEX w - (c", [b"a", b"b"]),
        ("ZRANGEBYLEX w [b [c", [b"b", b"c"]),
        ("ZRANGEBYLEX w (b (c", []),
        ("ZRANGEBYLEX w + -", []),
        ("ZRANGEBYLEX w [a + LIMIT 1 2", [b"b", b"c"]),
        ("ZREVRANGEBYLEX w + [c", [b"d", b"c"]),
        ("ZREVRANGEBYLEX w (d - LIMIT 0 1", [b"c"]),
        ("ZCOUNT z 2 (4", 2),
        ("ZCOUNT z 4 2", 0),
        ("ZCOUNT x 0 1", 0),
        ("ZLEXCOUNT w - +", 4),
        ("ZLEXCOUNT w (a [c", 2),
        ("ZLEXCOUNT x - +", 0),
        ("ZREMRANGEBYRANK z 0 1", 2),
        ("ZREMRANGEBYRANK z -1 -1", 1),
        ("ZREMRANGEBYRANK z 3 1", 0),
        ("ZREMRANGEBYRANK x 0 -1", 0),
        ("ZREMRANGEBYSCORE z (1 3", 2),
        ("ZREMRANGEBYSCORE x 0 1", 0),
        ("ZREMRANGEBYLEX w [a (c", 2),
        ("ZREMRANGEBYLEX x - +", 0),
        ("ZRANGESTORE x z 1 2", 2),
        ("ZRANGESTORE x z (1 inf BYSCORE LIMIT 0 1", 1),
        ("ZRANGESTORE s w + [c BYLEX REV", 2),
        ("ZRANGESTORE z z 9 10", 0),
        ("ZRANGESTORE z x 0 -1", 0),
    ],
)
def test_a_command_answers_as_redis(client: Client, line: str, reply: Reply) -> None:
    answer = client(line)
    assert (answer, type(answer)) == (reply, type(reply))


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("ZRANGE s a b", NOT_AN_INTEGER),
        ("ZRANGE s 0 9223372036854775808", NOT_AN_INTEGER),
        ("ZRANGE s 0 1", WRONGTYPE),
        ("ZRANGE s 0 1 FOO", SYNTAX),
        ("ZRANGE s 0 1 LIMIT 1", SYNTAX),
        ("ZRANGE s 0 1 LIMIT a 1", NOT_AN_INTEGER),
        ("ZRANGE s 0 1 LIMIT 1 2", NO_LIMIT),
        ("ZRANGE s 0 1 REV REV", SYNTAX),
        ("ZRANGE s 0 1 BYSCORE BYLEX", SYNTAX),
        ("ZRANGE s a b BYSCORE", NOT_SCORES),
        ("ZRANGE s 0 1 BYLEX", NOT_MEMBERS),
        ("ZRANGE s 0 1 BYLEX WITHSCORES", NO_SCORES),
        ("ZREVRANGE s 0 1 REV", SYNTAX),
        ("ZREVRANGE s 0 1 LIMIT 1 2", NO_LIMIT),
        ("ZRANGEBYSCORE s 0 1 REV", SYNTAX),
        ("ZRANGEBYSCORE s 0 1 BYLEX", SYNTAX),
        ("ZRANGEBYSCORE s (a 1", NOT_SCORES),
        ("ZRANGEBYSCORE s 1 nan", NOT_SCORES),
        ("ZRANGEBYSCORE s 0 1", WRONGTYPE),
        ("ZREVRANGEBYSCORE s 1 ((1", NOT_SCORES),
        ("ZRANGEBYLEX s a [b", NOT_MEMBERS),
        ("ZRANGEBYLEX s [a ++", NOT_MEMBERS),
        ("ZRANGEBYLEX s '' +", NOT_MEMBERS),
        ("ZRANGEBYLEX s - + WITHSCORES", NO_SCORES),
        ("ZRANGEBYLEX s - +", WRONGTYPE),
        ("ZREVRANGEBYLEX s - + LIMIT 1", SYNTAX),
        ("ZCOUNT s a 1", NOT_SCORES),
        ("ZCOUNT s 0 1", WRONGTYPE),
        ("ZLEXCOUNT s a +", NOT_MEMBERS),
        ("ZLEXCOUNT s - +", WRONGTYPE),
        ("ZREMRANGEBYRANK s 0 a", NOT_AN_INTEGER),
        ("ZREMRANGEBYRANK s 0 1", WRONGTYPE),
        ("ZREMRANGEBYSCORE s 0 a", NOT_SCORES),
        ("ZREMRANGEBYSCORE s 0 1", WRONGTYPE),
        ("ZREMRANGEBYLEX s - a", NOT_MEMBERS),
        ("ZREMRANGEBYLEX s - +", WRONGTYPE),
        ("ZRANGESTORE x s 0 1 WITHSCORES", SYNTAX),
        ("ZRANGESTORE x s 0 a", NOT_AN_INTEGER),
        ("ZRANGESTORE x s 0 1", WRONGTYPE),
    ],
)
def test_a_command_refuses_as_redis(client: Client, line: str, error: Error) -> None:
    assert client(line) == error


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("ZRANGE z 0 1 WITHSCORES", [[b"a", 1.0], [b"b", 2.0]]),
        ("ZRANGE z 0 1", [b"a", b"b"]),
        ("ZREVRANGEBYSCORE z inf -inf WITHSCORES LIMIT 0 1", [[b"d", 4.0]]),
        ("ZRANGE x 0 1 WITHSCORES", []),
    ],
)
def test_replies_in_resp3(line: str, reply: Reply) -> None:
    assert filled(protocol=3)(line) == reply


@pytest.mark.parametrize(
    ("line", "events", "changes"),
    [
        ("ZREMRANGEBYRANK z 0 1", ["zremrangebyrank z"], 2),
        ("ZREMRANGEBYRANK z 0 -1", ["zremrangebyrank z", "del z"], 4),
        ("ZREMRANGEBYRANK z 9 10", [], 0),
        ("ZREMRANGEBYSCORE z 1 2", ["zremrangebyscore z"], 2),
        ("ZREMRANGEBYSCORE z -inf inf", ["zremrangebyscore z", "del z"], 4),
        ("ZREMRANGEBYLEX w - +", ["zremrangebylex w", "del w"], 4),
        ("ZREMRANGEBYLEX w [b [c", ["zremrangebylex w"], 2),
        ("ZRANGESTORE x z 0 1", ["new x", "zrangestore x"], 1),
        ("ZRANGESTORE z z 0 1", ["zrangestore z"], 1),
        ("ZRANGESTORE s z 0 1", ["zrangestore s"], 1),
        ("ZRANGESTORE z z 9 10", ["del z"], 1),
        ("ZRANGESTORE x z 9 10", [], 0),
    ],
)
def test_events_and_changes(line: str, events: list[str], changes: int) -> None:
    assert filled().changes(line) == changes
    assert filled().events(line) == events


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("ZREMRANGEBYRANK z 1 2", [b"a", b"d"]),
        ("ZREMRANGEBYSCORE z (1 3", [b"a", b"d"]),
        ("ZREMRANGEBYRANK z -99 99", []),
        ("ZRANGESTORE z z (1 inf BYSCORE LIMIT 1 9", [b"c", b"d"]),
        ("ZRANGESTORE z z 0 1 REV", [b"c", b"d"]),
        ("ZRANGESTORE z z 9 10", []),
    ],
)
def test_what_is_left(client: Client, line: str, left: list[bytes]) -> None:
    client(line)
    assert client("ZRANGE z 0 -1") == left
    assert client("EXISTS z") == bool(left)


def test_a_stored_range_has_no_lifetime(client: Client) -> None:
    client("EXPIRE z 100")
    client("ZRANGESTORE z z 0 1")
    assert client("TTL z") == -1


@pytest.mark.parametrize("text", ["0x1", "(0x0", "\t1"])
def test_the_ends_of_a_range_are_read_more_strictly_by_valkey(text: str) -> None:
    line = f"ZRANGEBYSCORE z {text} 1"
    for version in ("redis-7.0", "redis-7.2"):
        assert filled(version)(line) == [b"a"]
    assert filled("valkey-9.1")(line) == NOT_SCORES


def test_a_negative_offset_counts_from_the_end_of_valkeys_skiplists() -> None:
    for version, found in (
        ("redis-7.0", [[], [], []]),
        ("redis-7.2", [[], [], []]),
        ("valkey-9.1", [[b"c"], [b"a"], []]),
    ):
        client = Client(version)
        client(f"ZADD k 1 a 2 b 3 c 4 {LONG}")
        client("ZADD small 1 a 2 b")
        assert [
            client("ZRANGEBYSCORE k -inf inf LIMIT -2 1"),
            client("ZREVRANGEBYSCORE k inf -inf LIMIT -1 5"),
            client("ZRANGEBYSCORE small -inf inf LIMIT -1 5"),
        ] == found


# Encodings


@pytest.mark.parametrize(
    ("start", "stop", "encoding"),
    [(0, -1, "skiplist"), (0, 127, "listpack"), (0, 128, "skiplist"), (1, 128, "listpack")],
)
def test_the_encoding_of_a_stored_range_follows_its_length(
    client: Client, start: int, stop: int, encoding: str
) -> None:
    client(f"ZADD big {numbered(129)}")
    client(f"ZRANGESTORE k big {start} {stop}")
    assert client.encoding("k") == encoding


def test_the_encoding_of_a_stored_range_follows_its_members(client: Client) -> None:
    client(f"ZADD big 1 a 1 {LONG}")
    client("ZRANGESTORE short big 0 0")
    client("ZRANGESTORE long big 0 1")
    assert [client.encoding("short"), client.encoding("long")] == ["listpack", "skiplist"]


def test_a_negative_zero_is_lost_when_a_stored_range_begins_as_a_listpack(client: Client) -> None:
    client(f"ZADD big 1 {LONG} -0 a")
    client("ZRANGESTORE k big 0 -1")
    assert [copysign(1, client(f"ZSCORE {key} a")) for key in ("big", "k")] == [-1, 1]
