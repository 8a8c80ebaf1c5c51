"""Numbers as Redis reads and prints them.

Clients see every number as text, so the rule of this module is: the accepted spellings and the printed digits are those
of the C code in Redis, not those of Python. Python's own ``int`` and ``float`` accept spaces and underscores, which
Redis refuses, and refuse hexadecimal floats, which Redis accepts.

- Integers are canonical: a text is an integer only if printing the integer gives the same text back (string2ll).
- Doubles are what strtod reads in the C locale. Redis calls it in three ways: strictly for scores and increments
  (:func:`parse_double`), leniently for the ends of score ranges (:func:`parse_score_bound`), and with a check of the
  range for SORT (:func:`parse_sort_weight`). Valkey 9 reads with fast_float instead, which knows neither hexadecimal
  floats nor leading spaces.
- Doubles are printed with 17 significant digits up to Redis 7.0, and with the shortest digits since 7.2.
"""

from __future__ import annotations

import math
import re
import sys
from typing import Final

from miniredis.structures.grisu2 import shortest_digits
from miniredis.structures.whole_text import WholeText

INT32_MIN: Final = -(2**31)
INT32_MAX: Final = 2**31 - 1
INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1

_LONGEST_INTEGER: Final = 20
# Any number of so many digits fits 64 bits.
_SAFE_DIGITS: Final = 18
_DIGIT_ZERO: Final = ord("0")

_DECIMAL: Final = WholeText(rb"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INFINITY: Final = WholeText(rb"[+-]?inf(?:inity)?", re.IGNORECASE)
_HEXADECIMAL: Final = WholeText(rb"[+-]?0x(?:[0-9a-f]+(?:\.[0-9a-f]*)?|\.[0-9a-f]+)(?:p[+-]?[0-9]+)?", re.IGNORECASE)

# What isspace accepts in the C locale.
_WHITESPACE: Final = b" \t\n\v\f\r"

# A double of an integral value up to this size is printed as an integer (half of LLONG_MAX, rounded to a double).
_LARGEST_PLAIN_INTEGER: Final = 2.0**62


def parse_integer(text: bytes) -> int | None:
    """Return the signed 64-bit integer that ``text`` spells canonically, or None.

    Refused are: a plus sign, leading zeros, ``-0``, spaces, and whatever lies outside the 64-bit range.
    """
    if len(text) > _LONGEST_INTEGER:
        return None
    if text.isdigit():
        if len(text) <= _SAFE_DIGITS:
            return int(text) if text[0] != _DIGIT_ZERO or len(text) == 1 else None
    elif not text.startswith(b"-"):
        return None
    try:
        value = int(text)
    except ValueError:
        return None
    if b"%d" % value != text or not INT64_MIN <= value <= INT64_MAX:
        return None
    return value


def parse_double(text: bytes) -> float | None:
    """Return the double that ``text`` spells as a whole, or None if it spells none, NaN, or one out of range.

    Out of range is what rounds to infinity, or to zero without being zero; denormal numbers are in range. Infinity may
    be spelt out: ``inf``, ``-Infinity``.
    """
    if len(text) < 16 and (text.isdigit() or text.replace(b".", b"", 1).isdigit()):  # most of them
        return float(text)
    value = _strtod(text)
    return None if value is None or _is_out_of_range(value, text) else value


def parse_score_bound(text: bytes) -> float | None:
    """Return one end of a score range, without its ``(``, or None if ``text`` is not a number.

    More lenient than :func:`parse_double`, because Redis only looks whether strtod stopped at a NUL byte: a NUL byte
    ends the number, leading spaces are skipped, the empty text is zero, and what is out of range becomes infinity or
    zero.
    """
    c_string = text.partition(b"\0")[0]
    if not c_string:
        return 0.0
    return _strtod(c_string.lstrip(_WHITESPACE))


def parse_sort_weight(text: bytes) -> float | None:
    """Return the weight by which SORT orders an element, or None if it can't be converted into a double.

    As lenient as :func:`parse_score_bound`, but what overflows or is too small for a normal double is refused. (Real
    Redis lets a denormal number pass that is spelt exactly, which takes a hexadecimal float or 700 digits.)
    """
    value = parse_score_bound(text)
    if value is None or 0.0 < abs(value) < sys.float_info.min or _is_out_of_range(value, text.partition(b"\0")[0]):
        return None
    return value


def _strtod(text: bytes) -> float | None:
    """Return what strtod makes of the whole of ``text``, infinity and zero standing for what is out of range."""
    if _DECIMAL.match(text):
        return float(text)
    if _INFINITY.match(text):
        return float(text)
    if _HEXADECIMAL.match(text):
        try:
            return float.fromhex(text.decode("ascii"))
        except OverflowError:
            return -math.inf if text.startswith(b"-") else math.inf
    return None


def _is_out_of_range(value: float, text: bytes) -> bool:
    """Tell whether ``value`` is an infinity or a zero that ``text``, from which it was read, does not spell."""
    if value == 0.0:
        return _has_nonzero_digit(text)
    return math.isinf(value) and not _INFINITY.match(text.lstrip(_WHITESPACE))


def _has_nonzero_digit(text: bytes) -> bool:
    unsigned = text.lstrip(_WHITESPACE + b"+-").lower()
    exponent_mark = b"p" if unsigned.startswith(b"0x") else b"e"
    return bool(unsigned.partition(exponent_mark)[0].strip(b"0.x"))


def format_double_17g(value: float) -> bytes:
    """Print a double as Redis did up to 7.0: C's ``%.17g``."""
    if value != value and math.copysign(1.0, value) < 0:
        return b"-nan"
    return b"%.17g" % value


def format_double_shortest(value: float) -> bytes:
    """Print a double as Redis does since 7.2 (d2string): few digits, exponents only for the very large and small."""
    if -_LARGEST_PLAIN_INTEGER <= value <= _LARGEST_PLAIN_INTEGER:
        integer = int(value)
        if integer == value:
            if integer or math.copysign(1.0, value) > 0:
                return b"%d" % integer
            return b"-0"
    return format_double_digits(value)


_MOST_SIXTEENTHS: Final = 16e11
"""Below, numbers of sixteenths have four digits behind the point and at most eleven before it."""


def format_double_digits(value: float) -> bytes:
    """Print a double with the shortest digits, integer or not: 5000000000 is ``5e+9`` (fpconv_dtoa)."""
    text = repr(value)
    # With up to 15 digits, one to three of them fractional, the decimal number lies so far inside the interval that
    # reads back as this double (at least 512/5**3 of Grisu2's units, half that below a power of two; its error is 2)
    # that Grisu2 is sure to find it, as repr did; and then it takes the plain layout.
    if len(text) <= 16 and text.find(".", -4) >= 0 and not text.endswith(".0"):
        return text.encode("ascii")
    if value != value:
        return b"nan"
    if math.isinf(value):
        return b"inf" if value > 0 else b"-inf"
    if not value:
        return b"-0" if math.copysign(1.0, value) < 0 else b"0"
    sign = "-" if value < 0 else ""
    value = abs(value)
    sixteenths = value * 16.0
    if sixteenths < _MOST_SIXTEENTHS and sixteenths == int(sixteenths):
        digits, exponent = _exact_digits(value)
    else:
        digits, exponent = shortest_digits(value)
    return (sign + _lay_out(str(digits), exponent)).encode("ascii")


def _exact_digits(value: float) -> tuple[int, int]:
    """As ``shortest_digits``, of so few binary digits that they are at most 15 decimal ones: there is no choice."""
    whole, _, fraction = repr(value).partition(".")
    if fraction != "0":
        return int(whole + fraction), -len(fraction)
    digits = whole.rstrip("0")
    return int(digits), len(whole) - len(digits)


def _lay_out(digits: str, exponent: int) -> str:
    """Write ``digits`` times ten to the power of ``exponent``, choosing between plain and scientific as fpconv does."""
    point = len(digits) + exponent
    if 0 <= exponent <= 7:
        return digits + "0" * exponent
    if exponent < 0 and (exponent > -7 or -3 <= point - 1 <= 3):
        if point <= 0:
            return f"0.{'0' * -point}{digits}"
        return f"{digits[:point]}.{digits[point:]}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{point - 1:+d}"
