"""Encodings that nobody writes any more, written here so that reading them can be tested."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from miniredis.rdb.crc64 import crc64
from miniredis.structures.numbers import parse_integer


def payload(body: bytes, version: int = 9) -> bytes:
    """What DUMP would have answered: *body* is the type and the value."""
    body += version.to_bytes(2, "little")
    return body + crc64(body).to_bytes(8, "little")


def length(value: int) -> bytes:
    """A length of less than 2^14, or of 32 bits."""
    if value < 64:
        return bytes([value])
    return (0x4000 | value).to_bytes(2, "big") if value < 1 << 14 else b"\x80" + value.to_bytes(4, "big")


def string(text: bytes) -> bytes:
    """A string as it is."""
    return length(len(text)) + text


def score_text(text: bytes) -> bytes:
    """A score before RDB version 8."""
    return {b"nan": b"\xfd", b"inf": b"\xfe", b"-inf": b"\xff"}.get(text, bytes([len(text)]) + text)


def ziplist(elements: Sequence[bytes]) -> bytes:
    """The ziplist of *elements*."""
    entries = bytearray()
    previous, last = 0, 10
    for element in elements:
        last = 10 + len(entries)
        entry = (bytes([previous]) if previous < 254 else b"\xfe" + struct.pack("<I", previous)) + _entry(element)
        previous = len(entry)
        entries += entry
    return struct.pack("<IIH", 11 + len(entries), last, min(len(elements), 65535)) + entries + b"\xff"


def _entry(element: bytes) -> bytes:
    value = parse_integer(element)
    if value is not None:
        if 0 <= value <= 12:
            return bytes([0xF1 + value])
        for code, size in ((0xFE, 1), (0xC0, 2), (0xF0, 3), (0xD0, 4), (0xE0, 8)):
            if -(1 << 8 * size - 1) <= value < 1 << 8 * size - 1:
                return bytes([code]) + value.to_bytes(size, "little", signed=True)
    if len(element) < 64:
        return bytes([len(element)]) + element
    if len(element) < 1 << 14:
        return (0x4000 | len(element)).to_bytes(2, "big") + element
    return b"\x80" + len(element).to_bytes(4, "big") + element


def zipmap(pairs: Sequence[tuple[bytes, bytes]], unused: int = 0) -> bytes:
    """The zipmap of *pairs*, with so many unused bytes behind each value."""
    out = bytearray([min(len(pairs), 254)])
    for field, value in pairs:
        out += _zipmap_length(len(field)) + field + _zipmap_length(len(value)) + bytes([unused]) + value + bytes(unused)
    return bytes(out) + b"\xff"


def _zipmap_length(size: int) -> bytes:
    return bytes([size]) if size < 254 else b"\xfe" + struct.pack("<I", size)


LIST = [b"a", b"", b"0", b"12", b"13", b"-1", b"127", b"-128", b"128", b"32767", b"-8388608", b"8388607", b"2147483647"]
LIST += [b"-2147483649", b"9223372036854775807", b"x" * 63, b"x" * 64, b"x" * 300, b"y" * 20000, b"z"]
PAIRS = [(b"f%d" % number, element) for number, element in enumerate(LIST)]
FLAT = [part for pair in PAIRS for part in pair]
SCORES = [(b"n", b"-inf"), (b"m", b"1.5"), (b"o", b"17"), (b"", b"1e+100")]

OLD: dict[str, tuple[bytes, str, object]] = {
    "LIST": (b"\x01" + length(len(LIST)) + b"".join(map(string, LIST)), "LRANGE k 0 -1", LIST),
    "LIST_ZIPLIST": (b"\x0a" + string(ziplist(LIST)), "LRANGE k 0 -1", LIST),
    "LIST_QUICKLIST": (
        b"\x0e" + length(2) + string(ziplist(LIST[:7])) + string(ziplist(LIST[7:])),
        "LRANGE k 0 -1",
        LIST,
    ),
    "SET": (b"\x02" + length(3) + b"".join(map(string, [b"b", b"a", b"1"])), "SORT k ALPHA", [b"1", b"a", b"b"]),
    "SET of integers": (b"\x02" + length(2) + b"\xc0\x05" + b"\xc1\xff\xff", "SMEMBERS k", [b"-1", b"5"]),
    "HASH": (b"\x04" + length(2) + b"".join(map(string, FLAT[:4])), "HGETALL k", FLAT[:4]),
    "HASH_ZIPMAP": (b"\x09" + string(zipmap(PAIRS[:5], unused=3)), "HGETALL k", FLAT[:10]),
    "HASH_ZIPMAP, long": (b"\x09" + string(zipmap([(b"f", b"v" * 300)])), "HGETALL k", [b"f", b"v" * 300]),
    "HASH_ZIPLIST": (b"\x0d" + string(ziplist(FLAT)), "HGETALL k", FLAT),
    "ZSET": (
        b"\x03" + length(4) + b"".join(string(member) + score_text(score) for member, score in SCORES),
        "ZRANGE k 0 -1",
        [b"n", b"m", b"o", b""],
    ),
    "ZSET_ZIPLIST": (
        b"\x0c" + string(ziplist([part for pair in SCORES for part in pair])),
        "ZSCORE k o",
        17.0,
    ),
}
"""By the name of the type: a value of it, a command, and what that answers when the value is at ``k``."""
