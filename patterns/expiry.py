"""When a cached value expires: jitter, soft and hard time to live, and when to refresh it before its time.

The rule of this file: it decides, in milliseconds, from what the server said about the time that is left (PTTL). No
clock.

- **Jitter**: a time to live is drawn from [ttl, ttl · (1 + jitter)], so that what was written together does not
  expire together.
- **Soft and hard**: a value is fresh for its time to live, and stays ``stale`` seconds longer, to be served when no
  other is to be had. The server knows the hard end only; the soft one is ``stale`` before it.
- **XFetch** (Vattani, Chierichetti, Lowenstein 2015): a reader refreshes a value that has ``t`` left, and took Δ to
  load, if t ≤ -Δ · β · ln(rand). So P(refresh) = e^(-t / (βΔ)): about e^(1/β) loads per cycle, however many readers
  there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from patterns.durations import Duration, milliseconds, seconds


@dataclass(frozen=True)
class Expiry:
    """The times of one cache."""

    ttl: Duration
    jitter: float
    stale: Duration
    negative_ttl: Duration | None
    beta: float | None
    random: Callable[[], float]

    def __post_init__(self) -> None:
        self.ttl_of(None, None)
        if not 0 <= self.jitter < math.inf:
            raise ValueError("jitter is a part of the ttl, 0.1 for a tenth")
        if self.beta is not None and not 0 < self.beta < math.inf:
            raise ValueError("beta is positive: 1 for one early load per cycle, more for earlier ones")
        seconds(self.stale)

    @property
    def stale_ms(self) -> int:
        """How long a value stays when it is not fresh any more."""
        return milliseconds(self.stale) if seconds(self.stale) else 0

    def ttl_of(self, value: object, ttl: Duration | None) -> float:
        """How many seconds *value* is fresh, before jitter; infinity if it was asked for. 0 means not to store it."""
        if ttl is None:
            ttl = self.negative_ttl if value is None and self.negative_ttl is not None else self.ttl
        return seconds(ttl)

    def hard_ms(self, fresh: float) -> int:
        """For how many milliseconds to store what is fresh for so many seconds; 0 for ever."""
        if math.isinf(fresh):
            return 0
        return milliseconds(fresh * (1 + self.jitter * self.random())) + self.stale_ms

    def early_ms(self, load_seconds: float) -> float:
        """How much time may be left for this reader to refresh a value that took so long to load; 0: it is not to."""
        if self.beta is None:
            return 0.0
        # 1 - random() is in (0, 1]: its logarithm is finite.
        return -load_seconds * self.beta * math.log(1 - self.random()) * 1000
