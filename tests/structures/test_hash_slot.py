"""Hash slots: the checksum by the value that its specification gives, the slots as Valkey says (CLUSTER KEYSLOT)."""

from __future__ import annotations

import random

import pytest

from conformance.servers import Server
from miniredis.structures.hash_slot import crc16, hash_slot, hash_tag


def test_the_checksum_is_that_of_xmodem() -> None:
    assert crc16(b"123456789") == 0x31C3
    assert crc16(b"") == 0


@pytest.mark.parametrize(
    ("key", "slot"),
    [
        (b"a", 15495),
        (b"foo", 12182),
        (b"123456789", 12739),
        (b"", 0),
        (b"{foo}", 12182),
        (b"bar{foo}baz{zap}", 12182),
    ],
)
def test_a_key_stands_in_the_slot_that_valkey_says(key: bytes, slot: int) -> None:
    assert hash_slot(key) == slot


@pytest.mark.parametrize(
    ("key", "tag"),
    [
        (b"user", b"user"),
        (b"{user}:1", b"user"),
        (b"a{user}:1{b}", b"user"),
        (b"{{user}}", b"{user"),
        (b"{}user", b"{}user"),
        (b"{}{user}", b"{}{user}"),
        (b"{user", b"{user"),
        (b"user}", b"user}"),
        (b"}{user}", b"user"),
        (b"{", b"{"),
    ],
)
def test_a_tag_is_what_the_first_braces_hold(key: bytes, tag: bytes) -> None:
    assert hash_tag(key) == tag


def test_every_key_stands_where_valkey_says(valkey_server: Server) -> None:
    choice = random.Random(1)
    keys = [bytes(choice.choices(b"{}ab\r\n\x00\xff", k=choice.randrange(9))) for _ in range(500)]
    keys += [choice.randbytes(choice.randrange(300)) for _ in range(100)]
    with valkey_server.connect() as wire:
        slots = {key: wire.call("CLUSTER", "KEYSLOT", key).value for key in keys}
    assert {key: hash_slot(key) for key in keys} == slots
