"""Strings seen as rows of bits: counting, finding, combining, and integers of any width within them.

Bit 0 is the most significant bit of the first byte, as everywhere in Redis. Whatever goes through a whole string does
so in chunks, each of which becomes one Python integer: C's speed without a second string's worth of memory. Where the
bits of a byte stay together the byte order does not matter, and little-endian is the one in which shorter strings are
padded with zeros on the right by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from operator import and_, or_, xor
from typing import Final, TypeAlias

from miniredis.structures.numbers import INT64_MAX

Bits: TypeAlias = bytes | bytearray

CHUNK: Final = 1 << 16
"""Bytes that are looked at together: few enough for the caches of a processor, and for Python's loop not to count."""

INVERTED: Final = bytes(255 - byte for byte in range(256))


def count_set_bits(data: Bits, first: int, last: int) -> int:
    """How many bits from *first* to *last*, both included and within *data*, are set."""
    if first > last:
        return 0
    first_byte, last_byte = first >> 3, last >> 3
    count = sum(
        int.from_bytes(data[at : min(at + CHUNK, last_byte + 1)], "little").bit_count()
        for at in range(first_byte, last_byte + 1, CHUNK)
    )
    before = data[first_byte] >> (8 - (first & 7))
    behind = data[last_byte] & (0x7F >> (last & 7))
    return count - before.bit_count() - behind.bit_count()


def find_bit(data: Bits, bit: int, first: int, last: int) -> int | None:
    """The first bit from *first* to *last*, both included and within *data*, that is *bit*; None if there is none."""
    if first > last:
        return None
    first_byte, last_byte = first >> 3, last >> 3
    flip = 0 if bit else 0xFF
    found = (data[first_byte] ^ flip) & (0xFF >> (first & 7))
    at = first_byte
    if not found:
        behind = _find_byte_with(data, bit, first_byte + 1, last_byte + 1)
        if behind is None:
            return None
        at, found = behind, data[behind] ^ flip
    position = at * 8 + 8 - found.bit_length()
    return position if position <= last else None


def _find_byte_with(data: Bits, bit: int, start: int, stop: int) -> int | None:
    """The first byte from *start* to before *stop* in which some bit is *bit*."""
    other = b"\x00" if bit else b"\xff"
    blank = other * CHUNK
    for at in range(start, stop, CHUNK):
        chunk = data[at : min(at + CHUNK, stop)]
        if chunk != blank and (rest := chunk.lstrip(other)):
            return at + len(chunk) - len(rest)
    return None


COMBINATIONS: Final[dict[bytes, Callable[[int, int], int]]] = {b"and": and_, b"or": or_, b"xor": xor}
"""The operations of BITOP on several strings, by their lower-case names."""


COMBINATIONS_WITH_UNION: Final[dict[bytes, Callable[[int, int], int]]] = {
    b"diff": lambda first, others: first & ~others,
    b"diff1": lambda first, others: others & ~first,
    b"andor": and_,
}
"""The operations of BITOP, since Redis 8.2, on a string and the union of others."""


def combine(operation: Callable[[int, int], int], sources: Sequence[Bits]) -> bytearray:
    """*sources* combined bit by bit, the shorter ones padded with zeros to the length of the longest."""
    first, *others = sources
    length = max(map(len, sources))
    result = bytearray()
    for at in range(0, length, CHUNK):
        end = min(at + CHUNK, length)
        chunk = int.from_bytes(first[at:end], "little")
        for source in others:
            chunk = operation(chunk, int.from_bytes(source[at:end], "little"))
        result += chunk.to_bytes(end - at, "little")
    return result


def combine_with_union(operation: Callable[[int, int], int], sources: Sequence[Bits]) -> bytearray:
    """The first of *sources* combined with the bits that any of the others has, padded as in :func:`combine`."""
    return combine(operation, (sources[0], combine(or_, sources[1:])))


def exactly_one(sources: Sequence[Bits]) -> bytearray:
    """The bits that one of *sources* has and no other, padded as in :func:`combine`."""
    length = max(map(len, sources))
    result = bytearray()
    for at in range(0, length, CHUNK):
        end = min(at + CHUNK, length)
        once = more = 0
        for source in sources:
            chunk = int.from_bytes(source[at:end], "little")
            more |= once & chunk
            once |= chunk
        result += (once & ~more).to_bytes(end - at, "little")
    return result


def invert(data: Bits) -> bytearray:
    """Every bit of *data* the other way round."""
    return bytearray(data.translate(INVERTED))


class Overflow(Enum):
    """What becomes of a number that a field has no room for; the value is the word of BITFIELD's OVERFLOW."""

    WRAP = b"wrap"
    SAT = b"sat"
    FAIL = b"fail"


class Field:
    """An integer of *width* bits, two's complement if *signed*, that begins at the bit *offset* of a string."""

    __slots__ = ("offset", "signed", "width")

    def __init__(self, width: int, *, signed: bool, offset: int) -> None:
        self.width = width
        self.signed = signed
        self.offset = offset

    @property
    def last_bit(self) -> int:
        """The last bit that belongs to the field."""
        return self.offset + self.width - 1

    def read(self, data: Bits) -> int:
        """The number in the field; what lies behind the end of *data* is zero."""
        first_byte, last_byte = self.offset >> 3, self.last_bit >> 3
        window = data[first_byte : last_byte + 1].ljust(last_byte + 1 - first_byte, b"\x00")
        value = int.from_bytes(window, "big") >> (7 - (self.last_bit & 7)) & ((1 << self.width) - 1)
        if self.signed and value >> (self.width - 1):
            value -= 1 << self.width
        return value

    def write(self, data: bytearray, value: int) -> None:
        """Put *value*, of which the lowest bits count, into *data*, which is long enough for the field."""
        first_byte, last_byte = self.offset >> 3, self.last_bit >> 3
        behind = 7 - (self.last_bit & 7)
        mask = (1 << self.width) - 1
        window = int.from_bytes(data[first_byte : last_byte + 1], "big")
        window = window & ~(mask << behind) | (value & mask) << behind
        data[first_byte : last_byte + 1] = window.to_bytes(last_byte + 1 - first_byte, "big")

    @property
    def lowest(self) -> int:
        """The lowest number that the field can hold."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def highest(self) -> int:
        """The highest number that the field can hold."""
        return self.lowest + (1 << self.width) - 1

    def as_compared(self, value: int) -> int:
        """What Redis takes the 64-bit integer *value* for when it is to be put into the field as it is.

        A negative one is too *high* for an unsigned field, and so is one for a signed field of fewer than 64 bits that
        lies so low that its distance from the highest number is no 64-bit integer.
        """
        is_too_high = value < self.highest - INT64_MAX if self.signed else value < 0
        return value + (1 << 64) if is_too_high and self.width < 64 else value

    def fit(self, value: int, overflow: Overflow) -> int | None:
        """*value* as the field can hold it; None if it cannot and *overflow* says that this fails."""
        lowest, highest = self.lowest, self.highest
        if lowest <= value <= highest:
            return value
        if overflow is Overflow.FAIL:
            return None
        if overflow is Overflow.SAT:
            return highest if value > highest else lowest
        return (value - lowest) % (1 << self.width) + lowest
