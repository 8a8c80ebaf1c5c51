"""The checksum of RDB files and DUMP payloads: CRC-64 with Jones's polynomial, reflected, beginning with 0."""

from __future__ import annotations

from typing import Final

POLYNOMIAL: Final = 0x95AC9329AC4BC9B5
"""0xAD93D23594C935A9 with its bits in reverse order."""


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ POLYNOMIAL if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


TABLE: Final = _table()


def crc64(data: bytes | bytearray | memoryview, crc: int = 0) -> int:
    """The checksum of *data*, or of what *crc* is the checksum of followed by *data*. Some 80 ns a byte."""
    table = TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc
