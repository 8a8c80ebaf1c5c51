"""Grisu2: the digits that Redis prints for a double since 7.2.

Redis 7.2 replaced ``%.17g`` by fpconv, whose heart is Florian Loitsch's Grisu2 ("Printing Floating-Point Numbers
Quickly and Accurately with Integers", PLDI 2010). Grisu2 always gives digits that read back as the same double, but it
reckons in 64 bits, so about one double in a thousand comes out a digit longer than the shortest form, or not as the
nearest of the shortest ones. Python's ``repr`` is exact and therefore differs for those doubles: to agree with Redis
byte for byte, the same 64-bit sums have to be done, with their rounding.

The idea: the double and the two midpoints to its neighbours are scaled by one power of ten taken from a table, so that
they become fixed-point numbers with 32 to 60 fractional bits. Every number between the scaled midpoints reads back as
the same double. So the upper one is cut off after as few digits as possible, and the last digit is then lowered while
that brings the result nearer to the double itself.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Final

_HIDDEN_BIT: Final = 1 << 52
_SMALLEST_EXPONENT: Final = -1074
_HALF_UNIT: Final = 1 << 63

# The table of powers of ten: from 10^-348, every eighth, as 64-bit significands with binary exponents.
_FIRST_POWER: Final = -348
_POWER_STEP: Final = 8
_POWER_COUNT: Final = 87
# A scaled number has between 32 and 60 fractional bits: at most 32 bits of integer part, and room to multiply by ten.
_MOST_FRACTION_BITS: Final = 60
_FEWEST_FRACTION_BITS: Final = 32
_TENS: Final = tuple(10**places for places in range(20))


def shortest_digits(value: float) -> tuple[int, int]:
    """Return ``(digits, exponent)`` such that ``digits * 10**exponent`` reads back as ``value``.

    ``value`` must be finite and above zero. ``digits`` has 17 decimal digits at most.
    """
    exponent = max(math.frexp(value)[1] - 53, _SMALLEST_EXPONENT)
    significand = int(math.ldexp(value, -exponent))

    # Everything is brought to the exponent at which the double's significand fills 64 bits.
    shift = 64 - significand.bit_length()
    # Below a power of two the doubles lie twice as dense, so that midpoint is half as far.
    lower_gap = shift - 2 if significand == _HIDDEN_BIT else shift - 1
    power, fraction_bits, power_exponent = _scaling_power(exponent - shift)
    scaled = ((significand << shift) * power + _HALF_UNIT) >> 64
    # One unit inwards on both sides makes up for the rounding of power and product.
    upper = ((((significand << 1) + 1 << shift - 1) * power + _HALF_UNIT) >> 64) - 1
    lower = ((((significand << shift) - (1 << lower_gap)) * power + _HALF_UNIT) >> 64) + 1
    return _cut(upper, upper - lower, upper - scaled, fraction_bits, power_exponent)


def _cut(upper: int, width: int, distance: int, fraction_bits: int, power_exponent: int) -> tuple[int, int]:
    """Cut ``upper`` after as few digits as leave it above the interval's lower end, then move towards the double.

    ``width`` is the interval's, ``distance`` how far the double lies below ``upper``.
    """
    one = 1 << fraction_bits
    rest = upper & (one - 1)
    if rest <= width:
        # The integer part has digits to spare: give up as many as possible.
        dropped = 0
        unit = one
        while (wider_rest := upper % (unit * 10)) <= width:
            rest = wider_rest
            unit *= 10
            dropped += 1
        digits = upper // unit
    else:
        # As many fractional digits as make one unit of the last place smaller than the interval surely suffice;
        # most often one or two fewer do.
        mask = one - 1
        places = len(str(one // width))
        while places > 1 and upper * _TENS[places - 1] & mask < width * _TENS[places - 1]:
            places -= 1
        scale = _TENS[places]
        digits = upper * scale >> fraction_bits
        rest = upper * scale & mask
        unit = one
        width *= scale
        distance *= scale
        dropped = -places
    # Going down a unit stays inside the interval, and comes nearer to a double that lies more than half a unit below.
    while rest + unit <= width and 2 * rest + unit < 2 * distance:
        digits -= 1
        rest += unit
    return digits, dropped - power_exponent


@cache
def _scaling_power(exponent: int) -> tuple[int, int, int]:
    """Return the power of ten for numbers of 64 bits with this binary exponent.

    The result is its significand, the number of fractional bits of the product, and the power's decimal exponent. Where
    two entries of the table would do, the estimate decides, as it does in fpconv.
    """
    estimate = int(-(exponent + _POWER_COUNT) * 0.30102999566398114)
    index = (estimate - _FIRST_POWER) // _POWER_STEP
    while True:
        decimal_exponent = _FIRST_POWER + index * _POWER_STEP
        significand, binary_exponent = _power_of_ten(decimal_exponent)
        fraction_bits = -(exponent + binary_exponent + 64)
        if fraction_bits > _MOST_FRACTION_BITS:
            index += 1
        elif fraction_bits < _FEWEST_FRACTION_BITS:
            index -= 1
        else:
            return significand, fraction_bits, decimal_exponent


def _power_of_ten(decimal_exponent: int) -> tuple[int, int]:
    """Return 10**decimal_exponent as a significand of 64 bits, rounded to the nearest, and a binary exponent."""
    if decimal_exponent >= 0:
        power = 10**decimal_exponent
        exponent = power.bit_length() - 64
        if exponent <= 0:
            return power << -exponent, exponent
        return (power + (1 << exponent - 1)) >> exponent, exponent
    divisor = 10**-decimal_exponent
    exponent = -(divisor.bit_length() + 63)
    return ((1 << -exponent + 1) // divisor + 1) >> 1, exponent
