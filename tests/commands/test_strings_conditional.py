"""Strings on a condition, as Redis 8.4 has them: SET's comparisons, DELEX, DIGEST, MSETEX.

No server of that version was asked: what is expected here is what Redis's documentation and published tests say. (What
Valkey has of it is in conformance/scenarios/strings_conditional.scenarios, as it answered.)
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from miniredis.engine.engine import Engine
from miniredis.engine.table import CommandTable
from miniredis.engine.version import VERSIONS
from miniredis.resp.types import NULL_ARRAY, OK, Error, Reply
from tests.commands.client import NOT_AN_INTEGER, SYNTAX, WRONGTYPE, Client, arity, keyspace_events

HELLO = xxhash.xxh3_64_hexdigest(b"hello")
OTHER = xxhash.xxh3_64_hexdigest(b"other")
NO_HEX = "z" * 16

BAD_DIGEST = Error("ERR must be exactly 16 hexadecimal characters")
NOT_COMPARABLE = Error("ERR Key should be of string type if conditions are specified")
NO_CONDITION = Error("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE")
BAD_COUNT = Error("ERR invalid numkeys value")
BAD_PAIRS = Error("ERR wrong number of key-value pairs")
BAD_TIME = Error("ERR invalid expire time in 'msetex' command")

MET = ["IFEQ hello", "IFNE other", f"IFDEQ {HELLO}", f"IFDNE {OTHER}", f"ifdeq {HELLO.upper()}", f"IfDne {NO_HEX}"]
"""What is true of ``hello``."""

NOT_MET = ["IFEQ other", "IFNE hello", f"IFDEQ {OTHER}", f"IFDNE {HELLO}", f"IFDEQ {NO_HEX}", f"ifdne {HELLO.upper()}"]


@pytest.fixture
def client() -> Client:
    client = Client("redis-8.4")
    client.engine.clock.freeze()
    return client


@pytest.fixture
def told(client: Client) -> Iterator[list[str]]:
    """What replicas and the append-only file are told."""
    told: list[str] = []
    propagation = client.engine.propagation

    def feed(number: int | None, argv: object) -> None:
        assert isinstance(argv, (list, tuple))
        told.append(" ".join(word.decode() if isinstance(word, bytes) else str(word) for word in argv))

    former, propagation.feed = propagation.feed, feed
    propagation.activate(True)
    yield told
    propagation.activate(False)
    propagation.feed = former


# Versions


@pytest.mark.parametrize("version", [name for name, version in VERSIONS.items() if not version.has("8.4.0")])
def test_what_is_older_knows_none_of_it(version: str) -> None:
    client = Client(version)
    for line in ("DIGEST k", "DELEX k", "DELEX k IFEQ v"):
        name, *words = line.split()
        quoted = "".join(f"'{word}' " for word in words)
        assert client(line) == Error(f"ERR unknown command '{name}', with args beginning with: {quoted}")
    client("SET k hello")
    for condition in ("IFNE x", f"IFDEQ {HELLO}", f"IFDNE {OTHER}"):
        assert client(f"SET k v {condition}") == SYNTAX
    assert client("SET k v IFEQ hello") == (OK if client.engine.version.is_valkey else SYNTAX)
    has_msetex = not isinstance(client("MSETEX 1 a 1"), Error)
    assert has_msetex is client.engine.version.is_valkey


def test_redis_has_nothing_of_valkeys_names(client: Client) -> None:
    assert isinstance(client("DELIFEQ k v"), Error)


def test_it_is_redis_8_2_but_for_that() -> None:
    older, newer = (set(CommandTable.for_version(VERSIONS[name]).commands) for name in ("redis-8.2", "redis-8.4"))
    assert newer - older == {b"digest", b"delex", b"msetex"}
    assert older <= newer
    assert b"redis_version:8.4.0" in bytes(Client("redis-8.4")("INFO server"))


# DIGEST


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        (["DIGEST k"], None),
        (["SET k Hello", "APPEND k !", "DIGEST k"], xxhash.xxh3_64_hexdigest(b"Hello!").encode()),
        (["SET k ''", "DIGEST k"], xxhash.xxh3_64_hexdigest(b"").encode()),
        (["SET k -12", "DIGEST k"], xxhash.xxh3_64_hexdigest(b"-12").encode()),
        (["SET k 1623", "INCR k", "DIGEST k"], b"00070b727c57632b"),  # no leading zero is left out
        (["RPUSH l a", "DIGEST l"], WRONGTYPE),
        (["DIGEST"], arity("digest")),
        (["DIGEST a b"], arity("digest")),
    ],
)
def test_digest(client: Client, lines: list[str], reply: Reply) -> None:
    for line in lines[:-1]:
        client(line)
    assert client(lines[-1]) == reply


@given(st.binary(max_size=600))
def test_a_digest_is_that_of_the_reference(value: bytes) -> None:
    client = Client("redis-8.4")
    client.engine.execute(client.session, [b"SET", b"k", value])
    assert client("DIGEST k") == xxhash.xxh3_64_hexdigest(value).encode()


def test_digest_counts_as_a_look_up(client: Client) -> None:
    client("SET k v")
    client("DIGEST k")
    client("DIGEST missing")
    assert (client.engine.statistics.keyspace_hits, client.engine.statistics.keyspace_misses) == (1, 1)


# SET


@pytest.mark.parametrize("condition", MET)
def test_set_stores_where_the_comparison_is_met(client: Client, condition: str) -> None:
    client("SET k hello EX 100")
    assert client(f"SET k new {condition}") == OK
    assert client("GET k") == b"new"
    assert client("TTL k") == -1


@pytest.mark.parametrize("condition", NOT_MET)
def test_set_leaves_all_as_it_is_where_it_is_not(client: Client, condition: str) -> None:
    client("SET k hello EX 100")
    with keyspace_events(client.engine) as events:
        assert client(f"SET k new {condition} EX 5") is None
    assert events == []
    assert client(f"SET k new {condition} GET") == b"hello"
    assert client("GET k") == b"hello"
    assert client("TTL k") == 100
    assert client.changes(f"SET k new {condition}") == 0


@pytest.mark.parametrize(
    ("condition", "stores"), [("IFEQ ''", False), ("IFNE a", True), (f"IFDEQ {HELLO}", False), (f"IFDNE {HELLO}", True)]
)
def test_what_is_not_there_equals_nothing(client: Client, condition: str, stores: bool) -> None:
    assert client(f"SET k new {condition}") == (OK if stores else None)
    assert client("EXISTS k") == int(stores)
    client("DEL k")
    assert client(f"SET k new {condition} GET") is None
    assert client("EXISTS k") == int(stores)


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("SET k new IFEQ hello GET", b"hello"),
        ("SET k new GET IFNE other EX 10", b"hello"),
        ("SET n 8 IFEQ 7", OK),
        ("SET n 8 IFEQ 07", None),
        ("SET empty v IFEQ ''", OK),
        ("SET empty v IFNE ''", None),
        ("SET k new IFEQ", SYNTAX),
        ("SET k new IFNE hello IFNE other", SYNTAX),
        ("SET k new IFEQ hello IFDNE x", SYNTAX),
        ("SET k new IFEQ hello NX", SYNTAX),
        ("SET k new XX IFEQ hello", SYNTAX),
        ("SET k new NX IFDNE x", SYNTAX),
        ("SET k new IFNE x XX", SYNTAX),
        ("SET k new IFEQ hello EX", SYNTAX),
        ("SET k new IFEQ hello EX x", NOT_AN_INTEGER),
        ("SET k new IFEQ hello EX 0", Error("ERR invalid expire time in 'set' command")),
        ("SET k new IFDEQ ''", BAD_DIGEST),
        (f"SET k new IFDEQ {HELLO[1:]}", BAD_DIGEST),
        (f"SET k new IFDNE 0{HELLO}", BAD_DIGEST),
        ("SET missing new IFDEQ short", None),
        ("SET missing new IFDNE short", OK),
        ("SET l new IFEQ a", WRONGTYPE),
        ("SET l new IFNE a", WRONGTYPE),
        ("SET l new IFDEQ short", WRONGTYPE),
        ("SET l new IFDNE short GET", WRONGTYPE),
    ],
)
def test_what_set_answers(client: Client, line: str, reply: Reply) -> None:
    for before in ("SET k hello", "SET n 6", "INCR n", "SET empty ''", "RPUSH l a"):
        client(before)
    assert client(line) == reply
    if isinstance(reply, Error):
        assert client("GET k") == b"hello"
        assert client("LRANGE l 0 -1") == [b"a"]


def test_the_time_of_a_key_and_a_comparison(client: Client) -> None:
    client("SET k hello PX 1000")
    assert client("SET k hello IFEQ hello KEEPTTL") == OK
    assert client("PTTL k") == 1000
    client.engine.clock.advance(1.001)
    assert client("SET k new IFEQ hello") is None
    assert client("SET k new IFNE hello PXAT 1") == OK
    assert client("EXISTS k") == 0


def test_set_looks_up_what_it_compares(client: Client) -> None:
    client("SET k hello")
    client("SET k new IFEQ hello")
    client("SET missing new IFEQ hello")
    client("SET k newer IFNE x GET")
    assert (client.engine.statistics.keyspace_hits, client.engine.statistics.keyspace_misses) == (3, 0)


# DELEX


@pytest.mark.parametrize("condition", ["", *MET])
def test_delex_deletes_where_the_condition_is_met(client: Client, condition: str) -> None:
    client("SET k hello")
    assert client(f"DELEX k {condition}".rstrip()) == 1
    assert client("EXISTS k") == 0


@pytest.mark.parametrize("condition", NOT_MET)
def test_delex_keeps_what_does_not_meet_it(client: Client, condition: str) -> None:
    client("SET k hello EX 100")
    assert client(f"DELEX k {condition}") == 0
    assert client("GET k") == b"hello"
    assert client("TTL k") == 100
    assert client.events(f"DELEX k {condition}") == []
    assert client.changes(f"DELEX k {condition}") == 0


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("DELEX missing", 0),
        ("DELEX missing IFEQ a", 0),
        ("DELEX missing IFNE a", 0),
        ("DELEX missing IFDNE short", 0),
        ("DELEX missing FOO a", 0),
        ("DELEX l", 1),
        ("DELEX l IFEQ a", NOT_COMPARABLE),
        ("DELEX l IFDNE short", NOT_COMPARABLE),
        ("DELEX l FOO a", NOT_COMPARABLE),
        ("DELEX k FOO hello", NO_CONDITION),
        ("DELEX k IFDEQ ''", BAD_DIGEST),
        (f"DELEX k IFDEQ {HELLO[1:]}", BAD_DIGEST),
        (f"DELEX k IFDNE 0{HELLO}", BAD_DIGEST),
        ("DELEX n IFEQ 07", 0),
        ("DELEX n IFEQ 7", 1),
        ("DELEX", arity("delex")),
        ("DELEX k IFEQ", arity("delex")),
        ("DELEX missing IFEQ", arity("delex")),
        ("DELEX k IFEQ hello IFEQ", arity("delex")),
        ("DELEX k IFEQ hello IFNE x", arity("delex")),
    ],
)
def test_what_delex_answers(client: Client, line: str, reply: Reply) -> None:
    for before in ("SET k hello", "SET n 6", "INCR n", "RPUSH l a"):
        client(before)
    assert client(line) == reply
    assert client("DBSIZE") == (2 if reply == 1 else 3)


def test_delex_looks_keys_up_as_one_that_reads(client: Client) -> None:
    client("SET k hello")
    client("DELEX k IFEQ x")
    client("DELEX missing IFEQ x")
    client("DELEX k")
    assert (client.engine.statistics.keyspace_hits, client.engine.statistics.keyspace_misses) == (1, 1)


def test_delex_of_what_has_ended(client: Client) -> None:
    client.engine.active_expire = False
    client("SET k hello PX 1000")
    client.engine.clock.advance(1.001)
    with keyspace_events(client.engine) as events:
        assert client("DELEX k IFEQ hello") == 0
        assert client("DELEX k") == 0
    assert events[0] == "expired k"
    assert "del k" not in events


# MSETEX


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("MSETEX 2 a 1 b 2", 1),
        ("MSETEX 2 a 1 a 2 NX", 1),
        ("MSETEX 2 k 1 b 2 NX", 0),
        ("MSETEX 2 k 1 b 2 xx", 0),
        ("MSETEX 2 k 1 l 2 XX", 1),
        ("MSETEX 1 a 1 EX 10 nx", 1),
        ("MSETEX 1 a 1 NX NX EX 10 EX 20", 1),
        ("MSETEX 0 a 1", BAD_COUNT),
        ("MSETEX -1 a 1", BAD_COUNT),
        ("MSETEX x a 1", BAD_COUNT),
        ("MSETEX 2147483648 a 1", BAD_COUNT),
        ("MSETEX 2147483647 a 1", BAD_PAIRS),
        ("MSETEX 2 a 1", BAD_PAIRS),
        ("MSETEX 2 a 1 EX", BAD_PAIRS),
        ("MSETEX 2 a 1 EX 10", 1),  # a key called EX
        ("MSETEX 1 a 1 b", SYNTAX),
        ("MSETEX 1 a 1 NX XX", SYNTAX),
        ("MSETEX 1 a 1 EX 10 PX 10", SYNTAX),
        ("MSETEX 1 a 1 EXAT 10 PXAT 10", SYNTAX),
        ("MSETEX 1 a 1 EX 10 KEEPTTL", SYNTAX),
        ("MSETEX 1 a 1 KEEPTTL EX 10", SYNTAX),
        ("MSETEX 1 a 1 EX", SYNTAX),
        ("MSETEX 1 a 1 GET", SYNTAX),
        ("MSETEX 1 a 1 IFEQ 1", SYNTAX),
        ("MSETEX 1 a 1 PX 0", BAD_TIME),
        ("MSETEX 1 a 1 EX 9223372036854775807", BAD_TIME),
        ("MSETEX 1 a 1 EX x", NOT_AN_INTEGER),
        ("MSETEX 1 a", arity("msetex")),
    ],
)
def test_what_msetex_answers(client: Client, line: str, reply: Reply) -> None:
    client("SET k hello")
    client("RPUSH l a")
    assert client(line) == reply
    if reply != 1:
        assert client("GET k") == b"hello"
        assert client("DBSIZE") == 2


@pytest.mark.parametrize(
    ("options", "left"),
    [("", -1), ("KEEPTTL", 50_000), ("EX 100", 100_000), ("PX 100", 100), ("EXAT 2000000100", 100_000),
     ("PXAT 2000000000100", 100), ("EX 1 EX 2", 2000)],
)  # fmt: skip
def test_the_time_of_msetex_is_that_of_all_keys(client: Client, options: str, left: int) -> None:
    client.engine.clock.set(2_000_000_000)
    client("SET a old PX 50000")
    client("SET b old PX 50000")
    assert client(f"MSETEX 2 a 1 b 2 {options}".rstrip()) == 1
    assert [client("PTTL a"), client("PTTL b")] == [left, left]
    assert client("MGET a b") == [b"1", b"2"]
    if left > 0:
        client.engine.clock.advance((left + 1) / 1000)
        assert client("EXISTS a b") == 0


def test_msetex_sets_all_or_none(client: Client) -> None:
    client.engine.active_expire = False
    client("SET b old PX 1000")
    assert client("MSETEX 3 a 1 b 2 c 3 NX") == 0
    assert client("EXISTS a c") == 0
    client.engine.clock.advance(1.001)
    assert client("MSETEX 2 b 2 c 3 XX") == 0
    assert client("MSETEX 3 a 1 b 2 c 3 NX") == 1
    assert client("MGET a b c") == [b"1", b"2", b"3"]


# Who is told


@pytest.mark.parametrize(
    ("line", "events", "changes", "commands"),
    [
        ("SET k new IFEQ hello", ["set k"], 1, ["SET k new IFEQ hello"]),
        ("SET k new ifne x get", ["set k"], 1, ["SET k new ifne x"]),
        (f"SET k new IFDEQ {HELLO} EX 10", ["set k", "expire k"], 1, ["SET k new PXAT 2000000010000"]),
        ("SET k new IFNE x PXAT 2000000000001", ["set k", "expire k"], 1, ["SET k new IFNE x PXAT 2000000000001"]),
        ("SET k new IFEQ x", [], 0, []),
        ("DELEX k", ["del k"], 1, ["DELEX k"]),
        ("DELEX k IFEQ hello", ["del k"], 1, ["DEL k"]),
        (f"DELEX k ifdne {OTHER}", ["del k"], 1, ["DEL k"]),
        ("DELEX k IFEQ x", [], 0, []),
        ("DELEX missing", [], 0, []),
        ("DIGEST k", [], 0, []),
        ("MSETEX 2 k 1 b 2", ["set k", "new b", "set b"], 2, ["MSETEX 2 k 1 b 2"]),
        ("MSETEX 2 k 1 b 2 NX", [], 0, []),
        (
            "MSETEX 2 k 1 b 2 ex 10",
            ["set k", "expire k", "new b", "set b", "expire b"],
            2,
            ["MSETEX 2 k 1 b 2 PXAT 2000000010000"],
        ),
        ("MSETEX 1 k 1 KEEPTTL XX", ["set k"], 1, ["MSETEX 1 k 1 KEEPTTL XX"]),
        ("MSETEX 1 k 1 pxat 2000000000001", ["set k", "expire k"], 1, ["MSETEX 1 k 1 pxat 2000000000001"]),
    ],
)
def test_who_is_told_what(
    client: Client, told: list[str], line: str, events: list[str], changes: int, commands: list[str]
) -> None:
    client.engine.clock.set(2_000_000_000)
    client("SET k hello")
    with keyspace_events(client.engine) as heard:
        told.clear()
        assert client.changes(line) == changes
        assert [command for command in told if not command.startswith("SELECT")] == commands
        assert heard == events


@pytest.mark.parametrize("line", ["SET k new IFEQ hello", "DELEX k IFEQ hello", "DELEX k", "MSETEX 1 k 1 EX 10"])
def test_who_watches_the_key_is_told(client: Client, line: str) -> None:
    other = client.engine.connect(lambda reply: None)
    client("SET k hello")
    client("WATCH k")
    client("MULTI")
    client("SET seen 1")
    client.engine.execute(other, [word.encode() for word in line.split()])
    assert client("EXEC") == NULL_ARRAY
    assert client("EXISTS seen") == 0


def test_in_a_transaction(client: Client, told: list[str]) -> None:
    client("SET k hello")
    told.clear()
    for line in ("MULTI", "DIGEST k", "SET k new IFEQ hello", "DELEX k IFEQ hello", "DELEX k IFDEQ x",
                 "MSETEX 2 k 1 b 2 XX", "DELEX k IFNE hello", "DELEX k IFEQ"):  # fmt: skip
        client(line)
    assert client("EXEC") == [HELLO.encode(), OK, 0, BAD_DIGEST, 0, 1, arity("delex")]
    assert told == ["MULTI", "SET k new IFEQ hello", "DEL k", "EXEC"]


@pytest.mark.parametrize(
    ("call", "reply"),
    [
        ("'DIGEST', KEYS[1]", HELLO.encode()),
        ("'SET', KEYS[1], 'new', 'IFEQ', 'hello'", OK),
        ("'SET', KEYS[1], 'new', 'IFEQ', 'x'", None),
        ("'DELEX', KEYS[1], 'IFNE', 'x'", 1),
        ("'MSETEX', 1, KEYS[1], 'v', 'NX'", 0),
    ],
)
def test_in_a_script(client: Client, call: str, reply: Reply) -> None:
    client("SET k hello")
    script = f"return redis.call({call})".encode()
    assert client.engine.execute(client.session, [b"EVAL", script, b"1", b"k"]) == reply


def test_a_script_that_only_reads_may_ask_for_a_digest(client: Client) -> None:
    client("SET k hello")
    ask = [b"EVAL_RO", b"return redis.call(unpack(ARGV))", b"0"]
    assert client.engine.execute(client.session, [*ask, b"DIGEST", b"k"]) == HELLO.encode()
    refused = client.engine.execute(client.session, [*ask, b"DELEX", b"k"])
    assert isinstance(refused, Error)
    assert b"Write commands are not allowed from read-only scripts" in refused.message


# What COMMAND says


def info(engine: Engine, name: str) -> list[Reply]:
    session = engine.connect(lambda reply: None)
    ((reply),) = engine.execute(session, [b"COMMAND", b"INFO", name.encode()])
    assert isinstance(reply, list)
    return reply


@pytest.mark.parametrize(
    ("name", "arity_", "flags", "categories", "key_flags"),
    [
        ("digest", 2, "readonly fast", "@read @string @fast", "RO access"),
        ("delex", -2, "write fast", "@write @string @fast", "RW delete variable_flags"),
        ("msetex", -4, "write denyoom movablekeys", "@write @string @slow", "OW update"),
    ],
)
def test_command_info(client: Client, name: str, arity_: int, flags: str, categories: str, key_flags: str) -> None:
    described = info(client.engine, name)
    assert described[1] == arity_
    assert {bytes(flag).decode() for flag in described[2]} == set(flags.split())  # type: ignore[union-attr]
    assert {bytes(each).decode() for each in described[6]} == set(categories.split())  # type: ignore[union-attr]
    assert set(CommandTable.for_version(VERSIONS["redis-8.4"]).commands[name.encode()].keys[0].flags) == set(
        key_flags.split()
    )


@pytest.mark.parametrize(
    ("request_", "flags"),
    [
        ("SET k v", "OW update"),
        ("SET k v IFNE a", "RW update"),
        ("SET k v GET ifdeq a", "RW access update"),
        ("DELEX k", "RM delete"),
        ("DELEX k ifdne a", "RW delete"),
        ("DIGEST k", "RO access"),
    ],
)
def test_what_a_request_does_to_its_key(client: Client, request_: str, flags: str) -> None:
    table = client.engine.table
    argv = request_.encode().split()
    command = table.lookup_argv(argv)
    assert command is not None
    assert command.keys_of(argv) == [(1, tuple(flags.split()))]


def test_the_keys_of_msetex(client: Client) -> None:
    assert client("COMMAND GETKEYS MSETEX 2 a 1 b 2 NX EX 10") == [b"a", b"b"]


def test_who_may_only_write_may_compare(client: Client) -> None:
    client("ACL SETUSER writer on nopass +@all %W~k")
    for line in ("SET k v IFEQ a", "DELEX k", "DELEX k IFDNE a", "MSETEX 1 k v"):
        assert client(f"ACL DRYRUN writer {line}") == OK
    for line in ("SET k v IFEQ a GET", "DIGEST k", "MSETEX 2 k v other v", "DELEX other"):
        assert client(f"ACL DRYRUN writer {line}") != OK


def test_docs_have_the_words_of_each_server() -> None:
    for version, told in {
        "redis-8.2": set(),
        "redis-8.4": {"ifeq-value", "ifne-value", "ifdeq-digest", "ifdne-digest"},
        "valkey-9.1": {"comparison-value"},
    }.items():
        command = CommandTable.for_version(VERSIONS[version]).commands[b"set"]
        condition = next(argument for argument in command.arguments if argument.name == "condition")
        assert {child.name for child in condition.children} - {"nx", "xx"} == told


# Against a model

KEYS = ["a", "b", "c"]
VALUES = ["x", "y", "10", "''"]
OPERAND = st.one_of(st.sampled_from(VALUES), st.sampled_from(VALUES).map(lambda each: digest_of(each)))
COMPARISON = st.tuples(st.sampled_from(["IFEQ", "IFNE", "IFDEQ", "IFDNE"]), OPERAND)
STEP = st.one_of(
    st.tuples(st.just("set"), st.sampled_from(KEYS), st.sampled_from(VALUES), st.none() | COMPARISON, st.booleans()),
    st.tuples(st.just("delex"), st.sampled_from(KEYS), st.none() | COMPARISON),
    st.tuples(
        st.just("msetex"),
        st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)), min_size=1, max_size=3),
        st.sampled_from(["", "NX", "XX"]),
        st.sampled_from(["", "PX", "KEEPTTL"]),
    ),
    st.tuples(st.just("wait"), st.integers(1, 3)),
)


def digest_of(word: str) -> str:
    return xxhash.xxh3_64_hexdigest(b"" if word == "''" else word.encode())


def is_met(value: str | None, comparison: tuple[str, str]) -> bool | Error:
    name, operand = comparison
    if value is None:
        return name in ("IFNE", "IFDNE")
    if name in ("IFDEQ", "IFDNE"):
        if len(operand) != 16:
            return BAD_DIGEST
        value = digest_of(value)
    return (value == operand) is (name in ("IFEQ", "IFDEQ"))


@settings(max_examples=60)
@given(st.lists(STEP, max_size=20))
def test_conditions_are_those_of_the_model(steps: list[tuple[object, ...]]) -> None:
    """The model knows values, and whether each ends, at the next but one step of the clock."""
    client = Client("redis-8.4")
    client.engine.clock.freeze()
    values: dict[str, tuple[str, int | None]] = {}
    now = 0
    for step in steps:
        match step:
            case ("wait", int(turns)):
                now += turns
                client.engine.clock.advance(turns)
                values = {key: (value, end) for key, (value, end) in values.items() if end is None or end > now}
            case ("set", str(key), str(value), comparison, bool(ends)):
                old = values.get(key, (None, None))[0]
                met = comparison is None or is_met(old, comparison)  # type: ignore[arg-type]
                words = "" if comparison is None else " ".join(("", *comparison))  # type: ignore[misc]
                reply = client(f"SET {key} {value}{words}{' PX 1999' if ends else ''}")
                assert reply == (met if isinstance(met, Error) else OK if met else None)
                if met is True:
                    values[key] = value, now + 2 if ends else None
            case ("delex", str(key), comparison):
                old = values.get(key, (None, None))[0]
                met = old is not None and (comparison is None or is_met(old, comparison))  # type: ignore[arg-type]
                words = "" if comparison is None else " ".join(("", *comparison))  # type: ignore[misc]
                assert client(f"DELEX {key}{words}") == (met if isinstance(met, Error) else int(met))
                if met is True:
                    del values[key]
            case ("msetex", list(pairs), str(condition), str(time)):
                there = {key in values for key, _ in pairs}
                met = (condition != "NX" or True not in there) and (condition != "XX" or False not in there)
                words = " ".join(f"{key} {value}" for key, value in pairs)
                option = "PX 1999" if time == "PX" else time
                line = " ".join(filter(None, (f"MSETEX {len(pairs)} {words}", condition, option)))
                assert client(line) == int(met)
                for key, value in pairs if met else ():
                    kept = values.get(key, ("", None))[1] if time == "KEEPTTL" else None
                    values[key] = value, now + 2 if time == "PX" else kept
        found = {key: client(f"GET {key}") for key in KEYS}
        assert found == {
            key: (b"" if values[key][0] == "''" else values[key][0].encode()) if key in values else None for key in KEYS
        }
