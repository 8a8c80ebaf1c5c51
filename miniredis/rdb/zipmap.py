"""Zipmaps, in which Redis kept small hashes up to version 2.4. They are only read.

How many pairs (254: count them), the pairs, and an end mark. A field is its length and its bytes, a value its
length, how many bytes behind it are unused, its bytes and those.
"""

from __future__ import annotations

from typing import Final

from miniredis.rdb.errors import RdbError

END: Final = 0xFF
LONG: Final = 0xFE
"""The first byte of a length that takes five, and the number of pairs if there are that many or more."""


def decode(data: bytes) -> list[tuple[bytes, bytes]]:
    """The fields and values of a zipmap. Raises :class:`RdbError` if anything about it is not right."""
    end = len(data) - 1
    if end < 1 or data[end] != END:
        raise _broken()
    pairs: list[tuple[bytes, bytes]] = []
    position = 1
    while data[position] != END:
        field, length = _length(data, position, end)
        value_header = field + length
        value, value_length = _length(data, value_header, end)
        position = value + 1 + value_length + data[value]
        if position > end:
            raise _broken()
        pairs.append((data[field : field + length], data[value + 1 : value + 1 + value_length]))
    if position != end or not pairs or data[0] not in (LONG, len(pairs)):
        raise _broken()
    return pairs


def _length(data: bytes, position: int, end: int) -> tuple[int, int]:
    """Where the length at *position* ends, and what it is."""
    if position >= end:
        raise _broken()
    first = data[position]
    after = position + (5 if first == LONG else 1)
    if after >= end:
        raise _broken()
    return after, int.from_bytes(data[position + 1 : after], "little") if first == LONG else first


def _broken() -> RdbError:
    return RdbError("Zipmap integrity check failed.")
