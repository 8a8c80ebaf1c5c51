"""Damaged payloads and files, their checksums made right again: each is refused in Redis's words, or is a whole value.

What is damaged are real values, of every type and encoding, in the ways in which bytes go wrong: some are other ones,
some are missing, some are there twice, a length is as great as lengths can be.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniredis import rdb
from miniredis.commands.server.digest import dataset_digest
from miniredis.rdb.crc64 import crc64
from miniredis.resp.types import OK, Error, Reply
from tests.commands.client import Client
from tests.rdb.older_encodings import OLD, payload
from tests.rdb.random_values import Argv, commands_of

VERSIONS: Final = ("redis-7.0", "redis-7.2", "valkey-9.1")
BAD_FORMAT: Final = Error("ERR Bad data format")
FOOTER: Final = 10
CHECKSUM: Final = 8

Damage = Callable[[bytearray], None]

REPEATABLE = settings(derandomize=True, max_examples=250)
"""The same damage in every run."""

SOMEWHERE = st.integers(0, 1 << 20)
"""A place, modulo what there is."""

EXTREMES = st.sampled_from(
    [b"\x00", b"\x3f", b"\x7f\xff", b"\x80\xff\xff\xff\xff", b"\x81" + b"\xff" * 8, b"\x81\x7f" + b"\xff" * 7, b"\xff"]
)
"""Lengths and what ends things, where something else may have stood."""


@st.composite
def damages(draw: st.DrawFn) -> Damage:
    """One thing that goes wrong, somewhere between the first byte and the last one."""
    kind, at, size = draw(st.sampled_from(["byte", "byte", "bit", "cut", "twice", "extreme"])), draw(SOMEWHERE), 1
    match kind:
        case "byte":
            found = bytes([draw(st.integers(0, 255))])
        case "bit":
            bit = 1 << draw(st.integers(0, 7))
        case "extreme":
            found = draw(EXTREMES)
            size = len(found)
        case _:
            size = draw(st.integers(1, 40))

    def damage(data: bytearray) -> None:
        start = at % max(len(data), 1)
        match kind:
            case "byte" | "extreme":
                data[start : start + size] = found
            case "bit" if data:
                data[start] ^= bit
            case "cut":
                del data[start : start + size]
            case _:
                data[start:start] = data[start : start + size]

    return damage


def damaged(data: bytes, damages: list[Damage]) -> bytes:
    """*data* after all of the *damages*."""
    spoilt = bytearray(data)
    for each in damages:
        each(spoilt)
    return bytes(spoilt)


def run(client: Client, *argv: bytes) -> Reply:
    return client.engine.execute(client.session, list(argv))


# One value

VALUES: Final = 60


@cache
def client_of(version: str) -> Client:
    """A client that many examples share: what it has at the keys that they use is replaced each time."""
    return Client(version)


@cache
def dumped(version: str, number: int) -> bytes:
    """The payload of one of :data:`VALUES` values, or, behind these, of one in an older encoding."""
    if number >= VALUES:
        return payload(list(OLD.values())[number - VALUES][0])
    chance, client = Random(number), Client(version)
    for argv in commands_of(chance, b"k", most=12, reads=True):
        run(client, *argv)
    found = run(client, b"DUMP", b"k")
    assert isinstance(found, bytes)
    return found


READS: Final[dict[bytes, list[Argv]]] = {
    b"string": [(b"GET", b"k"), (b"STRLEN", b"k"), (b"BITCOUNT", b"k"), (b"PFCOUNT", b"k")],
    b"list": [(b"LRANGE", b"k", b"0", b"-1"), (b"LINDEX", b"k", b"-1"), (b"LPOS", b"k", b"a")],
    b"set": [(b"SMEMBERS", b"k"), (b"SISMEMBER", b"k", b"a"), (b"SRANDMEMBER", b"k", b"3")],
    b"hash": [(b"HGETALL", b"k"), (b"HGET", b"k", b"a"), (b"HRANDFIELD", b"k", b"2", b"WITHVALUES")],
    b"zset": [
        (b"ZRANGE", b"k", b"0", b"-1", b"WITHSCORES"),
        (b"ZRANGEBYSCORE", b"k", b"0", b"5"),
        (b"ZRANK", b"k", b"a"),
    ],
    b"stream": [
        (b"XRANGE", b"k", b"-", b"+"),
        (b"XREVRANGE", b"k", b"+", b"-"),
        (b"XINFO", b"STREAM", b"k", b"FULL"),
        (b"XINFO", b"GROUPS", b"k"),
        (b"XPENDING", b"k", b"readers"),
    ],
}
WRITES: Final[dict[bytes, list[Argv]]] = {
    b"string": [(b"APPEND", b"k", b"x"), (b"SETBIT", b"k", b"9", b"1")],
    b"list": [(b"LSET", b"k", b"0", b"x"), (b"RPUSH", b"k", b"y" * 100), (b"LTRIM", b"k", b"1", b"-2")],
    b"set": [(b"SADD", b"k", b"x", b"70000"), (b"SREM", b"k", b"a"), (b"SPOP", b"k")],
    b"hash": [(b"HSET", b"k", b"x", b"y" * 100), (b"HDEL", b"k", b"a")],
    b"zset": [(b"ZADD", b"k", b"1", b"x", b"-inf", b"a"), (b"ZPOPMIN", b"k"), (b"ZREMRANGEBYSCORE", b"k", b"0", b"2")],
    b"stream": [
        (b"XREADGROUP", b"GROUP", b"readers", b"new", b"STREAMS", b"k", b">"),
        (b"XAUTOCLAIM", b"k", b"readers", b"alice", b"0", b"0"),
        (b"XADD", b"k", b"*", b"a", b"1"),
        (b"XTRIM", b"k", b"MAXLEN", b"2"),
    ],
}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_damaged_payload_is_refused_or_is_a_value_that_can_be_used(version: str) -> None:
    client = client_of(version)
    outcomes = {"refused": 0, "restored": 0}

    @REPEATABLE
    @given(number=st.integers(0, VALUES + len(OLD) - 1), damages=st.lists(damages(), min_size=1, max_size=3))
    def examine(number: int, damages: list[Damage]) -> None:
        data = payload(damaged(dumped(version, number)[:-FOOTER], damages))
        run(client, b"SET", b"k", b"untouched")
        reply = run(client, b"RESTORE", b"k", b"0", data, b"REPLACE")
        if reply == OK:
            outcomes["restored"] += 1
            use(client)
        else:
            outcomes["refused"] += 1
            assert reply == BAD_FORMAT
            assert run(client, b"GET", b"k") == b"untouched"

    examine()
    assert min(outcomes.values()) > 20  # or the damage is too small, or too great, to tell anything


def use(client: Client) -> None:
    """Read what is at ``k`` in every way, send it on, and change it."""
    kind = bytes(run(client, b"TYPE", b"k"))
    if kind == b"none":  # a stream's entry may say that it expires; nothing else does
        return
    for argv in (*READS[kind], (b"MEMORY", b"USAGE", b"k"), (b"OBJECT", b"ENCODING", b"k"), (b"COPY", b"k", b"copy")):
        run(client, *argv)
    digest = client("DEBUG DIGEST-VALUE k")
    assert run(client, b"RESTORE", b"again", b"0", run(client, b"DUMP", b"k"), b"REPLACE") == OK
    assert client("DEBUG DIGEST-VALUE again") == digest
    for argv in WRITES[kind]:
        run(client, *argv)
    if run(client, b"EXISTS", b"k"):
        assert run(client, b"RESTORE", b"again", b"0", run(client, b"DUMP", b"k"), b"REPLACE") == OK
    client("DEL k copy again")


# A whole file


@cache
def file_of(version: str) -> bytes:
    """A file with a few keys of all kinds in several databases, with times to live, and a library of functions."""
    client, chance = Client(version), Random(7)
    client.engine.clock.freeze()
    client.engine.clock.set(1_700_000_000)
    run(client, b"FUNCTION", b"LOAD", b"#!lua name=lib\nredis.register_function('f', function() return 1 end)")
    for number in range(14):
        client(f"SELECT {number % 3 * 7}")
        for argv in commands_of(chance, b"key:%d" % number, most=8, reads=True):
            run(client, *argv)
        if number % 4 == 0:
            client(f"EXPIRE key:{number} 100000000")
    return client.engine.persistence.dump()


def state_of(client: Client) -> tuple[object, ...]:
    """Everything that a file could change."""
    databases = client.engine.databases
    return dataset_digest(databases), [dict(each.expires) for each in databases], client.engine.function_codes()


def refusal(client: Client, data: bytes) -> str | None:
    """Load the file *data*; what is said against it, if it is refused."""
    try:
        client.engine.persistence.load_data(data)
    except rdb.RdbError as error:
        return str(error)
    return None


@pytest.mark.parametrize("version", VERSIONS)
def test_a_damaged_file_is_refused_and_changes_nothing_or_is_loaded_whole(version: str) -> None:
    data = file_of(version)
    outcomes = {"refused": 0, "loaded": 0}

    @REPEATABLE
    @given(damages=st.lists(damages(), min_size=1, max_size=2))
    def examine(damages: list[Damage]) -> None:
        body = damaged(data[:-CHECKSUM], damages)
        client = Client(version)
        client.engine.clock.freeze()
        client.engine.clock.set(1_700_000_000)
        client("SET kept 1")
        run(client, b"FUNCTION", b"LOAD", b"#!lua name=kept\nredis.register_function('g', function() return 1 end)")
        before = state_of(client)
        error = refusal(client, body + crc64(body).to_bytes(8, "little"))
        if error is not None:
            outcomes["refused"] += 1
            assert error
            assert state_of(client) == before
            return
        outcomes["loaded"] += 1
        assert client("EXISTS kept") == 0
        other = Client(version)
        other.engine.clock.freeze()
        other.engine.clock.set(1_700_000_000)
        other.engine.persistence.load_data(client.engine.persistence.dump())
        assert state_of(other) == state_of(client)

    examine()
    assert min(outcomes.values()) > 20


@pytest.mark.parametrize("version", VERSIONS)
def test_a_file_that_ends_too_early_is_refused(version: str) -> None:
    data, client = file_of(version), Client(version)
    client("SET kept 1")
    for size in range(0, len(data) - CHECKSUM, 7):
        with pytest.raises(rdb.RdbError):
            client.engine.persistence.load_data(data[:size])
    assert client("GET kept") == b"1"
