"""Reading the ids of stream entries: ``<milliseconds>-<sequence>``, ``<milliseconds>`` alone, and ranges of them.

Redis reads each half with C's strtoull, and so what that skips or accepts (leading blanks, signs, zeros) is accepted.
"""

from __future__ import annotations

from typing import Final

from miniredis.engine import errors
from miniredis.resp.types import Error
from miniredis.structures.numbers import parse_integer
from miniredis.structures.stream import MAX_ID, MAX_PART, make_id
from miniredis.structures.whole_text import WholeText

INVALID_ID: Final = "ERR Invalid stream ID specified as stream command argument"

_LONGEST: Final = 127
_NUMBER: Final = WholeText(rb"[ \t\n\v\f\r]*([+-]?)([0-9]+)")


def try_id(text: bytes, missing_sequence: int = 0) -> int | None:
    """The id that *text* spells, with that sequence if it names none; None if it is no id."""
    milliseconds_text, dash, sequence_text = errors.until_nul(text).partition(b"-")
    milliseconds = _part(milliseconds_text)
    sequence = _part(sequence_text) if dash else missing_sequence
    if milliseconds is None or sequence is None or len(text) > _LONGEST:
        return None
    return make_id(milliseconds, sequence)


def stream_id(text: bytes) -> int:
    """The id that *text* spells; without a sequence, the first of its millisecond."""
    entry_id = try_id(text)
    if entry_id is None:
        raise Error(INVALID_ID)
    return entry_id


def special_or_id(text: bytes, missing_sequence: int = 0) -> int:
    """As :func:`stream_id`, but ``-`` and ``+`` stand for the smallest and the greatest id there can be."""
    if text == b"-":
        return 0
    if text == b"+":
        return MAX_ID
    entry_id = try_id(text, missing_sequence)
    if entry_id is None:
        raise Error(INVALID_ID)
    return entry_id


def range_start(text: bytes) -> int:
    """The first id of a range that begins at *text*; behind it if a ``(`` stands before it."""
    if not _is_exclusive(text):
        return special_or_id(text)
    start = stream_id(text[1:])
    if start == MAX_ID:
        raise Error("ERR invalid start ID for the interval")
    return start + 1


def range_end(text: bytes) -> int:
    """The last id of a range that ends at *text*; without a sequence, the last of its millisecond."""
    if not _is_exclusive(text):
        return special_or_id(text, MAX_PART)
    end = try_id(text[1:], MAX_PART)
    if end is None:
        raise Error(INVALID_ID)
    if end == 0:
        raise Error("ERR invalid end ID for the interval")
    return end - 1


def _is_exclusive(text: bytes) -> bool:
    return len(text) > 1 and text.startswith(b"(")


def _part(text: bytes) -> int | None:
    if text.isdigit():
        value = int(text) if len(text) <= _LONGEST else MAX_PART + 1
        return value if value <= MAX_PART else None
    match = _NUMBER.match(text)
    if match is None or parse_integer(text) is not None:
        return None
    value = int(match[2])
    if value > MAX_PART:
        return None
    return -value & MAX_PART if match[1] == b"-" else value
