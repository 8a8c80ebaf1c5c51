"""Writing lengths, strings and numbers as Redis does: each string in the shortest of the ways that Redis tries."""

from __future__ import annotations

import struct
from typing import Final

from miniredis.rdb import lzf
from miniredis.structures.numbers import parse_integer

LONGEST_INTEGER: Final = 11
"""Characters of the longest string that is looked at as an integer of 32 bits."""

SHORTEST_COMPRESSED: Final = 21
"""Bytes of the shortest string of which compression is tried."""


class Writer:
    """Serialized data in the making (``data``). *compress*: ``rdbcompression``."""

    __slots__ = ("compress", "data")

    def __init__(self, *, compress: bool = True) -> None:
        self.data = bytearray()
        self.compress = compress

    def byte(self, value: int) -> None:
        self.data.append(value)

    def raw(self, data: bytes) -> None:
        """*data* as they are, without their length."""
        self.data += data

    def length(self, value: int) -> None:
        """A length, or another integer of up to 64 bits that is stored as one."""
        if value < 1 << 6:
            self.data.append(value)
        elif value < 1 << 14:
            self.data += bytes((0x40 | value >> 8, value & 0xFF))
        elif value < 1 << 32:
            self.data.append(0x80)
            self.data += value.to_bytes(4, "big")
        else:
            self.data.append(0x81)
            self.data += value.to_bytes(8, "big")

    def string(self, text: bytes) -> None:
        """A string: as an integer, compressed, or as it is."""
        size = len(text)
        if size <= LONGEST_INTEGER:
            value = parse_integer(text)
            if value is not None and self._integer(value):
                return
        elif self.compress and size >= SHORTEST_COMPRESSED:
            compressed = lzf.compress(text, size - 4)
            if compressed is not None:
                self.data.append(0xC3)
                self.length(len(compressed))
                self.length(size)
                self.data += compressed
                return
        self.length(size)
        self.data += text

    def _integer(self, value: int) -> bool:
        """Write *value* as an integer, if 32 bits hold it. Whether they do."""
        bits = (value if value >= 0 else ~value).bit_length() + 1
        if bits > 32:
            return False
        encoding, size = (0, 1) if bits <= 8 else (1, 2) if bits <= 16 else (2, 4)
        self.data.append(0xC0 | encoding)
        self.data += value.to_bytes(size, "little", signed=True)
        return True

    def double(self, value: float) -> None:
        self.data += struct.pack("<d", value)

    def milliseconds(self, value: int) -> None:
        """A time in milliseconds since the epoch."""
        self.data += value.to_bytes(8, "little", signed=True)
