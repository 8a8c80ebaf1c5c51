"""The hash commands. Every expectation was answered by Redis 7.0.15 and Valkey 9.1."""

from __future__ import annotations

import pytest

from miniredis.resp.types import OK, Error, Reply
from tests.commands.client import (
    NOT_A_FLOAT,
    NOT_AN_INTEGER,
    NOT_NEGATABLE,
    SYNTAX,
    WRONGTYPE,
    Client,
    arity,
)

OUT_OF_RANGE = Error("ERR value is out of range")


@pytest.fixture
def client() -> Client:
    """Sees a hash ``h`` of the fields a, b and c, and a string ``s``, but no ``x``."""
    client = Client()
    client("HSET h a 1 b 2 c 3")
    client("SET s text")
    return client


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("HSET h a 9", 0),
        ("HSET h a 9 d 4 d 5", 1),
        ("HSET x '' ''", 1),
        ("HMSET h a 9 d 4", OK),
        ("HSETNX h a 9", 0),
        ("HSETNX h d 9", 1),
        ("HSETNX x a 1", 1),
        ("HGET h a", b"1"),
        ("HGET h z", None),
        ("HGET x a", None),
        ("HMGET h a z b a", [b"1", None, b"2", b"1"]),
        ("HMGET x a b", [None, None]),
        ("HDEL h a z", 1),
        ("HDEL h a a", 1),
        ("HDEL x a", 0),
        ("HEXISTS h a", 1),
        ("HEXISTS h z", 0),
        ("HEXISTS x a", 0),
        ("HLEN h", 3),
        ("HLEN x", 0),
        ("HSTRLEN h a", 1),
        ("HSTRLEN h z", 0),
        ("HSTRLEN x a", 0),
        ("HKEYS h", [b"a", b"b", b"c"]),
        ("HKEYS x", []),
        ("HVALS h", [b"1", b"2", b"3"]),
        ("HVALS x", []),
        ("HGETALL h", {b"a": b"1", b"b": b"2", b"c": b"3"}),
        ("HGETALL x", {}),
        ("HINCRBY h a 41", 42),
        ("HINCRBY h z -5", -5),
        ("HINCRBY x z 9223372036854775807", 9223372036854775807),
        ("HINCRBYFLOAT h a 0.1", b"1.1"),
        ("HINCRBYFLOAT h z 3.0e3", b"3000"),
        ("HINCRBYFLOAT x z 0x10", b"16"),
        ("HSCAN h 0", [b"0", [b"a", b"1", b"b", b"2", b"c", b"3"]]),
        ("HSCAN h 0 COUNT 1", [b"0", [b"a", b"1", b"b", b"2", b"c", b"3"]]),
        ("HSCAN h 5", [b"0", [b"a", b"1", b"b", b"2", b"c", b"3"]]),
        ("HSCAN h 0 match [ac]", [b"0", [b"a", b"1", b"c", b"3"]]),
        ("HSCAN x 0", [b"0", []]),
    ],
)
def test_a_command_answers_as_redis(client: Client, line: str, reply: Reply) -> None:
    answer = client(line)
    assert (answer, type(answer)) == (reply, type(reply))


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("HSET h a 1 b", arity("hset")),
        ("HMSET h a 1 b", arity("hmset")),
        ("HSET s a 1 b", arity("hset")),
        ("HSET h a", arity("hset")),
        ("HINCRBY h a 1.5", NOT_AN_INTEGER),
        ("HINCRBY s a abc", NOT_AN_INTEGER),
        ("HINCRBY h a ''", NOT_AN_INTEGER),
        ("HINCRBYFLOAT s a abc", NOT_A_FLOAT),
        ("HINCRBYFLOAT s a nan", NOT_A_FLOAT),
        ("HINCRBYFLOAT h a 1e5000", NOT_A_FLOAT),
        ("HINCRBYFLOAT s a inf", Error("ERR value is NaN or Infinity")),
        ("HRANDFIELD s abc", NOT_AN_INTEGER),
        ("HRANDFIELD h 1.5", NOT_AN_INTEGER),
        ("HRANDFIELD h WITHVALUES", NOT_AN_INTEGER),
        ("HRANDFIELD h 1 FOO", SYNTAX),
        ("HRANDFIELD h 1 WITHVALUES FOO", SYNTAX),
        ("HRANDFIELD h -9223372036854775808", NOT_NEGATABLE),
        ("HRANDFIELD x 4611686018427387904 WITHVALUES", OUT_OF_RANGE),
        ("HRANDFIELD h -4611686018427387904 WITHVALUES", OUT_OF_RANGE),
        ("HSCAN s abc", Error("ERR invalid cursor")),
        ("HSCAN h 0 COUNT 0", SYNTAX),
        ("HSCAN h 0 COUNT abc", NOT_AN_INTEGER),
        ("HSCAN h 0 MATCH", SYNTAX),
        ("HSCAN h 0 TYPE string", SYNTAX),
        ("HSCAN h 0 NOVALUES", SYNTAX),
    ],
)
def test_a_command_refuses_as_redis(client: Client, line: str, error: Error) -> None:
    assert client(line) == error


@pytest.mark.parametrize(
    "line",
    [
        "HSET s a 1",
        "HMSET s a 1",
        "HSETNX s a 1",
        "HGET s a",
        "HMGET s a",
        "HDEL s a",
        "HEXISTS s a",
        "HLEN s",
        "HSTRLEN s a",
        "HKEYS s",
        "HVALS s",
        "HGETALL s",
        "HINCRBY s a 1",
        "HINCRBYFLOAT s a 1",
        "HRANDFIELD s",
        "HRANDFIELD s 0",
        "HSCAN s 0 COUNT abc",
    ],
)
def test_other_types_are_refused(client: Client, line: str) -> None:
    assert client(line) == WRONGTYPE


def test_a_missing_hash_is_scanned_whatever_the_options(client: Client) -> None:
    assert client("HSCAN x 0 COUNT abc") == [b"0", []]


@pytest.mark.parametrize("value", ["abc", "1.5", "''", "01", "9223372036854775808"])
def test_hincrby_refuses_what_is_no_integer(client: Client, value: str) -> None:
    client(f"HSET h n {value}")
    assert client("HINCRBY h n 1") == Error("ERR hash value is not an integer")


def test_hincrby_stays_within_64_bits(client: Client) -> None:
    client("HSET h max 9223372036854775807 min -9223372036854775808")
    overflow = Error("ERR increment or decrement would overflow")
    assert client("HINCRBY h max 1") == overflow
    assert client("HINCRBY h min -1") == overflow
    assert client("HINCRBY h max -9223372036854775808") == -1


@pytest.mark.parametrize("value", ["abc", "''", "nan"])
def test_hincrbyfloat_refuses_what_is_no_number(client: Client, value: str) -> None:
    client(f"HSET h n {value}")
    assert client("HINCRBYFLOAT h n 1") == Error("ERR hash value is not a float")


def test_hincrbyfloat_stays_finite(client: Client) -> None:
    client("HSET h big 1e4932 inf -inf")
    infinite = Error("ERR increment would produce NaN or Infinity")
    assert client("HINCRBYFLOAT h big 1e4932") == infinite
    assert client("HINCRBYFLOAT h inf 1") == infinite


def test_hincrbyfloat_calculates_in_long_doubles(client: Client) -> None:
    client("HSET h n 0")
    assert [client(f"HINCRBYFLOAT h n {step}") for step in ("0.1", "0.2", "-0.3", "1e-18")] == [
        b"0.1",
        b"0.3",
        b"0",
        b"0",
    ]


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("HRANDFIELD x", None),
        ("HRANDFIELD x 5", []),
        ("HRANDFIELD x -5 WITHVALUES", []),
        ("HRANDFIELD h 0", []),
        ("HRANDFIELD h 5", [b"a", b"b", b"c"]),
        ("HRANDFIELD h 3 withvalues", [b"a", b"1", b"b", b"2", b"c", b"3"]),
        ("HRANDFIELD one -2", [b"f", b"f"]),
        ("HRANDFIELD one -2 WITHVALUES", [b"f", b"v", b"f", b"v"]),
        ("HRANDFIELD one", b"f"),
    ],
)
def test_hrandfield(client: Client, line: str, reply: Reply) -> None:
    client("HSET one f v")
    assert client(line) == reply


def test_hrandfield_repeats_fields_only_when_asked_to(client: Client) -> None:
    assert len(set(client("HRANDFIELD h 2"))) == 2
    assert set(client("HRANDFIELD h -100")) == {b"a", b"b", b"c"}


def test_hrandfield_pairs_up_in_resp3(client: Client) -> None:
    client.session.protocol = 3
    assert client("HRANDFIELD h 3 WITHVALUES") == [[b"a", b"1"], [b"b", b"2"], [b"c", b"3"]]


def test_hgetall_in_a_transaction_answers_what_was_there_then(client: Client) -> None:
    before = client("HGETALL h")
    client("HSET h a changed")
    assert before[b"a"] == b"1"


def test_a_large_hash_is_scanned_in_steps(client: Client) -> None:
    client("HSET big " + " ".join(f"f{number} v{number}" for number in range(1000)))
    found: dict[bytes, bytes] = {}
    cursor, steps = b"0", 0
    while steps == 0 or cursor != b"0":
        cursor, items = client(f"HSCAN big {cursor.decode()} COUNT 100")
        found.update(zip(items[::2], items[1::2], strict=True))
        steps += 1
    assert (steps, found) == (10, client("HGETALL big"))


def test_valkeys_hscan_can_leave_out_the_values() -> None:
    client = Client("valkey-9.1")
    client("HSET h a 1 b 2")
    assert client("HSCAN h 0 NOVALUES") == [b"0", [b"a", b"b"]]
    assert client("HSCAN h 0 MATCH b NOVALUES") == [b"0", [b"b"]]


@pytest.mark.parametrize(
    ("line", "events", "changes"),
    [
        ("HSET x a 1 b 2", ["new x", "hset x"], 2),
        ("HSET h a 1 d 2", ["hset h"], 2),
        ("HMSET h a 1", ["hset h"], 1),
        ("HSETNX h a 1", [], 0),
        ("HSETNX h d 1", ["hset h"], 1),
        ("HDEL h a b z", ["hdel h"], 2),
        ("HDEL h a b c", ["hdel h", "del h"], 3),
        ("HDEL h z", [], 0),
        ("HINCRBY h a 0", ["hincrby h"], 1),
        ("HINCRBYFLOAT x a 1", ["new x", "hincrbyfloat x"], 1),
        ("HINCRBY h a abc", [], 0),
    ],
)
def test_events_and_changes(line: str, events: list[str], changes: int) -> None:
    counted, listened = Client(), Client()
    for client in (counted, listened):
        client("HSET h a 1 b 2 c 3")
    assert counted.changes(line) == changes
    assert listened.events(line) == events


def test_the_lifetime_goes_with_the_last_field(client: Client) -> None:
    client("EXPIRE h 100")
    client("HDEL h a b")
    client("HINCRBY h c 1")
    assert client("TTL h") == 100
    client("HDEL h c")
    client("HSET h a 1")
    assert client("TTL h") == -1


@pytest.mark.parametrize(
    ("line", "encoding"),
    [
        ("HSET x a " + "v" * 64, "listpack"),
        ("HSET x a " + "v" * 65, "hashtable"),
        ("HSETNX x a " + "v" * 65, "hashtable"),
        ("HMSET x a 1 b " + "v" * 65, "hashtable"),
        ("HINCRBY x " + "f" * 65 + " 1", "hashtable"),
        ("HINCRBYFLOAT x a 1e300", "hashtable"),
        ("HSET x" + " a 1" * 512, "listpack"),
        ("HSET x" + " a 1" * 513, "hashtable"),
    ],
)
def test_encodings(client: Client, line: str, encoding: str) -> None:
    client(line)
    assert client.encoding("x") == encoding


def test_before_7_2_only_fields_that_differ_count_for_the_encoding() -> None:
    client = Client("redis-7.0")
    client("HSET x" + " a 1" * 513)
    assert client.encoding("x") == "listpack"


def test_the_listpack_limits_are_configured(client: Client) -> None:
    client.engine.config.hash_max_listpack_entries = 2
    client("HSET x a 1 b 2")
    assert client.encoding("x") == "listpack"
    client("HSET x c 3")
    assert client.encoding("x") == "hashtable"


@pytest.mark.parametrize(
    ("cursor", "redis", "valkey"),
    [
        ("0", True, True),
        ("00000000000000000000000000000001", True, True),
        ("18446744073709551615", True, True),
        ("18446744073709551616", False, False),
        ("9" * 5000, False, False),
        ("+1", True, True),
        ("-1", True, False),
        ("-01", True, True),
        ("''", True, False),
        ("\t1", False, True),
        ("1\t", False, False),
        ("-", False, False),
        ("1a", False, False),
        ("1\0a", True, True),
    ],
)
def test_cursors_are_read_as_c_reads_numbers(cursor: str, redis: bool, valkey: bool) -> None:
    invalid = Error("ERR invalid cursor")
    for version, accepted in (("redis-7.0", redis), ("redis-7.2", redis), ("valkey-9.1", valkey)):
        assert (Client(version)(f"HSCAN x {cursor}") != invalid) == accepted
