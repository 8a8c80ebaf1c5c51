"""Reading a command's arguments: numbers, options, ranges, with the errors Redis gives for each.

A handler reads all its arguments before it touches any data, in Redis's order, so that of two mistakes the same one is
reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from miniredis.engine import errors
from miniredis.resp.types import Error
from miniredis.structures.long_double import LongDouble, parse_long_double
from miniredis.structures.numbers import (
    INT32_MAX,
    INT32_MIN,
    INT64_MAX,
    INT64_MIN,
    parse_double,
    parse_integer,
    parse_score_bound,
)

if TYPE_CHECKING:
    from miniredis.engine.engine import Engine
    from miniredis.engine.keyspace import Database
    from miniredis.engine.session import Session

MOST_CHOICES: Final = 1 << 24
"""Elements that SRANDMEMBER and its like choose with repetition; a gigabyte of Python's objects."""


def integer(text: bytes, message: str = errors.NOT_AN_INTEGER) -> int:
    """A 64-bit integer; raises the error *message* for anything else."""
    value = parse_integer(text)
    if value is None:
        raise Error(message)
    return value


def integer_in_range(text: bytes, minimum: int, maximum: int, message: str | None = None) -> int:
    """An integer from *minimum* to *maximum*, both included (Redis's ``getRangeLongFromObjectOrReply``).

    Raises the error *message* for anything else; without one, what Redis says when it was given none.
    """
    value = integer(text, message or errors.NOT_AN_INTEGER)
    if not minimum <= value <= maximum:
        raise Error(message or f"ERR value is out of range, value must between {minimum} and {maximum}")
    return value


def int32(text: bytes) -> int:
    """A C ``int`` (Redis's ``getIntFromObjectOrReply``)."""
    return integer_in_range(text, INT32_MIN, INT32_MAX)


def database(text: bytes, engine: Engine) -> Database:
    """The database of that number."""
    number = int32(text)
    if not 0 <= number < len(engine.databases):
        raise Error(errors.DB_INDEX_OUT_OF_RANGE)
    return engine.databases[number]


def positive_integer(text: bytes, message: str = errors.NOT_POSITIVE) -> int:
    """An integer of 0 or more in a C ``long`` (Redis's ``getPositiveLongFromObjectOrReply``)."""
    return integer_in_range(text, 0, INT64_MAX, message)


def half_open_range(start: int, stop: int, length: int) -> tuple[int, int]:
    """The indexes from *start* to *stop*, both included and counted from the end if negative, as Python has ranges.

    They are those of a sequence of *length*; where there are none, both ends of the range are the same.
    """
    if start < 0:
        start = max(start + length, 0)
    stop = min(stop + length if stop < 0 else stop, length - 1) + 1
    return start, max(start, stop)


def random_count(text: bytes) -> int:
    """How many elements SRANDMEMBER and its like shall choose; a negative number allows repetition."""
    return integer_in_range(text, -INT64_MAX, INT64_MAX)


def refuse_endless(client: Session, count: int) -> None:
    """Refuse to choose so many elements, some of them again and again, that no machine holds the reply.

    Redis begins to send it, and sends until its memory is full, or ``client-output-buffer-limit`` ends the client.
    """
    if count < -MOST_CHOICES:
        hard_limit, _, _ = client.engine.config.client_output_buffer_limit["normal"]
        if hard_limit:
            client.on_close()
        raise Error(errors.OUT_OF_RANGE)


def double(text: bytes, engine: Engine, message: str = errors.NOT_A_FLOAT) -> float:
    """A double; raises the error *message* for anything else, NaN included. Valkey reads no hexadecimal."""
    value = parse_double(text)
    if value is None or (engine.version.is_valkey and b"x" in text.lower()):
        raise Error(message)
    return value


def lenient_double(text: bytes, engine: Engine) -> float | None:
    """What strtod makes of *text* up to a NUL byte, as for the ends of score ranges; None if that is not a number.

    Valkey and Redis 8 read it with another function, which skips no spaces and reads no hexadecimal.
    """
    if (engine.version.is_valkey or engine.version.redis >= (8, 0)) and (
        text[:1].isspace() or b"x" in text.partition(b"\0")[0].lower()
    ):
        return None
    return parse_score_bound(text)


def timeout(text: bytes, engine: Engine) -> int:
    """A blocking command's timeout in seconds, as milliseconds; 0 is for ever (Redis's ``getTimeoutFromObject``).

    It is rounded up, so that one between -1 and 0 milliseconds is no mistake and means for ever.
    """
    seconds = parse_long_double(text)
    if seconds is None:
        raise Error("ERR timeout is not a float or out of range")
    milliseconds = _whole_milliseconds(seconds)
    if milliseconds > INT64_MAX and engine.version.redis < (7, 2):
        milliseconds = INT64_MIN  # what C's conversion of too large a number makes of it there
    if milliseconds < 0:
        raise Error("ERR timeout is negative")
    if milliseconds > INT64_MAX - engine.now and engine.version.redis >= (7, 2):
        raise Error("ERR timeout is out of range")
    return milliseconds


def _whole_milliseconds(seconds: LongDouble) -> int:
    """*seconds* in milliseconds, rounded up."""
    if not seconds.is_finite:
        return seconds.significand << 64
    thousandfold, exponent = seconds.significand * 1000, seconds.exponent
    if exponent >= 0:
        return thousandfold << exponent
    if thousandfold > 0:
        # 0.07 in binary is a little more than it says; the difference must not make 71 milliseconds of it.
        thousandfold -= thousandfold >> 60
    return -(-thousandfold >> -exponent)
