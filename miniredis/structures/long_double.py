"""The 80-bit arithmetic behind INCRBYFLOAT and HINCRBYFLOAT.

Redis computes these commands in C's ``long double``, which on x86-64 is the x87 extended format: a significand of 64
bits and a binary exponent of 15. Its results are visible (``0.1 + 0.2`` gives ``0.3``, not ``0.30000000000000004``) and
cannot be had from Python's floats, so this module computes them exactly with integers and rounds once, as the
processor does: to the nearest, ties to even.

Printing is C's ``%.17Lf`` without its trailing zeros: 17 digits after the point, never an exponent. (On other
processors ``long double`` is a different format, and a real Redis there gives other digits in rare cases.)
"""

from __future__ import annotations

import math
import re
from typing import Final, NamedTuple

from miniredis.structures.whole_text import WholeText

_PRECISION: Final = 64
# The smallest denormal number is 2**-16445; the first power of two that is too large is 2**16384.
_SMALLEST_EXPONENT: Final = -16445
_OVERFLOW_EXPONENT: Final = 16384
_NON_FINITE: Final = _OVERFLOW_EXPONENT

# Texts of this many bytes do not fit the buffer that Redis parses in (MAX_LONG_DOUBLE_CHARS).
_BUFFER_SIZE: Final = 5 * 1024
# Decimal exponents past these bounds cannot give a finite nonzero number, whatever fits the buffer as digits.
_SURE_OVERFLOW: Final = 4933
_SURE_UNDERFLOW: Final = -4952

_FRACTION_DIGITS: Final = 17
_FRACTION_SCALE: Final = 10**_FRACTION_DIGITS

# Python refuses to convert between int and str beyond a limit of digits that a program may lower to 640.
_DIGITS_AT_ONCE: Final = 640
_BEYOND_DIGITS_AT_ONCE: Final = 10**_DIGITS_AT_ONCE

_DECIMAL: Final = WholeText(rb"([+-]?)(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?(?:e([+-]?[0-9]+))?", re.IGNORECASE)
_HEXADECIMAL: Final = WholeText(
    rb"([+-]?)0x(?=\.?[0-9a-f])([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?[0-9]+))?", re.IGNORECASE
)
_INFINITY: Final = WholeText(rb"([+-]?)inf(?:inity)?", re.IGNORECASE)


class LongDouble(NamedTuple):
    """The number ``significand * 2**exponent``, with an odd significand; or zero, infinity, not-a-number.

    Zero has no sign: Redis never prints one here. As in the processor's format, the largest exponent is kept for what
    is not finite. Values come from this module's functions, which keep to that form, so equal values are equal tuples.
    """

    significand: int
    exponent: int

    @property
    def is_finite(self) -> bool:
        """Whether the value is neither an infinity nor NaN; Redis refuses to store what is not finite."""
        return self.exponent != _NON_FINITE


ZERO: Final = LongDouble(0, 0)
INFINITY: Final = LongDouble(1, _NON_FINITE)
NEGATIVE_INFINITY: Final = LongDouble(-1, _NON_FINITE)
NAN: Final = LongDouble(0, _NON_FINITE)


def parse_long_double(text: bytes) -> LongDouble | None:
    """Return the long double that ``text`` spells as a whole (string2ld), or None.

    Refused are: spaces, NaN, numbers that overflow or that underflow to zero, and texts of 5120 bytes or more.
    Accepted are infinities by name, hexadecimal floats and denormal numbers.
    """
    if len(text) >= _BUFFER_SIZE:
        return None
    if match := _DECIMAL.match(text):
        sign, integer, fraction, exponent = match.groups()
        digits = integer + fraction if fraction else integer
        value = _from_decimal(digits, _parse_exponent(exponent), len(fraction or b""))
    elif match := _HEXADECIMAL.match(text):
        sign, integer, fraction, exponent = match.groups()
        digits = integer + fraction if fraction else integer
        value = _from_hexadecimal(digits, _parse_exponent(exponent), len(fraction or b""))
    elif match := _INFINITY.match(text):
        return NEGATIVE_INFINITY if match[1] == b"-" else INFINITY
    else:
        return None
    if value is None or sign != b"-":
        return value
    return LongDouble(-value.significand, value.exponent)


def from_float(value: float) -> LongDouble:
    """Return a double as a long double, which holds every double exactly."""
    if math.isfinite(value):
        numerator, denominator = value.as_integer_ratio()
        return _round(numerator, 1 - denominator.bit_length())
    if math.isnan(value):
        return NAN
    return INFINITY if value > 0 else NEGATIVE_INFINITY


def add(augend: LongDouble, addend: LongDouble) -> LongDouble:
    """Return the sum, rounded to a long double; an infinity if it overflows, NaN for infinities of opposite signs."""
    if not (augend.is_finite and addend.is_finite):
        return _add_non_finite(augend, addend)
    exponent = min(augend.exponent, addend.exponent)
    aligned_augend = augend.significand << augend.exponent - exponent
    return _round(aligned_augend + (addend.significand << addend.exponent - exponent), exponent)


def format_human(value: LongDouble) -> bytes:
    """Print a value as INCRBYFLOAT stores and replies it: 17 digits after the point, trailing zeros stripped.

    What rounds to zero prints as ``0``, without a sign.
    """
    significand, exponent = value
    if exponent == _NON_FINITE:
        return b"nan" if not significand else b"inf" if significand > 0 else b"-inf"
    if exponent >= 0:
        return _print_integer(significand << exponent)
    scaled = _shift_right_to_even(abs(significand) * _FRACTION_SCALE, -exponent)
    integer, fraction = divmod(scaled, _FRACTION_SCALE)
    sign = b"-" if significand < 0 and scaled else b""
    text = sign + _print_integer(integer)
    return text + (b".%017d" % fraction).rstrip(b"0") if fraction else text


def _from_decimal(digits: bytes, exponent: int, fraction_length: int) -> LongDouble | None:
    """Return ``digits * 10**(exponent - fraction_length)`` rounded, or None if that is out of range."""
    digits = digits.lstrip(b"0")
    if not digits:
        return ZERO
    exponent -= fraction_length
    magnitude = len(digits) + exponent
    if magnitude > _SURE_OVERFLOW or magnitude < _SURE_UNDERFLOW:
        return None
    significand = _read_integer(digits)
    if exponent >= 0:
        return _in_range(_round(significand * 10**exponent, 0))
    divisor = 10**-exponent
    # Two bits more than are kept, and one that tells whether anything was left, decide the rounding as exactly as the
    # whole quotient would.
    shift = max(_PRECISION + 2 + divisor.bit_length() - significand.bit_length(), 0)
    quotient, remainder = divmod(significand << shift, divisor)
    return _in_range(_round(quotient << 1 | (remainder != 0), -shift - 1))


def _from_hexadecimal(digits: bytes, exponent: int, fraction_length: int) -> LongDouble | None:
    """Return the hexadecimal ``digits * 2**(exponent - 4 * fraction_length)`` rounded, or None if out of range."""
    significand = int(digits, 16)
    return _in_range(_round(significand, exponent - 4 * fraction_length)) if significand else ZERO


def _in_range(value: LongDouble) -> LongDouble | None:
    """Return a number that was not zero before its rounding, or None if the rounding made it zero or infinite."""
    return value if value.significand and value.is_finite else None


def _parse_exponent(text: bytes | None) -> int:
    """Return the exponent, or one that is as good as it: beyond six digits nothing in the buffer brings it back."""
    if text is None:
        return 0
    if len(text) <= 6:
        return int(text)
    magnitude = int(text.lstrip(b"+-0")[:7] or b"0")
    return -magnitude if text.startswith(b"-") else magnitude


def _round(significand: int, exponent: int) -> LongDouble:
    """Return ``significand * 2**exponent`` rounded to the nearest long double, ties to even."""
    if not significand:
        return ZERO
    magnitude = abs(significand)
    excess = max(magnitude.bit_length() - _PRECISION, _SMALLEST_EXPONENT - exponent)
    if excess > 0:
        magnitude = _shift_right_to_even(magnitude, excess)
        exponent += excess
        if not magnitude:
            return ZERO
    if magnitude.bit_length() + exponent > _OVERFLOW_EXPONENT:
        return INFINITY if significand > 0 else NEGATIVE_INFINITY
    trailing_zeros = (magnitude & -magnitude).bit_length() - 1
    magnitude >>= trailing_zeros
    return LongDouble(magnitude if significand > 0 else -magnitude, exponent + trailing_zeros)


def _shift_right_to_even(magnitude: int, count: int) -> int:
    """Divide by ``2**count``, rounding to the nearest integer, ties to even."""
    quotient = magnitude >> count
    remainder = magnitude - (quotient << count)
    half = 1 << count - 1
    if remainder > half or (remainder == half and quotient & 1):
        return quotient + 1
    return quotient


def _add_non_finite(augend: LongDouble, addend: LongDouble) -> LongDouble:
    infinities = {term.significand for term in (augend, addend) if not term.is_finite}
    return LongDouble(infinities.pop(), _NON_FINITE) if len(infinities) == 1 else NAN


def _read_integer(digits: bytes) -> int:
    if len(digits) <= _DIGITS_AT_ONCE:
        return int(digits)
    high, low = digits[:-_DIGITS_AT_ONCE], digits[-_DIGITS_AT_ONCE:]
    return _read_integer(high) * _BEYOND_DIGITS_AT_ONCE + int(low)


def _print_integer(value: int) -> bytes:
    if -_BEYOND_DIGITS_AT_ONCE < value < _BEYOND_DIGITS_AT_ONCE:
        return b"%d" % value
    high, low = divmod(abs(value), _BEYOND_DIGITS_AT_ONCE)
    return (b"-" if value < 0 else b"") + _print_integer(high) + b"%0*d" % (_DIGITS_AT_ONCE, low)
