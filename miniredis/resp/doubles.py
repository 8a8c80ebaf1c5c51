"""How Redis writes a double. The digits are part of the protocol's contract, so they stand here and nowhere else.

Until 7.0 Redis prints with ``%.17g``; 7.2 took the shortest digits that read back as the same number.
"""

from __future__ import annotations


def shortest_digits(number: float) -> bytes:
    return repr(number).encode()


def seventeen_digits(number: float) -> bytes:
    return b"%.17g" % number
