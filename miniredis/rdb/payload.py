"""What DUMP answers and RESTORE takes: one value, its type before it, version and checksum behind it."""

from __future__ import annotations

from typing import Any, Final

from miniredis.rdb import values
from miniredis.rdb.crc64 import crc64
from miniredis.rdb.errors import RdbError
from miniredis.rdb.reader import Reader
from miniredis.rdb.values import Context, Version
from miniredis.rdb.writer import Writer

FOOTER_SIZE: Final = 10


class FooterError(RdbError):
    """A payload of a version that is not known, or one that was changed on its way."""


def dump(value: Any, version: Version, *, compress: bool = True) -> bytes:
    """The payload for *value*, as *version* makes it. *compress*: ``rdbcompression``."""
    writer = Writer(compress=compress)
    writer.byte(values.type_of(value, version))
    values.save(writer, value, version)
    return with_footer(writer, version)


def with_footer(writer: Writer, version: Version) -> bytes:
    """What *writer* has, as a payload of *version*."""
    writer.raw(version.rdb_version.to_bytes(2, "little"))
    writer.raw(crc64(writer.data).to_bytes(8, "little"))
    return bytes(writer.data)


def load(data: bytes, context: Context, *, check: bool = True) -> Any:
    """The value of a payload, whose checksum is looked at if *check* is set.

    Raises :class:`FooterError` where its version or checksum is wrong, any other :class:`RdbError` where the value is.
    What stands between the value and the footer is ignored, as in Redis.
    """
    check_footer(data, context.version, check=check)
    reader = Reader(data)
    return values.load(reader, reader.byte(), context)


def check_footer(data: bytes, version: Version, *, check: bool) -> None:
    """Raise :class:`FooterError` if *version* cannot read *data* or, with *check*, its checksum is wrong."""
    body = len(data) - FOOTER_SIZE
    if body < 0 or not is_readable(int.from_bytes(data[body : body + 2], "little"), version):
        raise FooterError("DUMP payload version or checksum are wrong")
    if check and crc64(memoryview(data)[:-8]) != int.from_bytes(data[-8:], "little"):
        raise FooterError("DUMP payload version or checksum are wrong")


FIRST_FOREIGN, LAST_FOREIGN = 12, 79
"""Versions of the format that Redis has used since Valkey went its own way, with 80."""


def is_readable(rdb_version: int, version: Version) -> bool:
    """Whether *version* reads what was written in that version of the format."""
    if rdb_version > version.rdb_version:
        return False
    return not version.is_valkey or 0 < rdb_version < FIRST_FOREIGN or rdb_version > LAST_FOREIGN
