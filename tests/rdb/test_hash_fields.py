"""Hashes whose fields end, as bytes: what Valkey 9.1 and Redis 8.2 dump is read here, and the other way round."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from conformance.servers import Server
from conformance.wire import Wire
from miniredis.rdb import listpack
from miniredis.rdb.crc64 import crc64
from miniredis.resp.types import OK, Error, Reply
from tests.commands.client import Client
from tests.conftest import start_real_server

FAR = 33_177_117_420_000
"""Milliseconds since the epoch: centuries from now."""


@pytest.fixture
def wire(valkey_server: Server) -> Iterator[Wire]:
    with valkey_server.connect() as connection:
        connection.call("FLUSHALL")
        yield connection


@pytest.fixture
def client() -> Client:
    return Client("valkey-9.1")


def run(client: Client, *argv: bytes) -> Reply:
    return client.engine.execute(client.session, list(argv))


def random_hash(chance: Random) -> Iterator[list[bytes]]:
    """Commands that make a hash ``h``, some of whose fields end."""
    fields = [b"f%d" % number for number in range(chance.choice([1, 2, 5, 40, 600]))]
    for field in fields:
        yield [b"HSET", b"h", field, chance.choice([b"1", b"text", b"12345678", b"x" * 100, b""])]
    for field in chance.sample(fields, chance.randint(1, len(fields))):
        end = b"%d" % (FAR + chance.randrange(1 << chance.choice([1, 16, 40])))
        yield [b"HPEXPIREAT", b"h", end, b"FIELDS", b"1", field]
    yield [b"HPERSIST", b"h", b"FIELDS", b"1", chance.choice(fields)]


def content(call: object) -> tuple[object, object, object]:
    """The hash ``h``: fields and values, ends, encoding. *call* sends a command."""
    assert callable(call)
    pairs = call(b"HGETALL", b"h")
    values = pairs if isinstance(pairs, dict) else dict(zip(pairs[::2], pairs[1::2], strict=True))
    fields = sorted(values)
    ends = call(b"HPEXPIRETIME", b"h", b"FIELDS", b"%d" % len(fields), *fields)
    return values, ends, call(b"OBJECT", b"ENCODING", b"h")


@pytest.mark.parametrize("seed", range(12))
def test_a_hash_travels_there_and_back(wire: Wire, client: Client, seed: int) -> None:
    for argv in random_hash(Random(seed)):
        assert wire.call(*argv).value == run(client, *argv)
    theirs, ours = wire.call("DUMP", "h").value, bytes(client("DUMP h"))
    assert (theirs[0], len(theirs), theirs[-10:-8]) == (ours[0], len(ours), ours[-10:-8])
    values, ends, _ = content(lambda *argv: run(client, *argv))
    wire.call("DEL", "h")
    client("DEL h")
    assert wire.call("RESTORE", "h", "0", ours).value == OK
    assert run(client, b"RESTORE", b"h", b"0", theirs) == OK
    found = content(lambda *argv: run(client, *argv))
    assert found[:2] == (values, ends)
    assert content(lambda *argv: wire.call(*argv).value) == found


def test_a_hash_of_one_field_is_the_same_bytes(wire: Wire, client: Client) -> None:
    line = f"HSETEX h PXAT {FAR} FIELDS 1 field value"
    wire.call(*line.split())
    client(line)
    assert wire.call("DUMP", "h").value == client("DUMP h")


def test_fields_without_an_end_are_dumped_as_ever(wire: Wire, client: Client) -> None:
    for line in (f"HSETEX h PXAT {FAR} FIELDS 1 f v", "HPERSIST h FIELDS 1 f"):
        wire.call(*line.split())
        client(line)
    assert wire.call("DUMP", "h").value == client("DUMP h") != client("DUMP missing")
    assert bytes(client("DUMP h"))[0] == 4  # a hash table


def test_redis_knows_nothing_of_such_hashes() -> None:
    client = Client("valkey-9.1")
    client(f"HSETEX h PXAT {FAR} FIELDS 1 f v")
    redis = Client("redis-7.2")
    assert run(redis, b"RESTORE", b"h", b"0", bytes(client("DUMP h"))) == Error(
        "ERR DUMP payload version or checksum are wrong"
    )


# As Redis 8.2 has them


@pytest.fixture(scope="module")
def redis_8() -> Iterator[Server]:
    yield from start_real_server("redis-8.2")


@pytest.mark.parametrize("seed", range(8))
def test_a_hash_travels_to_redis_8_and_back(redis_8: Server, seed: int) -> None:
    client = Client("redis-8.2")
    with redis_8.connect() as wire:
        wire.call("FLUSHALL")
        for argv in random_hash(Random(seed)):
            assert wire.call(*argv).value == run(client, *argv)
        theirs, ours = wire.call("DUMP", "h").value, bytes(client("DUMP h"))
        assert (theirs[0], len(theirs), theirs[-10:-8]) == (ours[0], len(ours), ours[-10:-8])
        if client("OBJECT ENCODING h") == b"listpackex":
            # But for the earliest end, of which Redis is not told when that field loses its time.
            assert ours[9:-8] == theirs[9:-8]
        values, ends, _ = content(lambda *argv: run(client, *argv))
        wire.call("DEL", "h")
        client("DEL h")
        assert wire.call("RESTORE", "h", "0", ours).value == OK
        assert run(client, b"RESTORE", b"h", b"0", theirs) == OK
        found = content(lambda *argv: run(client, *argv))
        assert found[:2] == (values, ends)
        assert content(lambda *argv: wire.call(*argv).value) == found


def payload(body: bytes) -> bytes:
    """*body*, as Redis 8.2 would dump it: with the version of the format and a checksum behind it."""
    data = body + (12).to_bytes(2, "little")
    return data + crc64(data).to_bytes(8, "little")


def with_length(data: bytes) -> bytes:
    """*data* as a string that is not compressed."""
    return bytes([len(data)]) + data


def millis(moment: int) -> bytes:
    return moment.to_bytes(8, "little")


FIELD = b"\x01f\x01v"


@pytest.mark.parametrize(
    "body",
    [
        b"\x18" + millis(FAR) + b"\x01\x01" + FIELD,  # relative to the first
        b"\x19" + millis(FAR) + with_length(listpack.encode([b"f", b"v", b"%d" % FAR])),
        b"\x17" + with_length(listpack.encode([b"f", b"v", b"%d" % FAR])),  # of a preview of Redis 7.4
        b"\x16\x01\x81" + FAR.to_bytes(8, "big") + FIELD,
    ],
)
def test_every_type_of_such_a_hash_is_read(body: bytes) -> None:
    client = Client("redis-8.2")
    assert run(client, b"RESTORE", b"h", b"0", payload(body)) == OK
    assert client("HGETALL h") == {b"f": b"v"}
    assert client("HPEXPIRETIME h FIELDS 1 f") == [FAR]


@pytest.mark.parametrize(
    "body",
    [
        b"\x18" + millis(FAR) + b"\x00",  # no field
        b"\x18" + millis(FAR) + b"\x02\x01" + FIELD + b"\x01" + FIELD,  # a field twice
        b"\x18" + millis(1 << 46) + b"\x01\x01" + FIELD,  # a time that is too late
        b"\x18" + b"\xff" * 8 + b"\x01\x01" + FIELD,  # a time before all
        b"\x19" + millis(FAR) + with_length(listpack.encode([])),
        b"\x19" + millis(FAR) + with_length(listpack.encode([b"f", b"v"])),
        b"\x19" + millis(FAR) + with_length(listpack.encode([b"f", b"v", b"soon"])),
        b"\x19" + millis(FAR) + with_length(listpack.encode([b"f", b"v", b"0", b"f", b"v", b"0"])),
        b"\x1a\x01",  # a type that is not known yet
    ],
)
def test_what_is_no_such_hash_is_refused(body: bytes) -> None:
    client = Client("redis-8.2")
    assert run(client, b"RESTORE", b"h", b"0", payload(body)) == Error("ERR Bad data format")
    assert client("EXISTS h") == 0


def test_redis_7_2_knows_nothing_of_the_format_of_redis_8() -> None:
    body = b"\x18" + millis(FAR) + b"\x01\x01" + FIELD
    assert run(Client("redis-7.2"), b"RESTORE", b"h", b"0", payload(body)) == Error(
        "ERR DUMP payload version or checksum are wrong"
    )
