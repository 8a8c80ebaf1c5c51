"""A sequence of (score, member) pairs that is always in order and knows every pair's rank.

The rule of this file: the order is all there is. No uniqueness of members, no look-up by member alone; whoever needs
those keeps a dict beside it.

Redis uses a skiplist, whose nodes would cost some 200 bytes each as Python objects. Here the order is cut into chunks
of at most ``CHUNK_MAX`` pairs, each chunk two parallel arrays (scores as C doubles, members as references) at 16 bytes
a pair, so that a search is a few `bisect` calls and an insertion one short `memmove`.

Two small indexes lead to a chunk:

* *Separators* lead there by value. Every pair of chunk i is at or above separator i and below separator i+1, as in a
  B+tree; a separator need not be a pair that still exists, so inserting and removing never touch it, only splitting
  and merging do. Separator 0 stands for "below everything" and is never compared.
* A *Fenwick tree* of the chunks' lengths leads there by rank. It is counted when a rank is first asked for, kept up
  from then on, and dropped when a chunk is split or merged, so that a set nobody ranks pays nothing for it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import Final

CHUNK_MAX: Final = 1024
CHUNK_MIN: Final = CHUNK_MAX // 4
CHUNK_BUILT: Final = CHUNK_MAX * 3 // 4
"""A bulk build leaves room, so that the first insertions do not split every chunk."""

Pair = tuple[bytes, float]


class OrderedPairs:
    """Pairs ordered by score, then by member as bytes. Positions and ranks count from 0, ranges are half-open.

    Scores compare as numbers: -0.0 equals 0.0, infinities are at home, NaN has no place in an order and must not come.
    """

    __slots__ = ("_lengths", "_members", "_scores", "_separator_members", "_separator_scores", "_size")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Remove every pair."""
        self._size = 0
        self._scores = [array("d")]
        self._members: list[list[bytes]] = [[]]
        self._separator_scores = array("d", [0.0])
        self._separator_members = [b""]
        self._lengths: _FenwickTree | None = None  # None: nobody asked since chunks were last split or merged

    @classmethod
    def from_sorted(cls, scores: array[float], members: list[bytes]) -> OrderedPairs:
        """Build from parallel columns that are already in order, in O(n)."""
        pairs = cls()
        if members:
            starts = range(0, len(members), CHUNK_BUILT)
            pairs._size = len(members)
            pairs._scores = [scores[start : start + CHUNK_BUILT] for start in starts]
            pairs._members = [members[start : start + CHUNK_BUILT] for start in starts]
            pairs._separator_scores = array("d", [scores[start] for start in starts])
            pairs._separator_members = [members[start] for start in starts]
        return pairs

    def copy(self) -> OrderedPairs:
        """One like it that shares nothing that can change."""
        twin = OrderedPairs()
        twin._size = self._size
        twin._scores = [chunk[:] for chunk in self._scores]
        twin._members = [chunk[:] for chunk in self._members]
        twin._separator_scores = self._separator_scores[:]
        twin._separator_members = self._separator_members[:]
        return twin

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Pair]:
        for members, scores in zip(self._members, self._scores, strict=True):
            yield from zip(members, scores, strict=True)

    def __reversed__(self) -> Iterator[Pair]:
        for members, scores in zip(reversed(self._members), reversed(self._scores), strict=True):
            yield from zip(reversed(members), reversed(scores), strict=True)

    # Changing

    def insert(self, score: float, member: bytes) -> None:
        """Insert a pair that must not be there."""
        chunk, position = self._locate(score, member)
        self._insert_at(chunk, position, score, member)

    def remove(self, score: float, member: bytes) -> None:
        """Remove a pair that must be there."""
        chunk, position = self._locate(score, member)
        self._remove_at(chunk, position)

    def add(self, score: float, member: bytes) -> bool:
        """Insert a pair unless it is there; True if it is new."""
        chunk, position = self._locate(score, member)
        if self._is_at(chunk, position, score, member):
            return False
        self._insert_at(chunk, position, score, member)
        return True

    def discard(self, score: float, member: bytes) -> bool:
        """Remove a pair if it is there; True if it was."""
        chunk, position = self._locate(score, member)
        if not self._is_at(chunk, position, score, member):
            return False
        self._remove_at(chunk, position)
        return True

    def move(self, member: bytes, old: float, new: float) -> None:
        """Give a pair that must be there another score: in place if it stays between its neighbours, as it does when a
        counter in a large set goes up by one. The first and the last of all have one neighbour, or none."""
        chunk, position = self._locate(old, member)
        scores = self._scores[chunk]
        size = len(scores)
        if (scores[position - 1] < new if position else not chunk) and (
            new < scores[position + 1] if position + 1 < size else chunk + 1 == len(self._scores)
        ):
            scores[position] = new
        elif size <= CHUNK_MIN:
            self._remove_at(chunk, position)
            self.insert(new, member)
        else:  # no chunk becomes too short: what follows is the same with fewer calls
            del scores[position]
            del self._members[chunk][position]
            target, position = self._locate(new, member)
            members = self._members[target]
            members.insert(position, member)
            self._scores[target].insert(position, new)
            if self._lengths is not None and target != chunk:
                self._lengths.add(chunk, -1)
                self._lengths.add(target, 1)
            if len(members) > CHUNK_MAX:
                self._split(target)

    def remove_slice(self, start: int, stop: int) -> list[Pair]:
        """Remove the pairs of ranks start..stop-1, in O(log n + removed), and return them in order."""
        removed = self.slice(start, stop)
        if len(removed) == self._size:
            self.clear()
        elif removed:
            self._cut(*self._find(max(start, 0)), len(removed))
        return removed

    # Asking

    def rank(self, score: float, member: bytes) -> int:
        """The number of pairs below this one, whether or not it is there itself."""
        chunk, position = self._locate(score, member)
        return self._before(chunk) + position

    def rank_of_score(self, score: float, *, after: bool) -> int:
        """The number of pairs whose score is below `score`; with `after`, below or equal to it."""
        bisect = bisect_right if after else bisect_left
        chunk = bisect(self._separator_scores, score, 1) - 1
        return self._before(chunk) + bisect(self._scores[chunk], score)

    def rank_of_member(self, member: bytes, *, after: bool) -> int:
        """The number of pairs whose member is below `member`; with `after`, below or equal to it.

        True if all scores are equal. If not, the binary search ends somewhere that depends on the chunks' borders.
        """
        bisect = bisect_right if after else bisect_left
        chunk = bisect(self._separator_members, member, 1) - 1
        return self._before(chunk) + bisect(self._members[chunk], member)

    def slice(self, start: int, stop: int) -> list[Pair]:
        """The pairs of ranks start..stop-1 as (member, score), in order; ranks outside the sequence hold nothing."""
        start = max(start, 0)
        wanted = min(stop, self._size) - start
        if wanted <= 0:
            return []
        chunk, position = self._find(start)
        end = position + wanted
        pairs = list(zip(self._members[chunk][position:end], self._scores[chunk][position:end], strict=True))
        while len(pairs) < wanted:
            chunk += 1
            end = wanted - len(pairs)
            pairs += zip(self._members[chunk][:end], self._scores[chunk][:end], strict=True)
        return pairs

    # Finding the chunk

    def _locate(self, score: float, member: bytes) -> tuple[int, int]:
        """The chunk and the position in it where the pair is, or where it would have to go."""
        separators = self._separator_scores
        if len(separators) > 1:
            chunk = bisect_left(separators, score, 1)
            if chunk < len(separators) and separators[chunk] == score:
                end = bisect_right(separators, score, chunk)
                chunk = bisect_right(self._separator_members, member, chunk, end)
            chunk -= 1
        else:
            chunk = 0
        scores, members = self._scores[chunk], self._members[chunk]
        position = bisect_left(scores, score)
        if position < len(scores) and scores[position] == score and members[position] < member:
            position += 1
            if position < len(scores) and scores[position] == score:  # there are more than one of this score
                position = bisect_left(members, member, position, bisect_right(scores, score, position))
        return chunk, position

    def _is_at(self, chunk: int, position: int, score: float, member: bytes) -> bool:
        """Whether the place where the pair was located holds it."""
        members = self._members[chunk]
        return position < len(members) and members[position] == member and self._scores[chunk][position] == score

    def _before(self, chunk: int) -> int:
        """The number of pairs in the chunks before this one."""
        return self._counted().before(chunk) if chunk else 0

    def _find(self, rank: int) -> tuple[int, int]:
        """The chunk and the position in it of an existing rank. The ends, where most ranges begin, cost no search."""
        chunks = self._members
        if rank < len(chunks[0]):
            return 0, rank
        from_last = rank - self._size + len(chunks[-1])
        if from_last >= 0:
            return len(chunks) - 1, from_last
        return self._counted().find(rank)

    def _counted(self) -> _FenwickTree:
        if self._lengths is None:
            self._lengths = _FenwickTree(map(len, self._members))
        return self._lengths

    # Changing chunks

    def _insert_at(self, chunk: int, position: int, score: float, member: bytes) -> None:
        members = self._members[chunk]
        members.insert(position, member)
        self._scores[chunk].insert(position, score)
        self._size += 1
        if self._lengths is not None:
            self._lengths.add(chunk, 1)
        if len(members) > CHUNK_MAX:
            self._split(chunk)

    def _remove_at(self, chunk: int, position: int) -> None:
        members = self._members[chunk]
        del members[position]
        del self._scores[chunk][position]
        self._size -= 1
        if self._lengths is not None:
            self._lengths.add(chunk, -1)
        if len(members) < CHUNK_MIN:
            self._merge(chunk)

    def _cut(self, chunk: int, position: int, count: int) -> None:
        """Remove `count` pairs from this position on, but never all there are."""
        self._size -= count
        first = chunk
        while count:
            taken = min(count, len(self._members[chunk]) - position)
            del self._members[chunk][position : position + taken]
            del self._scores[chunk][position : position + taken]
            if self._lengths is not None:
                self._lengths.add(chunk, -taken)
            count -= taken
            chunk, position = chunk + 1, 0
        emptied = [i for i in range(first, chunk) if not self._members[i]]
        if emptied:
            self._drop(emptied[0], emptied[-1] + 1)
        # What is left of the first and the last chunk of the range, now neighbours, may be too short on its own.
        for chunk in (first + 1, first):
            if chunk < len(self._members) and len(self._members[chunk]) < CHUNK_MIN:
                self._merge(chunk)

    def _drop(self, start: int, stop: int) -> None:
        """Forget these chunks, whose pairs are gone or elsewhere."""
        for column in (self._members, self._scores, self._separator_members, self._separator_scores):
            del column[start:stop]
        self._lengths = None

    def _split(self, chunk: int) -> None:
        scores, members = self._scores[chunk], self._members[chunk]
        middle = len(members) // 2
        self._scores[chunk : chunk + 1] = [scores[:middle], scores[middle:]]
        self._members[chunk : chunk + 1] = [members[:middle], members[middle:]]
        self._separator_scores.insert(chunk + 1, scores[middle])
        self._separator_members.insert(chunk + 1, members[middle])
        self._lengths = None

    def _merge(self, chunk: int) -> None:
        """Join a chunk to a neighbour; if the two together are too long, split them evenly."""
        if len(self._members) == 1:
            return
        left = chunk - 1 if chunk else 0
        self._members[left] += self._members[left + 1]
        self._scores[left] += self._scores[left + 1]
        self._drop(left + 1, left + 2)
        if len(self._members[left]) > CHUNK_MAX:
            self._split(left)


class _FenwickTree:
    """Counts at positions 0..n-1: the sum before a position, and where a running sum is reached, in O(log n)."""

    __slots__ = ("_tree",)

    def __init__(self, counts: Iterable[int]) -> None:
        tree = self._tree = [0, *counts]  # tree[i] sums the counts of the i & -i positions that end before position i
        size = len(tree)
        for i in range(1, size):
            parent = i + (i & -i)
            if parent < size:
                tree[parent] += tree[i]

    def add(self, position: int, change: int) -> None:
        tree = self._tree
        size = len(tree)
        position += 1
        while position < size:
            tree[position] += change
            position += position & -position

    def before(self, position: int) -> int:
        tree = self._tree
        total = 0
        while position:
            total += tree[position]
            position &= position - 1
        return total

    def find(self, target: int) -> tuple[int, int]:
        """The position whose count covers `target`, and how far into it: `before(position) <= target`, and no later
        position does. `target` is below the sum of all."""
        tree = self._tree
        size = len(tree)
        position = 0
        step = 1 << (size.bit_length() - 1)
        while step:
            following = position + step
            if following < size and tree[following] <= target:
                position = following
                target -= tree[following]
            step >>= 1
        return position, target
