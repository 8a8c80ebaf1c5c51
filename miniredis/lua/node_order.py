"""Where PUC's Lua would keep the keys of a table: what decides the order of ``next`` and which border ``#`` finds.

A table in PUC's Lua has an array and a hash part, and where a key stands hangs on everything that was put into the
table before it. Scripts can see that, in the order of ``pairs`` and in ``#`` of a table with holes, and replies are
made from what they see. Our tables are one ``dict`` that knows in which order its keys came: that is nearly the whole
story, and a :class:`Layout` tells it again when somebody asks, as ``ltable.c`` would have gone through it. It keeps
what it knows and goes on from there when more keys have come.

The rule of this file: a layout never says whether a key is there, only where. A key that has been removed keeps its
place until the table grows, as in PUC's Lua, and may come back to it.

A script's stack may overflow, or memory end, in the middle of everything here. So what changes a layout says first that
nothing is known (``_seen`` is ``UNKNOWN``) and how much is known last of all; a layout found in between begins anew.

Strings are hashed as in Redis, all of their bytes; PUC's own Lua skips some in strings of 32 bytes and more.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from struct import Struct
from typing import Any, Final

MAXIMUM_ARRAY_BITS: Final = 26
"""The array part holds indexes up to two to that power."""

LARGEST_INT: Final = 0x7FFFFFFF

UNKNOWN: Final = -1
"""How many keys a layout has seen that was cut short."""

_DOUBLE: Final = Struct("<d")
_HALVES: Final = Struct("<II")


class Layout:
    """The array and hash part of one table.

    - *content*: the table's own keys and values, in which values come and go.
    - *array*, *hashed*: how much room the constructor made in the two parts.
    """

    __slots__ = (
        *("_addresses", "_array", "_content", "_dead", "_first", "_free", "_indexes", "_next", "_nodes", "_places"),
        *("_seen", "_sizes", "numbers"),
    )

    def __init__(self, content: dict[Any, Any], array: int = 0, hashed: int = 0) -> None:
        self._content = content
        self._addresses: dict[Any, int] = {}
        self._sizes = (array, hashed)
        self._begin()

    def _begin(self) -> None:
        self._seen = UNKNOWN
        self.numbers = 0
        """How many keys are positive numbers."""
        self._first = 0
        self._indexes: set[float] = set()
        self._array, hashed = self._sizes
        self._make_nodes(hashed)
        self._seen = self._skip_sequence()

    # What it is asked

    def keys(self) -> Iterator[Any]:
        """The keys in the order of ``next``, and some that are no longer in the table among them."""
        self.catch_up()
        yield from map(float, range(1, self._array + 1))
        yield from (key for key in self._nodes if key is not None)

    def border(self) -> int:
        """What ``#`` answers, by the same binary search."""
        self.catch_up()
        content, high = self._content, self._array
        if high and float(high) not in content:
            return self._between(0, high)
        if not self._nodes:
            return high
        low, high = high, high + 1
        while float(high) in content:
            low, high = high, high * 2
            if high > LARGEST_INT:
                low = 1
                while float(low) in content:
                    low += 1
                return low - 1
        return self._between(low, high)

    def _between(self, low: int, high: int) -> int:
        content = self._content
        while high - low > 1:
            middle = (low + high) // 2
            if float(middle) in content:
                low = middle
            else:
                high = middle
        return low

    # What it is told

    def catch_up(self) -> None:
        """Find places for the keys that have come since the last time."""
        content = self._content
        missing = len(content) - self._seen
        if missing <= 0:
            return
        if self._seen == UNKNOWN:
            self._begin()
            missing = len(content) - self._seen
        self._seen = UNKNOWN
        if missing == 1:
            self._came(next(reversed(content)))
        else:
            keys = list(islice(reversed(content), missing))
            for key in reversed(keys):
                self._came(key)
        self._seen = len(content)

    def _came(self, key: Any) -> None:
        if key.__class__ is float and key > 0.0:
            self.numbers += 1
        self.place(key)

    def place(self, key: Any) -> None:
        """Find a place for *key*, which has been given a value."""
        if key.__class__ is float and 0.0 < key <= self._array and key == key // 1.0:
            if key > self._first:
                self._indexes.add(key)
        elif key in self._places:
            self._dead.discard(key)
        else:
            self._add(key)

    def make_room(self, array: int) -> None:
        """Make room for so many indexes, as a constructor does for the values of a call at its end."""
        self.catch_up()
        if array > self._array:
            self._seen = UNKNOWN
            self._resize(array, len(self._nodes))
            self._seen = len(self._content)

    def set_to_nil(self, key: Any) -> None:
        """Take *key* out of the table's content. For one that is not there PUC's Lua first finds a place."""
        self.catch_up()
        content = self._content
        self._seen = UNKNOWN
        if key not in content:
            self.place(key)
        else:
            del content[key]
            if key.__class__ is float and key > 0.0:
                self.numbers -= 1
        self._die(key)
        self._seen = len(content)

    def _die(self, key: Any) -> None:
        if key in self._places:
            self._dead.add(key)
        elif key in self._indexes:
            self._indexes.discard(key)
        elif key <= self._first:
            self._indexes.update(map(float, range(int(key) + 1, self._first + 1)))
            self._first = int(key) - 1

    # The two parts

    def _skip_sequence(self) -> int:
        """What a table begins with is mostly 1, 2, 3, …: these fill the array part, which doubles when it is full.

        How many keys that are.
        """
        count = 0
        for count, key in enumerate(self._content):
            if key != count + 1.0:
                break
        else:
            count = len(self._content)
        if count > self._array:
            if self._nodes:
                return 0  # they may find room there
            self._array = 1 << (count - 1).bit_length()
        self._first = self.numbers = count
        return count

    def _has(self, index: float) -> bool:
        """Whether that index of the array part is not nil, at the point the story has come to."""
        return index <= self._first or index in self._indexes

    def _make_nodes(self, count: int) -> None:
        size = 1 << (count - 1).bit_length() if count else 0
        self._nodes: list[Any] = [None] * size
        self._next: list[int] = [-1] * size
        self._places: dict[Any, int] = {}
        self._dead: set[Any] = set()
        self._free = size

    def _main(self, key: Any) -> int:
        """The node in which *key* belongs, unless another one that belongs there came first."""
        size = len(self._nodes)
        if key.__class__ is bytes:
            return hash_of_string(key) & (size - 1)
        if key.__class__ is float:
            return hash_of_number(key) % ((size - 1) | 1)
        bits = getattr(key, "bits", None)
        if bits is None:
            # By its address, of which nothing is known: as if they were handed out one after the other.
            bits = self._addresses.setdefault(key, len(self._addresses))
            return int(bits % ((size - 1) | 1))
        return int(bits & (size - 1))

    def _add(self, key: Any) -> None:
        """Put a new key into the hash part (``newkey``)."""
        nodes, following = self._nodes, self._next
        if not nodes:
            self._grow(key)
            return
        main = self._main(key)
        occupant = nodes[main]
        if occupant is not None and occupant not in self._dead:
            free = self._free_node()
            if free < 0:
                self._grow(key)
                return
            other = self._main(occupant)
            if other != main:
                # The occupant is not where it belongs: it moves, and the new key takes its node.
                while following[other] not in (main, -1):
                    other = following[other]
                following[other] = free
                nodes[free], following[free] = occupant, following[main]
                self._places[occupant] = free
                following[main] = -1
            else:
                following[free], following[main] = following[main], free
                main = free
        elif occupant is not None:
            del self._places[occupant]  # it was removed, and cannot come back to this place any more
            self._dead.discard(occupant)
        nodes[main] = key
        self._places[key] = main

    def _free_node(self) -> int:
        while self._free > 0:
            self._free -= 1
            if self._nodes[self._free] is None:
                return self._free
        return -1

    # Growing

    def _grow(self, key: Any) -> None:
        """Make both parts as large as their content and *key* want (``rehash``)."""
        counts = [0] * (MAXIMUM_ARRAY_BITS + 1)
        total = self._count_array(counts)
        indexes = total
        for node in self._nodes:
            if node is not None and node not in self._dead:
                indexes += _count_index(node, counts)
                total += 1
        indexes += _count_index(key, counts)
        total += 1
        size, inside = _array_size(counts, indexes)
        self._resize(size, total - inside)
        self.place(key)

    def _count_array(self, counts: list[int]) -> int:
        """How many indexes of the array part are there; *counts* gets how many between each two powers of two."""
        used = 0
        low, power = 1, 0
        while low <= self._array:
            high = min(1 << power, self._array)
            here = sum(map(self._has, map(float, range(low, high + 1))))
            counts[power] += here
            used += here
            low, power = high + 1, power + 1
        return used

    def _resize(self, array: int, hashed: int) -> None:
        old_nodes, old_array, dead = self._nodes, self._array, self._dead
        self._array = array
        self._make_nodes(hashed)
        for index in map(float, range(array + 1, old_array + 1)):
            if self._has(index):
                self._add(index)
        self._first = min(self._first, array)
        self._indexes = {index for index in self._indexes if index <= array}
        for node in reversed(old_nodes):
            if node is not None and node not in dead:
                self.place(node)


def _count_index(key: Any, counts: list[int]) -> int:
    """1 for a key that could stand in the array part, which *counts* then counts; 0 for any other."""
    if key.__class__ is not float or not 0.0 < key <= 1 << MAXIMUM_ARRAY_BITS or key != key // 1.0:
        return 0
    counts[(int(key) - 1).bit_length()] += 1
    return 1


def _array_size(counts: list[int], indexes: int) -> tuple[int, int]:
    """The largest power of two such that more than half of the indexes up to it are there, and how many are."""
    size = inside = so_far = 0
    power = 0
    while (1 << power) // 2 < indexes:
        if counts[power]:
            so_far += counts[power]
            if so_far > (1 << power) // 2:
                size, inside = 1 << power, so_far
        if so_far == indexes:
            break
        power += 1
    return size, inside


@lru_cache(maxsize=4096)
def hash_of_string(text: bytes) -> int:
    """The hash of a string, 32 bits."""
    result = len(text)
    for byte in reversed(text):
        result ^= ((result << 5) + (result >> 2) + byte) & 0xFFFFFFFF
    return result


def hash_of_number(number: float) -> int:
    """The hash of a number: the sum of the two halves of the double, 32 bits."""
    if number == 0.0:
        return 0
    low, high = _HALVES.unpack(_DOUBLE.pack(number))
    return int((low + high) & 0xFFFFFFFF)
