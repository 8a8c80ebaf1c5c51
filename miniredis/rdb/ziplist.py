"""Ziplists, which were what listpacks are now until Redis 7.0. They are only read.

A header (the size of all, where the last entry begins, and how many there are, 65535 standing for "count them"), the
entries, and an end mark. An entry is the length of the one before it, in one byte or five, then its encoding and data.
"""

from __future__ import annotations

from typing import Final

from miniredis.rdb.errors import RdbError

HEADER_SIZE: Final = 10
END: Final = 0xFF
UNKNOWN_COUNT: Final = 65535
LONG_PREVIOUS: Final = 0xFE
"""The first byte of a length of the previous entry that takes five."""

_INTEGER_SIZES: Final = {0xC0: 2, 0xD0: 4, 0xE0: 8, 0xF0: 3, 0xFE: 1}


def decode(data: bytes) -> list[bytes]:
    """The elements of a ziplist. Raises :class:`RdbError` if anything about it is not right."""
    end = len(data) - 1
    if end < HEADER_SIZE or int.from_bytes(data[:4], "little") != end + 1 or data[end] != END:
        raise _broken()
    elements: list[bytes] = []
    position = last = HEADER_SIZE
    previous_size = 0
    while position < end and data[position] != END:
        last = position
        header = _skip_previous(data, position, previous_size)
        element, position = _entry(data, header)
        if position > end:
            raise _broken()
        previous_size = position - last
        elements.append(element)
    if position != end or int.from_bytes(data[4:8], "little") != (last if elements else HEADER_SIZE):
        raise _broken()
    if int.from_bytes(data[8:10], "little") not in (UNKNOWN_COUNT, len(elements)):
        raise _broken()
    return elements


def _skip_previous(data: bytes, position: int, expected: int) -> int:
    """Where the encoding begins of the entry at *position*, before which there is one of *expected* bytes."""
    if data[position] < LONG_PREVIOUS:
        size, header = data[position], position + 1
    else:
        header = position + 5
        size = int.from_bytes(data[position + 1 : header], "little")
    if size != expected or header >= len(data) - 1:
        raise _broken()
    return header


def _entry(data: bytes, position: int) -> tuple[bytes, int]:
    """The entry whose encoding is at *position*, and where it ends; beyond the end of *data* if it is cut off."""
    first = data[position]
    if first < 0x40:
        start, length = position + 1, first
    elif first < 0x80:
        start, length = position + 2, (first & 0x3F) << 8 | data[position + 1]
    elif first < 0xC0:
        start, length = position + 5, int.from_bytes(data[position + 1 : position + 5], "big")
    elif first in _INTEGER_SIZES:
        end = position + 1 + _INTEGER_SIZES[first]
        return b"%d" % int.from_bytes(data[position + 1 : end], "little", signed=True), end
    elif 0xF1 <= first <= 0xFD:
        return b"%d" % (first - 0xF1), position + 1
    else:
        raise _broken()
    return data[start : start + length], start + length


def _broken() -> RdbError:
    return RdbError("Ziplist integrity check failed.")
