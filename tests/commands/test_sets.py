"""The set commands. Every expectation was answered by Redis 7.0.15 or Valkey 9.1; by both unless it names a version."""

from __future__ import annotations

import pytest

from miniredis.resp.types import Error, Reply, ReplySet
from tests.commands.client import (
    NOT_AN_INTEGER,
    NOT_NEGATABLE,
    NOT_POSITIVE,
    SYNTAX,
    WRONGTYPE,
    Client,
)

LIMIT = Error("ERR LIMIT can't be negative")
NUMKEYS = Error("ERR numkeys should be greater than 0")


def fill(client: Client) -> Client:
    """Two sets of integers ``a`` and ``b``, a set of words ``w``, a string ``s``, and no ``x``."""
    client("SADD a 4 3 2 1")
    client("SADD b 2 4 6")
    client("SADD w q p")
    client("SET s text")
    return client


@pytest.fixture
def client() -> Client:
    return fill(Client())


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("SADD a 4 5 6 5", 2),
        ("SADD a 4", 0),
        ("SADD x ''", 1),
        ("SREM a 1 1 9 2", 2),
        ("SREM a 9", 0),
        ("SREM x 1", 0),
        ("SCARD a", 4),
        ("SCARD x", 0),
        ("SISMEMBER a 1", 1),
        ("SISMEMBER a 9", 0),
        ("SISMEMBER x 1", 0),
        ("SMISMEMBER a 1 9 2", [1, 0, 1]),
        ("SMISMEMBER x 1 2", [0, 0]),
        ("SMEMBERS a", ReplySet([b"1", b"2", b"3", b"4"])),
        ("SMEMBERS w", ReplySet([b"q", b"p"])),
        ("SMEMBERS x", ReplySet()),
        ("SMOVE a b 1", 1),
        ("SMOVE a b 2", 1),
        ("SMOVE a b 9", 0),
        ("SMOVE a x 1", 1),
        ("SMOVE x a 1", 0),
        ("SMOVE x s 1", 0),
        ("SMOVE a a 1", 1),
        ("SMOVE a a 9", 0),
        ("SINTER a b", ReplySet([b"2", b"4"])),
        ("SINTER a", ReplySet([b"1", b"2", b"3", b"4"])),
        ("SINTER a x", ReplySet()),
        ("SINTER x", ReplySet()),
        ("SUNION a b", ReplySet([b"1", b"2", b"3", b"4", b"6"])),
        ("SUNION a x", ReplySet([b"1", b"2", b"3", b"4"])),
        ("SUNION x", ReplySet()),
        ("SDIFF a b", ReplySet([b"1", b"3"])),
        ("SDIFF a x", ReplySet([b"1", b"2", b"3", b"4"])),
        ("SDIFF a a", ReplySet()),
        ("SDIFF x a", ReplySet()),
        ("SDIFF a b w x", ReplySet([b"1", b"3"])),
        ("SINTERSTORE x a b", 2),
        ("SUNIONSTORE x a b w", 7),
        ("SDIFFSTORE x a b", 2),
        ("SDIFFSTORE s a b", 2),
        ("SINTERSTORE a a b", 2),
        ("SINTERSTORE a a w", 0),
        ("SINTERCARD 2 a b", 2),
        ("SINTERCARD 2 a b LIMIT 1", 1),
        ("SINTERCARD 2 a b limit 0", 2),
        ("SINTERCARD 2 a b LIMIT 1 LIMIT 9", 2),
        ("SINTERCARD 1 a", 4),
        ("SINTERCARD 2 a x", 0),
        ("SSCAN a 0", [b"0", [b"1", b"2", b"3", b"4"]]),
        ("SSCAN a 7 COUNT 1", [b"0", [b"1", b"2", b"3", b"4"]]),
        ("SSCAN w 0 MATCH q*", [b"0", [b"q"]]),
        ("SSCAN x 0 COUNT abc", [b"0", []]),
    ],
)
def test_a_command_answers_as_redis(client: Client, line: str, reply: Reply) -> None:
    answer = client(line)
    assert (answer, type(answer)) == (reply, type(reply))


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("SINTERCARD 0 a", NUMKEYS),
        ("SINTERCARD -1 s", NUMKEYS),
        ("SINTERCARD abc a", NUMKEYS),
        ("SINTERCARD 3 a b", Error("ERR Number of keys can't be greater than number of args")),
        ("SINTERCARD 1 a b", SYNTAX),
        ("SINTERCARD 1 s LIMIT", SYNTAX),
        ("SINTERCARD 1 s LIMIT -1", LIMIT),
        ("SINTERCARD 1 s LIMIT abc", LIMIT),
        ("SINTERCARD 2 a b FOO 1", SYNTAX),
        ("SINTERCARD 2 x s", WRONGTYPE),
        ("SPOP s -1", NOT_POSITIVE),
        ("SPOP a abc", NOT_POSITIVE),
        ("SPOP a 9223372036854775808", NOT_POSITIVE),
        ("SPOP s 1 2", SYNTAX),
        ("SRANDMEMBER s abc", NOT_AN_INTEGER),
        ("SRANDMEMBER a 1 2", SYNTAX),
        ("SRANDMEMBER a -9223372036854775808", NOT_NEGATABLE),
        ("SSCAN s abc", Error("ERR invalid cursor")),
        ("SSCAN a 0 COUNT 0", SYNTAX),
        ("SSCAN a 0 FOO", SYNTAX),
    ],
)
def test_a_command_refuses_as_redis(client: Client, line: str, error: Error) -> None:
    assert client(line) == error


@pytest.mark.parametrize(
    "line",
    [
        "SADD s a",
        "SREM s a",
        "SCARD s",
        "SISMEMBER s a",
        "SMISMEMBER s a",
        "SMEMBERS s",
        "SMOVE s a 1",
        "SMOVE a s zzz",
        "SPOP s",
        "SPOP s 0",
        "SRANDMEMBER s",
        "SRANDMEMBER s 0",
        "SINTER x s",
        "SUNION a s",
        "SDIFF x s",
        "SINTERSTORE d x s",
        "SUNIONSTORE d s",
        "SDIFFSTORE d x s",
        "SSCAN s 0",
    ],
)
def test_other_types_are_refused(client: Client, line: str) -> None:
    assert client(line) == WRONGTYPE


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("SPOP x", None),
        ("SPOP x 5", ReplySet()),
        ("SPOP a 0", ReplySet()),
        ("SPOP a 9", ReplySet([b"1", b"2", b"3", b"4"])),
        ("SRANDMEMBER x", None),
        ("SRANDMEMBER x -5", []),
        ("SRANDMEMBER a 0", []),
        ("SRANDMEMBER a 9", [b"1", b"2", b"3", b"4"]),
        ("SRANDMEMBER one -3", [b"z", b"z", b"z"]),
        ("SRANDMEMBER one", b"z"),
        ("SPOP one", b"z"),
    ],
)
def test_what_chance_leaves_fixed(client: Client, line: str, reply: Reply) -> None:
    client("SADD one z")
    answer = client(line)
    assert (answer, type(answer)) == (reply, type(reply))


@pytest.mark.parametrize("count", [1, 3, 20, 499, 500, 900, 999])
@pytest.mark.parametrize("version", ["redis-7.0", "redis-7.2"])
def test_spop_takes_what_it_answers(version: str, count: int) -> None:
    client = Client(version)
    members = {b"m%d" % number for number in range(1000)}
    client(b"SADD s ".decode() + b" ".join(sorted(members)).decode())
    client("EXPIRE s 100")
    popped = client(f"SPOP s {count}")
    left = set(client("SMEMBERS s"))
    assert (len(set(popped)), left) == (count, members - set(popped))
    assert client("TTL s") == 100


def test_srandmember_repeats_members_only_when_asked_to(client: Client) -> None:
    assert len(set(client("SRANDMEMBER a 3"))) == 3
    assert set(client("SRANDMEMBER a -200")) == {b"1", b"2", b"3", b"4"}


def test_the_same_seed_pops_the_same_members() -> None:
    first, second = fill(Client(seed=5)), fill(Client(seed=5))
    assert [first("SPOP a") for _ in range(4)] == [second("SPOP a") for _ in range(4)]


def test_a_large_set_is_scanned_in_steps(client: Client) -> None:
    client("SADD big " + " ".join(f"m{number}" for number in range(1000)))
    found: list[bytes] = []
    cursor, steps = b"0", 0
    while steps == 0 or cursor != b"0":
        cursor, members = client(f"SSCAN big {cursor.decode()} COUNT 100")
        found += members
        steps += 1
    assert (steps, sorted(found)) == (10, sorted(client("SMEMBERS big")))


@pytest.mark.parametrize(
    ("line", "events", "changes"),
    [
        ("SADD x 1 2", ["new x", "sadd x"], 2),
        ("SADD a 1 9", ["sadd a"], 1),
        ("SADD a 1", [], 0),
        ("SREM a 1 2 9", ["srem a"], 2),
        ("SREM a 1 2 3 4", ["srem a", "del a"], 4),
        ("SREM a 9", [], 0),
        ("SPOP a", ["spop a"], 1),
        ("SPOP a 0", [], 0),
        ("SPOP a 2", ["spop a"], 2),
        ("SPOP a 9", ["spop a", "del a"], 4),
        ("SMOVE a b 1", ["srem a", "sadd b"], 2),
        ("SMOVE a b 2", ["srem a"], 1),
        ("SMOVE a x 1", ["srem a", "new x", "sadd x"], 2),
        ("SMOVE a a 1", [], 0),
        ("SINTERSTORE x a b", ["new x", "sinterstore x"], 1),
        ("SUNIONSTORE s a b", ["sunionstore s"], 1),
        ("SDIFFSTORE x a b", ["new x", "sdiffstore x"], 1),
        ("SINTERSTORE a a w", ["del a"], 1),
        ("SDIFFSTORE x a a", [], 0),
    ],
)
def test_events_and_changes(line: str, events: list[str], changes: int) -> None:
    assert fill(Client()).changes(line) == changes
    assert fill(Client()).events(line) == events


def test_the_last_member_moved_or_popped_takes_the_set_with_it() -> None:
    client = Client()
    client("SADD one z")
    assert client.events("SMOVE one x z") == ["srem one", "del one", "new x", "sadd x"]
    assert client.events("SPOP x") == ["spop x", "del x"]


def test_the_lifetime_goes_with_the_last_member(client: Client) -> None:
    client("EXPIRE a 100")
    client("SADD a x")
    client("SREM a 1")
    assert client("TTL a") == 100
    client("SREM a 2 3 4 x")
    client("SADD a 1")
    assert client("TTL a") == -1


def test_a_stored_result_has_no_lifetime(client: Client) -> None:
    client("EXPIRE a 100")
    client("SUNIONSTORE a a b")
    assert client("TTL a") == -1


# Encodings


def test_arguments_count_as_members_to_come_since_7_2() -> None:
    before, since = Client("redis-7.0"), Client("redis-7.2")
    for client in (before, since):
        client("SADD created" + " 1" * 513)
        client("SADD grown 1")
        client("SADD grown" + " 1" * 513)
    assert [before.encoding(key) for key in ("created", "grown")] == ["intset", "intset"]
    assert [since.encoding(key) for key in ("created", "grown")] == ["hashtable", "hashtable"]


@pytest.mark.parametrize(
    ("line", "encoding", "before_7_2"),
    [
        ("SINTERSTORE x a b", "intset", "intset"),
        ("SINTERSTORE x mixed a", "intset", "intset"),
        ("SINTERSTORE x w w", "listpack", "hashtable"),
        ("SINTERSTORE x large large", "hashtable", "hashtable"),
        ("SINTERSTORE x numbers numbers", "hashtable", "hashtable"),
        ("SINTERSTORE x numbers a", "intset", "intset"),
        ("SUNIONSTORE x a b", "intset", "intset"),
        ("SUNIONSTORE x a w", "listpack", "hashtable"),
        ("SUNIONSTORE x a large", "hashtable", "hashtable"),
        ("SDIFFSTORE x large large w", None, None),
        # Looking up the few members of the first set in the second, or taking all of the first and removing those
        # of the second, which leaves the encoding that the word had called for.
        ("SDIFFSTORE x mixed word", "intset", "intset"),
        ("SDIFFSTORE x mixed word word", "listpack", "hashtable"),
        ("SMOVE a x 1", "intset", "intset"),
        ("SMOVE w x q", "listpack", "hashtable"),
    ],
)
def test_the_encoding_of_a_result(line: str, encoding: str | None, before_7_2: str | None) -> None:
    for version, expected in (("redis-7.2", encoding), ("redis-7.0", before_7_2)):
        client = fill(Client(version))
        client("SADD mixed x 1 2 3 4 5 6 7")
        client("SADD word x")
        client("SADD large " + " ".join(f"m{number}" for number in range(200)))
        client("SADD numbers " + " ".join(map(str, range(600))))
        client(line)
        assert client("OBJECT ENCODING x") == (None if expected is None else expected.encode())


def test_a_listpack_that_is_stored_again_keeps_its_order() -> None:
    client = Client()
    client("SADD w 5 x 3 4")
    client("SUNIONSTORE d w")
    assert client("SMEMBERS d") == ReplySet([b"5", b"x", b"3", b"4"])


@pytest.mark.parametrize(
    ("version", "members", "before", "after"),
    [
        ("redis-7.0", "numbers", "hashtable", "intset"),
        ("redis-7.0", "words", "hashtable", "hashtable"),
        ("redis-7.2", "numbers", "hashtable", "listpack"),
        ("redis-7.2", "words", "hashtable", "listpack"),
    ],
)
def test_spop_of_nearly_all_leaves_a_new_set(version: str, members: str, before: str, after: str) -> None:
    client = Client(version)
    client("SADD s " + " ".join(str(n) if members == "numbers" else f"m{n}" for n in range(600)))
    assert client.encoding("s") == before
    client("SPOP s 490")
    assert client.encoding("s") == before
    client("SPOP s 100")
    assert client.encoding("s") == after


def test_the_limits_are_configured(client: Client) -> None:
    client.engine.config.set_max_intset_entries = 3
    client("SADD x 1 2 3")
    assert client.encoding("x") == "intset"
    client("SADD x 4")
    assert client.encoding("x") == "hashtable"
    client("SADD y 1 2 3 4")
    assert client.encoding("y") == "listpack"
