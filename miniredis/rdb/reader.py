"""Reading lengths, strings and numbers from serialized data, none of which is believed before it is there."""

from __future__ import annotations

import struct
from math import inf, nan
from typing import Final

from miniredis.rdb import lzf
from miniredis.rdb.errors import SHORT_READ, RdbError
from miniredis.structures.numbers import parse_double

LENGTH_ERROR: Final = (1 << 64) - 1
"""The length that stands for a failure within Redis, which for this reason cannot read it."""

_INTEGERS: Final = {0: 1, 1: 2, 2: 4}
_LZF: Final = 3


class Reader:
    """*data* and how far it has been read. All methods raise :class:`RdbError` where they end or make no sense."""

    __slots__ = ("data", "position")

    def __init__(self, data: bytes, position: int = 0) -> None:
        self.data = data
        self.position = position

    def take(self, size: int) -> bytes:
        """The next *size* bytes."""
        start = self.position
        end = start + size
        if end > len(self.data):
            raise RdbError(SHORT_READ)
        self.position = end
        return self.data[start:end]

    def byte(self) -> int:
        position = self.position
        if position >= len(self.data):
            raise RdbError(SHORT_READ)
        self.position = position + 1
        return self.data[position]

    def length(self) -> int:
        """A length."""
        length = self.integer()
        if length == LENGTH_ERROR:
            raise RdbError(SHORT_READ)
        return length

    def integer(self) -> int:
        """An integer of up to 64 bits that is stored as lengths are. (What only strings have is read as Redis does.)"""
        first = self.byte()
        if first < 0x40:
            return first
        if first < 0x80:
            return (first & 0x3F) << 8 | self.byte()
        if first >= 0xC0:
            return first & 0x3F
        if first == 0x80:
            return int.from_bytes(self.take(4), "big")
        if first == 0x81:
            return int.from_bytes(self.take(8), "big")
        raise RdbError(f"Unknown length encoding {first >> 6} in rdbLoadLen()")

    def string(self) -> bytes:
        """A string, in whichever way it is stored."""
        position = self.position
        if position < len(self.data) and self.data[position] >= 0xC0:
            self.position = position + 1
            return self._encoded_string(self.data[position] & 0x3F)
        return self.take(self.length())

    def _encoded_string(self, encoding: int) -> bytes:
        if encoding in _INTEGERS:
            return b"%d" % int.from_bytes(self.take(_INTEGERS[encoding]), "little", signed=True)
        if encoding != _LZF:
            raise RdbError(f"Unknown RDB string encoding type {encoding}")
        compressed = self.length()
        size = self.length()
        return lzf.decompress(self.take(compressed), size)

    def double(self) -> float:
        """A score of today: eight bytes."""
        value: float = struct.unpack("<d", self.take(8))[0]
        return value

    def double_text(self) -> float:
        """A score as it was stored before RDB version 8: digits, or a mark."""
        length = self.byte()
        if length >= 253:
            return {253: nan, 254: inf, 255: -inf}[length]
        value = parse_double(self.take(length))
        if value is None:
            raise RdbError("Invalid score")
        return value

    def milliseconds(self) -> int:
        """A time in milliseconds since the epoch."""
        return int.from_bytes(self.take(8), "little", signed=True)
