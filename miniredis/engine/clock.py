"""The one clock of an engine.

Everything that reads time reads it here: TTLs, ``TIME``, blocking timeouts, the expire cycle, idle times, durations in
the slow log. It is the real clock until somebody freezes it; a frozen clock moves only by hand. Time is an integer of
nanoseconds since the Unix epoch, so that nothing is lost to rounding.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Final

NANOSECONDS: Final = 1_000_000_000


class Clock:
    """A clock that flows with real time or, once frozen, stands until it is moved.

    ``ns()`` is the current time in nanoseconds. ``on_move`` is called after every change by hand, so that the engine
    can fire what has fallen due.
    """

    __slots__ = ("_frozen_at", "ns", "on_move")

    ns: Callable[[], int]

    def __init__(self) -> None:
        self._frozen_at: int | None = None
        self.on_move: Callable[[], None] | None = None
        self.ns = time.time_ns

    @property
    def frozen(self) -> bool:
        """Whether it stands until it is moved."""
        return self._frozen_at is not None

    def freeze(self) -> None:
        """Stop the clock at its present time."""
        self._stand_at(self.ns())

    def advance(self, seconds: float) -> None:
        """Move the clock forward by *seconds*; frozen or flowing, it stays so."""
        if seconds < 0:
            raise ValueError("a clock only advances: seconds must not be negative")
        self._move_to(self.ns() + round(seconds * NANOSECONDS))

    def set(self, seconds: float) -> None:
        """Put the clock at *seconds* since the Unix epoch, to the microsecond; frozen or flowing, it stays so."""
        self._move_to(round(seconds * 1_000_000) * 1000)  # a float of today's seconds has no more digits than these

    def resume(self) -> None:
        """Let a frozen clock flow again, from where it stands."""
        if self._frozen_at is not None:
            self._flow_from(self._frozen_at)
            self._moved()

    @contextlib.contextmanager
    def at(self, ns: int) -> Iterator[None]:
        """Let the clock stand at *ns* for a ``with`` block, and go on after it as if nothing had been.

        For what a move of the clock has passed over, and what is done at its own time all the same.
        """
        flowing, self.ns = self.ns, lambda: ns
        try:
            yield
        finally:
            self.ns = flowing

    def _move_to(self, ns: int) -> None:
        if self._frozen_at is None:
            self._flow_from(ns)
        else:
            self._stand_at(ns)
        self._moved()

    def _stand_at(self, ns: int) -> None:
        self._frozen_at = ns
        self.ns = lambda: ns

    def _flow_from(self, ns: int) -> None:
        self._frozen_at = None
        real = time.time_ns
        offset = ns - real()
        self.ns = lambda: real() + offset

    def _moved(self) -> None:
        if self.on_move is not None:
            self.on_move()
