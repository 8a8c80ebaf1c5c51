"""Hashes whose fields end, as bytes: what Valkey 9.1 dumps is read here, and what is dumped here is read there."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from conformance.servers import Server
from conformance.wire import Wire
from miniredis.resp.types import OK, Error, Reply
from tests.commands.client import Client

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
