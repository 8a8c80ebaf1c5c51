"""Hashes: order, encodings, copies."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from miniredis.structures.hash import Hash


@dataclass
class Limits:
    hash_max_listpack_entries: int = 512
    hash_max_listpack_value: int = 64


LIMITS = Limits()


def numbered(count: int) -> Hash:
    made = Hash()
    for number in range(count):
        made.set(b"f%d" % number, b"v", LIMITS)
    return made


@pytest.mark.parametrize(("count", "encoding"), [(1, "listpack"), (512, "listpack"), (513, "hashtable")])
def test_many_fields_make_a_hashtable(count: int, encoding: str) -> None:
    assert numbered(count).encoding == encoding


@pytest.mark.parametrize(
    ("field", "value", "encoding"),
    [
        (b"x" * 64, b"x" * 64, "listpack"),
        (b"x" * 65, b"", "hashtable"),
        (b"", b"x" * 65, "hashtable"),
    ],
)
def test_a_long_field_or_value_makes_a_hashtable(field: bytes, value: bytes, encoding: str) -> None:
    fields = Hash()
    fields.set(field, value, LIMITS)
    assert fields.encoding == encoding


def test_a_hashtable_stays_one() -> None:
    fields = numbered(513)
    for number in range(1, 513):
        fields.remove(b"f%d" % number)
    assert (len(fields), fields.encoding) == (1, "hashtable")


def test_a_field_set_again_keeps_its_place_and_one_that_came_back_does_not() -> None:
    fields = numbered(3)
    assert not fields.set(b"f0", b"new", LIMITS)
    assert list(fields.fields.items()) == [(b"f0", b"new"), (b"f1", b"v"), (b"f2", b"v")]
    fields.remove(b"f0")
    assert fields.set(b"f0", b"again", LIMITS)
    assert list(fields.fields) == [b"f1", b"f2", b"f0"]


def test_the_index_follows() -> None:
    fields = numbered(3)
    assert sorted(fields.index().scan(0, 10)[1]) == [b"f0", b"f1", b"f2"]
    fields.set(b"f3", b"v", LIMITS)
    fields.set(b"f1", b"w", LIMITS)
    fields.remove(b"f0")
    assert sorted(fields.index().scan(0, 10)[1]) == [b"f1", b"f2", b"f3"]
    assert not fields.remove(b"f0")


def test_a_copy_shares_nothing() -> None:
    fields = numbered(1)
    twin = fields.copy()
    fields.set(b"f0", b"x" * 65, LIMITS)
    assert (twin.fields, twin.encoding) == ({b"f0": b"v"}, "listpack")
