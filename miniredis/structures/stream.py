"""The value of a stream: entries in the order of their ids, in the very nodes that Redis would have.

An id is one number of 128 bits, milliseconds in the upper half and a sequence number in the lower, as in the keys of
Redis's radix tree: so ids compare, and are searched for, as numbers.

Redis packs the entries into *nodes* (listpacks), and how it cuts a stream into nodes can be seen: approximate trimming
takes whole nodes only, and ``XINFO STREAM`` and ``DUMP`` show them. So each node knows, byte by byte, how large its
listpack would be. An entry whose field names are those of the node's first entry takes less, since Redis does not
repeat them; a deleted entry keeps its place, and its bytes, until the node goes as a whole.

Consumer groups are beside it, in :mod:`miniredis.structures.stream_groups`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from itertools import islice
from typing import ClassVar, Final

from miniredis.structures.quicklist import LISTPACK_FRAME, entry_sizes, integer_entry_size
from miniredis.structures.radix_tree import radix_tree_nodes
from miniredis.structures.stream_groups import Group

MAX_PART: Final = 2**64 - 1
MAX_ID: Final = 2**128 - 1
LARGEST_NODE: Final = 1 << 30
"""The most bytes of a node, and of an entry, whatever ``stream-node-max-bytes`` says."""

Entry = tuple[int, list[bytes]]
"""An id, and fields and values by turns."""


def make_id(milliseconds: int, sequence: int) -> int:
    """The id of those two parts."""
    return milliseconds << 64 | sequence


def format_id(entry_id: int) -> bytes:
    """An id as clients see it: ``<milliseconds>-<sequence>``."""
    return b"%d-%d" % (entry_id >> 64, entry_id & MAX_PART)


def _signed(number: int) -> int:
    """The low 64 bits of *number* as C's ``int64_t``: counters, and differences of ids, are that."""
    number &= MAX_PART
    return number - (1 << 64) if number >> 63 else number


class Node:
    """Some entries in a row, as Redis has them in one listpack.

    *ids* and *entries* are parallel, with the deleted ones, whose ids are in *deleted* as well. *fields* are the names
    that the first entry had. *size* are the bytes of the listpack without its first two items, which count its entries.
    """

    __slots__ = ("deleted", "entries", "fields", "ids", "size")

    def __init__(self, fields: list[bytes]) -> None:
        self.ids: list[int] = []
        self.entries: list[list[bytes]] = []
        self.deleted: set[int] = set()
        self.fields = fields
        self.size = LISTPACK_FRAME + integer_entry_size(len(fields)) + entry_sizes(fields) + integer_entry_size(0)

    @property
    def master_id(self) -> int:
        """The id of the first entry it ever had: the node's key in the radix tree."""
        return self.ids[0]

    @property
    def count(self) -> int:
        """The entries that are not deleted. It can be 0: MINID may leave nothing but deleted ones."""
        return len(self.ids) - len(self.deleted)

    @property
    def listpack_size(self) -> int:
        """The bytes of the node's listpack."""
        return self.size + integer_entry_size(self.count) + integer_entry_size(len(self.deleted))

    def append(self, entry_id: int, entry: list[bytes]) -> None:
        """Add an entry behind all others."""
        self.ids.append(entry_id)
        self.entries.append(entry)
        master_id, names, count = self.ids[0], self.fields, len(entry) // 2
        size = 2 + integer_entry_size(_signed((entry_id >> 64) - (master_id >> 64)))
        size += integer_entry_size(_signed(entry_id - master_id))
        if count == len(names) and entry[::2] == names:
            self.size += size + entry_sizes(entry[1::2]) + integer_entry_size(count + 3)
        else:
            size += integer_entry_size(count) + entry_sizes(entry)
            self.size += size + integer_entry_size(2 * count + 4)

    def between(self, start: int, end: int, count: int = 0) -> list[Entry]:
        """The entries from *start* to *end* that are not deleted, the first *count* of them (0: all)."""
        first, last = bisect_left(self.ids, start), bisect_right(self.ids, end)
        if not self.deleted:
            last = min(last, first + count) if count else last
            return list(zip(self.ids[first:last], self.entries[first:last], strict=True))
        return self._present(range(first, last), count)

    def between_reversed(self, start: int, end: int, count: int = 0) -> list[Entry]:
        """As :meth:`between`, from *end* down to *start*."""
        first, last = bisect_left(self.ids, start), bisect_right(self.ids, end)
        return self._present(range(last - 1, first - 1, -1), count)

    def _present(self, positions: Iterable[int], count: int) -> list[Entry]:
        ids, entries, deleted = self.ids, self.entries, self.deleted
        present = ((ids[at], entries[at]) for at in positions if ids[at] not in deleted)
        return list(islice(present, count or None))

    def copy(self) -> Node:
        """One like it; the entries themselves never change and are shared."""
        twin = Node.__new__(Node)
        twin.ids, twin.entries, twin.deleted = self.ids[:], self.entries[:], self.deleted.copy()
        twin.fields, twin.size = self.fields, self.size
        return twin


class Counting(Enum):
    """How it is reckoned how far a group has read: as Redis does up to 7.2.4, or since, or as Valkey does since 9."""

    REDIS_7 = "redis 7"
    REDIS_8 = "redis 8"
    VALKEY = "valkey"


def _master_id(node: Node) -> int:
    return node.ids[0]


class Stream:
    """Entries, and the consumer groups that read them.

    - *first_id*: of the first entry; 0 if there is none.
    - *last_id*: the greatest id ever given, even if its entry is gone.
    - *max_deleted_id*: the greatest id that XDEL removed.
    - *entries_added*: how many entries ever came.
    - *groups*: by name, in no order.
    """

    __slots__ = ("_length", "entries_added", "first_id", "groups", "last_id", "max_deleted_id", "nodes")

    type_name: ClassVar[bytes] = b"stream"
    encoding: ClassVar[str] = "stream"

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._length = 0
        self.first_id = 0
        self.last_id = 0
        self.max_deleted_id = 0
        self.entries_added = 0
        self.groups: dict[bytes, Group] = {}

    @classmethod
    def from_nodes(cls, nodes: list[Node]) -> Stream:
        """A stream of those *nodes*, in their order. What it cannot know of its past is for the caller to set."""
        made = cls()
        made.nodes = nodes
        made._length = sum(node.count for node in nodes)
        made._find_first()
        return made

    def copy(self) -> Stream:
        """One like it that shares nothing that can change."""
        twin = Stream()
        twin.nodes = [node.copy() for node in self.nodes]
        twin._length = self._length
        twin.first_id, twin.last_id, twin.max_deleted_id = self.first_id, self.last_id, self.max_deleted_id
        twin.entries_added = self.entries_added
        twin.groups = {name: group.copy() for name, group in self.groups.items()}
        return twin

    def __len__(self) -> int:
        return self._length

    def __bool__(self) -> bool:
        """A stream is there until it is deleted, even with no entry."""
        return True

    def __iter__(self) -> Iterator[Entry]:
        for node in self.nodes:
            yield from node.between(0, MAX_ID)

    # Asking

    def range(self, start: int, end: int, count: int = 0) -> list[Entry]:
        """The entries from *start* to *end*, both included, the first *count* of them (0: all)."""
        nodes, found = self.nodes, list[Entry]()
        for position in range(max(self._position(start), 0), len(nodes)):
            node = nodes[position]
            if node.ids[0] > end:
                break
            found += node.between(start, end, count and count - len(found))
            if count and len(found) == count:
                break
        return found

    def reversed_range(self, start: int, end: int, count: int = 0) -> list[Entry]:
        """As :meth:`range`, from *end* down to *start*."""
        nodes, found = self.nodes, list[Entry]()
        for position in range(self._position(end), -1, -1):
            node = nodes[position]
            found += node.between_reversed(start, end, count and count - len(found))
            if count and len(found) == count:
                break
            if node.ids[0] <= start:
                break
        return found

    def find(self, entry_id: int) -> list[bytes] | None:
        """Fields and values of the entry with that id; None if there is none."""
        position = self._position(entry_id)
        if position < 0:
            return None
        node = self.nodes[position]
        at = bisect_left(node.ids, entry_id)
        if at == len(node.ids) or node.ids[at] != entry_id or entry_id in node.deleted:
            return None
        return node.entries[at]

    def last_valid_id(self) -> int:
        """The id of the last entry that is there; 0 if there is none."""
        for node in reversed(self.nodes):
            for entry_id in reversed(node.ids):
                if entry_id not in node.deleted:
                    return entry_id
        return 0

    def _position(self, entry_id: int) -> int:
        """The node in which *entry_id* is if it is anywhere; -1 if it comes before all nodes."""
        nodes = self.nodes
        if nodes and nodes[-1].ids[0] <= entry_id:
            return len(nodes) - 1
        return bisect_right(nodes, entry_id, key=_master_id) - 1

    # Adding

    def next_id(self, now: int) -> int:
        """The id for an entry that comes at *now* (milliseconds): never below the last one.

        It is 0 where no greater id is left.
        """
        if now > self.last_id >> 64:
            return now << 64
        return (self.last_id + 1) & MAX_ID

    def append(self, entry_id: int, entry: list[bytes], max_bytes: int, max_entries: int) -> None:
        """Add an entry, whose id must be greater than the last one.

        *max_bytes* and *max_entries* are ``stream-node-max-bytes`` and ``-entries``; 0 is no limit.
        """
        nodes = self.nodes
        if not nodes or self._is_full(nodes[-1], entry, max_bytes, max_entries):
            nodes.append(Node(entry[::2]))
        nodes[-1].append(entry_id, entry)
        self._length += 1
        self.entries_added = _signed(self.entries_added + 1)
        self.last_id = entry_id
        if self._length == 1:
            self.first_id = entry_id

    def _is_full(self, node: Node, entry: list[bytes], max_bytes: int, max_entries: int) -> bool:
        if not 0 < max_bytes <= LARGEST_NODE:
            max_bytes = LARGEST_NODE
        if node.listpack_size + sum(map(len, entry)) >= max_bytes:
            return True
        return 0 < max_entries <= len(node.ids)

    # Removing

    def delete(self, entry_id: int) -> bool:
        """Remove the entry with that id. Whether it was there."""
        position = self._position(entry_id)
        if position < 0:
            return False
        node = self.nodes[position]
        at = bisect_left(node.ids, entry_id)
        if at == len(node.ids) or node.ids[at] != entry_id or entry_id in node.deleted:
            return False
        if node.count == 1:
            del self.nodes[position]
        else:
            node.deleted.add(entry_id)
        self._length -= 1
        if entry_id == self.first_id:
            self._find_first()
        self.max_deleted_id = max(self.max_deleted_id, entry_id)
        return True

    def trim_to_length(self, length: int, *, approximate: bool = False, limit: int = 0) -> int:
        """Remove the first entries until *length* are left, and return how many went.

        *approximate* removes whole nodes only, and none that would be too much. No node goes either with which there
        would be more than *limit* entries gone (0: no limit).
        """
        trimmed = self._drop_nodes(lambda node: self._length > length and self._length - node.count >= length, limit)
        if not approximate and self._length > length:
            trimmed += self._mark_deleted(self.nodes[0], self._length - length)
        return self._note_trimmed(trimmed)

    def trim_below(self, minimum: int, *, approximate: bool = False, limit: int = 0) -> int:
        """Remove the entries whose ids are below *minimum*, and return how many went. The rest as above."""
        trimmed = self._drop_nodes(lambda node: node.ids[-1] < minimum, limit)
        if not approximate and self.nodes:
            trimmed += self._mark_deleted(self.nodes[0], len(self.nodes[0].between(0, minimum - 1)))
        return self._note_trimmed(trimmed)

    def trim_each(self, *, length: int = 0, minimum: int | None = None, may_go: Callable[[int], bool]) -> list[int]:
        """Remove from the front the entries that *may_go*, and pass over the others; return the ids of those that went.

        Down to *length* entries, or below the id *minimum*. A node goes with its last entry. The first node that would
        not go as a whole, were there nothing to pass over, is the last that is looked at.
        """
        gone: list[int] = []
        for node in self.nodes:
            left = self._length - len(gone)
            if minimum is None and left <= length:
                break
            is_whole = left - node.count >= length if minimum is None else node.ids[-1] < minimum
            for entry_id in node.ids:
                if not is_whole and (left <= length if minimum is None else entry_id >= minimum):
                    break
                if entry_id not in node.deleted and may_go(entry_id):
                    gone.append(entry_id)
                    left -= 1
            if not is_whole:
                break
        greatest = self.max_deleted_id
        for entry_id in gone:
            self.delete(entry_id)
        self.max_deleted_id = greatest  # which trimming does not touch
        return gone

    def is_referenced(self, entry_id: int) -> bool:
        """Whether some group has not been given the entry with that id, or has it pending."""
        return any(group.last_id < entry_id or entry_id in group.pending for group in self.groups.values())

    def forget_references(self, entry_id: int) -> None:
        """Have the entry with that id pending in no group."""
        for group in self.groups.values():
            group.acknowledge(entry_id)

    def _drop_nodes(self, may_go: Callable[[Node], bool], limit: int) -> int:
        """Remove nodes from the front, as long as *may_go* permits. Returns how many entries went with them."""
        dropped, trimmed = 0, 0
        for node in self.nodes:
            count = node.count
            if not may_go(node) or (limit and trimmed + count > limit):
                break
            dropped += 1
            trimmed += count
            self._length -= count
        del self.nodes[:dropped]
        return trimmed

    def _mark_deleted(self, node: Node, count: int) -> int:
        """Delete the first *count* entries of *node*, which stays even if none is left. Returns *count*."""
        present = (entry_id for entry_id in node.ids if entry_id not in node.deleted)
        node.deleted.update(list(islice(present, count)))
        self._length -= count
        return count

    def _note_trimmed(self, trimmed: int) -> int:
        if trimmed:
            self._find_first()
        return trimmed

    def _find_first(self) -> None:
        """Bring *first_id* up to date after the first entry has gone."""
        self.first_id = 0
        for node in self.nodes:
            for entry_id in node.ids:
                if entry_id not in node.deleted:
                    self.first_id = entry_id
                    return

    # How far a group has read

    def has_deletions_from(self, start: int, *, counting: Counting = Counting.REDIS_7) -> bool:
        """Whether XDEL may have removed entries at *start* or behind it.

        Redis keeps only the greatest id that was deleted. A deletion before the first entry counts only for Valkey.
        """
        if not self._length or not self.max_deleted_id:
            return False
        if counting is not Counting.VALKEY and self.first_id > self.max_deleted_id:
            return False
        return start <= self.max_deleted_id

    def position(self, entry_id: int, *, counting: Counting = Counting.REDIS_7) -> int | None:
        """How many entries had been added when the one with that id was; None where it cannot be told.

        It can for the last and the first entry, and for ids before the first one, as long as no deletion interferes.
        """
        if not self.entries_added:
            return 0
        if not self._length and entry_id <= self.last_id:
            return self.entries_added
        if counting is not Counting.REDIS_7 and 0 < entry_id < self.max_deleted_id:
            return None
        if entry_id >= self.last_id:
            return self.entries_added if entry_id == self.last_id else None
        if entry_id <= self.first_id and (not self.max_deleted_id or self.max_deleted_id < self.first_id):
            return _signed(self.entries_added - self._length + (entry_id == self.first_id))
        return None

    def lag(self, group: Group, *, counting: Counting = Counting.REDIS_7) -> int | None:
        """How many entries *group* has still to read; None where that cannot be told."""
        if not self.entries_added:
            return 0
        if counting is Counting.REDIS_8:
            if not self._length:
                return 0
            if group.last_id < self.first_id > self.max_deleted_id:
                return self._length
        read = group.entries_read
        if read is None or self.has_deletions_from(group.last_id, counting=counting):
            read = self.position(group.last_id, counting=counting)
        return None if read is None else _signed(self.entries_added - read)

    def advance(self, group: Group, entry_id: int, *, counting: Counting = Counting.REDIS_7) -> None:
        """Note that *group* is given the entry with that id: if it is a new one, it is its last one now."""
        if entry_id <= group.last_id:
            return
        if group.entries_read is not None and not self._may_have_skipped(group, entry_id, counting):
            group.entries_read = _signed(group.entries_read + 1)
        elif self.entries_added:
            group.entries_read = self.position(entry_id, counting=counting)
        group.last_id = entry_id

    def _may_have_skipped(self, group: Group, entry_id: int, counting: Counting) -> bool:
        if counting is not Counting.REDIS_7:
            return group.last_id < self.first_id or self.has_deletions_from(group.last_id, counting=counting)
        return self.has_deletions_from(entry_id)

    # As Redis lays it out

    def radix_tree_nodes(self) -> int:
        """The nodes of the radix tree whose keys are the ids at which the stream's nodes begin."""
        return radix_tree_nodes([node.ids[0] for node in self.nodes])
