"""An index over the keys of some other container that adds what a dict lacks: SCAN cursors and a fair random choice.

A cursor must be a plain number, kept by the client and by nobody else, and yet every key that is there from the first
call to the last must be returned at least once, whatever is added, removed or resized in between. Redis gets there with
a hash table of 2^k buckets and a cursor that counts in reversed binary: seen from the other end of the bits, it visits
the keys in the order of their (reversed) hash, so that splitting or joining buckets never changes who comes later.

This index keeps that order and lets go of the table: keys are held in the order of their hash, in chunks ("buckets" of
neighbouring hashes) that split when they grow and merge when they shrink, and a cursor is a hash: "every key whose hash
is below this was returned". The order of two keys never depends on anything but the keys, so the guarantee survives all
growth and shrinking, even dropping the index and building it anew; no key is returned twice; and there is never a table
to double, so no insertion stalls.

The hash is CRC-32: fast, and the same in every run, as Python's own `hash` is not. Keys of equal hash are returned by
one call, since no cursor could tell them apart.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from itertools import islice
from operator import eq
from random import Random
from zlib import crc32

from miniredis.structures.ordered_pairs import OrderedPairs


class BucketIndex:
    """The keys of a container in scan order. Whoever owns the container calls `add` and `discard` as its keys change.

    With n keys: building O(n log n), `add`, `discard` and `random` O(log n), `scan` O(log n + returned). 16 bytes a key
    beside the keys themselves, which are shared with the container.
    """

    __slots__ = ("_order",)

    def __init__(self, keys: Iterable[bytes] = ()) -> None:
        """Build from keys that are all different."""
        members = sorted(keys, key=crc32)
        hashes = array("d", map(crc32, members))
        for i, tied in enumerate(map(eq, hashes, islice(hashes, 1, None))):
            if tied and (i == 0 or hashes[i - 1] != hashes[i]):
                _sort_ties(hashes, members, i)
        self._order = OrderedPairs.from_sorted(hashes, members)

    def __len__(self) -> int:
        return len(self._order)

    def add(self, key: bytes) -> None:
        """Take a key in; a key that is there already stays."""
        self._order.add(float(crc32(key)), key)

    def discard(self, key: bytes) -> None:
        """Let a key go, if it is there."""
        self._order.discard(float(crc32(key)), key)

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """The next keys of an iteration, `count` of them (at least 1), and the cursor to go on with.

        Cursor 0 begins an iteration, and is returned when it is complete. Any other non-negative number is taken as it
        is: one that no call returned begins in the middle, or beyond the end.
        """
        order = self._order
        start = order.rank_of_score(cursor, after=False)
        wanted = max(count, 1)
        found = order.slice(start, start + wanted + 1)
        following = 0
        if len(found) > wanted:
            last, beyond = found[wanted - 1][1], found.pop()[1]
            if beyond == last:
                found = order.slice(start, order.rank_of_score(last, after=True))
            if start + len(found) < len(order):
                following = int(last) + 1
        return following, [key for key, _ in found]

    def random(self, rng: Random) -> bytes:
        """Any key, each with the same probability. IndexError if there is none."""
        if not len(self._order):
            raise IndexError("no key to choose from")
        rank = rng.randrange(len(self._order))
        return self._order.slice(rank, rank + 1)[0][0]


def _sort_ties(hashes: array[float], members: list[bytes], start: int) -> None:
    """Put the members that share the hash first seen at `start` in order."""
    stop = start + 1
    while stop < len(hashes) and hashes[stop] == hashes[start]:
        stop += 1
    members[start:stop] = sorted(members[start:stop])
