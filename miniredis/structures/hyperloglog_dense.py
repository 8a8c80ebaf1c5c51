"""The registers of a HyperLogLog: all of them as bytes, and as Redis packs them, four in three bytes.

The first register is in the lowest bits of the first byte. Whatever concerns all 16384 works on every fourth of them at
once, or on all as one integer, never on one after another: a loop over them would take milliseconds.
"""

from __future__ import annotations

from typing import Final

REGISTERS: Final = 1 << 14
DENSE_BYTES: Final = REGISTERS * 6 // 8

_QUARTER: Final = REGISTERS // 4
_HIGH_BITS: Final = int.from_bytes(b"\x80" * REGISTERS, "little")
_KEEP_6: Final = bytes(byte & 0x3F for byte in range(256))
_LEFT: Final = {by: bytes(byte << by & 0xFF for byte in range(256)) for by in (2, 4, 6)}
_LEFT_6: Final = {by: bytes(byte << by & 0x3F for byte in range(256)) for by in (2, 4)}
_RIGHT: Final = {by: bytes(byte >> by for byte in range(256)) for by in (2, 4, 6)}


def unpack(packed: bytes | bytearray) -> bytearray:
    """A byte for each register of *packed*."""
    first, second, third = packed[0::3], packed[1::3], packed[2::3]
    registers = bytearray(REGISTERS)
    registers[0::4] = first.translate(_KEEP_6)
    registers[1::4] = _or(first.translate(_RIGHT[6]), second.translate(_LEFT_6[2]))
    registers[2::4] = _or(second.translate(_RIGHT[4]), third.translate(_LEFT_6[4]))
    registers[3::4] = third.translate(_RIGHT[2])
    return registers


def pack(registers: bytes | bytearray) -> bytearray:
    """*registers*, a byte for each and none above 63, as Redis packs them."""
    a, b, c, d = (registers[at::4] for at in range(4))
    packed = bytearray(DENSE_BYTES)
    packed[0::3] = _or(a, b.translate(_LEFT[6]))
    packed[1::3] = _or(b.translate(_RIGHT[2]), c.translate(_LEFT[4]))
    packed[2::3] = _or(c.translate(_RIGHT[4]), d.translate(_LEFT[2]))
    return packed


def _or(left: bytes | bytearray, right: bytes | bytearray) -> bytes:
    return (int.from_bytes(left, "little") | int.from_bytes(right, "little")).to_bytes(_QUARTER, "little")


def maximum(left: bytes | bytearray, right: bytes | bytearray) -> bytes:
    """Of each register, a byte for each, the greater of two.

    With its highest bit set, a byte stays above any register that is taken from it: that bit remains in the difference
    exactly where the left one is not smaller.
    """
    a, b = int.from_bytes(left, "little"), int.from_bytes(right, "little")
    not_smaller = ((a | _HIGH_BITS) - b & _HIGH_BITS) >> 7
    chosen = not_smaller * 0xFF
    return (a & chosen | b & ~chosen).to_bytes(REGISTERS, "little")


def histogram(registers: bytes | bytearray) -> list[int]:
    """How many *registers*, a byte for each, have each of the values from 0 to 63."""
    counts = [0] * 64
    left = REGISTERS
    for value in range(64):
        counts[value] = registers.count(value)
        left -= counts[value]
        if not left:
            break
    return counts


def raise_register(data: bytearray, offset: int, index: int, value: int) -> bool:
    """Raise the register *index* of those packed in *data* from *offset* on to *value*. Whether it was lower."""
    at, shift = divmod(index * 6, 8)
    at += offset
    window = data[at : at + 2]  # of the last register there is one byte
    pair = int.from_bytes(window, "little")
    if pair >> shift & 0x3F >= value:
        return False
    pair = pair & ~(0x3F << shift) | value << shift
    data[at : at + len(window)] = pair.to_bytes(len(window), "little")
    return True
