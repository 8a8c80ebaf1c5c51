"""The first few of many in order, as Redis sorts them: which of equal ones come first, or at all, is visible.

Redis takes all it has found and sorts the part that is wanted with a quicksort that leaves the rest alone. It is not
stable, and what it does to equal elements is repeated here, pivots and swaps; Python's own sort serves wherever that
makes no difference.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Final, TypeVar

Item = TypeVar("Item")

INSERTION_BELOW: Final = 7
NINTHER_ABOVE: Final = 40


def first_sorted(items: list[Item], key: Callable[[Item], float], wanted: int) -> list[Item]:
    """The *wanted* items with the lowest keys, in order; they must be fewer than there are."""
    keyed = [(key(item), item) for item in items]
    ordered = sorted(keyed, key=lambda each: each[0])
    if any(one[0] == other[0] for one, other in pairwise(ordered[: wanted + 1])):
        _Partial(keyed, wanted - 1).sort(0, len(keyed))
        ordered = keyed
    return [item for _, item in ordered[:wanted]]


class _Partial:
    """Sorts *items*, pairs of key and item, in place, as far as it takes for those up to the place *last*."""

    def __init__(self, items: list[tuple[float, Item]], last: int) -> None:
        self._items = items
        self._last = last

    def sort(self, start: int, size: int) -> None:
        """Sort so many items from *start* on: Bentley's and McIlroy's quicksort, which gathers keys equal to the
        pivot at both ends and moves them to the middle when it is done."""
        while size >= INSERTION_BELOW:
            lower, upper = self._partition(start, size)
            if lower > 1 and start <= self._last:
                self.sort(start, lower)
            start, size = start + size - upper, upper
            if upper <= 1 or start > self._last:
                return
        self._insertion_sort(start, size)

    def _insertion_sort(self, start: int, size: int) -> None:
        items = self._items
        for place in range(start + 1, start + size):
            while place > start and items[place - 1][0] > items[place][0]:
                items[place - 1], items[place] = items[place], items[place - 1]
                place -= 1

    def _partition(self, start: int, size: int) -> tuple[int, int]:
        """Put what is less than a pivot before it, and what is greater behind it. How many there are of each."""
        items = self._items
        pivot_at = self._pivot(start, size)
        items[start], items[pivot_at] = items[pivot_at], items[start]
        pivot = items[start][0]
        equal_low = low = start + 1
        equal_high = high = start + size - 1
        while True:
            while low <= high and items[low][0] <= pivot:
                if items[low][0] == pivot:
                    items[equal_low], items[low] = items[low], items[equal_low]
                    equal_low += 1
                low += 1
            while low <= high and items[high][0] >= pivot:
                if items[high][0] == pivot:
                    items[high], items[equal_high] = items[equal_high], items[high]
                    equal_high -= 1
                high -= 1
            if low > high:
                break
            items[low], items[high] = items[high], items[low]
            low += 1
            high -= 1
        end = start + size
        self._exchange(start, low, min(equal_low - start, low - equal_low))
        self._exchange(low, end, min(equal_high - high, end - equal_high - 1))
        return low - equal_low, equal_high - high

    def _exchange(self, start: int, end: int, size: int) -> None:
        """Exchange so many items from *start* on with as many before *end*."""
        items = self._items
        for one, other in zip(range(start, start + size), range(end - size, end), strict=True):
            items[one], items[other] = items[other], items[one]

    def _pivot(self, start: int, size: int) -> int:
        """The place of an item that may lie in the middle: the median of three, or of three such medians."""
        middle = start + size // 2
        if size == INSERTION_BELOW:
            return middle
        first, last = start, start + size - 1
        if size > NINTHER_ABOVE:
            step = size // 8
            first = self._median(first, first + step, first + 2 * step)
            middle = self._median(middle - step, middle, middle + step)
            last = self._median(last - 2 * step, last - step, last)
        return self._median(first, middle, last)

    def _median(self, one: int, two: int, three: int) -> int:
        items = self._items
        key1, key2, key3 = items[one][0], items[two][0], items[three][0]
        if key1 < key2:
            return two if key2 < key3 else three if key1 < key3 else one
        return two if key2 > key3 else one if key1 < key3 else three
