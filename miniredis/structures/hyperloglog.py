"""HyperLogLog: how many different elements there were, about, in 12 kilobytes at most.

An element's hash names one of 16384 registers, and the register keeps the longest run of zeros (and the one behind it)
that the rest of such a hash began with. A HyperLogLog is a string, byte by byte Redis's own::

    "HYLL"   encoding   3 bytes unused   8 bytes cached count   registers
             0 dense                     the highest bit says   dense: 6 bits each
             1 sparse                    that it is outdated    sparse: runs of equal ones

The functions take such a string as bytes, those that change it as a ``bytearray``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from miniredis.structures import hyperloglog_dense
from miniredis.structures.hyperloglog_dense import DENSE_BYTES, REGISTERS, histogram, maximum, pack, unpack
from miniredis.structures.hyperloglog_sparse import EMPTY, NoRoomError, SparseRegisters
from miniredis.structures.murmur import murmur_hash_64a

Data: TypeAlias = bytes | bytearray

MAGIC: Final = b"HYLL"
DENSE: Final = 0
SPARSE: Final = 1
HEADER: Final = 16
"""The bytes before the registers."""

SEED: Final = 0xADC83B19
HASH_BITS: Final = 50
"""The bits of a hash that are left when its register is known; one more is what a register can count."""

ALPHA: Final = 0.721347520444481703680
"""0.5 / ln 2, to the digits that Redis has."""


def is_hyperloglog(data: Data) -> bool:
    """Whether *data* looks like one: whether a sparse one's runs are in order shows when they are read."""
    if len(data) < HEADER or not data.startswith(MAGIC):
        return False
    return data[4] == SPARSE or (data[4] == DENSE and len(data) == HEADER + DENSE_BYTES)


def empty() -> bytearray:
    """A HyperLogLog of no elements."""
    return bytearray(MAGIC + bytes([SPARSE]) + bytes(11) + EMPTY)


def is_dense(data: Data) -> bool:
    """Whether every register has its six bits."""
    return data[4] == DENSE


def register_of(element: bytes) -> tuple[int, int]:
    """The register that *element* belongs to, and what it raises it to."""
    hashed = murmur_hash_64a(element, SEED)
    rest = hashed >> 14 | 1 << HASH_BITS
    return hashed & REGISTERS - 1, (rest & -rest).bit_length()


def add(data: bytearray, elements: Iterable[bytes], sparse_limit: int) -> int:
    """Add *elements*; how many of them raised a register. Above *sparse_limit* bytes a sparse one becomes dense.

    Raises :class:`CorruptedError` where a register cannot be found; what was added before remains.
    """
    return _raise_registers(data, map(register_of, elements), sparse_limit)


def _raise_registers(data: bytearray, registers: Iterator[tuple[int, int]], sparse_limit: int) -> int:
    changes = _raise_sparse(data, registers, sparse_limit) if data[4] == SPARSE else 0
    # What is left is for a dense one.
    raise_register = hyperloglog_dense.raise_register
    for index, value in registers:
        changes += raise_register(data, HEADER, index, value)
    if changes:
        forget_count(data)
    return changes


def _raise_sparse(data: bytearray, registers: Iterator[tuple[int, int]], sparse_limit: int) -> int:
    """Raise *registers* one after the other, up to the one for which *data* had to become dense."""
    sparse = SparseRegisters(memoryview(data)[HEADER:])
    changes, room = 0, sparse_limit - len(data)
    index = value = 0
    try:
        for index, value in registers:
            growth = sparse.raise_register(index, value, room)
            if growth is not None:
                room -= growth
                changes += 1
    except NoRoomError:
        needs_room = True
    else:
        needs_room = False
    finally:
        if changes:
            data[HEADER:] = sparse.to_bytes()
            forget_count(data)
    if needs_room:
        to_dense(data)
        hyperloglog_dense.raise_register(data, HEADER, index, value)
        changes += 1
    return changes


def to_dense(data: bytearray) -> bool:
    """Give every register its six bits. Whether it had not. Raises :class:`CorruptedError`."""
    if data[4] == DENSE:
        return False
    data[HEADER:] = pack(registers_of(data))
    data[4] = DENSE
    return True


def registers_of(data: Data) -> Data:
    """A byte for each register. Raises :class:`CorruptedError`."""
    body = data[HEADER:]
    return unpack(body) if data[4] == DENSE else SparseRegisters(body).expanded()


def raise_all(data: bytearray, registers: Data, sparse_limit: int) -> None:
    """Raise every register of *data* to that of *registers*, and forget the cached count, even if none was lower."""
    raised = ((index, value) for index, value in enumerate(registers) if value)
    if is_dense(data):
        data[HEADER:] = pack(maximum(registers_of(data), registers))
    else:
        _raise_registers(data, raised, sparse_limit)
    forget_count(data)


def described(data: Data) -> bytes:
    """The runs of a sparse one as PFDEBUG DECODE shows them."""
    return SparseRegisters(data[HEADER:]).described()


def forget_count(data: bytearray) -> None:
    """The cached count is outdated."""
    data[15] |= 0x80


def cached_count(data: Data) -> int | None:
    """The count as it was computed last; None if it is outdated."""
    return None if data[15] & 0x80 else int.from_bytes(data[8:16], "little")


def cache_count(data: bytearray, count: int) -> None:
    """Keep *count*."""
    data[8:16] = count.to_bytes(8, "little")


def estimate(registers: Data) -> int:
    """About how many different elements there were, from the registers, a byte for each.

    This is the estimator of Otmar Ertl (arXiv:1702.01284), in doubles and in the order in which Redis computes it.
    """
    counts = histogram(registers)
    size = float(REGISTERS)
    z = size * _tau((size - counts[HASH_BITS + 1]) / size)
    for count in counts[HASH_BITS:0:-1]:
        z = (z + count) * 0.5
    z += size * _sigma(counts[0] / size)
    if z == 0:
        return 1 << 63  # what C makes of infinity
    exact = ALPHA * size * size / z
    whole = int(exact)
    return whole + (exact - whole >= 0.5)


def _sigma(x: float) -> float:
    if x == 1:
        return math.inf
    y, z, before = 1.0, x, -1.0
    while z != before:
        x *= x
        before = z
        z += x * y
        y += y
    return z


def _tau(x: float) -> float:
    if x in (0, 1):
        return 0.0
    y, z, before = 1.0, 1 - x, -1.0
    while z != before:
        x = math.sqrt(x)
        before = z
        y *= 0.5
        z -= math.pow(1 - x, 2) * y
    return z / 3
