"""MurmurHash64A, the hash by which a HyperLogLog knows its elements."""

from __future__ import annotations

from typing import Final

MASK: Final = 2**64 - 1
MULTIPLIER: Final = 0xC6A4A7935BD1E995


def murmur_hash_64a(data: bytes, seed: int) -> int:
    """The 64-bit hash of *data*."""
    length = len(data)
    hashed = seed ^ (length * MULTIPLIER & MASK)
    whole = length & ~7
    for at in range(0, whole, 8):
        word = int.from_bytes(data[at : at + 8], "little") * MULTIPLIER & MASK
        word = (word ^ word >> 47) * MULTIPLIER & MASK
        hashed = (hashed ^ word) * MULTIPLIER & MASK
    if whole != length:
        hashed = (hashed ^ int.from_bytes(data[whole:], "little")) * MULTIPLIER & MASK
    hashed = (hashed ^ hashed >> 47) * MULTIPLIER & MASK
    return hashed ^ hashed >> 47
