"""What falls due later: blocking timeouts, the end of a pause, the next expire cycle.

The engine never sleeps. It keeps its timers here, tells its driver when the first of them is due, and fires them when
the driver (or a clock moved by hand) says that the time has come.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count


class Timer:
    """A callback due at *when* (milliseconds since the epoch); ``cancel()`` forgets it."""

    __slots__ = ("callback", "when")

    def __init__(self, when: int, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class Timers:
    """Timers in order of their times; those of one millisecond fire in the order they were set.

    ``on_earlier`` is called with its time when a new timer is due before all others: the driver's cue to wake sooner.
    """

    __slots__ = ("_heap", "_sequence", "on_earlier")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Timer]] = []
        self._sequence = count()
        self.on_earlier: Callable[[int], None] | None = None

    def call_at(self, when: int, callback: Callable[[], None]) -> Timer:
        """Call *callback* at *when*, in milliseconds since the epoch."""
        timer = Timer(when, callback)
        heapq.heappush(self._heap, (when, next(self._sequence), timer))
        if self._heap[0][2] is timer and self.on_earlier is not None:
            self.on_earlier(when)
        return timer

    def next_due(self) -> int | None:
        """When the first timer is due, in milliseconds since the epoch; None when there is none."""
        heap = self._heap
        while heap and heap[0][2].callback is None:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def pop_due(self, now: int) -> Timer | None:
        """Take the first timer that is due at *now*; None when there is none."""
        due = self.next_due()
        if due is None or due > now:
            return None
        return heapq.heappop(self._heap)[2]
