"""XXH3, beside the one of its author (the package ``xxhash``), and by what Redis's documentation says."""

from __future__ import annotations

import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from miniredis.structures.xxh3 import BLOCK, STRIPE, xxh3_64

EDGES = [0, 1, 3, 4, 8, 9, 16, 17, 32, 33, 64, 65, 96, 97, 128, 129, 144, 145, 239, 240, 241]
"""The lengths where another way begins, and the last ones before."""

LONG_EDGES = [BLOCK * blocks + STRIPE * stripes + more for blocks in (1, 2, 7) for stripes in (0, 1) for more in (0, 1)]


@given(st.binary(max_size=300))
def test_short_strings_have_the_hash_of_the_reference(data: bytes) -> None:
    assert xxh3_64(data) == xxhash.xxh3_64_intdigest(data)


@given(st.binary(min_size=1, max_size=64), st.integers(241, 3 * BLOCK))
def test_long_strings_have_the_hash_of_the_reference(data: bytes, length: int) -> None:
    data = (data * (length // len(data) + 1))[:length]
    assert xxh3_64(data) == xxhash.xxh3_64_intdigest(data)


@pytest.mark.parametrize("byte", [0, 0x5A, 0xFF])
@pytest.mark.parametrize("length", [*EDGES, *LONG_EDGES, *(edge - 1 for edge in LONG_EDGES)])
def test_each_way_ends_where_the_next_begins(length: int, byte: int) -> None:
    data = bytes((byte ^ at * 37) & 0xFF for at in range(length))
    assert xxh3_64(data) == xxhash.xxh3_64_intdigest(data)
    assert xxh3_64(bytes([byte]) * length) == xxhash.xxh3_64_intdigest(bytes([byte]) * length)


def test_what_the_documentation_of_digest_says() -> None:
    assert xxh3_64(b"Hello world") == 0xB6ACB9D84A38FF74
