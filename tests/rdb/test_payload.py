"""Payloads of DUMP: of any value, of any age, and of nothing that could be one."""

from __future__ import annotations

import random

import pytest

from miniredis.resp.types import OK, Error, SimpleString
from tests.commands.client import Client
from tests.rdb import older_encodings
from tests.rdb.older_encodings import OLD, payload, ziplist
from tests.rdb.random_values import commands_of

VERSIONS = ["redis-7.0", "redis-7.2", "valkey-9.1"]
BAD_FORMAT = Error("ERR Bad data format")
WRONG_FOOTER = Error("ERR DUMP payload version or checksum are wrong")


@pytest.fixture(params=VERSIONS)
def client(request: pytest.FixtureRequest) -> Client:
    return Client(request.param)


def restore(client: Client, data: bytes, key: bytes = b"k") -> object:
    return client.engine.execute(client.session, [b"RESTORE", key, b"0", data, b"REPLACE"])


@pytest.mark.parametrize("seed", range(60))
def test_a_value_is_restored_as_it_was_dumped(client: Client, seed: int) -> None:
    for argv in commands_of(random.Random(seed), b"k"):
        client.engine.execute(client.session, list(argv))
    dumped = client("DUMP k")
    assert restore(client, dumped, b"copy") == OK
    assert client("DUMP copy") == dumped
    if client("TYPE k") != SimpleString(b"string"):  # strings are looked at anew, whether they are integers
        assert client.encoding("copy") == client.encoding("k")


@pytest.mark.parametrize("name", OLD)
def test_older_encodings_are_read(client: Client, name: str) -> None:
    body, line, expected = OLD[name]
    assert restore(client, payload(body)) == OK
    reply = client(line)
    if isinstance(reply, dict):
        reply = [part for pair in reply.items() for part in pair]
    assert (list(reply) if isinstance(expected, list) else reply) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x08",
        b"\x06\x00",
        b"\x07\x81" + bytes(8),
        b"\xff",
        b"\x00\x20abc",
        b"\x01\x00",
        b"\x04\x00",
        b"\x02\x02\x01a\x01a",
        b"\x04\x02\x01a\x01a\x01a\x01a",
        b"\x05\x01\x01a" + b"\0\0\0\0\0\0\xf8\x7f",
        b"\x03\x01\x01a\xfd",
        b"\x03\x01\x01a\x03abc",
        b"\x00\xc4",
        b"\x00\xc3\x05\x80\xff\xff\xff\xff\x00abcd",
        b"\x00\x81" + b"\xff" * 8,
        b"\x01\x81" + b"\x7f" * 8,
        b"\x0b" + older_encodings.string(b"\x02\0\0\0\x02\0\0\0\x05\0\x05\0"),
        b"\x0d" + older_encodings.string(ziplist([b"a", b"b", b"c"])),
        b"\x0d" + older_encodings.string(ziplist([b"a", b"b", b"a", b"b"])),
        b"\x0c" + older_encodings.string(ziplist([b"a", b"nan"])),
        b"\x12\x01\x03\x01a",
        b"\x12\x01\x01\x00",
    ],
)
def test_what_is_no_value_is_refused_and_changes_nothing(client: Client, body: bytes) -> None:
    client("SET k v")
    assert restore(client, payload(body)) == BAD_FORMAT
    assert client("GET k") == b"v"


@pytest.mark.parametrize(
    ("version", "accepted"),
    [("redis-7.0", {1, 9, 10}), ("redis-7.2", {1, 10, 11}), ("valkey-9.1", {1, 10, 11, 80})],
)
def test_versions_of_the_format_are_those_that_the_server_knows(version: str, accepted: set[int]) -> None:
    client = Client(version)
    for number in (1, 9, 10, 11, 12, 79, 80, 81, 65535):
        known = number in accepted or number < 9 or (number == 9)
        expected = OK if known else WRONG_FOOTER
        assert restore(client, payload(b"\x00\x01a", number)) == expected, number


def test_any_other_bit_in_a_payload_is_noticed(client: Client) -> None:
    client("RPUSH k a b 3")
    dumped = client("DUMP k")
    for position in range(len(dumped)):
        damaged = bytearray(dumped)
        damaged[position] ^= 1 << position % 8
        assert restore(client, bytes(damaged), b"other") == WRONG_FOOTER
    assert restore(client, b"", b"other") == WRONG_FOOTER


@pytest.mark.parametrize("seed", range(40))
def test_damage_behind_a_right_checksum_gives_a_value_or_an_error(client: Client, seed: int) -> None:
    chance = random.Random(seed)
    client.engine.config.enable_debug_command = "yes"
    client("DEBUG SET-SKIP-CHECKSUM-VALIDATION 1")
    for argv in commands_of(chance, b"k", most=20):
        client.engine.execute(client.session, list(argv))
    dumped = client("DUMP k")
    for _ in range(60):
        damaged = bytearray(dumped)
        for _ in range(chance.choice([1, 1, 1, 2, 5])):
            damaged[chance.randrange(len(damaged) - 10)] = chance.randrange(256)
        if chance.random() < 0.1:
            del damaged[chance.randrange(len(damaged) - 10) : -10]
        reply = restore(client, bytes(damaged), b"other")
        if reply == OK:
            assert restore(client, client("DUMP other"), b"again") == OK
        else:
            assert reply == BAD_FORMAT
