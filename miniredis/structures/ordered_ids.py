"""A map whose keys are integers, in their order: pending entries by their ids.

The values are in a dict. Beside it stand the keys, sorted, in chunks of at most ``CHUNK_MAX``, so that a search is two
bisections and an insertion or a removal moves one short chunk. Most keys come in ascending order and go from the front:
both are the cheapest case.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from itertools import chain
from typing import Final, Generic, TypeVar

V = TypeVar("V")

CHUNK_MAX: Final = 512


def _last(chunk: list[int]) -> int:
    return chunk[-1]


class OrderedIds(Generic[V]):
    """A map from integers to values that is iterated in the order of its keys."""

    __slots__ = ("_chunks", "_values")

    def __init__(self) -> None:
        self._values: dict[int, V] = {}
        self._chunks: list[list[int]] = []  # none of them is empty

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(self._chunks)

    def __contains__(self, key: int) -> bool:
        return key in self._values

    def get(self, key: int) -> V | None:
        """The value at *key*; None if there is none."""
        return self._values.get(key)

    def first(self) -> int:
        """The smallest key. There must be one."""
        return self._chunks[0][0]

    def last(self) -> int:
        """The largest key. There must be one."""
        return self._chunks[-1][-1]

    def __setitem__(self, key: int, value: V) -> None:
        if key not in self._values:
            self._insert(key)
        self._values[key] = value

    def _insert(self, key: int) -> None:
        chunks = self._chunks
        if not chunks or (key > chunks[-1][-1] and len(chunks[-1]) >= CHUNK_MAX):
            chunks.append([key])
            return
        at = min(bisect_left(chunks, key, key=_last), len(chunks) - 1)
        chunk = chunks[at]
        insort(chunk, key)
        if len(chunk) > CHUNK_MAX:
            middle = len(chunk) // 2
            chunks[at : at + 1] = [chunk[:middle], chunk[middle:]]

    def pop(self, key: int) -> V:
        """Remove *key*, which must be there, and return its value."""
        value = self._values.pop(key)
        at = bisect_left(self._chunks, key, key=_last)
        chunk = self._chunks[at]
        del chunk[bisect_left(chunk, key)]
        if not chunk:
            del self._chunks[at]
        return value

    def at_or_after(self, key: int) -> int | None:
        """The first key that is *key* or greater; None if there is none."""
        at = bisect_left(self._chunks, key, key=_last)
        if at == len(self._chunks):
            return None
        chunk = self._chunks[at]
        return chunk[bisect_left(chunk, key)]

    def walk(self, start: int = 0) -> Iterator[tuple[int, V]]:
        """Keys and values in order, from :meth:`at_or_after` *start* on. The map must not change meanwhile."""
        values, chunks = self._values, self._chunks
        at = bisect_left(chunks, start, key=_last)
        if at == len(chunks):
            return
        chunk = chunks[at]
        for key in chunk[bisect_left(chunk, start) :]:
            yield key, values[key]
        for position in range(at + 1, len(chunks)):
            for key in chunks[position]:
                yield key, values[key]
