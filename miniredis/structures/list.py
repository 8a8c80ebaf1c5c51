"""The value of a list: elements in order, cheap to add and to take at both ends.

The elements are one ``deque``. Its ends are O(1), and reading, searching and removing run at C speed; in the middle it
is O(n) with a small constant (a few hundred microseconds at a million elements), as Redis's quicklist is O(n) there.

Beside it stands a layout that knows how Redis would keep these elements in memory (see
:mod:`miniredis.structures.quicklist`): it makes ``encoding`` right. As in Redis, changing a list and converting its
encoding are two things: a command calls :meth:`List.try_conversion_growing` before it puts elements in and
:meth:`List.try_conversion_shrinking` after it has taken some out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, islice
from typing import ClassVar, Final, Literal

from miniredis.structures.quicklist import (
    LISTPACK_FRAME,
    ZIPLIST_FRAME,
    ListpackLayout,
    Node,
    QuicklistLayout,
    entry_sizes,
    limit_of,
)

ROTATION_PAYS: Final = 256
"""From this index on, rotating a deque to read a slice is quicker than walking to it."""


class List:
    """Elements in order. Indexes are those of Python: from 0, negative ones from the tail; ranges are half-open.

    A new list is a listpack. ``List.quicklist(size)`` makes one that is a quicklist and stays one: Redis before 7.2
    has no other. *max_listpack_size* is everywhere the value of ``list-max-listpack-size``, and *plain_nodes* is that
    of :class:`QuicklistLayout`.
    """

    __slots__ = ("_elements", "_layout", "_plain_nodes", "_stays_quicklist")

    type_name: ClassVar[bytes] = b"list"

    def __init__(self, *, plain_nodes: bool = False) -> None:
        self._elements: deque[bytes] = deque()
        self._layout: ListpackLayout | QuicklistLayout = ListpackLayout()
        self._plain_nodes = plain_nodes
        self._stays_quicklist = False

    @classmethod
    def quicklist(cls, max_listpack_size: int) -> List:
        """A new list that is a quicklist whatever its size."""
        made = cls()
        made._layout = QuicklistLayout(limit_of(max_listpack_size), shared_frame=ZIPLIST_FRAME)
        made._stays_quicklist = True
        return made

    @classmethod
    def from_elements(
        cls, elements: Sequence[bytes], max_listpack_size: int, *, plain_nodes: bool = False, converts: bool = True
    ) -> List:
        """A list made of *elements* all at once (SORT's STORE does): a listpack only if all fits in one whole node.

        One that does not convert is a quicklist, until it shrinks.
        """
        made = cls(plain_nodes=plain_nodes)
        limit = limit_of(max_listpack_size)
        made._layout = QuicklistLayout(limit, plain_nodes=plain_nodes)
        made.push_right(elements)
        if converts:
            made._become_listpack_within(2 * limit.shrunk_size, limit.entries)
        return made

    @classmethod
    def from_nodes(
        cls,
        nodes: Iterable[tuple[Sequence[bytes], bool]],
        max_listpack_size: int,
        *,
        plain_nodes: bool = False,
        stays_quicklist: bool = False,
    ) -> List:
        """A list that has the nodes that :meth:`nodes` gave of another; a listpack if one whole node allows that."""
        made = cls(plain_nodes=plain_nodes)
        limit = limit_of(max_listpack_size)
        frame = ZIPLIST_FRAME if stays_quicklist else LISTPACK_FRAME
        layout = made._layout = QuicklistLayout(limit, plain_nodes=plain_nodes, shared_frame=frame)
        for elements, is_plain in nodes:
            made._elements.extend(elements)
            size = len(elements[0]) if is_plain else LISTPACK_FRAME + entry_sizes(elements)
            layout.nodes.append(Node(len(elements), size, is_plain))
        made._stays_quicklist = stays_quicklist
        if not stays_quicklist:
            made._become_listpack_within(2 * limit.shrunk_size, limit.entries)
        return made

    def copy(self) -> List:
        """One like it that shares nothing that can change."""
        twin = List(plain_nodes=self._plain_nodes)
        twin._elements = self._elements.copy()
        twin._layout = self._layout.copy()
        twin._stays_quicklist = self._stays_quicklist
        return twin

    def __len__(self) -> int:
        return len(self._elements)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._elements)

    def __reversed__(self) -> Iterator[bytes]:
        return reversed(self._elements)

    def __getitem__(self, index: int) -> bytes:
        """The element at *index*; ``IndexError`` if there is none."""
        return self._elements[index]

    def __eq__(self, other: object) -> bool:
        """Equal elements in the same order; the encoding does not count."""
        return self._elements == other._elements if isinstance(other, List) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"<List of {len(self)}, {self.encoding}>"

    # Encoding

    @property
    def encoding(self) -> Literal["listpack", "quicklist"]:
        """What ``OBJECT ENCODING`` says."""
        return self._layout.encoding

    def try_conversion_growing(self, elements: Sequence[bytes], max_listpack_size: int) -> None:
        """Become a quicklist if a listpack has no room for *elements*, which are about to be added."""
        layout = self._layout
        if isinstance(layout, QuicklistLayout):
            return
        limit = limit_of(max_listpack_size)
        count = len(self._elements)
        if layout.size + sum(map(len, elements)) > limit.size or count + len(elements) > limit.entries:
            nodes = [Node(count, layout.size)] if count else []
            self._layout = QuicklistLayout(limit, nodes, plain_nodes=self._plain_nodes)

    def try_conversion_shrinking(self, max_listpack_size: int) -> int:
        """Become a listpack if a quicklist has come down to one node of half the permitted size.

        Returns how many elements are left.
        """
        layout = self._layout
        if layout.__class__ is QuicklistLayout and len(layout.nodes) == 1 and not self._stays_quicklist:
            limit = limit_of(max_listpack_size)
            self._become_listpack_within(limit.shrunk_size, limit.shrunk_entries)
        return len(self._elements)

    def _become_listpack_within(self, size: int, entries: int) -> None:
        """Turn a quicklist of one node, if that is no larger, into a listpack."""
        layout = self._layout
        if isinstance(layout, QuicklistLayout) and len(layout.nodes) == 1:
            node = layout.nodes[0]
            if not node.plain and node.size <= size and node.count <= entries:
                self._layout = ListpackLayout(node.size)

    @property
    def node_count(self) -> int:
        """How many nodes Redis would have; a listpack is one."""
        return 1 if isinstance(self._layout, ListpackLayout) else len(self._layout.nodes)

    def nodes(self) -> Iterator[tuple[list[bytes], bool]]:
        """The elements as Redis's nodes hold them: those of each node, and whether it is one large element (plain)."""
        if isinstance(self._layout, ListpackLayout):
            yield list(self._elements), False
            return
        elements = iter(self._elements)
        for node in self._layout.nodes:
            yield list(islice(elements, node.count)), node.plain

    # The ends

    def push_left(self, elements: Sequence[bytes]) -> int:
        """Add *elements* at the head, one after the other: the last of them becomes the first. How many there are."""
        self._elements.extendleft(elements)
        self._layout.push_head(elements)
        return len(self._elements)

    def push_right(self, elements: Sequence[bytes]) -> int:
        """Add *elements* at the tail. How many there are."""
        self._elements.extend(elements)
        self._layout.push_tail(elements)
        return len(self._elements)

    def pop_left(self) -> bytes:
        """Take the first element; ``IndexError`` if there is none."""
        element = self._elements.popleft()
        self._layout.pop_head(element)
        return element

    def pop_right(self) -> bytes:
        """Take the last element; ``IndexError`` if there is none."""
        element = self._elements.pop()
        self._layout.pop_tail(element)
        return element

    def take_left(self, count: int) -> list[bytes]:
        """Take up to *count* elements from the head, the first one first."""
        popleft = self._elements.popleft
        taken = [popleft() for _ in range(min(count, len(self._elements)))]
        self._layout.remove_head(taken)
        return taken

    def take_right(self, count: int) -> list[bytes]:
        """Take up to *count* elements from the tail, the last one first."""
        pop = self._elements.pop
        taken = [pop() for _ in range(min(count, len(self._elements)))]
        self._layout.remove_tail(taken)
        return taken

    # Ranges and positions

    def slice(self, start: int, stop: int) -> list[bytes]:
        """The elements start..stop-1; neither index is negative."""
        elements = self._elements
        stop = min(stop, len(elements))
        if start >= stop:
            return []
        if start < ROTATION_PAYS:
            return list(islice(elements, start, stop))
        elements.rotate(-start)
        found = list(islice(elements, stop - start))
        elements.rotate(start)
        return found

    def find(
        self, element: bytes, *, reverse: bool = False, skip: int = 0, count: int = 0, within: int = 0
    ) -> list[int]:
        """The indexes of elements equal to *element*, as they are met from the head, or from the tail if *reverse*.

        The first *skip* of them do not count, at most *count* are looked for (0 means all of them), among the first
        *within* elements that are met (0 means all of them).
        """
        elements = self._elements
        compared = list(islice(reversed(elements) if reverse else elements, within or None))
        found: list[int] = []
        position = -1
        try:
            while not count or len(found) < count:
                position = compared.index(element, position + 1)
                if skip:
                    skip -= 1
                else:
                    found.append(position)
        except ValueError:
            pass
        last = len(elements) - 1
        return [last - position for position in found] if reverse else found

    def index(self, element: bytes) -> int | None:
        """The index of the first element equal to *element*; None if there is none."""
        try:
            return self._elements.index(element)
        except ValueError:
            return None

    def insert(self, pivot: int, element: bytes, *, after: bool) -> None:
        """Put *element* before, or after, the one at *pivot*, which is not negative."""
        self._layout.insert(pivot, element, self._measure, after=after)
        self._elements.insert(pivot + after, element)

    def replace(self, index: int, element: bytes) -> None:
        """Put *element* in the place of the one at *index*; ``IndexError`` if there is none."""
        old = self._elements[index]
        self._layout.replace(index if index >= 0 else index + len(self._elements), old, element, self._measure)
        self._elements[index] = element

    def remove(self, element: bytes, count: int = 0) -> int:
        """Remove *count* elements equal to *element*, from the tail if negative; 0 means all. How many there were."""
        indexes = self.find(element, reverse=count < 0, count=abs(count))
        if not indexes:
            return 0
        if count < 0:
            indexes.reverse()
        self._layout.remove_at(indexes, element)
        if len(indexes) == 1:
            del self._elements[indexes[0]]
        else:
            kept = bytearray(b"\1") * len(self._elements)
            for index in indexes:
                kept[index] = 0
            self._elements = deque(compress(self._elements, kept))
        return len(indexes)

    def trim(self, start: int, stop: int) -> int:
        """Remove all but the elements start..stop-1; neither index is negative. How many were removed."""
        length = len(self._elements)
        stop = min(stop, length)
        start = min(start, stop)
        self.take_left(start)
        self.take_right(length - stop)
        return length - stop + start

    def _measure(self, start: int, stop: int) -> int:
        return entry_sizes(self.slice(start, stop))
