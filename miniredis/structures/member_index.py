"""What a dict's keys lack: a fair random choice, and SCAN cursors.

Sets and hashes keep their members in a dict, which neither knows its n-th key nor a place to go on from. The two
structures that do are built when a random member, or a cursor, is first asked for, and kept up from then on, so that a
set nobody draws from pays nothing for them.

A random choice goes through a list of the members in any order, and where each stands in it: to remove one, the last
takes its place. :class:`BucketIndex` could choose as well, but takes several times as long, and SPOP is in a hurry.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from random import Random
from typing import Any

from miniredis.structures.bucket_index import BucketIndex


class MemberIndex:
    """An index over the keys of *members*, whose owner calls `add` and `discard` as they change.

    With n members: the first random choice and the first `scan` take O(n) and O(n log n); from then on `random` is
    O(1), `scan` O(log n + returned), and `add` and `discard` O(1) and O(log n) for what is in use.
    """

    __slots__ = ("_buckets", "_members", "_place", "_row")

    def __init__(self, members: Mapping[bytes, Any]) -> None:
        self._members = members
        self._row: list[bytes] | None = None
        self._place: dict[bytes, int] = {}
        self._buckets: BucketIndex | None = None

    def add(self, member: bytes) -> None:
        """Take in a member that is new."""
        row = self._row
        if row is not None:
            self._place[member] = len(row)
            row.append(member)
        if self._buckets is not None:
            self._buckets.add(member)

    def discard(self, member: bytes) -> None:
        """Let go of a member that was there."""
        row = self._row
        if row is not None:
            place = self._place.pop(member)
            last = row.pop()
            if place < len(row):
                row[place] = last
                self._place[last] = place
        if self._buckets is not None:
            self._buckets.discard(member)

    def random(self, rng: Random) -> bytes:
        """Any member, each with the same probability. There must be one."""
        row = self._row or self._build_row()
        return row[int(rng.random() * len(row))]

    def sample(self, rng: Random, wanted: int) -> list[bytes]:
        """So many different members, at most all there are, each choice with the same probability."""
        return rng.sample(self._row or self._build_row(), wanted)

    def choices(self, rng: Random, wanted: int) -> list[bytes]:
        """So many members, each drawn from all. There must be one."""
        return rng.choices(self._row or self._build_row(), k=wanted)

    def scan(self, cursor: int, wanted: int) -> tuple[int, list[bytes]]:
        """As :meth:`BucketIndex.scan`."""
        if self._buckets is None:
            self._buckets = BucketIndex(self._members)
        return self._buckets.scan(cursor, wanted)

    def _build_row(self) -> list[bytes]:
        self._row = list(self._members)
        self._place = dict(zip(self._row, count(), strict=False))
        return self._row
