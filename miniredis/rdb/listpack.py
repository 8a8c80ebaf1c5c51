"""Listpacks: elements in a row, in one block of bytes that can be walked in both directions.

A header (the size of all, and how many elements, 65535 standing for "count them"), the entries, and an end mark. An
entry is its encoding, which begins with its length or with the kind of integer it is, its data, and the length of both
once more, in 7-bit groups that are read backwards. Whatever spells an integer of 64 bits is stored as one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from miniredis.rdb.errors import RdbError
from miniredis.structures.numbers import parse_integer

HEADER_SIZE: Final = 6
END: Final = 0xFF
UNKNOWN_COUNT: Final = 65535

_INTEGER_SIZES: Final = {0xF1: 2, 0xF2: 3, 0xF3: 4, 0xF4: 8}


def encode(elements: Iterable[bytes]) -> bytes:
    """The listpack of *elements*."""
    out = bytearray(HEADER_SIZE)
    count = 0
    for element in elements:
        _append(out, element)
        count += 1
    out.append(END)
    out[:4] = len(out).to_bytes(4, "little")
    out[4:6] = min(count, UNKNOWN_COUNT).to_bytes(2, "little")
    return bytes(out)


def _append(out: bytearray, element: bytes) -> None:
    start = len(out)
    length = len(element)
    value = parse_integer(element) if 0 < length <= 20 and 48 <= element[-1] <= 57 else None
    if value is not None:
        _append_integer(out, value)
    else:
        if length < 64:
            out.append(0x80 | length)
        elif length < 4096:
            out += (0xE000 | length).to_bytes(2, "big")
        else:
            out.append(0xF0)
            out += length.to_bytes(4, "little")
        out += element
    out += _back_length(len(out) - start)


def _append_integer(out: bytearray, value: int) -> None:
    if 0 <= value <= 127:
        out.append(value)
    elif -4096 <= value <= 4095:
        out += (0xC000 | value & 0x1FFF).to_bytes(2, "big")
    else:
        bits = (value if value >= 0 else ~value).bit_length() + 1
        kind = 0xF1 if bits <= 16 else 0xF2 if bits <= 24 else 0xF3 if bits <= 32 else 0xF4
        out.append(kind)
        out += value.to_bytes(_INTEGER_SIZES[kind], "little", signed=True)


def _back_length(size: int) -> bytes:
    """*size* in groups of seven bits, the highest first, each but the first one marked as having one before it."""
    groups = [size & 0x7F]
    while size := size >> 7:
        groups.append(size & 0x7F)
    groups.reverse()
    return bytes([groups[0], *(group | 0x80 for group in groups[1:])])


def decode(data: bytes) -> list[bytes]:
    """The elements of a listpack. Raises :class:`RdbError` if anything about it is not right."""
    end = len(data) - 1
    if end < HEADER_SIZE or int.from_bytes(data[:4], "little") != end + 1 or data[end] != END:
        raise _broken()
    elements: list[bytes] = []
    position = HEADER_SIZE
    while position < end:
        element, encoded_end = _entry(data, position)
        size = encoded_end - position
        back = b"%c" % size if size < 128 else _back_length(size)
        if not data.startswith(back, encoded_end):
            raise _broken()
        position = encoded_end + len(back)
        elements.append(element)
    if position != end:
        raise _broken()
    count = int.from_bytes(data[4:6], "little")
    if count not in (UNKNOWN_COUNT, len(elements)):
        raise _broken()
    return elements


def _entry(data: bytes, position: int) -> tuple[bytes, int]:
    """The entry at *position*, and where its data end. Slices that end too early are found out by its back length."""
    first = data[position]
    if first < 0x80:
        return b"%d" % first, position + 1
    if first < 0xC0:
        end = position + 1 + (first & 0x3F)
        return data[position + 1 : end], end
    if first in _INTEGER_SIZES:
        end = position + 1 + _INTEGER_SIZES[first]
        return b"%d" % int.from_bytes(data[position + 1 : end], "little", signed=True), end
    if first < 0xE0:
        value = (first & 0x1F) << 8 | data[position + 1]
        return b"%d" % (value - 0x2000 if value & 0x1000 else value), position + 2
    if first < 0xF0:
        end = position + 2 + ((first & 0x0F) << 8 | data[position + 1])
        return data[position + 2 : end], end
    if first == 0xF0:
        end = position + 5 + int.from_bytes(data[position + 1 : position + 5], "little")
        return data[position + 5 : end], end
    raise _broken()


def _broken() -> RdbError:
    return RdbError("Listpack integrity check failed.")
