"""Bitmaps: strings whose single bits are set, read, counted, found and combined.

What changes a string in place makes it a ``bytearray`` (``raw`` in Redis's words), even if no bit becomes another. A
string is never copied to look at it: a bitmap may have hundreds of megabytes, and GETBIT asks for one bit of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from miniredis.engine import errors, notifications
from miniredis.engine.arguments import integer
from miniredis.engine.command import command, key_range
from miniredis.engine.record import record
from miniredis.engine.session import Session
from miniredis.engine.values import is_string, string_bytes
from miniredis.resp.types import Error, Reply
from miniredis.structures.bits import (
    COMBINATIONS,
    COMBINATIONS_WITH_UNION,
    Bits,
    combine,
    combine_with_union,
    count_set_bits,
    exactly_one,
    find_bit,
    invert,
)
from miniredis.structures.numbers import parse_integer

BAD_OFFSET = "ERR bit offset is not an integer or out of range"
BAD_BIT = "ERR bit is not an integer or out of range"


@command(
    "SETBIT key offset value",
    arity=4,
    summary="Sets or clears the bit at offset of the string value. Creates the key if it doesn't exist.",
    since="2.2.0",
    group="bitmap",
    complexity="O(1)",
    flags="write denyoom",
    categories="bitmap",
    keys=[key_range("RW access update", 1)],
    details={"value": "type=integer"},
)
def setbit(client: Session, argv: list[bytes]) -> Reply:
    key, offset, bit = argv[1], bit_offset(client, argv[2]), integer(argv[3], BAD_BIT)
    if bit not in (0, 1):
        raise Error(BAD_BIT)
    text, grown = string_up_to(client, key, offset)
    byte, mask = offset >> 3, 0x80 >> (offset & 7)
    old = int(text[byte] & mask != 0)
    if grown or bit != old:
        text[byte] = text[byte] & ~mask | bit * mask
        client.db.changed(key, notifications.STRING, b"setbit")
    return old


@command(
    "GETBIT key offset",
    arity=3,
    summary="Returns a bit value by offset.",
    since="2.2.0",
    group="bitmap",
    complexity="O(1)",
    flags="readonly fast",
    categories="bitmap",
    keys=[key_range("RO access", 1)],
)
def getbit(client: Session, argv: list[bytes]) -> Reply:
    offset = bit_offset(client, argv[2])
    text = read_bits(client, argv[1]) or b""
    byte = offset >> 3
    return text[byte] >> (7 - (offset & 7)) & 1 if byte < len(text) else 0


def bit_offset(client: Session, text: bytes, width: int = 1) -> int:
    """A bit's number within the longest string allowed, *width* times the one that *text* says."""
    number = parse_integer(text)
    if number is None:
        raise Error(BAD_OFFSET)
    offset = (number * width + 2**63) % 2**64 - 2**63  # C's product, which wraps
    if offset < 0 or offset >> 3 >= client.engine.config.proto_max_bulk_len:
        raise Error(BAD_OFFSET)
    return offset


def read_bits(client: Session, key: bytes) -> Bits | None:
    """The string at *key* to be looked at only; None if there is none. Raises ``WRONGTYPE``."""
    value = client.db.read(key)
    if value is None or isinstance(value, (bytes, bytearray)):
        return value
    if is_string(value):
        return string_bytes(value)
    raise errors.wrong_type()


def string_up_to(client: Session, key: bytes, last_bit: int) -> tuple[bytearray, bool]:
    """The string at *key* to be changed in place, created or padded with zeros until it has *last_bit*.

    Returns it and whether it had to be. Raises ``WRONGTYPE``.
    """
    db, length = client.db, (last_bit >> 3) + 1
    value = db.write_string(key)
    if value is None:
        text = bytearray(length)
        db.add(key, text)
        return text, True
    if isinstance(value, bytearray):
        text = value
    else:
        text = bytearray(string_bytes(value))
        db.set(key, text, keep_ttl=True)
    missing = length - len(text)
    if missing > 0:
        text += bytes(missing)
    return text, missing > 0


@command(
    "BITOP <AND | OR | XOR | NOT | DIFF | DIFF1 | ANDOR | ONE> destkey key [key ...]",
    arity=-4,
    summary="Performs bitwise operations on multiple strings, and stores the result.",
    since="2.6.0",
    group="bitmap",
    complexity="O(N)",
    flags="write denyoom",
    categories="bitmap",
    keys=[key_range("OW update", 2), key_range("RO access", 3, last=-1)],
    names=["operation"],
    details=dict.fromkeys(("DIFF", "DIFF1", "ANDOR", "ONE"), "since=8.2.0"),
    history=[
        ("8.2.0", "Added the `DIFF`, `DIFF1`, `ANDOR`, and `ONE` operations."),
    ],
)
def bitop(client: Session, argv: list[bytes]) -> Reply:
    name, destination, keys = argv[1].lower(), argv[2], argv[3:]
    version = client.engine.version
    operation = _BIT_OPERATIONS.get(name)
    if operation is None and version.redis >= (8, 2):
        operation = _LATER_BIT_OPERATIONS.get(name)
    if operation is None:
        raise errors.syntax_error()
    if name == b"not" and len(keys) > 1:
        raise Error("ERR BITOP NOT must be called with a single source key.")
    if name in COMBINATIONS_WITH_UNION and len(keys) < 2:
        raise Error(b"ERR BITOP %b must be called with at least two source keys." % name.upper())
    result = operation([read_bits(client, key) or b"" for key in keys])
    client.db.store(destination, result, notifications.STRING, b"set")
    return len(result)


_BIT_OPERATIONS: Final[dict[bytes, Callable[[list[Bits]], bytearray]]] = {
    **{name: partial(combine, operation) for name, operation in COMBINATIONS.items()},
    b"not": lambda sources: invert(sources[0]),
}

_LATER_BIT_OPERATIONS: Final[dict[bytes, Callable[[list[Bits]], bytearray]]] = {
    **{name: partial(combine_with_union, operation) for name, operation in COMBINATIONS_WITH_UNION.items()},
    b"one": exactly_one,
}
"""Those of Redis 8.2."""


@record
class _Range:
    """What part of a string BITCOUNT or BITPOS shall look at, as it was asked for.

    - *start*, *end*: both included, from the end of the string if negative.
    - *in_bits*: whether they are bits; else bytes.
    """

    start: int = 0
    end: int = -1
    in_bits: bool = False

    def within(self, data: Bits) -> tuple[int, int]:
        """The first and last bit of it in *data*; the first is behind the last where there are none."""
        length = len(data) * 8 if self.in_bits else len(data)
        start = max(self.start + length, 0) if self.start < 0 else self.start
        end = max(self.end + length, 0) if self.end < 0 else self.end
        end = min(end, length - 1)
        return (start, end) if self.in_bits else (start * 8, end * 8 + 7)


def _is_in_bits(unit: bytes) -> bool:
    unit = unit.lower()
    if unit not in (b"bit", b"byte"):
        raise errors.syntax_error()
    return unit == b"bit"


@command(
    "BITCOUNT key [start [end [BYTE | BIT]]]",
    arity=-2,
    summary="Counts the number of set bits (population counting) in a string.",
    since="2.6.0",
    group="bitmap",
    complexity="O(N)",
    flags="readonly",
    categories="bitmap",
    keys=[key_range("RO access", 1)],
    history=[
        ("7.0.0", "Added the `BYTE|BIT` option."),
        ("valkey 8.0.0", "`end` made optional; when called without argument the command reports the last BYTE."),
    ],
    names=["range", "end-unit-block", "unit"],
    details={"unit": "since=7.0.0"},
)
def bitcount(client: Session, argv: list[bytes]) -> Reply:
    if client.engine.version.redis >= (7, 2):
        part = _count_range(client, argv)
        data = read_bits(client, argv[1])
    else:  # it looks the key up first, and at no argument if there is none
        data = read_bits(client, argv[1])
        part = _Range() if data is None else _count_range(client, argv)
    if data is None or part is None:
        return 0
    return count_set_bits(data, *part.within(data))


def _count_range(client: Session, argv: list[bytes]) -> _Range | None:
    """The range of BITCOUNT; None for one that has nothing in it, whatever the string is."""
    version = client.engine.version
    if len(argv) == 2:
        return _Range()
    if len(argv) > 5 or (len(argv) == 3 and not version.is_valkey):
        raise errors.syntax_error()
    start = integer(argv[2])
    if version.is_valkey and len(argv) == 5:
        _is_in_bits(argv[4])  # it looks at the unit before the end, as in BITPOS
    end = integer(argv[3]) if len(argv) > 3 else -1
    is_empty = end < start < 0
    if is_empty and version.redis < (7, 2):
        return None
    in_bits = len(argv) == 5 and _is_in_bits(argv[4])
    return None if is_empty else _Range(start, end, in_bits)


@command(
    "BITPOS key bit [start [end [BYTE | BIT]]]",
    arity=-3,
    summary="Finds the first set (1) or clear (0) bit in a string.",
    since="2.8.7",
    group="bitmap",
    complexity="O(N)",
    flags="readonly",
    categories="bitmap",
    keys=[key_range("RO access", 1)],
    history=[
        ("7.0.0", "Added the `BYTE|BIT` option."),
    ],
    names=["range", "end-unit-block", "unit"],
    details={"unit": "since=7.0.0"},
)
def bitpos(client: Session, argv: list[bytes]) -> Reply:
    bit = integer(argv[2])
    if bit not in (0, 1):
        raise Error("ERR The bit argument must be 1 or 0.")
    if client.engine.version.redis >= (7, 2):
        part = _position_range(argv)
        data = read_bits(client, argv[1])
    else:  # as in BITCOUNT
        data = read_bits(client, argv[1])
        part = _Range() if data is None else _position_range(argv)
    if data is None:
        return -1 if bit else 0
    first, last = part.within(data)
    position = find_bit(data, bit, first, last)
    if position is not None:
        return position
    # A string is followed by zeros without end, unless its end was asked for.
    return len(data) * 8 if bit == 0 and len(argv) < 5 and first <= last else -1


def _position_range(argv: list[bytes]) -> _Range:
    """The range of BITPOS; the unit is looked at before the end."""
    if len(argv) == 3:
        return _Range()
    if len(argv) > 6:
        raise errors.syntax_error()
    start = integer(argv[3])
    in_bits = len(argv) == 6 and _is_in_bits(argv[5])
    end = integer(argv[4]) if len(argv) > 4 else -1
    return _Range(start, end, in_bits)
