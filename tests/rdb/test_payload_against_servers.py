"""Payloads that travel: DUMP here is DUMP there, to the byte, and each side restores what the other has dumped.

The order of a hash table is free; there the bytes are not compared, but what both sides make of them. How a string is
compressed is not quite: Redis's LZF begins with a table that it does not clear. So where compressed payloads differ the
values are dumped again without compression.

``MINIREDIS_VALUES`` says how many values travel: 400 unless told, the same ones in every run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import Final

import pytest

from conformance.servers import Server
from conformance.wire import Wire
from miniredis.resp.types import OK, Error, Reply, SimpleString
from tests.commands.client import Client
from tests.rdb.older_encodings import OLD, payload
from tests.rdb.random_values import commands_of, words

EMULATED = {"redis_server": "redis-7.0", "valkey_server": "valkey-9.1"}
VALUES_EACH = 40
TRAVELLERS: Final = int(os.environ.get("MINIREDIS_VALUES", "400"))
WITHOUT_ORDER: Final = b"hashtable"


@pytest.fixture(params=EMULATED)
def fixture_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def wire(request: pytest.FixtureRequest, fixture_name: str) -> Iterator[Wire]:
    server: Server = request.getfixturevalue(fixture_name)
    with server.connect() as connection:
        connection.call("FLUSHALL")
        yield connection


@pytest.fixture
def client(fixture_name: str) -> Client:
    client = Client(EMULATED[fixture_name])
    client.engine.config.enable_debug_command = "yes"
    return client


def run(client: Client, *argv: bytes) -> Reply:
    return client.engine.execute(client.session, list(argv))


def digest(client: Client, key: bytes) -> Reply:
    """What DEBUG DIGEST-VALUE tells of a value, whatever its order."""
    return run(client, b"DEBUG", b"DIGEST-VALUE", key)


@pytest.mark.parametrize("seed", range(8))
def test_both_sides_dump_the_same_bytes_and_restore_each_others(wire: Wire, client: Client, seed: int) -> None:
    chance = Random(seed)
    keys = [b"k%d" % number for number in range(VALUES_EACH)]
    for key in keys:
        for argv in commands_of(chance, key):
            run(client, *argv)
            wire.call(*argv)
    for key in keys:
        mine, theirs = run(client, b"DUMP", key), wire.call("DUMP", key).value
        encoding = wire.call("OBJECT", "ENCODING", key).value
        assert run(client, b"OBJECT", b"ENCODING", key) == encoding
        if mine is None and theirs is None:
            continue
        if encoding != WITHOUT_ORDER:
            assert mine == theirs, (key, encoding)
        assert run(client, b"RESTORE", b"theirs", b"0", theirs, b"REPLACE") == OK
        assert wire.call("RESTORE", "mine", 0, mine, "REPLACE").value == OK
        assert digest(client, b"theirs") == digest(client, key)
        assert wire.call("DEBUG", "DIGEST-VALUE", "mine").value == wire.call("DEBUG", "DIGEST-VALUE", key).value
        if encoding != WITHOUT_ORDER:
            assert run(client, b"DUMP", b"theirs") == wire.call("DUMP", "mine").value


@pytest.mark.parametrize("name", OLD)
def test_older_encodings_become_what_they_become_there(wire: Wire, client: Client, name: str) -> None:
    data = payload(OLD[name][0])
    assert run(client, b"RESTORE", b"k", b"0", data) == OK
    assert wire.call("RESTORE", "k", 0, data).value == OK
    encoding = wire.call("OBJECT", "ENCODING", "k").value
    assert run(client, b"OBJECT", b"ENCODING", b"k") == encoding
    if encoding != WITHOUT_ORDER:
        assert run(client, b"DUMP", b"k") == wire.call("DUMP", "k").value


def settings_of(chance: Random) -> dict[str, str]:
    """Limits of encodings, so that nodes are of all sizes, and values on both sides of each limit."""
    return {
        "list-max-listpack-size": chance.choice(["-2", "-2", "-1", "-5", "1", "3", "128"]),
        "list-compress-depth": chance.choice(["0", "0", "1", "2"]),
        "hash-max-listpack-entries": chance.choice(["128", "128", "0", "512"]),
        "zset-max-listpack-entries": chance.choice(["128", "128", "0", "512"]),
        "set-max-intset-entries": chance.choice(["512", "512", "10"]),
        "stream-node-max-entries": chance.choice(["100", "100", "0", "3"]),
        "stream-node-max-bytes": chance.choice(["4096", "4096", "0", "200"]),
    }


@pytest.mark.parametrize("seed", range(-(-TRAVELLERS // VALUES_EACH)))
def test_a_value_comes_back_as_it_left(wire: Wire, client: Client, seed: int) -> None:
    """Made on both sides, restored there from our payload, here from theirs: it is still the same value."""
    chance = Random(seed + 10_000)
    with configured(wire, client, settings_of(chance)):
        for number in range(VALUES_EACH):
            key = b"k%d" % number
            for argv in commands_of(chance, key, reads=True, fields_end=client.engine.version.is_valkey):
                run(client, *argv)
                wire.call(*argv)
            if run(client, b"EXISTS", key):
                travel(wire, client, key)


def travel(wire: Wire, client: Client, key: bytes) -> None:
    """Send the value at *key* there and back, and see that nothing of it is lost on either way."""
    encoding, left = run(client, b"OBJECT", b"ENCODING", key), run(client, b"DUMP", key)
    assert wire.call("OBJECT", "ENCODING", key).value == encoding
    assert wire.call("DEBUG", "DIGEST-VALUE", key).value == digest(client, key)
    assert wire.call("RESTORE", key, 0, left, "REPLACE").value == OK, (key, encoding)
    assert wire.call("DEBUG", "DIGEST-VALUE", key).value == digest(client, key)
    returned = wire.call("DUMP", key).value
    assert run(client, b"RESTORE", b"back", b"0", returned, b"REPLACE") == OK
    assert digest(client, b"back") == digest(client, key)
    here = partial(run, client)
    assert ends(here, b"back") == ends(here, key) == ends(lambda *argv: wire.call(*argv).value, key)
    # The encoding is chosen anew, on both sides: a set of 512 integers need no longer be a hash table.
    assert wire.call("OBJECT", "ENCODING", key).value == run(client, b"OBJECT", b"ENCODING", b"back")
    if encoding == WITHOUT_ORDER:
        return
    assert run(client, b"DUMP", b"back") == left
    if returned != left:
        with configured(wire, client, {"rdbcompression": "no"}):
            assert wire.call("DUMP", key).value == run(client, b"DUMP", key), (key, encoding)


def ends(call: Callable[..., Reply], key: bytes) -> Reply:
    """When each field ends of the hash at *key*, and None where fields do not end; *call* sends a command."""
    if call(b"TYPE", key) != SimpleString(b"hash"):
        return None
    fields = sorted(call(b"HKEYS", key))
    times = call(b"HPEXPIRETIME", key, b"FIELDS", b"%d" % len(fields), *fields)
    return None if isinstance(times, Error) else dict(zip(fields, times, strict=True))


@contextmanager
def configured(wire: Wire, client: Client, settings: dict[str, str]) -> Iterator[None]:
    """Both sides with *settings*, and as they were before when the block is left."""
    before = {name: bytes(client(f"CONFIG GET {name}")[name.encode()]).decode() for name in settings}
    try:
        configure(wire, client, settings)
        yield
    finally:
        configure(wire, client, before)


def configure(wire: Wire, client: Client, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        assert client(f"CONFIG SET {name} {value}") == OK
        assert wire.call("CONFIG", "SET", name, value).value == OK


def test_a_stream_travels_with_its_groups_and_consumers(wire: Wire, client: Client) -> None:
    chance = Random(1)
    for number in range(1, 120):
        wire.call("XADD", "k", f"{number}-0", "a", *words(chance, 1))
    wire.call("XGROUP", "CREATE", "k", "g", "0")
    wire.call("XGROUP", "CREATE", "k", "f", "50-0")
    wire.call("XGROUP", "CREATECONSUMER", "k", "g", "idle")
    for consumer, count in (("b", 30), ("a", 5), ("b", 2)):
        wire.call("XREADGROUP", "GROUP", "g", consumer, "COUNT", count, "STREAMS", "k", ">")
    wire.call("XACK", "k", "g", "3-0", "32-0")
    wire.call("XDEL", "k", "7-0")
    theirs = wire.call("DUMP", "k").value
    assert run(client, b"RESTORE", b"k", b"0", theirs) == OK
    assert run(client, b"DUMP", b"k") == theirs


@pytest.mark.parametrize("seed", range(12))
def test_damaged_payloads_are_refused_if_the_server_refuses_them(wire: Wire, client: Client, seed: int) -> None:
    """Nothing is accepted here that a real server, which validates deeply, does not accept; it may be more lenient."""
    chance = Random(seed)
    setting = ("sanitize-dump-payload", "yes")
    wire.call("CONFIG", "SET", *setting)
    wire.call("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", 1)
    client("DEBUG SET-SKIP-CHECKSUM-VALIDATION 1")
    try:
        for argv in commands_of(chance, b"k", most=20):
            wire.call(*argv)
        dumped = wire.call("DUMP", "k").value
        for _ in range(150):
            damaged = bytearray(dumped)
            damaged[chance.randrange(len(damaged) - 10)] = chance.randrange(256)
            theirs = wire.call("RESTORE", "x", 0, bytes(damaged), "REPLACE").value
            mine = run(client, b"RESTORE", b"x", b"0", bytes(damaged), b"REPLACE")
            if isinstance(theirs, Error):
                assert mine == theirs, bytes(damaged)
    finally:
        wire.call("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", 0)
        wire.call("CONFIG", "SET", "sanitize-dump-payload", "no")
