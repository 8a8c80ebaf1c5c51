"""What falls due later: blocking timeouts, the end of a pause, the next expire cycle.

The engine never sleeps. It keeps its timers here, tells its driver when the first of them is due, and fires them when
the driver (or a clock moved by hand) says that the time has come.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Final

MOST_CANCELLED: Final = 256
"""So many cancelled timers are no burden, however few others there are."""


class Timer:
    """A callback due at *when* (milliseconds since the epoch); ``cancel()`` forgets it, if it has not fired yet."""

    __slots__ = ("_timers", "callback", "when")

    def __init__(self, timers: Timers, when: int, callback: Callable[[], None]) -> None:
        self._timers = timers
        self.when = when
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Do not fire any more."""
        if self.callback is not None:
            self.callback = None
            self._timers.note_cancelled()


class Timers:
    """Timers in order of their times; those of one millisecond fire in the order they were set.

    ``on_earlier`` is called when a new timer is due before all others: the driver's cue to wake sooner.

    Most timers never fire, because what their owners wait for comes in time. A cancelled one stays in the heap until
    its time comes, or until more than half of all are cancelled and the heap is built anew.
    """

    __slots__ = ("_cancelled", "_heap", "_sequence", "on_earlier")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Timer]] = []
        self._cancelled = 0
        self._sequence = count()
        self.on_earlier: Callable[[], None] | None = None

    def call_at(self, when: int, callback: Callable[[], None]) -> Timer:
        """Call *callback* at *when*, in milliseconds since the epoch."""
        timer = Timer(self, when, callback)
        heapq.heappush(self._heap, (when, next(self._sequence), timer))
        if self._heap[0][2] is timer and self.on_earlier is not None:
            self.on_earlier()
        return timer

    def next_due(self) -> int | None:
        """When the first timer is due, in milliseconds since the epoch; None when there is none."""
        heap = self._heap
        while heap and heap[0][2].callback is None:
            heapq.heappop(heap)
            self._cancelled -= 1
        return heap[0][0] if heap else None

    def pop_due(self, now: int) -> Callable[[], None] | None:
        """Take the first timer that is due at *now*, and return what it calls; None when there is none."""
        due = self.next_due()
        if due is None or due > now:
            return None
        timer = heapq.heappop(self._heap)[2]
        callback, timer.callback = timer.callback, None
        return callback

    def note_cancelled(self) -> None:
        """Count a timer that was cancelled."""
        self._cancelled += 1
        if self._cancelled > len(self._heap) // 2 and self._cancelled > MOST_CANCELLED:
            self._heap = [entry for entry in self._heap if entry[2].callback is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0
