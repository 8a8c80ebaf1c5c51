"""How long things took: the latency monitor's events, and the distribution of each command's durations.

The latency monitor (``latency-monitor-threshold``) remembers, for each event, the worst duration of every second in
which it was slow, 160 seconds at most. The distributions (``latency-tracking``) count durations by their power of two,
which is what ``LATENCY HISTOGRAM`` shows and costs one list item per command; ``INFO latencystats`` takes its
percentiles from them, so that these are exact to a factor of two only, and to less where many durations fall into one
power.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from miniredis.engine.record import fresh, record
from miniredis.engine.slowlog import NEVER

if TYPE_CHECKING:
    from miniredis.engine.engine import Engine

T = TypeVar("T")

HISTORY_LENGTH: Final = 160
POWERS: Final = 64
"""Distributions have one count for each number of binary digits that a duration in nanoseconds can have."""

_FIRST_POWER: Final = 10
_LARGEST_SHOWN: Final = 30
_MEAN_OF_POWER: Final = 1032
"""What stands for a power in ``LATENCY HISTOGRAM``: with two significant digits, 1031 ns is still the same as 1024
ns."""


@record
class LatencyEvent:
    """The samples of one event, oldest first: (second since the epoch, milliseconds). *maximum*: the worst ever."""

    samples: deque[tuple[int, int]] = fresh(default_factory=lambda: deque(maxlen=HISTORY_LENGTH))
    maximum: int = 0
    total: int = 0
    count: int = 0


class LatencyMonitor:
    """The latency events of one engine. ``threshold`` is in nanoseconds, beyond every duration when switched off."""

    __slots__ = ("_engine", "events", "threshold")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.events: dict[bytes, LatencyEvent] = {}
        self.threshold = NEVER

    def configure(self) -> None:
        """Take over ``latency-monitor-threshold`` (milliseconds, 0 for off)."""
        milliseconds = self._engine.config.latency_monitor_threshold
        self.threshold = milliseconds * 1_000_000 if milliseconds else NEVER

    def timed(self, event: bytes, work: Callable[..., T], *arguments: object) -> T:
        """Do *work*, and note that *event* took so long."""
        if self.threshold == NEVER:
            return work(*arguments)
        started = self._engine.clock.ns()
        result = work(*arguments)
        self.add(event, self._engine.clock.ns() - started)
        return result

    def add(self, event: bytes, nanoseconds: int) -> None:
        """Note that *event* took so long, if that is at least the threshold."""
        if nanoseconds < self.threshold:
            return
        second, latency = self._engine.clock.ns() // 1_000_000_000, nanoseconds // 1_000_000
        known = self.events.setdefault(event, LatencyEvent())
        known.maximum = max(known.maximum, latency)
        known.total += latency
        known.count += 1
        if known.samples and known.samples[-1][0] == second:
            latency = max(latency, known.samples.pop()[1])
        known.samples.append((second, latency))

    def reset(self, event: bytes) -> bool:
        """Forget *event*. Whether there was anything to forget."""
        return self.events.pop(event, None) is not None


def histogram(durations: Sequence[int]) -> dict[int, int]:
    """The cumulative counts of a distribution by microseconds, as ``LATENCY HISTOGRAM`` shows them.

    A power of two in which nothing falls is left out; what takes a second or longer counts as one second.
    """
    shown: dict[int, int] = {}
    total = sum(durations[:_FIRST_POWER])
    for power in range(_FIRST_POWER, _LARGEST_SHOWN + 1):
        count = durations[power] if power < _LARGEST_SHOWN else sum(durations[power:])
        total += count
        if count or (power == _FIRST_POWER and total):
            shown[_MEAN_OF_POWER * 2 ** (power - _FIRST_POWER) // 1000] = total
    return shown


def percentile(durations: Sequence[int], percent: float) -> float:
    """The duration, in nanoseconds, that *percent* of a distribution do not exceed; 0 for an empty distribution.

    Within one power of two the durations are taken to be spread evenly.
    """
    wanted = max(sum(durations) * percent / 100, 1)
    before = 0
    for power, count in enumerate(durations):
        if count and before + count >= wanted:
            low, high = (0, 1) if power == 0 else (1 << (power - 1), 1 << power)
            return low + (high - low) * (wanted - before - 0.5) / count
        before += count
    return 0.0
