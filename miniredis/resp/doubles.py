"""How Redis writes a double: in replies, and wherever it keeps a score as text.

The digits are part of the wire contract. Until 7.0 Redis prints with ``%.17g``. 7.2 brought a printer of its own that
tries for the shortest digits which read back as the same number. *Tries*: it is Grisu2 (Florian Loitsch, "Printing
floating-point numbers quickly and accurately with integers", 2010), which computes in 64 bits and for about one
number in a thousand ends up with a digit too many or the last digit off by one. ``repr`` has no such flaw, so the
algorithm itself is carried out here.
"""

from __future__ import annotations

import math
import struct
from functools import cache
from typing import Final

_HIDDEN_BIT: Final = 1 << 52
_EXPONENT_BIAS: Final = 1023 + 52

_FIRST_POWER: Final = -348
_POWER_STEP: Final = 8
_POWER_COUNT: Final = 87
_LOG10_OF_2: Final = 0.30102999566398114
_LOWEST_EXPONENT: Final = -60
_HIGHEST_EXPONENT: Final = -32
"""The scaled number gets a binary exponent in this range, so that its integral part fits 32 bits."""

_LARGEST_INTEGER: Final = float(2**62)
"""Whole numbers up to here are written exactly, beyond it with their shortest digits and zeros."""


def seventeen_digits(number: float) -> bytes:
    """The digits of ``number`` as Redis wrote them until 7.0."""
    return b"nan" if math.isnan(number) else b"%.17g" % number


def shortest_digits(number: float) -> bytes:
    """The digits of ``number`` as Redis has written them since 7.2."""
    if number.is_integer() and -_LARGEST_INTEGER <= number <= _LARGEST_INTEGER:
        return b"%d" % number if number or math.copysign(1.0, number) > 0 else b"-0"
    if not math.isfinite(number):
        return repr(number).encode()
    sign = b"-" if number < 0 else b""
    digits, exponent = _grisu2(abs(number))
    return sign + _place_point(b"%d" % digits, exponent, 17 if sign else 18)


def _place_point(digits: bytes, exponent: int, most_digits: int) -> bytes:
    """``digits`` times ten to the ``exponent``, written plainly if that is not much longer."""
    magnitude = exponent + len(digits) - 1
    if exponent >= 0 and magnitude < len(digits) + 7:
        return digits + b"0" * exponent
    if exponent < 0 and (exponent > -7 or abs(magnitude) < 4):
        if magnitude < 0:
            return b"0." + b"0" * (-magnitude - 1) + digits
        return digits[:exponent] + b"." + digits[exponent:]
    digits = digits[:most_digits]
    fraction = b"." + digits[1:] if len(digits) > 1 else b""
    return b"%b%be%+d" % (digits[:1], fraction, magnitude)


def _grisu2(number: float) -> tuple[int, int]:
    """Digits and decimal exponent of a positive finite ``number``."""
    (bits,) = struct.unpack("<Q", struct.pack("<d", number))
    fraction = bits & (_HIDDEN_BIT - 1)
    exponent = bits >> 52
    if exponent:
        fraction += _HIDDEN_BIT
        exponent -= _EXPONENT_BIAS
    else:
        exponent = 1 - _EXPONENT_BIAS

    # The number, and the points half the way to its neighbours, all with the same exponent. The neighbour below a power
    # of two is only half as far away as the one above.
    shift = 63 - fraction.bit_length()
    exponent -= shift + 1
    middle = fraction << shift + 1
    upper = (2 * fraction + 1) << shift
    lower = (4 * fraction - 1) << shift - 1 if fraction == _HIDDEN_BIT else (2 * fraction - 1) << shift

    power, power_exponent, decimal_exponent = _power_for(exponent)
    exponent += power_exponent + 64
    middle, upper, lower = (_scaled(value, power) for value in (middle, upper, lower))
    # One less on either side makes up for the rounding in the multiplications.
    upper -= 1
    lower += 1
    digits, dropped = _shortest_between(lower, middle, upper, -exponent)
    return digits, dropped - decimal_exponent


def _scaled(value: int, power: int) -> int:
    return (value * power + (1 << 63)) >> 64


def _shortest_between(lower: int, middle: int, upper: int, point: int) -> tuple[int, int]:
    """The fewest digits of ``upper`` that stay above ``lower``, then drawn towards ``middle``; and how many were
    dropped.

    All are fixed-point numbers with ``point`` binary places. The count is negative for decimal places that were
    needed.
    """
    distance = upper - middle
    width = upper - lower
    whole = upper >> point
    rest = upper & ((1 << point) - 1)
    for dropped in range(9, -1, -1):
        unit = 10**dropped
        remainder = ((whole % unit) << point) + rest
        if remainder <= width:
            return _drawn_down(whole // unit, width, remainder, unit << point, distance), dropped
    digits = whole
    scale = 1
    dropped = 0
    while True:
        rest *= 10
        width *= 10
        scale *= 10
        dropped -= 1
        digits = digits * 10 + (rest >> point)
        rest &= (1 << point) - 1
        if rest < width:
            return _drawn_down(digits, width, rest, 1 << point, distance * scale), dropped


def _drawn_down(digits: int, width: int, remainder: int, unit: int, distance: int) -> int:
    """Lower the last digit while that stays inside ``width`` and comes nearer to ``distance`` from the top."""
    while (
        remainder < distance
        and width - remainder >= unit
        and (remainder + unit < distance or distance - remainder > remainder + unit - distance)
    ):
        digits -= 1
        remainder += unit
    return digits


def _power_for(exponent: int) -> tuple[int, int, int]:
    """A power of ten that brings ``exponent`` into range: its significand, binary and decimal exponent."""
    index = (int(-(exponent + _POWER_COUNT) * _LOG10_OF_2) - _FIRST_POWER) // _POWER_STEP
    while True:
        significand, binary_exponent = _power_of_ten(_FIRST_POWER + index * _POWER_STEP)
        scaled = exponent + binary_exponent + 64
        if scaled < _LOWEST_EXPONENT:
            index += 1
        elif scaled > _HIGHEST_EXPONENT:
            index -= 1
        else:
            return significand, binary_exponent, _FIRST_POWER + index * _POWER_STEP


@cache
def _power_of_ten(decimal_exponent: int) -> tuple[int, int]:
    """Ten to the ``decimal_exponent`` as 64 significant bits, rounded to nearest, and a binary exponent."""
    if decimal_exponent >= 0:
        numerator, denominator = 10**decimal_exponent, 1
    else:
        numerator, denominator = 1, 10**-decimal_exponent
    shift = 64 - (numerator.bit_length() - denominator.bit_length())
    while True:
        scaled = (numerator << shift, denominator) if shift >= 0 else (numerator, denominator << -shift)
        significand = (2 * scaled[0] + scaled[1]) // (2 * scaled[1])
        if significand.bit_length() == 64:
            return significand, -shift
        shift += 1 if significand.bit_length() < 64 else -1
