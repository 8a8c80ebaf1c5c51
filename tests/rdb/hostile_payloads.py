"""Payloads that somebody made on purpose: lengths that lie, compression that does, encodings bent at each byte.

Each has a name, for the test that fails. What a server says to it, only a server can tell.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from miniredis.rdb import listpack
from miniredis.rdb.lzf import compress
from tests.rdb.older_encodings import OLD, length, payload, string, ziplist, zipmap

Named = tuple[str, bytes]

LENGTHS = {
    "of 6 bits": b"\x01",
    "of 14 bits": b"\x40\x01",
    "of 32 bits": b"\x80\x00\x00\x00\x01",
    "of 64 bits": b"\x81" + bytes(7) + b"\x01",
    "of an unknown kind": b"\x82" + bytes(7) + b"\x01",
    "that is an integer": b"\xc0",
    "4294967295": b"\x80\xff\xff\xff\xff",
    "2^40": b"\x81\x00\x00\x01" + bytes(5),
    "2^63": b"\x81\x80" + bytes(7),
    "2^64 - 1": b"\x81" + b"\xff" * 8,
}
FATAL_TO_REDIS = {2, 3, 4, 5}
"""Types of which Redis reserves as many places as there are said to be: it does not survive the great lengths."""


def hostile_payloads() -> Iterator[Named]:
    """All of them."""
    yield from _types()
    yield from _strings()
    yield from _collections()
    yield from _listpacks()
    yield from _ziplists()
    yield from _zipmaps()
    yield from _intsets()
    yield from _versions()
    for name, (body, _, _) in OLD.items():
        for size in range(min(len(body), 200)):
            if not (name == "ZSET" and size > 18):  # the last score would go on in the footer
                yield f"{name}, cut at {size}", payload(body[:size])


def _types() -> Iterator[Named]:
    for kind in (*range(30), *range(240, 256)):
        yield f"type {kind} and nothing", payload(bytes([kind]))
        yield f"type {kind}, empty", payload(bytes([kind, 0]))
        yield f"type {kind}, two strings", payload(bytes([kind]) + b"\x01a\x01b")
        for name, claimed in LENGTHS.items():
            if kind not in FATAL_TO_REDIS or len(claimed) < 9 or claimed[-1] == 1:
                yield f"type {kind}, a length {name}", payload(bytes([kind]) + claimed + b"a" * 7)
    module = b"\x81\x12\x34\x56\x78\x9a\xbc\xde\x01"
    yield "a module's value", payload(b"\x07" + module + b"\x02\x05\x00")
    yield "a module's value without an end", payload(b"\x07" + module)
    yield "a module's value, old", payload(b"\x06" + module + b"\x02\x05\x00")


def _lzf(compressed: bytes, size: int) -> bytes:
    return b"\xc3" + length(len(compressed)) + length(size) + compressed


def _strings() -> Iterator[Named]:
    for name, claimed in LENGTHS.items():
        yield f"a string, length {name}", payload(b"\x00" + claimed + b"a")
    for code in (0xC0, 0xC1, 0xC2, 0xC4, 0xFF):
        for size in range(5):
            yield f"a string of kind {code:x} and {size} bytes", payload(bytes([0, code]) + b"\x05" * size)
    yield "bytes behind a string", payload(b"\x00\x01abcd")
    text = b"abc" * 100
    right = compress(text, len(text)) or b""
    for size in (1, 299, 300, 301, 16000, 1 << 24):
        yield f"LZF that claims {size} bytes", payload(b"\x00" + _lzf(right, size))
    yield "LZF that claims 2^62 bytes", payload(b"\x00\xc3" + length(len(right)) + b"\x81\x40" + bytes(7) + right)
    yield "LZF of more bytes than there are", payload(b"\x00\xc3\x80\xff\xff\xff\xff" + length(300) + right)
    broken = {"before the start": b"\x20\x05", "cut": b"\x00a\x20", "cut earlier": b"\x00a\xe0", "short": b"\x05ab"}
    for name, data in broken.items():
        for size in (1, 3, 6, 9):
            yield f"LZF, {name}, {size}", payload(b"\x00" + _lzf(data, size))
    yield "a bomb", payload(b"\x00" + _lzf(*bomb()))
    yield "a bomb that says it is small", payload(b"\x00" + _lzf(bomb()[0], 10))


def bomb(items: int = 40_000) -> tuple[bytes, int]:
    """Compressed bytes that become 88 times as many, and how many that is."""
    return b"\x00a" + b"\xe0\xff\x00" * items, 1 + 264 * items


def _collections() -> Iterator[Named]:
    one = string(listpack.encode([b"a"]))
    empty = string(listpack.encode([]))
    for container in (0, 1, 2, 3, 255):
        for name, node in {"a listpack": one, "none": empty, "nothing": b"\x00", "large": string(b"x" * 9000)}.items():
            yield f"a list's node {container}: {name}", payload(b"\x12\x01" + length(container) + node)
    yield "a list, a node empty", payload(b"\x12\x02\x02" + empty + b"\x02" + one)
    yield "a list, a node missing", payload(b"\x12\x03\x02" + one)
    yield "a list of ziplists, one empty", payload(b"\x0e\x02" + string(ziplist([])) + string(ziplist([b"a"])))
    yield "members twice", payload(b"\x02\x02\x01a\x01a")
    yield "integers twice", payload(b"\x02\x02\xc0\x05\xc0\x05")
    yield "integers twice, a word between", payload(b"\x02\x03\xc0\x05\x01a\xc0\x05")
    yield "fields twice", payload(b"\x04\x02\x01a\x01b\x01a\x01c")
    for score in (float("inf"), float("nan"), -float("nan"), 5e-324):
        yield f"a score {score!r}", payload(b"\x05\x01\x01a" + struct.pack("<d", score))
    yield "scores out of order", payload(b"\x05\x02\x01a" + struct.pack("<d", 1) + b"\x01b" + struct.pack("<d", 2))
    yield "members with scores twice", payload(b"\x05\x02" + (b"\x01a" + struct.pack("<d", 1)) * 2)
    for name, elements in {
        "odd": [b"a"],
        "twice": [b"a", b"1", b"a", b"2"],
        "unordered": [b"b", b"2", b"a", b"1"],
    }.items():
        for kind in (0x0C, 0x0D, 0x10, 0x11, 0x14):
            packed = ziplist(elements) if kind < 0x10 else listpack.encode(elements)
            yield f"type {kind}, {name}", payload(bytes([kind]) + string(packed))
    for score in (b"-0", b"inf", b"-inf", b"1e5", b"00012", b"+1"):
        yield f"a ziplist's score {score!r}", payload(b"\x0c" + string(ziplist([b"a", score])))
        yield f"a listpack's score {score!r}", payload(b"\x11" + string(listpack.encode([b"a", score])))


def _bent(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """*data* with one byte replaced by what means something in one encoding or another."""
    marks = (0, 1, 2, 3, 5, 9, 0x3F, 0x40, 0x7F, 0x80, 0x81, 0xBF, 0xC0, 0xC1, 0xDF, 0xE0, 0xEF)
    for position in range(len(data)):
        for value in (*marks, *range(0xF0, 0x100)):
            if data[position] != value:
                yield position, value, data[:position] + bytes([value]) + data[position + 1 :]


def _listpacks() -> Iterator[Named]:
    for position, value, bent in _bent(listpack.encode([b"a", b"1", b"-300", b"70000"])):
        for kind, before in ((0x10, b""), (0x12, b"\x01\x02"), (0x14, b"")):
            yield f"type {kind}, byte {position} is {value}", payload(bytes([kind]) + before + string(bent))


def _ziplists() -> Iterator[Named]:
    for position, value, bent in _bent(ziplist([b"a", b"1", b"-300", b"70000"])):
        for kind, before in ((0x0A, b""), (0x0D, b""), (0x0E, b"\x01")):
            yield f"type {kind}, byte {position} is {value}", payload(bytes([kind]) + before + string(bent))


def _zipmaps() -> Iterator[Named]:
    data = zipmap([(b"f", b"v"), (b"g", b"w")], unused=1)
    for position, value, bent in _bent(data):
        yield f"a zipmap, byte {position} is {value}", payload(b"\x09" + string(bent))
    for size in range(len(data)):
        yield f"a zipmap, cut at {size}", payload(b"\x09" + string(data[:size]))
    yield "a zipmap, fields twice", payload(b"\x09" + string(zipmap([(b"f", b"v"), (b"f", b"w")])))
    yield "a zipmap, empty", payload(b"\x09" + string(zipmap([])))


def _intsets() -> Iterator[Named]:
    for position, value, bent in _bent(struct.pack("<IIhh", 2, 2, -5, 7)):
        yield f"an intset, byte {position} is {value}", payload(b"\x0b" + string(bent))
    for name, data in {
        "wider than it need be": struct.pack("<IIqq", 8, 2, 1, 2),
        "empty": struct.pack("<II", 2, 0),
        "of as many as wrap around": struct.pack("<IIqq", 8, 0xFFFFFFFF, 1, 2),
        "without a header": b"",
    }.items():
        yield f"an intset, {name}", payload(b"\x0b" + string(data))


def _versions() -> Iterator[Named]:
    right = payload(b"\x00\x01a")
    for version in (0, 1, 9, 10, 11, 12, 13, 79, 80, 81, 65535):
        yield f"version {version}", payload(b"\x00\x01a", version)
    yield "checksum zero", right[:-8] + bytes(8)
    yield "checksum wrong", right[:-1] + bytes([right[-1] ^ 1])
    for size in range(len(right)):
        yield f"a string, cut at {size}", right[:size]
