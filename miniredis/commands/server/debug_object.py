"""What DEBUG says about single values and tables, in Redis's lines."""

from __future__ import annotations

from collections.abc import Iterable

from miniredis.commands.object import SHARED_REFCOUNT, is_shared
from miniredis.commands.server.memory_usage import INTSET_FRAME, LISTPACK_FRAME, allocated, intset_width
from miniredis.engine.keyspace import Database
from miniredis.engine.values import Value, encoding, is_string, string_bytes
from miniredis.structures.hash import Hash
from miniredis.structures.list import List
from miniredis.structures.numbers import parse_integer
from miniredis.structures.quicklist import entry_sizes
from miniredis.structures.set import Set
from miniredis.structures.sorted_set import SortedSet


def describe_object(database: Database, key: bytes, value: Value, *, fast: bool = False) -> bytes:
    """The line of DEBUG OBJECT; without the serialized length if *fast*."""
    second = database.access.get(key, database.engine.second)
    kind = encoding(value)
    references = SHARED_REFCOUNT if is_shared(database.engine.version, value) else 1
    text = f"Value at:0x{id(value):x} refcount:{references} encoding:{kind}"
    if not fast:
        text += f" serializedlength:{serialized_length(value)}"
    text += f" lru:{second & 0xFFFFFF} lru_seconds_idle:{max(database.engine.second - second, 0)}"
    if kind == "quicklist":
        nodes = [LISTPACK_FRAME + entry_sizes(elements) for elements, _ in value.nodes()]
        text += (
            f" ql_nodes:{len(nodes)} ql_avg_node:{len(value) / len(nodes):.2f}"
            f" ql_listpack_max:{database.engine.config.list_max_listpack_size} ql_compressed:0"
            f" ql_uncompressed_size:{sum(nodes)}"
        )
    return text.encode()


def describe_string(key: bytes, value: Value) -> bytes:
    """The line of DEBUG SDSLEN."""
    size = len(string_bytes(value))
    kept = allocated(16 + 3 + size + 1) - 16 if encoding(value) == "embstr" else allocated(3 + size + 1)
    key_kept = allocated(len(key) + (2 if len(key) < 32 else 4))
    return b"key_sds_len:%d, key_sds_avail:0, key_zmalloc: %d, val_sds_len:%d, val_sds_avail:0, val_zmalloc: %d" % (
        len(key),
        key_kept,
        size,
        kept,
    )


def is_table(value: Value) -> bool:
    """Whether Redis keeps *value* in a hash table."""
    return not is_string(value) and encoding(value) in ("hashtable", "skiplist")


def describe_table(count: int, is_valkey: bool) -> str:
    """A hash table with *count* entries. How they spread over its slots is not known here."""
    if not count:
        return "" if is_valkey else "Hash table 0 stats (main hash table):\nNo stats available for empty dictionaries\n"
    if is_valkey:
        size = 7 << max((-(-count // 7) - 1).bit_length(), 0)
        entries = f" number of entries: {count}\n rehashing index: -1\n"
    else:
        size = max(4, 1 << (count - 1).bit_length())
        entries = f" number of elements: {count}\n"
    return f"Hash table 0 stats (main hash table):\n table size: {size}\n{entries}"


def serialized_length(value: Value) -> int:
    """The bytes that *value* would take in an RDB file, if strings were not compressed there."""
    if is_string(value):
        return _string(string_bytes(value))
    if isinstance(value, List):
        nodes = [LISTPACK_FRAME + entry_sizes(elements) for elements, _ in value.nodes()]
        return _length(len(nodes)) + sum(_length(2) + _blob(size) for size in nodes)
    if isinstance(value, Set):
        if value.encoding == "intset":
            return _blob(INTSET_FRAME + len(value) * intset_width(value))
        return _collection(value, value, len(value))
    if isinstance(value, Hash):
        return _collection(value, (text for pair in value.fields.items() for text in pair), len(value))
    if isinstance(value, SortedSet):
        if value.encoding == "listpack":
            return _blob(
                LISTPACK_FRAME + entry_sizes(text for each, score in value for text in (each, b"%.17g" % score))
            )
        return _length(len(value)) + sum(_string(member) + 8 for member, _ in value)
    return 0


def _collection(value: Value, texts: Iterable[bytes], count: int) -> int:
    if value.encoding == "listpack":
        return _blob(LISTPACK_FRAME + entry_sizes(texts))
    return _length(count) + sum(map(_string, texts))


def _string(text: bytes) -> int:
    value = parse_integer(text) if len(text) <= 11 else None
    if value is not None:
        for bits, size in ((8, 2), (16, 3), (32, 5)):
            if -(1 << (bits - 1)) <= value < 1 << (bits - 1):
                return size
    return _blob(len(text))


def _blob(size: int) -> int:
    return _length(size) + size


def _length(number: int) -> int:
    return 1 if number < 1 << 6 else 2 if number < 1 << 14 else 5 if number < 1 << 32 else 9
