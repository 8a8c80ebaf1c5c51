"""Intsets: the bytes of each integer, how many there are, and the integers in order."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from miniredis.rdb.errors import RdbError

HEADER_SIZE: Final = 8
_CODES: Final = {2: "h", 4: "i", 8: "q"}


def encode(values: Sequence[int], size: int = 2) -> bytes:
    """The intset of *values*, which are in ascending order; *size*: the bytes of each, at the least."""
    if values:
        bits = max(max(values[-1], 0), ~min(values[0], -1)).bit_length() + 1
        size = max(size, 2 if bits <= 16 else 4 if bits <= 32 else 8)
    return struct.pack(f"<II{len(values)}{_CODES[size]}", size, len(values), *values)


def decode(data: bytes) -> tuple[int, ...]:
    """The integers of an intset. Raises :class:`RdbError` if anything about it is not right."""
    if len(data) < HEADER_SIZE:
        raise _broken()
    size, count = struct.unpack_from("<II", data)
    if size not in _CODES or not count or HEADER_SIZE + count * size != len(data):
        raise _broken()
    values: tuple[int, ...] = struct.unpack_from(f"<{count}{_CODES[size]}", data, HEADER_SIZE)
    if any(later <= earlier for earlier, later in pairwise(values)):
        raise _broken()
    return values


def _broken() -> RdbError:
    return RdbError("Intset integrity check failed.")
