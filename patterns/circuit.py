"""A circuit breaker: after several failures in a row nobody asks for a while, then one is let through to try.

**The problem.** Every call to a server that is down waits for its time-out first, so that the application is down
too.

**The guarantee.** After *failures* failures in a row nothing is asked for *cooldown* seconds; then one caller tries,
and closes the circuit if it succeeds. The time is this process's own: the server's cannot be had.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from redis.exceptions import ConnectionError as RedisConnectionError

from patterns.durations import Duration, seconds


class CircuitOpenError(RedisConnectionError):
    """The server failed often, and is not asked at present."""


class Circuit:
    """A circuit breaker. One can be shared by everything that asks the same server."""

    def __init__(
        self, *, failures: int = 5, cooldown: Duration = 5, timer: Callable[[], float] = time.monotonic
    ) -> None:
        if failures < 1:
            raise ValueError("a circuit opens after one failure at the earliest")
        self._limit = failures
        self._cooldown = seconds(cooldown)
        self._timer = timer
        self._mutex = threading.Lock()
        self._closed_again = 0.0
        self.in_a_row = 0
        """Failures since it last went well. While there are none, nobody has to enter, or to report success."""

    @property
    def open(self) -> bool:
        """Whether it would refuse a caller now."""
        return self.in_a_row >= self._limit and self._timer() < self._closed_again

    def enter(self) -> None:
        """Ask to be let through. Raises :class:`CircuitOpenError`; whoever is let through reports how it went."""
        if self.in_a_row < self._limit:
            return
        with self._mutex:
            if self.in_a_row >= self._limit:
                if self._timer() < self._closed_again:
                    raise CircuitOpenError("The server failed often, and is not asked at present")
                # This caller tries; the others go on to be refused until it has reported.
                self._closed_again = self._timer() + self._cooldown

    def succeeded(self) -> None:
        """It went well."""
        if self.in_a_row:
            with self._mutex:
                self.in_a_row = 0

    def failed(self) -> None:
        """It did not."""
        with self._mutex:
            self.in_a_row += 1
            if self.in_a_row >= self._limit:
                self._closed_again = self._timer() + self._cooldown
