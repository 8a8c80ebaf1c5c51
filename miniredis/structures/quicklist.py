"""How Redis lays out a list in memory: in one listpack while it is small, in a quicklist of several nodes beyond that.

The elements themselves are not here (see :mod:`miniredis.structures.list`), only the layout: how many elements each
node holds and how many bytes they take. That shows in ``OBJECT ENCODING``, which turns back to ``listpack`` only when a
shrinking list has come down to a single node of half the permitted size, and in the bytes of ``DUMP``. So the rules by
which Redis opens, splits, merges and drops its nodes are followed to the byte.

A layout has a head and a tail. It hears of every change with the elements concerned, whose sizes it adds up, so that a
push or a pop costs the same however long the list is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import ClassVar, Final, Literal, NamedTuple, TypeAlias

from miniredis.structures.numbers import parse_integer

LISTPACK_FRAME: Final = 7
"""Bytes of a listpack with no entry: a header of six and the end mark."""

ZIPLIST_FRAME: Final = 11
"""The same of a ziplist. Redis 7.0, which has listpacks, still reckons with it when it asks whether two nodes fit in
one."""

SIZES: Final = (4096, 8192, 16384, 32768, 65536)
"""What -1 to -5 mean as ``list-max-listpack-size``, in bytes."""

SAFETY_LIMIT: Final = 8192
"""The most bytes of a node whose size is limited by a number of entries."""

ENTRY_OVERHEAD: Final = 8
"""What Redis reckons for the overhead of an entry, before it knows better, when it asks whether a node has room."""

PACKED_THRESHOLD: Final = 1 << 30
"""Elements of this size have always had a node to themselves."""

UNLIMITED: Final = 1 << 62


class Limit(NamedTuple):
    """What ``list-max-listpack-size`` permits: *size* bytes and *entries* in a node that grows.

    A shrinking list becomes a listpack again at *shrunk_size* and *shrunk_entries*: half the limit, so that a list
    that goes up and down at the limit is not converted each time.
    """

    size: int
    entries: int
    shrunk_size: int
    shrunk_entries: int


@lru_cache
def limit_of(max_listpack_size: int) -> Limit:
    """The limit that *max_listpack_size*, a value of the directive, stands for."""
    if max_listpack_size < 0:
        size = SIZES[min(-max_listpack_size, len(SIZES)) - 1]
        return Limit(size, UNLIMITED, size // 2, UNLIMITED)
    entries = max(max_listpack_size, 1)
    return Limit(SAFETY_LIMIT, entries, UNLIMITED, entries // 2)


def entry_size(element: bytes) -> int:
    """The bytes that *element* takes in a listpack: its encoding and the length that allows to walk backwards."""
    length = len(element)
    if 0 < length <= 20 and 48 <= element[-1] <= 57:
        value = parse_integer(element)
        if value is not None:
            return integer_entry_size(value)
    if length < 64:
        return length + 2
    encoded = length + (2 if length < 4096 else 5)
    return encoded + _back_length_size(encoded)


def integer_entry_size(value: int) -> int:
    """The bytes that an integer takes in a listpack, or a text that is one."""
    if 0 <= value <= 127:
        return 2
    if -4096 <= value <= 4095:
        return 3
    bits = (value if value >= 0 else ~value).bit_length() + 1
    return 4 if bits <= 16 else 5 if bits <= 24 else 6 if bits <= 32 else 10


def _back_length_size(encoded: int) -> int:
    return 1 if encoded <= 127 else 2 + (encoded >= 16383) + (encoded >= 2097151) + (encoded >= 268435455)


def entry_sizes(elements: Iterable[bytes]) -> int:
    """The bytes of all *elements* together."""
    return sum(map(entry_size, elements))


Measure: TypeAlias = Callable[[int, int], int]
"""Gives the bytes that the elements of a range of indexes take; a node that is split needs it."""


class ListpackLayout:
    """All elements in one listpack of *size* bytes. Nothing keeps it from growing: that is asked before (`Limit`).

    It hears of the same changes as a :class:`QuicklistLayout`, whose methods say what they are.
    """

    __slots__ = ("size",)

    encoding: ClassVar[Literal["listpack"]] = "listpack"

    def __init__(self, size: int = LISTPACK_FRAME) -> None:
        self.size = size

    def copy(self) -> ListpackLayout:
        return ListpackLayout(self.size)

    def push_head(self, elements: Iterable[bytes]) -> None:
        self.size += sum(map(entry_size, elements))

    push_tail = push_head

    def pop_head(self, element: bytes) -> None:
        self.size -= entry_size(element)

    pop_tail = pop_head

    def remove_head(self, elements: Sequence[bytes]) -> None:
        self.size -= sum(map(entry_size, elements))

    remove_tail = remove_head

    def remove_at(self, indexes: Sequence[int], element: bytes) -> None:
        self.size -= len(indexes) * entry_size(element)

    def replace(self, index: int, old: bytes, new: bytes, measure: Measure) -> None:
        self.size += entry_size(new) - entry_size(old)

    def insert(self, pivot: int, element: bytes, measure: Measure, *, after: bool) -> None:
        self.size += entry_size(element)


class Node:
    """One node of a quicklist: a listpack of *count* elements, or one large element by itself (*plain*)."""

    __slots__ = ("count", "plain", "size")

    def __init__(self, count: int, size: int, plain: bool = False) -> None:
        self.count = count
        self.size = size
        self.plain = plain

    def copy(self) -> Node:
        return Node(self.count, self.size, self.plain)

    def add(self, element: bytes) -> None:
        self.count += 1
        self.size += entry_size(element)

    def remove(self, count: int, size: int) -> None:
        self.count -= count
        self.size -= size


class QuicklistLayout:
    """Elements in a row of nodes. A node grows as long as it is within *limit*.

    *plain_nodes*: an element that is beyond the limit by itself is kept plain, in no listpack (Redis 7.4 and Valkey).
    *shared_frame*: the bytes that two nodes are believed to save by being one.
    """

    __slots__ = ("_entries", "_largest_packed", "_shared_frame", "_size", "limit", "nodes")

    encoding: ClassVar[Literal["quicklist"]] = "quicklist"

    def __init__(
        self,
        limit: Limit,
        nodes: Iterable[Node] = (),
        *,
        plain_nodes: bool = False,
        shared_frame: int = LISTPACK_FRAME,
    ) -> None:
        self.limit = limit
        self.nodes = deque(nodes)
        self._size, self._entries = limit.size, limit.entries
        self._largest_packed = limit.size if plain_nodes else PACKED_THRESHOLD - 1
        self._shared_frame = shared_frame

    def copy(self) -> QuicklistLayout:
        twin = QuicklistLayout(self.limit, map(Node.copy, self.nodes), shared_frame=self._shared_frame)
        twin._largest_packed = self._largest_packed
        return twin

    # At the ends. The common case of `entry_size`, a short element that is no number, is written out for speed.

    def push_head(self, elements: Iterable[bytes]) -> None:
        nodes, room, entries = self.nodes, self._size - ENTRY_OVERHEAD, self._entries
        for element in elements:
            length = len(element)
            if nodes and (node := nodes[0]).size + length <= room and node.count < entries:
                node.count += 1
                node.size += length + 2 if length < 64 and element[-1:] > b"9" else entry_size(element)
            else:
                nodes.appendleft(self._node_of(element))

    def push_tail(self, elements: Iterable[bytes]) -> None:
        nodes, room, entries = self.nodes, self._size - ENTRY_OVERHEAD, self._entries
        for element in elements:
            length = len(element)
            if nodes and (node := nodes[-1]).size + length <= room and node.count < entries:
                node.count += 1
                node.size += length + 2 if length < 64 and element[-1:] > b"9" else entry_size(element)
            else:
                nodes.append(self._node_of(element))

    def pop_head(self, element: bytes) -> None:
        node = self.nodes[0]
        if node.count == 1:
            self.nodes.popleft()
        else:
            node.count -= 1
            node.size -= entry_size(element)

    def pop_tail(self, element: bytes) -> None:
        node = self.nodes[-1]
        if node.count == 1:
            self.nodes.pop()
        else:
            node.count -= 1
            node.size -= entry_size(element)

    def remove_head(self, elements: Sequence[bytes]) -> None:
        """The first elements are gone; *elements* are those, the first of them first."""
        self._remove(elements, self.nodes.popleft, 0)

    def remove_tail(self, elements: Sequence[bytes]) -> None:
        """The last elements are gone; *elements* are those, the last of them first."""
        self._remove(elements, self.nodes.pop, -1)

    def _remove(self, elements: Sequence[bytes], drop_node: Callable[[], Node], end: int) -> None:
        left = len(elements)
        while left and self.nodes[end].count <= left:
            left -= drop_node().count
        if left:
            self.nodes[end].remove(left, entry_sizes(elements[len(elements) - left :]))

    # In between

    def remove_at(self, indexes: Sequence[int], element: bytes) -> None:
        """The elements at *indexes*, in ascending order and each equal to *element*, are gone."""
        size = entry_size(element)
        nodes = iter(self.nodes)
        node = next(nodes)
        end = node.count
        for index in indexes:
            while index >= end:
                node = next(nodes)
                end += node.count
            node.remove(1, size)
        self.nodes = deque(node for node in self.nodes if node.count)

    def replace(self, index: int, old: bytes, new: bytes, measure: Measure) -> None:
        """The element at *index* is *new* instead of *old*. *measure* knows the elements before the change."""
        position, offset = self._locate(index)
        node = self.nodes[position]
        large = len(new) > self._largest_packed
        if not node.plain and not large:
            node.size += entry_size(new) - entry_size(old)
        elif large and node.plain:
            node.size = len(new)
        elif large:
            self._replace_by_large(position, offset, index, new, entry_size(old), measure)
        else:
            self._insert_beside(position, new, after=True)
            del self.nodes[position]

    def _replace_by_large(
        self, position: int, offset: int, index: int, new: bytes, old_size: int, measure: Measure
    ) -> None:
        """A large element gets a node of its own, between those before and those after it."""
        node = self.nodes[position]
        if offset < node.count - 1:
            self._split(position, offset + 1, index + 1, measure)
        self.nodes.insert(position + 1, self._node_of(new))
        if node.count == 1:
            del self.nodes[position]
        else:
            node.remove(1, old_size)
            self._merge_around(position + 1)

    def insert(self, pivot: int, element: bytes, measure: Measure, *, after: bool) -> None:
        """*element* stands before, or after, the one at *pivot*. *measure* knows the elements before the change."""
        position, offset = self._locate(pivot)
        node = self.nodes[position]
        large = len(element) > self._largest_packed
        if self._has_room(node, element):
            node.add(element)
        elif offset == (node.count - 1 if after else 0):
            self._insert_beside(position, element, after=after, large=large)
        else:
            self._split(position, offset + after, pivot + after, measure)
            if large:
                self.nodes.insert(position + 1, self._node_of(element))
            elif after:
                self.nodes[position + 1].add(element)
                self._merge_around(position)
            else:
                node.add(element)
                self._merge_around(position + 1)

    def _insert_beside(self, position: int, element: bytes, *, after: bool, large: bool = False) -> None:
        """Put *element* next to the end of a full node: into its neighbour if there is room, else into a new node."""
        neighbour = position + 1 if after else position - 1
        if not large and 0 <= neighbour < len(self.nodes) and self._has_room(self.nodes[neighbour], element):
            self.nodes[neighbour].add(element)
        else:
            self.nodes.insert(position + after, self._node_of(element))

    def _node_of(self, element: bytes) -> Node:
        if len(element) > self._largest_packed:
            return Node(1, len(element), plain=True)
        return Node(1, LISTPACK_FRAME + entry_size(element))

    def _has_room(self, node: Node, element: bytes) -> bool:
        return self._permits(node.size + len(element) + ENTRY_OVERHEAD, node.count + 1)

    def _permits(self, size: int, count: int) -> bool:
        # A plain node, and any node that would take a large element, is beyond the limit by its size alone.
        return size <= self._size and count <= self._entries

    def _locate(self, index: int) -> tuple[int, int]:
        """The position of the node that holds the element at *index*, and the element's offset in it."""
        for position, node in enumerate(self.nodes):
            if index < node.count:
                return position, index
            index -= node.count
        raise IndexError("list index out of range")

    def _split(self, position: int, offset: int, index: int, measure: Measure) -> None:
        """Split the node at *position* before its element *offset*, which is the list's element *index*."""
        node = self.nodes[position]
        count = node.count - offset
        size = measure(index, index + count)
        node.remove(count, size)
        self.nodes.insert(position + 1, Node(count, LISTPACK_FRAME + size))

    def _merge_around(self, position: int) -> None:
        """Merge the nodes around *position* where two fit in one, in the order in which Redis tries."""
        position -= self._merge(position - 2)
        self._merge(position + 1)
        position -= self._merge(position - 1)
        self._merge(position)

    def _merge(self, position: int) -> bool:
        """Merge the node at *position* with the next one, if both are there and fit in one. Whether they did."""
        nodes = self.nodes
        if position < 0 or position + 1 >= len(nodes):
            return False
        first, second = nodes[position], nodes[position + 1]
        size, count = first.size + second.size, first.count + second.count
        if not self._permits(size - self._shared_frame, count):
            return False
        first.size, first.count = size - LISTPACK_FRAME, count
        del nodes[position + 1]
        return True
