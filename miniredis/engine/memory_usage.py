"""What a key would take in Redis's memory: MEMORY USAGE's arithmetic with Redis's structures and jemalloc's size
classes.

The figures are those of Redis 7.0 on a 64-bit machine, for values in the encoding that OBJECT ENCODING names. They say
what the data would cost there, which is what a test or an estimate wants to know; here it costs several times as much.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

from miniredis.engine.values import EMBEDDED_STRING_LIMIT, Value, encoding, is_string, string_bytes
from miniredis.structures.hash import Hash
from miniredis.structures.list import List
from miniredis.structures.quicklist import entry_sizes
from miniredis.structures.radix_tree import radix_tree_nodes
from miniredis.structures.set import Set
from miniredis.structures.sorted_set import SortedSet
from miniredis.structures.stream import Stream

if TYPE_CHECKING:
    from miniredis.engine.keyspace import Database

T = TypeVar("T")

OBJECT: Final = 16
DICT: Final = 56
DICT_ENTRY: Final = 24
DICT_SLOT: Final = 8
QUICKLIST: Final = 48
QUICKLIST_NODE: Final = 32
SKIPLIST: Final = 16 + 32 + 640
"""The sorted set's own structures, with a first node of all 32 levels."""
SKIPLIST_NODE: Final = 48
"""A node of the most frequent height."""
LISTPACK_FRAME: Final = 7
INTSET_FRAME: Final = 8
STREAM: Final = 80
STREAM_NODE: Final = 4096
"""What Redis reserves for the node of a stream that is being filled; it gives back what is left over later."""
RADIX_TREE_NODE: Final = 4 + 30 * 8
"""What Redis reckons for a node on average."""
RADIX_TREE_KEY: Final = 16
GROUP: Final = 40
CONSUMER: Final = 24
PENDING_ENTRY: Final = 24


def memory_usage(key: bytes, value: Value, samples: int) -> int:
    """The bytes of *key* with *value*, judging large collections by their first *samples* elements (0 for all)."""
    return allocated(_string_header(len(key)) + len(key) + 1) + DICT_ENTRY + OBJECT + _content(value, samples)


def database_overhead(database: Database) -> tuple[int, int]:
    """The bytes of a database's two tables, of keys and of times to live, without keys and values."""
    keys, expires = len(database.data), len(database.expires)
    main = keys * (DICT_ENTRY + OBJECT) + slots(keys) * DICT_SLOT if keys else 0
    return main, expires * DICT_ENTRY + slots(expires) * DICT_SLOT if expires else 0


def allocated(size: int) -> int:
    """What jemalloc hands out for *size* bytes: four size classes to each doubling."""
    if size <= 8:
        return 8
    if size <= 128:
        return -(-size // 16) * 16
    step = 1 << ((size - 1).bit_length() - 3)
    return -(-size // step) * step


def _content(value: Value, samples: int) -> int:
    if is_string(value):
        return _string_content(value)
    count = len(value)
    if isinstance(value, List):
        if value.encoding == "listpack":
            return _listpack(value)
        nodes = _some(value.nodes(), samples)
        return QUICKLIST + _scaled((QUICKLIST_NODE + _listpack(elements) for elements, _ in nodes), value.node_count)
    if isinstance(value, Set):
        if value.encoding == "intset":
            return allocated(INTSET_FRAME + count * intset_width(value))
        if value.encoding == "listpack":
            return _listpack(value)
        return _dict(count) + _scaled((_sds(member) + DICT_ENTRY for member in _some(value, samples)), count)
    if isinstance(value, Hash):
        fields = value.fields
        if value.encoding == "listpack":
            return _listpack(text for pair in fields.items() for text in pair)
        pairs = _some(fields.items(), samples)
        return _dict(count) + _scaled((_sds(field) + _sds(text) + DICT_ENTRY for field, text in pairs), count)
    if isinstance(value, SortedSet):
        if value.encoding == "listpack":
            return _listpack(text for member, score in value for text in (member, b"%.17g" % score))
        sizes = (_sds(member) + DICT_ENTRY + SKIPLIST_NODE for member, _ in _some(value, samples))
        return SKIPLIST + _dict(count) + _scaled(sizes, count)
    assert isinstance(value, Stream)
    return _stream(value, samples)


def _stream(stream: Stream, samples: int) -> int:
    size = STREAM + _radix_tree([node.master_id for node in stream.nodes])
    if stream.nodes:
        *full, last = (allocated(node.listpack_size) for node in stream.nodes)
        last = max(last, STREAM_NODE)
        if samples and len(stream.nodes) > samples:
            size += sum(full[:samples]) // samples * len(full) + last
        else:
            size += sum(full) + last
    for group in stream.groups.values():
        size += GROUP + _radix_tree(list(group.pending)) + len(group.pending) * PENDING_ENTRY
        for consumer in group.consumers.values():
            size += CONSUMER + len(consumer.name) + _radix_tree(list(consumer.pending))
    return size


def _radix_tree(ids: list[int]) -> int:
    return len(ids) * RADIX_TREE_KEY + radix_tree_nodes(ids) * RADIX_TREE_NODE


def _string_content(value: Value) -> int:
    kind, size = encoding(value), len(string_bytes(value))
    if kind == "int":
        return 0
    if kind == "embstr":
        assert size <= EMBEDDED_STRING_LIMIT
        return allocated(OBJECT + 3 + size + 1) - OBJECT
    return allocated(max(_string_header(size), 3) + size + 1)


def _string_header(size: int) -> int:
    return 1 if size < 32 else 3 if size < 1 << 8 else 5 if size < 1 << 16 else 9


def _sds(text: bytes) -> int:
    return allocated(_string_header(len(text)) + len(text) + 1)


def _listpack(elements: Iterable[bytes]) -> int:
    return allocated(LISTPACK_FRAME + entry_sizes(elements))


def intset_width(members: Iterable[bytes]) -> int:
    """The bytes that each of *members* takes in an intset: as many as the largest of them needs."""
    bits = max((value if value >= 0 else ~value).bit_length() for value in map(int, members)) + 1
    return 2 if bits <= 16 else 4 if bits <= 32 else 8


def slots(count: int) -> int:
    """The slots of a hash table with *count* entries."""
    return max(4, 1 << (count - 1).bit_length())


def _dict(count: int) -> int:
    return DICT + slots(count) * DICT_SLOT


def _some(elements: Iterable[T], samples: int) -> Iterable[T]:
    return islice(elements, samples) if samples else elements


def _scaled(sizes: Iterable[int], count: int) -> int:
    """The sum of *sizes*, a sample, projected to *count* of them."""
    sample = list(sizes)
    return sum(sample) * count // len(sample) if sample else 0
