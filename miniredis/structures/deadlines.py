"""Names and the times at which they end, of which the earliest is always at hand.

A heap of (time, name) beside the dict of times. A name whose time changes, or that goes, leaves its entry in the heap:
it is stale then, which the dict tells, and is skipped when it comes to the top, or thrown out when stale entries have
become many. So each change is O(log n), and to ask for the earliest is O(1) but for the stale entries met on the way.
"""

from __future__ import annotations

import heapq
from typing import Final

SPARE_ENTRIES: Final = 64
"""Stale entries that are not worth the work of throwing them out."""


class Deadlines:
    """When each name ends. ``times`` is to be read as one likes, and changed only by the methods.

    The unit is the caller's: milliseconds since the epoch, for fields of hashes and for keys.
    """

    __slots__ = ("_heap", "times")

    def __init__(self) -> None:
        self.times: dict[bytes, int] = {}
        self._heap: list[tuple[int, bytes]] = []

    def copy(self) -> Deadlines:
        """One like it that shares nothing that can change."""
        twin = Deadlines()
        twin.times = self.times.copy()
        twin._heap = self._heap.copy()
        return twin

    def __len__(self) -> int:
        return len(self.times)

    def __repr__(self) -> str:
        return f"<Deadlines of {len(self)}>"

    def set(self, name: bytes, when: int) -> None:
        """Let *name* end at *when*, whatever was said about it."""
        times, heap = self.times, self._heap
        times[name] = when
        if len(heap) > 2 * len(times) + SPARE_ENTRIES:
            heap[:] = [(due, each) for each, due in times.items()]
            heapq.heapify(heap)
        else:
            heapq.heappush(heap, (when, name))

    def discard(self, name: bytes) -> bool:
        """Forget when *name* ends. Whether it was to end."""
        return self.times.pop(name, None) is not None

    def first(self) -> tuple[int, bytes] | None:
        """The earliest time and its name; None where nothing ends."""
        times, heap = self.times, self._heap
        while heap:
            when, name = heap[0]
            if times.get(name) == when:
                return when, name
            heapq.heappop(heap)
        return None

    def pop_before(self, moment: int) -> bytes | None:
        """Forget the earliest name that ends before *moment*, and say which; None if none does."""
        first = self.first()
        if first is None or first[0] >= moment:
            return None
        heapq.heappop(self._heap)
        del self.times[first[1]]
        return first[1]
