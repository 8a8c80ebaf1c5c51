"""LZF, the compression of long strings, as Redis's liblzf does it, to the byte.

Compressed data are a row of items. A byte below 32 is followed by that many literal bytes and one more. Any other byte
refers back: its three high bits are the length less 2 (7 means that a further byte is to be added to it), its five low
bits and the next byte are the distance less 1.

Two outputs can be equally right; which one liblzf gives hangs on its table of recent positions, one per hash of three
bytes, and on which positions it does not care to enter. Both are followed here.
"""

from __future__ import annotations

from typing import Final

from miniredis.rdb.errors import RdbError

LONGEST_RUN: Final = 32
FARTHEST: Final = 1 << 13
LONGEST_MATCH: Final = (1 << 8) + (1 << 3)
UNROLLED: Final = 16
"""So many further bytes are compared before anybody looks whether the match is too long."""


def compress(data: bytes, limit: int) -> bytes | None:
    """*data* compressed to at most *limit* bytes; None if that cannot be done."""
    end = len(data)
    if end < 3 or limit < 1:
        return None
    recent: dict[int, int] = {}
    out = bytearray(1)  # the last run of literals begins with a byte for its length
    run = position = 0
    while position < end - 2:
        slot = _slot(data, position)
        candidate = recent.get(slot, 0)
        recent[slot] = position
        distance = position - candidate
        if not (candidate > 0 and distance <= FARTHEST and data.startswith(data[candidate : candidate + 3], position)):
            if len(out) >= limit:
                return None
            out.append(data[position])
            position += 1
            run += 1
            if run == LONGEST_RUN:
                out[-run - 1] = run - 1
                out.append(0)
                run = 0
            continue
        if len(out) - (not run) + 4 >= limit:
            return None
        _end_run(out, run)
        length = _match_length(data, candidate, position)
        _put_reference(out, length, distance)
        out.append(0)
        run = 0
        position += length
        if position >= end - 2:
            break
        recent[_slot(data, position - 2)] = position - 2
        recent[_slot(data, position - 1)] = position - 1
    if len(out) + 3 > limit:
        return None
    for byte in data[position:]:
        out.append(byte)
        run += 1
        if run == LONGEST_RUN:
            out[-run - 1] = run - 1
            out.append(0)
            run = 0
    _end_run(out, run)
    return bytes(out)


def _slot(data: bytes, position: int) -> int:
    word = data[position] << 16 | data[position + 1] << 8 | data[position + 2]
    return (word >> 8) - word * 5 & 0xFFFF


def _end_run(out: bytearray, run: int) -> None:
    if run:
        out[-run - 1] = run - 1
    else:
        out.pop()


def _match_length(data: bytes, candidate: int, position: int) -> int:
    """How many bytes at *candidate* and *position* are equal, at least 3 of which it is known."""
    longest = min(len(data) - position - 2, LONGEST_MATCH)
    length = 3
    if longest > UNROLLED:
        while length < UNROLLED + 3:
            if data[candidate + length] != data[position + length]:
                return length
            length += 1
    while length < longest and data[candidate + length] == data[position + length]:
        length += 1
    return length


def _put_reference(out: bytearray, length: int, distance: int) -> None:
    length -= 2
    distance -= 1
    if length < 7:
        out.append(length << 5 | distance >> 8)
    else:
        out += bytes((7 << 5 | distance >> 8, length - 7))
    out.append(distance & 0xFF)


def decompress(data: bytes, size: int) -> bytes:
    """The *size* bytes that *data* are compressed from. Raises :class:`RdbError` if there are more or fewer."""
    out = bytearray()
    position, end = 0, len(data)
    try:
        while position < end:
            control = data[position]
            position += 1
            if control < LONGEST_RUN:
                run = data[position : position + control + 1]
                if len(run) <= control:
                    raise _invalid()
                out += run
                position += control + 1
            else:
                length = control >> 5
                if length == 7:
                    length += data[position]
                    position += 1
                start = len(out) - (control & 0x1F) * 256 - data[position] - 1
                position += 1
                if start < 0:
                    raise _invalid()
                _repeat(out, start, length + 2)
            if len(out) > size:
                raise _invalid()
    except IndexError:
        raise _invalid() from None
    if len(out) != size:
        raise _invalid()
    return bytes(out)


def _repeat(out: bytearray, start: int, length: int) -> None:
    """Append *length* bytes from *start* on, some of which may be those that are being appended."""
    period = len(out) - start
    if length <= period:
        out += out[start : start + length]
    else:
        out += (out[start:] * (length // period + 1))[:length]


def _invalid() -> RdbError:
    return RdbError("Invalid LZF compressed string")
