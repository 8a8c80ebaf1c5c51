"""What DEBUG says about single values and tables, in Redis's lines."""

from __future__ import annotations

from typing import Final

from miniredis import rdb
from miniredis.commands.object import SHARED_REFCOUNT, is_shared
from miniredis.engine.keyspace import Database
from miniredis.engine.memory_usage import LISTPACK_FRAME, allocated
from miniredis.engine.values import Value, encoding, is_string, string_bytes
from miniredis.rdb.values import HASH_LISTPACK_EX, HASH_METADATA
from miniredis.structures.quicklist import entry_sizes

OBJECT: Final = 16
POINTER: Final = 8
"""Bytes of an object, and of what points from it to a value that stands elsewhere."""


def describe_object(database: Database, key: bytes, value: Value, *, fast: bool = False) -> bytes:
    """The line of DEBUG OBJECT; without the serialized length if *fast*."""
    second = database.access.get(key, database.engine.second)
    kind = encoding(value)
    references = SHARED_REFCOUNT if is_shared(database.engine, value) else 1
    text = f"Value at:0x{_address(database, key, value):x} refcount:{references} encoding:{kind}"
    if not fast:
        text += f" serializedlength:{_serialized_length(database, value)}"
    text += f" lru:{second & 0xFFFFFF} lru_seconds_idle:{max(database.engine.second - second, 0)}"
    if kind == "quicklist":
        nodes = [LISTPACK_FRAME + entry_sizes(elements) for elements, _ in value.nodes()]
        text += (
            f" ql_nodes:{len(nodes)} ql_avg_node:{len(value) / len(nodes):.2f}"
            f" ql_listpack_max:{database.engine.config.list_max_listpack_size} ql_compressed:0"
            f" ql_uncompressed_size:{sum(nodes)}"
        )
    return text.encode()


def _serialized_length(database: Database, value: Value) -> int:
    """The bytes that *value* takes in an RDB file. Redis overlooks when the first field of a hash ends."""
    engine = database.engine
    writer = rdb.writer.Writer(compress=engine.config.rdbcompression)
    rdb.values.save(writer, value, engine.version)
    overlooked = 8 if rdb.values.type_of(value, engine.version) in (HASH_METADATA, HASH_LISTPACK_EX) else 0
    return len(writer.data) - overlooked


def _address(database: Database, key: bytes, value: Value) -> int:
    """Where *value* might be in memory. Strings have a place by their key: Redis changes an integer where it is."""
    return id(value) if not is_string(value) else 0x7F0000000000 | hash((database.number, key)) & 0xFFFFFFFFF0


def describe_string(key: bytes, value: Value, *, is_valkey: bool) -> bytes:
    """The line of DEBUG SDSLEN, for a string that was not made longer since it was set."""
    return _string_in_valkey(key, value) if is_valkey else _string_in_redis(key, value)


def _string_in_redis(key: bytes, value: Value) -> bytes:
    size, free = len(string_bytes(value)), 0
    if encoding(value) == "embstr":
        kept = allocated(OBJECT + _frame(size, 3) + size) - OBJECT
    else:
        kept, free = _raw_string(size)
    key_kept = allocated(_frame(len(key), 1) + len(key))
    return b"key_sds_len:%d, key_sds_avail:0, key_zmalloc: %d, val_sds_len:%d, val_sds_avail:%d, val_zmalloc: %d" % (
        len(key),
        key_kept,
        size,
        free,
        kept,
    )


def _string_in_valkey(key: bytes, value: Value) -> bytes:
    """The key stands behind the object's header, with a byte that says how long its own is; then a short value, in
    place of the pointer to a long one."""
    size = len(string_bytes(value))
    beside = OBJECT + 1 + _frame(len(key), 1) + len(key)
    if encoding(value) == "embstr":
        used = beside - POINTER + _frame(size, 3) + size
        kept, (value_kept, free) = allocated(used), (0, allocated(used) - used)
    else:
        kept, (value_kept, free) = allocated(beside), _raw_string(size)
    return b"key_sds_len:%d key_sds_avail:0 obj_alloc:%d val_sds_len:%d val_sds_avail:%d val_alloc:%d" % (
        len(key),
        kept,
        size,
        free,
        value_kept,
    )


def _frame(size: int, smallest: int) -> int:
    """The header of a string of *size* bytes, which takes *smallest* bytes or more, and the NUL at its end."""
    headers = {1: 32, 3: 1 << 8, 5: 1 << 16, 9: 1 << 32}
    return next(header for header, limit in headers.items() if header >= smallest and size < limit) + 1


def _raw_string(size: int) -> tuple[int, int]:
    """The bytes that a string of its own has been given, and those of them that are free: more than a tenth of its
    size is given back."""
    used = _frame(size, 3) + size
    free = allocated(used) - used
    return allocated(used), free if free <= size // 10 else 0


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
