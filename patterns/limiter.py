"""What all rate limiters share: a rate such as ``"100/minute"``, a decision, and the one round trip that makes it.

**The problem.** The usual limiter counts with INCR, then EXPIRE, by the client's clock. A crash between the two
leaves a user locked out for good, clocks that differ give each process another window, and who asks for too much is
charged for the refusal.

**The guarantee** of every strategy. A decision is one script on the primary, by the server's clock, so that any number
of clients together admit exactly what the strategy admits. A refused hit costs nothing, unless its reply was lost (see
below). ``retry_after`` is honest: as long as nobody else hits, the same hit is admitted after it and not before. A key
always has a TTL, and belongs to one strategy and one rate, so that a change of either starts afresh instead of
misreading what it finds. It expires at a moment that is reckoned from TIME (PXAT): a server that was held up within a
script counts a mere duration from the script's beginning, and would forget too early.
All arithmetic is in whole numbers, so nothing is rounded.

**The price.** One round trip for :meth:`~LimiterOperations.hit` and for :meth:`~LimiterOperations.peek`.

A hit whose reply is lost may be charged twice: redis-py asks again by itself, and the script cannot know that it is
the same hit. So a connection that breaks can refuse a hit that would have been admitted, and charge it all the same,
but never admits too much. Where that matters more than the retry, give the limiter a client with
``retry=Retry(NoBackoff(), 0)``.

**Not** where a failover must not forget. Replication is asynchronous, so a new primary may not know the
last hits, and admits them again.

Which strategy:

================  ===========================  ==================================================================
strategy          memory per key               admits
================  ===========================  ==================================================================
FixedWindow       two numbers                  up to twice the limit around the border of two windows
SlidingWindow     three numbers                by an estimate that takes hits as evenly spread; smooth
SlidingLog        an entry per admitted hit    exactly: no window of that length ever has more
TokenBucket       two numbers                  bursts, then the rate: at most burst + rate * T in any time T
GCRA              one time                     the same; with ``burst=1`` it spaces hits evenly
================  ===========================  ==================================================================
"""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from patterns.keys import check_prefix, key
from patterns.pattern import Pattern, operation
from patterns.scripts import Script
from patterns.steps import Steps

MICROSECONDS: Final = {"second": 10**6, "minute": 60 * 10**6, "hour": 3600 * 10**6, "day": 86400 * 10**6}
UNITS: Final = {name: length for unit, length in MICROSECONDS.items() for name in (unit, f"{unit}s", unit[0])}
RATE: Final = re.compile(r"\s*(\d+)\s*(?:/|per)\s*(\d*)\s*([a-z]+)\s*", re.ASCII)

EXACT: Final = 2**53
"""Lua's numbers are doubles: whole ones are exact up to here."""

TICKS: Final = (1, 1_000, 1_000_000)
"""Lengths of a tick, in microseconds. Limiters count time in the first that keeps their numbers exact."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a limiter says of a hit. It is true if the hit is allowed."""

    allowed: bool
    limit: int
    """The most that can be admitted at once."""
    remaining: int
    """How much could still be admitted now."""
    retry_after: float
    """Seconds until the same hit would be admitted if nobody else hits: 0 if allowed, infinite if it never would."""
    reset_after: float
    """Seconds until it is as if there had been no hit."""

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in a period of so many microseconds."""

    limit: int
    period: int

    @classmethod
    def parse(cls, text: str) -> Rate:
        """``"100/minute"``, ``"5/s"``, ``"10/30 seconds"``, ``"1000 per day"``; ``ValueError`` for anything else."""
        match = RATE.fullmatch(text)
        unit = UNITS.get(match[3]) if match else None
        if match is None or unit is None or match[2] == "0" * len(match[2]) != "" or int(match[1]) == 0:
            raise ValueError(f'not a rate such as "100/minute" or "10/30 seconds": {text!r}')
        return cls(int(match[1]), int(match[2] or 1) * unit)

    def tick(self, most: int) -> int:
        """The length of a tick in microseconds that keeps *most* times the period exact."""
        for tick in TICKS:
            if self.period % tick == 0 and most * (self.period // tick) <= EXACT:
                return tick
        raise ValueError(f"{most} in {self.period / 10**6:g} seconds cannot be counted exactly")


class LimiterOperations(Pattern):
    """A rate limiter; the strategies are its subclasses."""

    strategy: ClassVar[str]
    script: ClassVar[Script]

    def __init__(self, client: Any, rate: str, *, prefix: str = "limit:") -> None:
        self._start(client, Rate.parse(rate), prefix, None)

    def _start(self, client: Any, rate: Rate, prefix: str, burst: int | None) -> None:
        if burst is not None and burst < 1:
            raise ValueError(f"a burst is 1 or more: {burst!r}")
        self.client = client
        self.rate = rate
        self.limit = rate.limit if burst is None else burst
        """The most that can be admitted at once."""
        self._tick = rate.tick(max(rate.limit, self.limit))
        name = f"{rate.limit}/{rate.period}" + (f"/{burst}" if burst is not None else "")
        self._prefix = f"{check_prefix(prefix)}{self.strategy}:{name}:"

    @operation
    def hit(self, key: str, cost: int = 1) -> Steps[Decision]:
        """Admit a hit of that cost, a whole number from 1 on, or refuse it; a refused one costs nothing."""
        return (yield from self._decide(key, cost, 1))

    @operation
    def peek(self, key: str, cost: int = 1) -> Steps[Decision]:
        """What :meth:`hit` would say now. It changes nothing."""
        return (yield from self._decide(key, cost, 0))

    def key(self, name: str) -> str:
        """The server's key for what is limited under *name*."""
        return key(self._prefix, name)

    def _decide(self, name: str, cost: int, commit: int) -> Steps[Decision]:
        cost = operator.index(cost)  # arithmetic is in whole numbers: a part of one is no cost, nor is NaN
        if cost < 1:
            raise ValueError(f"a cost is 1 or more: {cost!r}")
        tick = self._tick
        args = (self.rate.limit, self.rate.period // tick, tick, cost, commit, self.limit)
        allowed, remaining, retry, reset = yield from self.script((self.key(name),), args)
        return Decision(
            bool(allowed),
            self.limit,
            remaining,
            math.inf if retry < 0 else retry * tick / 1_000_000,
            reset * tick / 1_000_000,
        )


class BurstLimiterOperations(LimiterOperations):
    """A limiter whose rate and whose burst are two things; *burst* is the rate's number unless it is given."""

    def __init__(self, client: Any, rate: str, *, burst: int | None = None, prefix: str = "limit:") -> None:
        self._start(client, Rate.parse(rate), prefix, burst)
