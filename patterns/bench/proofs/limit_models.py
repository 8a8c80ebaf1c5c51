"""What each strategy of rate limiting admits, in exact fractions: the models that the scripts are held against.

The rule of this file: a model keeps every hit that was admitted, or its strategy's textbook state in fractions, and
looks for ``retry_after`` by the definition. It knows nothing of ticks, of keys or of how a script reckons."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor, inf
from typing import Any, Protocol

NEVER = inf


class Model(Protocol):
    """A limiter for one key; times are whole microseconds."""

    def admits(self, now: int, cost: int) -> bool:
        """Whether a hit would be admitted."""

    def hit(self, now: int, cost: int) -> None:
        """A hit was admitted."""

    def remaining(self, now: int) -> int:
        """The largest cost that would be admitted."""

    def retry_after(self, now: int, cost: int) -> float:
        """Microseconds until a hit that is refused now would be admitted."""

    def reset_after(self, now: int) -> int:
        """Microseconds until nothing is left of any hit."""


class Hits:
    """Every hit that was admitted, as (microsecond, cost)."""

    def __init__(self, limit: int, period: int, burst: int) -> None:
        self.limit = limit
        self.period = period
        self.burst = burst
        self.admitted: list[tuple[int, int]] = []

    def hit(self, now: int, cost: int) -> None:
        self.admitted.append((now, cost))

    def between(self, first: int, last: int) -> int:
        """What was admitted from *first* on and before *last*."""
        return sum(cost for at, cost in self.admitted if first <= at < last)


class FixedWindowModel(Hits):
    def _begin(self, now: int) -> int:
        return now // self.period * self.period

    def remaining(self, now: int) -> int:
        return self.limit - self.between(self._begin(now), self._begin(now) + self.period)

    def admits(self, now: int, cost: int) -> bool:
        return cost <= self.remaining(now)

    def retry_after(self, now: int, cost: int) -> float:
        return NEVER if cost > self.limit else self._begin(now) + self.period - now

    def reset_after(self, now: int) -> int:
        return 0 if self.remaining(now) == self.limit else self._begin(now) + self.period - now


class SlidingWindowModel(Hits):
    def estimate(self, now: int) -> Fraction:
        begin = now // self.period * self.period
        previous = self.between(begin - self.period, begin)
        return previous * (1 - Fraction(now - begin, self.period)) + self.between(begin, begin + self.period)

    def remaining(self, now: int) -> int:
        return floor(self.limit - self.estimate(now))

    def admits(self, now: int, cost: int) -> bool:
        return self.estimate(now) + cost <= self.limit

    def retry_after(self, now: int, cost: int) -> float:
        if cost > self.limit:
            return NEVER
        # The estimate never rises while nobody hits, so the first moment is found by halving.
        refused, admitted = now, now + 2 * self.period
        while admitted - refused > 1:
            middle = (refused + admitted) // 2
            if self.admits(middle, cost):
                admitted = middle
            else:
                refused = middle
        return admitted - now

    def reset_after(self, now: int) -> int:
        begin = now // self.period * self.period
        if self.between(begin, begin + self.period):
            return begin + 2 * self.period - now
        return begin + self.period - now if self.between(begin - self.period, begin) else 0


class SlidingLogModel(Hits):
    def remaining(self, now: int) -> int:
        return self.limit - self.between(now - self.period + 1, now + 1)

    def admits(self, now: int, cost: int) -> bool:
        return cost <= self.remaining(now)

    def retry_after(self, now: int, cost: int) -> float:
        if cost > self.limit:
            return NEVER
        return next(
            at + self.period - now
            for at, _ in self.admitted
            if self.admits(at + self.period, cost) and at + self.period > now
        )

    def reset_after(self, now: int) -> int:
        return max([at + self.period - now for at, _ in self.admitted if at + self.period > now], default=0)


class TokenBucketModel:
    def __init__(self, limit: int, period: int, burst: int) -> None:
        self.rate = Fraction(limit, period)
        self.burst = burst
        self._tokens = Fraction(burst)
        self._at = 0

    def tokens(self, now: int) -> Fraction:
        return min(Fraction(self.burst), self._tokens + (now - self._at) * self.rate)

    def admits(self, now: int, cost: int) -> bool:
        return cost <= self.tokens(now)

    def hit(self, now: int, cost: int) -> None:
        self._tokens = self.tokens(now) - cost
        self._at = now

    def remaining(self, now: int) -> int:
        return floor(self.tokens(now))

    def retry_after(self, now: int, cost: int) -> float:
        return NEVER if cost > self.burst else ceil((cost - self.tokens(now)) / self.rate)

    def reset_after(self, now: int) -> int:
        return ceil((self.burst - self.tokens(now)) / self.rate)


class GCRAModel:
    def __init__(self, limit: int, period: int, burst: int) -> None:
        self.interval = Fraction(period, limit)
        self.burst = burst
        self.arrival = Fraction(0)
        """The theoretical arrival time of the next hit."""

    def _after(self, now: int, cost: int) -> Fraction:
        return max(self.arrival, Fraction(now)) + cost * self.interval

    def admits(self, now: int, cost: int) -> bool:
        return self._after(now, cost) - now <= self.burst * self.interval

    def hit(self, now: int, cost: int) -> None:
        self.arrival = self._after(now, cost)

    def remaining(self, now: int) -> int:
        return floor(self.burst - (self._after(now, 0) - now) / self.interval)

    def retry_after(self, now: int, cost: int) -> float:
        return NEVER if cost > self.burst else ceil(self._after(now, cost) - self.burst * self.interval - now)

    def reset_after(self, now: int) -> int:
        return ceil(self._after(now, 0) - now)


MODELS: dict[str, Any] = {
    "FixedWindow": FixedWindowModel,
    "SlidingWindow": SlidingWindowModel,
    "SlidingLog": SlidingLogModel,
    "TokenBucket": TokenBucketModel,
    "GCRA": GCRAModel,
}
