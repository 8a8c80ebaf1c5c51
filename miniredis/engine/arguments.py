"""Reading a command's arguments: numbers, options, ranges, with the errors Redis gives for each.

A handler reads all its arguments before it touches any data, in Redis's order, so that of two mistakes the same one is
reported.
"""

from __future__ import annotations

from miniredis.engine import errors
from miniredis.resp.types import Error
from miniredis.structures.numbers import parse_double, parse_integer


def integer(text: bytes, message: str = errors.NOT_AN_INTEGER) -> int:
    """A 64-bit integer; raises the error *message* for anything else."""
    value = parse_integer(text)
    if value is None:
        raise Error(message)
    return value


def integer_in_range(text: bytes, minimum: int, maximum: int, message: str) -> int:
    """An integer from *minimum* to *maximum*, both included; raises the error *message* for anything else."""
    value = parse_integer(text)
    if value is None or not minimum <= value <= maximum:
        raise Error(message)
    return value


def positive_integer(text: bytes, message: str = errors.NOT_POSITIVE) -> int:
    """An integer of 0 or more in a C ``long`` (Redis's ``getPositiveLongFromObjectOrReply``)."""
    return integer_in_range(text, 0, (1 << 63) - 1, message)


def double(text: bytes, message: str = errors.NOT_A_FLOAT) -> float:
    """A double; raises the error *message* for anything else, NaN included."""
    value = parse_double(text)
    if value is None:
        raise Error(message)
    return value


def timeout(text: bytes) -> int:
    """A blocking command's timeout in seconds, as milliseconds; 0 is for ever (Redis's ``getTimeoutFromObject``)."""
    seconds = double(text, "ERR timeout is not a float or out of range")
    if seconds < 0:
        raise Error("ERR timeout is negative")
    milliseconds = seconds * 1000
    if milliseconds > (1 << 63) - 1:
        raise Error("ERR timeout is out of range")
    whole = int(milliseconds)
    return whole if whole == milliseconds else whole + 1
