"""How a stream is stored: its nodes as listpacks, its ids and counters, its groups with their consumers.

A node is stored under the id of its first entry, and its listpack begins with how many entries are there, how many are
deleted, and the field names of the first one. Each entry gives its id as a difference from that of the node, and its
field names only if they are other ones. There are three layouts: the second (Redis 7.0) added what XINFO says of the
stream's past, the third (7.2) when each consumer was last given something.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from miniredis.rdb import listpack
from miniredis.rdb.errors import RdbError
from miniredis.rdb.reader import Reader
from miniredis.rdb.writer import Writer
from miniredis.structures.numbers import parse_integer
from miniredis.structures.ordered_ids import OrderedIds
from miniredis.structures.stream import MAX_ID, MAX_PART, Node, Stream, make_id
from miniredis.structures.stream_groups import Consumer, Group, PendingEntry

DELETED: Final = 1
SAME_FIELDS: Final = 2

ID_SIZE: Final = 16
UNKNOWN: Final = MAX_PART
"""A group's counter of read entries that is not known."""

# Writing


def save(writer: Writer, stream: Stream, *, with_active_time: bool) -> None:
    """Write *stream* in the third layout, or, without *with_active_time*, in the second."""
    writer.length(len(stream.nodes))
    for node in stream.nodes:
        writer.string(node.master_id.to_bytes(ID_SIZE, "big"))
        writer.string(listpack.encode(_node_items(node)))
    writer.length(len(stream))
    for entry_id in (stream.last_id, stream.first_id, stream.max_deleted_id):
        _save_id(writer, entry_id)
    writer.length(stream.entries_added)
    writer.length(len(stream.groups))
    for name in sorted(stream.groups):
        writer.string(name)
        _save_group(writer, stream.groups[name], with_active_time)


def _node_items(node: Node) -> Iterator[bytes]:
    """The items of a node's listpack."""
    names, master_id = node.fields, node.master_id
    yield from (b"%d" % node.count, b"%d" % len(node.deleted), b"%d" % len(names), *names, b"0")
    for entry_id, entry in zip(node.ids, node.entries, strict=True):
        same = entry[::2] == names
        yield b"%d" % (SAME_FIELDS * same | DELETED * (entry_id in node.deleted))
        yield b"%d" % _signed((entry_id >> 64) - (master_id >> 64))
        yield b"%d" % _signed(entry_id - master_id)
        if same:
            yield from entry[1::2]
            yield b"%d" % (len(names) + 3)
        else:
            yield b"%d" % (len(entry) // 2)
            yield from entry
            yield b"%d" % (len(entry) + 4)


def _signed(number: int) -> int:
    number &= MAX_PART
    return number - (1 << 64) if number >> 63 else number


def _save_id(writer: Writer, entry_id: int) -> None:
    writer.length(entry_id >> 64)
    writer.length(entry_id & MAX_PART)


def _save_group(writer: Writer, group: Group, with_active_time: bool) -> None:
    _save_id(writer, group.last_id)
    writer.length(UNKNOWN if group.entries_read is None else group.entries_read & MAX_PART)
    writer.length(len(group.pending))
    for entry_id, pending in group.pending.walk():
        writer.raw(entry_id.to_bytes(ID_SIZE, "big"))
        writer.milliseconds(pending.delivery_time)
        writer.length(pending.delivery_count)
    writer.length(len(group.consumers))
    for consumer in group.sorted_consumers():
        writer.string(consumer.name)
        writer.milliseconds(consumer.seen_time)
        if with_active_time:
            writer.milliseconds(consumer.active_time)
        writer.length(len(consumer.pending))
        for entry_id, _ in consumer.pending.walk():
            writer.raw(entry_id.to_bytes(ID_SIZE, "big"))


# Reading


def load(reader: Reader, layout: int) -> Stream:
    """Read a stream of that *layout* (1 to 3). Raises :class:`RdbError`."""
    stream = Stream.from_nodes([_load_node(reader) for _ in range(reader.length())])
    if reader.integer() != len(stream):
        raise RdbError("Stream length inconsistent with rax entries")
    stream.last_id = _load_id(reader)
    if layout >= 2:
        _load_id(reader)  # of the first entry, which is known
        stream.max_deleted_id = _load_id(reader)
        stream.entries_added = reader.integer()
    else:
        stream.entries_added = len(stream)
    for first, second in pairwise(stream.nodes):
        if first.ids[-1] >= second.ids[0]:
            raise RdbError("Stream nodes are out of order")
    if stream.nodes and stream.nodes[-1].ids[-1] > stream.last_id:
        raise RdbError("Stream with an entry beyond its last id")
    for _ in range(reader.length()):
        name = reader.string()
        if name in stream.groups:
            raise RdbError("Duplicated consumer group name")
        stream.groups[name] = _load_group(reader, stream, layout)
    return stream


def _load_node(reader: Reader) -> Node:
    key = reader.string()
    if len(key) != ID_SIZE:
        raise RdbError("Stream node key entry is not the size of a stream ID")
    items = _Items(listpack.decode(reader.string()))
    count, deleted = items.count(), items.count()
    node = Node(items.take(items.count()))
    items.expect(0)
    master_id = int.from_bytes(key, "big")
    for _ in range(count + deleted):
        _load_entry(items, node, master_id)
    if not items.is_at_end() or not node.ids or node.master_id != master_id or len(node.deleted) != deleted:
        raise items.broken()
    return node


def _load_entry(items: _Items, node: Node, master_id: int) -> None:
    flags = items.integer()
    milliseconds = (master_id >> 64) + items.integer()
    entry_id = make_id(milliseconds & MAX_PART, (master_id + items.integer()) & MAX_PART)
    if node.ids and entry_id <= node.ids[-1]:
        raise items.broken()
    if flags & SAME_FIELDS:
        values = items.take(len(node.fields))
        entry = [part for pair in zip(node.fields, values, strict=True) for part in pair]
        items.expect(len(values) + 3)
    else:
        entry = items.take(2 * items.count())
        items.expect(len(entry) + 4)
    node.append(entry_id, entry)
    if flags & DELETED:
        node.deleted.add(entry_id)


class _Items:
    """The items of a node's listpack, one after the other."""

    __slots__ = ("_items", "_position")

    def __init__(self, items: list[bytes]) -> None:
        self._items = items
        self._position = 0

    def take(self, count: int) -> list[bytes]:
        """The next *count* items."""
        end = self._position + count
        if end > len(self._items):
            raise self.broken()
        taken = self._items[self._position : end]
        self._position = end
        return taken

    def integer(self) -> int:
        """The next item, which must be an integer."""
        value = parse_integer(self.take(1)[0])
        if value is None:
            raise self.broken()
        return value

    def count(self) -> int:
        """The next item, which must be an integer of 0 or more."""
        value = self.integer()
        if value < 0:
            raise self.broken()
        return value

    def expect(self, value: int) -> None:
        """Pass the next item, which must be that integer."""
        if self.integer() != value:
            raise self.broken()

    def is_at_end(self) -> bool:
        return self._position == len(self._items)

    def broken(self) -> RdbError:
        return RdbError("Stream listpack integrity check failed.")


def _load_id(reader: Reader) -> int:
    milliseconds = reader.integer()
    return make_id(milliseconds, reader.integer())


def _load_raw_id(reader: Reader) -> int:
    return int.from_bytes(reader.take(ID_SIZE), "big")


def _load_group(reader: Reader, stream: Stream, layout: int) -> Group:
    group = Group(_load_id(reader))
    if layout >= 2:
        read = reader.integer()
        group.entries_read = None if read == UNKNOWN else read
    else:
        group.entries_read = stream.position(min(group.last_id, MAX_ID))
    unowned: dict[int, tuple[int, int]] = {}
    for _ in range(reader.length()):
        entry_id = _load_raw_id(reader)
        if entry_id in unowned:
            raise RdbError("Duplicated global PEL entry loading stream consumer group")
        delivery_time = reader.milliseconds()
        unowned[entry_id] = delivery_time, reader.integer()
    for _ in range(reader.length()):
        consumer = _load_consumer(reader, layout, unowned)
        if consumer.name in group.consumers:
            raise RdbError("Duplicate stream consumer detected.")
        group.consumers[consumer.name] = consumer
    if unowned:
        raise RdbError("Stream CG PEL entry without consumer")
    group.pending = _all_pending(group)
    return group


def _load_consumer(reader: Reader, layout: int, unowned: dict[int, tuple[int, int]]) -> Consumer:
    """Read a consumer, who takes what is pending for it out of *unowned*: delivery time and count, by id."""
    name = reader.string()
    consumer = Consumer(name, reader.milliseconds())
    consumer.active_time = reader.milliseconds() if layout >= 3 else consumer.seen_time
    for _ in range(reader.length()):
        entry_id = _load_raw_id(reader)
        delivered = unowned.pop(entry_id, None)
        if delivered is None:
            raise RdbError("Consumer entry not found in group global PEL")
        consumer.pending[entry_id] = PendingEntry(consumer, *delivered)
    return consumer


def _all_pending(group: Group) -> OrderedIds[PendingEntry]:
    """What is pending for any consumer of *group*."""
    pending: OrderedIds[PendingEntry] = OrderedIds()
    items = [item for consumer in group.consumers.values() for item in consumer.pending.walk()]
    for entry_id, item in sorted(items, key=lambda each: each[0]):
        pending[entry_id] = item
    return pending
