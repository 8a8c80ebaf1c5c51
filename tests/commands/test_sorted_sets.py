"""Members and scores. Expectations were answered by Redis 7.0.15 and Valkey 9.1, unless they name a version."""

from __future__ import annotations

from math import copysign, inf

import pytest

from miniredis.resp.types import NULL_ARRAY, Error, Reply
from tests.commands.client import (
    NOT_A_FLOAT,
    NOT_AN_INTEGER,
    NOT_NEGATABLE,
    SYNTAX,
    WRONGTYPE,
    Client,
    arity,
)
from tests.commands.sorted_sets import LONG, filled, numbered

XX_AND_NX = Error("ERR XX and NX options at the same time are not compatible")
GT_LT_NX = Error("ERR GT, LT, and/or NX options at the same time are not compatible")
NOT_A_NUMBER = Error("ERR resulting score is not a number (NaN)")


@pytest.fixture
def client() -> Client:
    return filled()


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("ZADD z 1 a", 0),
        ("ZADD z 5 a 6 e", 1),
        ("ZADD x 1 a 2 b 3 a", 2),
        ("ZADD z CH 5 a 2 b 6 e", 2),
        ("ZADD z nx 5 a 6 e", 1),
        ("ZADD z XX 5 a 6 e", 0),
        ("ZADD z XX CH 5 a 6 e", 1),
        ("ZADD x XX 1 a", 0),
        ("ZADD z GT CH 0 a 9 b 6 e", 2),
        ("ZADD z LT CH 0 a 9 b 6 e", 2),
        ("ZADD z GT XX CH 9 a 6 e", 1),
        ("ZADD z INCR 5 a", 6.0),
        ("ZADD z INCR 5 e", 5.0),
        ("ZADD z NX INCR 5 a", None),
        ("ZADD z NX INCR 5 e", 5.0),
        ("ZADD z XX INCR 5 e", None),
        ("ZADD x XX INCR 5 e", None),
        ("ZADD z GT INCR -1 a", None),
        ("ZADD z LT INCR -1 a", 0.0),
        ("ZADD z GT CH INCR 1 a", 2.0),
        ("ZADD z INCR -1 a", 0.0),
        ("ZADD x inf a -inf b 1e3 c .5 d 5. e", 5),
        ("ZADD x INCR -0 a", -0.0),
        ("ZINCRBY z 1.5 a", 2.5),
        ("ZINCRBY z 1.5 e", 1.5),
        ("ZINCRBY x inf a", inf),
        ("ZREM z a b z", 2),
        ("ZREM z z", 0),
        ("ZREM x a", 0),
        ("ZCARD z", 4),
        ("ZCARD x", 0),
        ("ZSCORE z b", 2.0),
        ("ZSCORE z z", None),
        ("ZSCORE x a", None),
        ("ZMSCORE z a z d", [1.0, None, 4.0]),
        ("ZMSCORE x a b", [None, None]),
        ("ZRANK z a", 0),
        ("ZRANK z d", 3),
        ("ZRANK z z", None),
        ("ZRANK x a", None),
        ("ZREVRANK z a", 3),
        ("ZREVRANK z d", 0),
        ("ZREVRANK z z", None),
        ("ZREVRANK x a", None),
        ("ZRANDMEMBER x", None),
        ("ZRANDMEMBER x 5", []),
        ("ZRANDMEMBER x 5 WITHSCORES", []),
        ("ZRANDMEMBER z 0", []),
        ("ZRANDMEMBER z 4", [b"d", b"c", b"b", b"a"]),
        ("ZRANDMEMBER z 9 withscores", [b"d", 4.0, b"c", 3.0, b"b", 2.0, b"a", 1.0]),
        ("ZSCAN z 0", [b"0", [b"a", b"1", b"b", b"2", b"c", b"3", b"d", b"4"]]),
        ("ZSCAN z 7 COUNT 1", [b"0", [b"a", b"1", b"b", b"2", b"c", b"3", b"d", b"4"]]),
        ("ZSCAN z 0 MATCH [ab]", [b"0", [b"a", b"1", b"b", b"2"]]),
        ("ZSCAN x 0 COUNT abc", [b"0", []]),
    ],
)
def test_a_command_answers_as_redis(client: Client, line: str, reply: Reply) -> None:
    answer = client(line)
    assert (answer, type(answer)) == (reply, type(reply))


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("ZADD z", arity("zadd")),
        ("ZADD z 1", arity("zadd")),
        ("ZADD z 1 a 2", SYNTAX),
        ("ZADD z NX", arity("zadd")),
        ("ZADD z NX 1", SYNTAX),
        ("ZADD z FOO 1 a", SYNTAX),
        ("ZADD s NX XX 1 a 2", SYNTAX),
        ("ZADD s NX XX abc a", XX_AND_NX),
        ("ZADD s NX GT abc a", GT_LT_NX),
        ("ZADD s LT GT abc a", GT_LT_NX),
        ("ZADD s NX LT XX abc a", XX_AND_NX),
        ("ZADD s INCR abc a 2 b", Error("ERR INCR option supports a single increment-element pair")),
        ("ZADD s abc a", NOT_A_FLOAT),
        ("ZADD s 1 a nan b", NOT_A_FLOAT),
        ("ZADD x '' a", NOT_A_FLOAT),
        ("ZADD x 1_0 a", NOT_A_FLOAT),
        ("ZADD x 1e400 a", NOT_A_FLOAT),
        ("ZADD s 1 a", WRONGTYPE),
        ("ZINCRBY s abc a", NOT_A_FLOAT),
        ("ZINCRBY s 1 a", WRONGTYPE),
        ("ZINCRBY z NX a", SYNTAX),
        ("ZINCRBY z 1 a b", arity("zincrby")),
        ("ZREM s a", WRONGTYPE),
        ("ZCARD s", WRONGTYPE),
        ("ZSCORE s a", WRONGTYPE),
        ("ZMSCORE s a", WRONGTYPE),
        ("ZRANK s a", WRONGTYPE),
        ("ZREVRANK s a", WRONGTYPE),
        ("ZRANDMEMBER s", WRONGTYPE),
        ("ZRANDMEMBER s abc", NOT_AN_INTEGER),
        ("ZRANDMEMBER s 0", WRONGTYPE),
        ("ZRANDMEMBER s 1 FOO", SYNTAX),
        ("ZRANDMEMBER s 1 WITHSCORES FOO", SYNTAX),
        ("ZRANDMEMBER s -9223372036854775808", NOT_NEGATABLE),
        ("ZRANDMEMBER s 4611686018427387904 WITHSCORES", Error("ERR value is out of range")),
        ("ZRANDMEMBER s 4611686018427387904", WRONGTYPE),
        ("ZSCAN s abc", Error("ERR invalid cursor")),
        ("ZSCAN s 0 FOO", WRONGTYPE),
        ("ZSCAN z 0 COUNT 0", SYNTAX),
        ("ZSCAN z 0 FOO", SYNTAX),
        ("ZSCAN z 0 MATCH", SYNTAX),
    ],
)
def test_a_command_refuses_as_redis(client: Client, line: str, error: Error) -> None:
    assert client(line) == error


@pytest.mark.parametrize(
    ("line", "events", "changes"),
    [
        ("ZADD z 1 a", [], 0),
        ("ZADD z 5 a 6 e", ["zadd z"], 2),
        ("ZADD z 5 a 6 e 7 a", ["zadd z"], 3),
        ("ZADD x 1 a", ["new x", "zadd x"], 1),
        ("ZADD x 1 a 2 b", ["new x", "zadd x"], 2),
        ("ZADD z INCR 1 a", ["zincr z"], 1),
        ("ZADD z INCR 0 a", [], 0),
        ("ZADD x INCR 1 a", ["new x", "zincr x"], 1),
        ("ZADD z XX 1 q", [], 0),
        ("ZADD x XX 1 q", [], 0),
        ("ZADD z NX 9 a", [], 0),
        ("ZADD z GT 0 a", [], 0),
        ("ZINCRBY z 1 a", ["zincr z"], 1),
        ("ZINCRBY z 0 a", [], 0),
        ("ZREM z a b q", ["zrem z"], 2),
        ("ZREM z a b c d", ["zrem z", "del z"], 4),
        ("ZREM z q", [], 0),
    ],
)
def test_events_and_changes(line: str, events: list[str], changes: int) -> None:
    assert filled().changes(line) == changes
    assert filled().events(line) == events


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("ZRANK z b WITHSCORE", [1, 2.0]),
        ("ZREVRANK z b withscore", [2, 2.0]),
        ("ZRANK z z WITHSCORE", NULL_ARRAY),
        ("ZRANK x a WITHSCORE", NULL_ARRAY),
        ("ZRANK s a WITHSCORES", SYNTAX),
        ("ZRANK s a WITHSCORE x", arity("zrank")),
        ("ZREVRANK s a WITHSCORE", WRONGTYPE),
    ],
)
def test_ranks_come_with_scores_since_7_2(line: str, reply: Reply) -> None:
    assert filled("redis-7.2")(line) == reply
    assert filled("redis-7.0")(line) == arity(line.split()[0].lower())


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("ZRANDMEMBER z 9 WITHSCORES", [[b"d", 4.0], [b"c", 3.0], [b"b", 2.0], [b"a", 1.0]]),
        ("ZSCAN z 0", [b"0", [b"a", b"1", b"b", b"2", b"c", b"3", b"d", b"4"]]),
    ],
)
def test_replies_in_resp3(line: str, reply: Reply) -> None:
    assert filled(protocol=3)(line) == reply


def test_a_score_never_becomes_nan(client: Client) -> None:
    client("ZADD x inf a")
    for line in ("ZINCRBY x -inf a", "ZADD x INCR -inf a", "ZADD x XX GT INCR -inf a"):
        assert client(line) == NOT_A_NUMBER
    assert client("ZADD x NX INCR -inf a") is None
    assert client("ZSCORE x a") == inf


def test_scores_are_not_hexadecimal_in_valkey() -> None:
    for line, reply in (("ZADD x 0x10 a", 1), ("ZINCRBY z 0x1 a", 2.0)):
        assert filled("redis-7.0")(line) == reply
        assert filled("redis-7.2")(line) == reply
        assert filled("valkey-9.1")(line) == NOT_A_FLOAT


def test_a_negative_zero_survives_in_a_skiplist_only(client: Client) -> None:
    client("ZADD small -0 a")
    client(f"ZADD large 1 {LONG} -0 a")
    assert [copysign(1, client(f"ZSCORE {key} a")) for key in ("small", "large")] == [1, -1]


# Random members


def test_a_positive_count_gives_different_members(client: Client) -> None:
    assert len(set(client("ZRANDMEMBER z 3"))) == 3
    client(f"ZADD big {numbered(500)}")
    for count in (5, 400):
        chosen = client(f"ZRANDMEMBER big {count} WITHSCORES")
        assert dict(zip(chosen[::2], chosen[1::2], strict=True)) == {b"m%d" % n: n for n in map(int, chosen[1::2])}
        assert len(set(chosen[::2])) == count


def test_a_negative_count_may_repeat_members(client: Client) -> None:
    assert set(client("ZRANDMEMBER z -200")) == {b"a", b"b", b"c", b"d"}
    client("ZADD one 1 a")
    assert client("ZRANDMEMBER one -3 WITHSCORES") == [b"a", 1.0] * 3
    assert client("ZRANDMEMBER one") == b"a"


def test_the_same_seed_chooses_the_same_members() -> None:
    first, second = Client(seed=5), Client(seed=5)
    for client in (first, second):
        client(f"ZADD z {numbered(50)}")
    assert [first("ZRANDMEMBER z") for _ in range(9)] == [second("ZRANDMEMBER z") for _ in range(9)]


# Iterating


def test_a_large_sorted_set_is_scanned_in_steps(client: Client) -> None:
    client(f"ZADD big {numbered(1000)}")
    found: list[bytes] = []
    cursor, steps = b"0", 0
    while steps == 0 or cursor != b"0":
        cursor, items = client(f"ZSCAN big {cursor.decode()} COUNT 100")
        found += items
        steps += 1
        client(f"ZADD big 5 new{steps}")
        client(f"ZREM big new{steps}")
    pairs = dict(zip(found[::2], found[1::2], strict=True))
    assert pairs == {b"m%d" % number: b"%d" % number for number in range(1000)}
    assert 10 <= steps <= 11


@pytest.mark.parametrize(
    ("version", "small"),
    [("redis-7.0", b"0.10000000000000001 1.0000000000000001e+300"), ("redis-7.2", b"0.1 1e+300")],
)
def test_a_scan_shows_the_scores_of_a_listpack_as_they_are_kept(version: str, small: bytes) -> None:
    client = Client(version)
    client("ZADD k 0.1 a 100000000000000000 b 1e300 c")
    tenth, huge = small.split()
    assert client("ZSCAN k 0") == [b"0", [b"a", tenth, b"b", b"100000000000000000", b"c", huge]]
    client(f"ZADD k 1 {LONG}")
    _, items = client("ZSCAN k 0")
    assert dict(zip(items[::2], items[1::2], strict=True)) == {
        b"a": b"0.10000000000000001",
        b"b": b"1e+17",
        b"c": b"1.0000000000000001e+300",
        LONG.encode(): b"1",
    }


def test_valkey_scans_members_without_scores() -> None:
    client = filled("valkey-9.1")
    assert client("ZSCAN z 0 NOSCORES") == [b"0", [b"a", b"b", b"c", b"d"]]
    assert client("ZSCAN z 0 NOSCORES MATCH [ab]") == [b"0", [b"a", b"b"]]
    assert client("ZSCAN z 0 NOVALUES") == Error("ERR NOVALUES option can only be used in HSCAN")
    assert client("SSCAN m 0 NOSCORES") == Error("ERR NOSCORES option can only be used in ZSCAN")
    assert filled("redis-7.2")("ZSCAN z 0 NOSCORES") == SYNTAX


# Encodings


@pytest.mark.parametrize(
    ("lines", "encoding"),
    [
        ([f"ZADD k 1 {LONG[1:]}"], "listpack"),
        ([f"ZADD k 1 {LONG}"], "skiplist"),
        (["ZADD k 1 a", f"ZADD k 1 {LONG}", f"ZREM k {LONG}"], "skiplist"),
        ([f"ZADD k {numbered(128)}"], "listpack"),
        ([f"ZADD k {numbered(129)}"], "skiplist"),
        ([f"ZADD k {numbered(128)}", "ZADD k 5 m3"], "listpack"),
        ([f"ZADD k {numbered(128)}", "ZADD k 5 new", "ZREM k new"], "skiplist"),
        ([f"ZADD k 1 a 1 {LONG}"], "skiplist"),
    ],
)
@pytest.mark.parametrize("version", ["redis-7.0", "redis-7.2"])
def test_a_listpack_that_grows_becomes_a_skiplist_for_good(version: str, lines: list[str], encoding: str) -> None:
    client = Client(version)
    for line in lines:
        client(line)
    assert client.encoding("k") == encoding


@pytest.mark.parametrize(
    "lines",
    [
        ["ZADD k" + " 1 a" * 129],
        ["ZADD k 1 a", "ZADD k" + " 1 a" * 129],
        ["ZADD k 1 a", f"ZADD k XX 1 {LONG}"],
    ],
)
def test_arguments_count_as_members_to_come_since_7_2(lines: list[str]) -> None:
    for version, encoding in (("redis-7.0", "listpack"), ("redis-7.2", "skiplist")):
        client = Client(version)
        for line in lines:
            client(line)
        assert client.encoding("k") == encoding
