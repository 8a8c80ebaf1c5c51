"""The generator behind ``math.random`` in Redis: ``lrand48``. The same seed gives the same numbers everywhere."""

from __future__ import annotations

from typing import Final

MULTIPLIER: Final = 0x5DEECE66D
INCREMENT: Final = 0xB
MASK: Final = (1 << 48) - 1
MAXIMUM: Final = 0x7FFFFFFF
FIRST_SEED: Final = 0x1234ABCD


class Random48:
    """48 bits of state; *seed* is any integer, of which 32 bits count. Without one it begins as Redis does."""

    __slots__ = ("_state",)

    def __init__(self, seed: int = FIRST_SEED) -> None:
        self._state = 0
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Begin anew."""
        self._state = ((seed & 0xFFFFFFFF) << 16) | 0x330E

    def draw(self) -> float:
        """A number from 0 up to, but not including, 1."""
        self._state = (self._state * MULTIPLIER + INCREMENT) & MASK
        return float((self._state >> 17) % MAXIMUM) / MAXIMUM
