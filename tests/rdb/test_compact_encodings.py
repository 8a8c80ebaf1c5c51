"""The encodings inside of payloads: what is written is read again, what is broken is refused, sizes are as reckoned."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniredis.rdb import RdbError, intset, listpack, lzf, ziplist, zipmap
from miniredis.rdb.crc64 import crc64
from miniredis.structures.quicklist import LISTPACK_FRAME, entry_sizes
from tests.rdb import older_encodings

WORDS = st.one_of(
    st.integers(-(2**63), 2**63 - 1).map(b"%d".__mod__),
    st.sampled_from([0, 127, 128, -4096, -4097, 32767, 32768, 2**23, -(2**31) - 1]).map(b"%d".__mod__),
    st.binary(max_size=80),
    st.integers(0, 20000).map(lambda size: b"x" * size),
)
COMPRESSIBLE = st.lists(st.sampled_from([b"a", b"ab", b"abc", b"\0", b"x" * 300, b"0123456789"]), max_size=300)


def test_the_checksum_is_that_of_the_standard_check_string() -> None:
    assert crc64(b"123456789") == 0xE9C6D914C4B8D9CA


@given(st.binary(), st.binary())
def test_a_checksum_can_be_continued(first: bytes, second: bytes) -> None:
    assert crc64(second, crc64(first)) == crc64(first + second)


@given(st.one_of(COMPRESSIBLE.map(b"".join), st.binary(max_size=600)))
def test_what_is_compressed_is_decompressed_to_the_same(data: bytes) -> None:
    compressed = lzf.compress(data, max(len(data) - 4, 0))
    if compressed is not None:
        assert len(compressed) <= len(data) - 4
        assert lzf.decompress(compressed, len(data)) == data


@given(st.binary(max_size=100), st.integers(0, 500))
def test_any_bytes_are_decompressed_or_refused(data: bytes, size: int) -> None:
    with contextlib.suppress(RdbError):
        assert len(lzf.decompress(data, size)) == size


@given(st.lists(WORDS, max_size=40))
def test_a_listpack_is_read_again_and_as_long_as_reckoned(elements: list[bytes]) -> None:
    encoded = listpack.encode(elements)
    assert listpack.decode(encoded) == elements
    assert len(encoded) == LISTPACK_FRAME + entry_sizes(elements)


def test_a_listpack_of_too_many_elements_to_count_is_read() -> None:
    elements = [b"a"] * 70000
    assert listpack.decode(listpack.encode(elements)) == elements


@given(st.lists(WORDS, max_size=40))
def test_a_ziplist_is_read(elements: list[bytes]) -> None:
    assert ziplist.decode(older_encodings.ziplist(elements)) == elements


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=10), st.integers(0, 255))
def test_a_zipmap_is_read(pairs: list[tuple[bytes, bytes]], unused: int) -> None:
    assert zipmap.decode(older_encodings.zipmap(pairs, unused)) == pairs


@given(st.sets(st.integers(-(2**63), 2**63 - 1) | st.integers(-40000, 40000), min_size=1))
def test_an_intset_is_read_again(values: set[int]) -> None:
    assert list(intset.decode(intset.encode(sorted(values)))) == sorted(values)


DAMAGED = {
    "listpack": (listpack.decode, listpack.encode([b"a", b"12", b"x" * 70, b"-5000"])),
    "ziplist": (ziplist.decode, older_encodings.ziplist([b"a", b"12", b"x" * 70, b"-5000"])),
    "zipmap": (zipmap.decode, older_encodings.zipmap([(b"a", b"b"), (b"c", b"d" * 300)])),
    "intset": (intset.decode, intset.encode([-5, 7, 300])),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_whatever_byte_is_wrong_there_is_a_value_or_an_error(name: str) -> None:
    decode, data = DAMAGED[name]
    decode(data)
    damaged = [data[:cut] for cut in range(len(data))]
    damaged += [data[:at] + bytes([byte]) + data[at + 1 :] for at in range(len(data)) for byte in range(256)]
    for each in damaged:
        with contextlib.suppress(RdbError):
            decode(each)


@given(st.sampled_from(sorted(DAMAGED)), st.binary(max_size=60))
def test_any_bytes_are_a_value_or_an_error(name: str, data: bytes) -> None:
    with contextlib.suppress(RdbError):
        DAMAGED[name][0](data)
