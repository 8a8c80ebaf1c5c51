"""What FUNCTION DUMP answers and FUNCTION RESTORE takes: the code of any number of libraries, and DUMP's footer."""

from __future__ import annotations

from collections.abc import Iterable

from miniredis.rdb.errors import RdbError
from miniredis.rdb.payload import FOOTER_SIZE, check_footer, with_footer
from miniredis.rdb.reader import Reader
from miniredis.rdb.snapshot import Opcode
from miniredis.rdb.values import Version
from miniredis.rdb.writer import Writer


def dump(codes: Iterable[bytes], version: Version, *, compress: bool = True) -> bytes:
    """The payload for libraries with these *codes*. *compress*: ``rdbcompression``."""
    writer = Writer(compress=compress)
    for code in codes:
        writer.byte(Opcode.FUNCTION2)
        writer.string(code)
    return with_footer(writer, version)


def load(data: bytes, version: Version) -> list[bytes]:
    """The codes in a payload. Raises :class:`RdbError` with what FUNCTION RESTORE says."""
    check_footer(data, version, check=True)
    reader = Reader(data)
    codes: list[bytes] = []
    while len(data) - reader.position > FOOTER_SIZE:
        opcode = reader.byte()
        if opcode == Opcode.FUNCTION_PRE_GA:
            raise RdbError("Pre-release function format not supported.")
        if opcode != Opcode.FUNCTION2:
            raise RdbError("given type is not a function")
        try:
            codes.append(reader.string())
        except RdbError:
            raise RdbError("Failed loading library code") from None
    return codes
