"""How each type of value is stored: a number for the type and encoding, and what follows it.

Values are written as the emulated version keeps them, so that they are the same bytes as there. All numbers ever used
up to that version are read; what has become too large for a compact encoding leaves it, as in Redis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from math import copysign
from typing import Any, Final, NamedTuple, Protocol

from miniredis.rdb import intset, listpack, streams, ziplist, zipmap
from miniredis.rdb.errors import EmptyKeyError, RdbError
from miniredis.rdb.reader import Reader
from miniredis.rdb.writer import Writer
from miniredis.structures.hash import Hash, HashLimits
from miniredis.structures.list import List
from miniredis.structures.numbers import parse_double, parse_integer
from miniredis.structures.set import Set, SetLimits
from miniredis.structures.sorted_set import SortedSet, SortedSetLimits
from miniredis.structures.stream import Stream

STRING: Final = 0
LIST: Final = 1
SET: Final = 2
ZSET: Final = 3
HASH: Final = 4
ZSET_2: Final = 5
MODULE: Final = 6
MODULE_2: Final = 7
HASH_ZIPMAP: Final = 9
LIST_ZIPLIST: Final = 10
SET_INTSET: Final = 11
ZSET_ZIPLIST: Final = 12
HASH_ZIPLIST: Final = 13
LIST_QUICKLIST: Final = 14
STREAM_LISTPACKS: Final = 15
HASH_LISTPACK: Final = 16
ZSET_LISTPACK: Final = 17
LIST_QUICKLIST_2: Final = 18
STREAM_LISTPACKS_2: Final = 19
SET_LISTPACK: Final = 20
STREAM_LISTPACKS_3: Final = 21
HASH_2: Final = 22
"""A hash with fields that expire, of Valkey 9."""
HASH_METADATA_PRE_GA: Final = 22
HASH_LISTPACK_EX_PRE_GA: Final = 23
"""Hashes with fields that expire, of the previews of Redis 7.4."""
HASH_METADATA: Final = 24
HASH_LISTPACK_EX: Final = 25
"""Hashes with fields that expire, of Redis 7.4."""

PLAIN, PACKED = 1, 2
"""What a node of a quicklist is: one large element, or a listpack."""

NO_EXPIRY: Final = -1

LATEST_FIELD_END: Final = (1 << 46) - 1
"""The last millisecond since the epoch at which a field of a hash may end in Redis."""

LARGEST_INTEGRAL_SCORE: Final = 2.0**62
"""Scores without a fraction are kept as integers up to here."""


class Version(Protocol):
    """What the format depends on in the emulated version."""

    @property
    def redis(self) -> tuple[int, int, int]: ...
    @property
    def is_valkey(self) -> bool: ...
    @property
    def format_double(self) -> Callable[[float], bytes]: ...
    @property
    def rdb_version(self) -> int: ...


class Limits(HashLimits, SetLimits, SortedSetLimits, Protocol):
    """How far compact encodings go, by the names of the directives."""

    @property
    def list_max_listpack_size(self) -> int: ...


class Context(NamedTuple):
    """What a value is read for: *version* and *limits*; and *now*, in milliseconds since the epoch, if fields of hashes
    that ended before are to be left out."""

    version: Version
    limits: Limits
    now: int | None = None


def latest_type(version: Version) -> int:
    """The highest number of a type that *version* knows."""
    if version.is_valkey:
        return HASH_2
    if version.redis >= (7, 4):
        return HASH_LISTPACK_EX
    return STREAM_LISTPACKS_3 if version.redis >= (7, 2) else STREAM_LISTPACKS_2


# Writing


def type_of(value: Any, version: Version) -> int:
    """The number of the type and encoding in which *version* stores *value*."""
    if isinstance(value, List):
        return LIST_QUICKLIST_2
    if isinstance(value, Hash):
        if value.encoding == "listpackex":
            return HASH_LISTPACK_EX
        if value.expiries is not None:
            return HASH_2 if version.is_valkey else HASH_METADATA
        return HASH_LISTPACK if value.encoding == "listpack" else HASH
    if isinstance(value, Set):
        return {"intset": SET_INTSET, "listpack": SET_LISTPACK, "hashtable": SET}[value.encoding]
    if isinstance(value, SortedSet):
        return ZSET_LISTPACK if value.encoding == "listpack" else ZSET_2
    if isinstance(value, Stream):
        return STREAM_LISTPACKS_3 if version.redis >= (7, 2) else STREAM_LISTPACKS_2
    return STRING


def save(writer: Writer, value: Any, version: Version) -> None:
    """Write *value*, whose :func:`type_of` is already written, or will be found otherwise."""
    if isinstance(value, List):
        _save_list(writer, value)
    elif isinstance(value, Hash):
        _save_hash(writer, value, version)
    elif isinstance(value, Set):
        _save_set(writer, value)
    elif isinstance(value, SortedSet):
        _save_sorted_set(writer, value, version)
    elif isinstance(value, Stream):
        streams.save(writer, value, with_active_time=version.redis >= (7, 2))
    else:
        writer.string(b"%d" % value if isinstance(value, int) else bytes(value))


def _save_list(writer: Writer, value: List) -> None:
    nodes = list(value.nodes())
    writer.length(len(nodes))
    for elements, is_plain in nodes:
        writer.length(PLAIN if is_plain else PACKED)
        writer.string(elements[0] if is_plain else listpack.encode(elements))


def _save_hash(writer: Writer, value: Hash, version: Version) -> None:
    if value.encoding == "listpack":
        writer.string(listpack.encode(chain.from_iterable(value.fields.items())))
        return
    times = {} if value.expiries is None else value.expiries.times
    if value.encoding == "listpackex":
        writer.milliseconds(min(times.values(), default=0))
        triples = ((field, content, b"%d" % times.get(field, 0)) for field, content in value.fields.items())
        writer.string(listpack.encode(chain.from_iterable(triples)))
        return
    if value.expiries is not None and not version.is_valkey:
        _save_relative_expiries(writer, value, times)
        return
    writer.length(len(value))
    for field, content in value.fields.items():
        writer.string(field)
        writer.string(content)
        if value.expiries is not None:
            writer.milliseconds(times.get(field, NO_EXPIRY))


def _save_relative_expiries(writer: Writer, value: Hash, times: Mapping[bytes, int]) -> None:
    """As Redis: the earliest end, and of each field how much later it ends, and one more; 0 if it does not."""
    first = min(times.values())
    writer.milliseconds(first)
    writer.length(len(value))
    for field, content in value.fields.items():
        writer.length(times[field] - first + 1 if field in times else 0)
        writer.string(field)
        writer.string(content)


def _save_set(writer: Writer, value: Set) -> None:
    if value.encoding == "intset":
        writer.string(intset.encode([int(member) for member in value]))
    elif value.encoding == "listpack":
        writer.string(listpack.encode(value))
    else:
        writer.length(len(value))
        for member in value:
            writer.string(member)


def _save_sorted_set(writer: Writer, value: SortedSet, version: Version) -> None:
    if value.encoding == "listpack":
        pairs = ((member, _score_text(score, version)) for member, score in value)
        writer.string(listpack.encode(chain.from_iterable(pairs)))
        return
    writer.length(len(value))
    for member, score in reversed(value):  # from the highest: who loads it always inserts at the front
        writer.string(member)
        writer.double(score)


def _score_text(score: float, version: Version) -> bytes:
    """A score as a listpack has it. Up to 7.0 replies print large integers otherwise, but they are kept alike."""
    if -LARGEST_INTEGRAL_SCORE <= score <= LARGEST_INTEGRAL_SCORE and score.is_integer():
        return b"%d" % int(score) if score or copysign(1, score) > 0 else b"-0"
    return version.format_double(score)


# Reading


def load(reader: Reader, kind: int, context: Context) -> Any:
    """Read a value of the type *kind*.

    Raises :class:`RdbError`, and :class:`EmptyKeyError` for a collection without elements.
    """
    version = context.version
    own = _VALKEY_LOADERS if version.is_valkey else _REDIS_LOADERS
    loader = (_LOADERS.get(kind) or own.get(kind)) if kind <= latest_type(version) else None
    if loader is None:
        if kind in (MODULE, MODULE_2):
            raise RdbError("The RDB file contains module data I can't load")
        raise RdbError(f"Unknown RDB encoding type {kind}")
    return loader(reader, context)


def _load_string(reader: Reader, context: Context) -> bytes:
    return reader.string()


def _count(reader: Reader) -> int:
    count = reader.length()
    if not count:
        raise EmptyKeyError("empty key")
    return count


# Lists


def _list_of(elements: Sequence[bytes], context: Context, *, converts: bool = True) -> List:
    """A list that is built anew from its elements. *converts*: into a listpack, if the version has such and it fits."""
    if not elements:
        raise EmptyKeyError("empty key")
    size = context.limits.list_max_listpack_size
    if context.version.redis >= (7, 2):
        return List.from_elements(elements, size, plain_nodes=context.version.is_valkey, converts=converts)
    made = List.quicklist(size)
    made.push_right(elements)
    return made


def _load_list(reader: Reader, context: Context) -> List:
    return _list_of([reader.string() for _ in range(_count(reader))], context)


def _load_list_ziplist(reader: Reader, context: Context) -> List:
    """Read a list of Redis 2.4 to 3.0, of which the others make a quicklist and leave it at that."""
    return _list_of(ziplist.decode(reader.string()), context, converts=False)


def _load_quicklist(reader: Reader, context: Context) -> List:
    return _list_of_nodes(((ziplist.decode(data), False) for data in _node_data(reader)), context)


def _node_data(reader: Reader) -> Iterator[bytes]:
    for _ in range(_count(reader)):
        yield _not_empty(reader.string())


def _load_quicklist_2(reader: Reader, context: Context) -> List:
    return _list_of_nodes(_nodes(reader), context)


def _nodes(reader: Reader) -> Iterator[tuple[list[bytes], bool]]:
    for _ in range(_count(reader)):
        container = reader.length()
        if container not in (PLAIN, PACKED):
            raise RdbError("Quicklist integrity check failed.")
        data = _not_empty(reader.string())
        yield ([data], True) if container == PLAIN else (listpack.decode(data), False)


def _not_empty(data: bytes) -> bytes:
    if not data:
        raise RdbError("Quicklist integrity check failed.")
    return data


def _list_of_nodes(nodes: Iterator[tuple[list[bytes], bool]], context: Context) -> List:
    """A list that keeps the nodes it had."""
    version = context.version
    made = List.from_nodes(
        ((elements, is_plain) for elements, is_plain in nodes if elements),
        context.limits.list_max_listpack_size,
        plain_nodes=version.is_valkey,
        stays_quicklist=version.redis < (7, 2),
    )
    if not made:
        raise EmptyKeyError("empty key")
    return made


# Sets


def _load_set(reader: Reader, context: Context) -> Set:
    count = _count(reader)
    limits = context.limits
    made = Set("intset" if count <= limits.set_max_intset_entries else "hashtable")
    for _ in range(count):
        if not made.add(reader.string(), limits):
            raise RdbError("Duplicate set members detected")
    return made


def _load_intset(reader: Reader, context: Context) -> Set:
    values = intset.decode(reader.string())
    return _compact_set((b"%d" % value for value in values), "intset", context.limits.set_max_intset_entries)


def _load_set_listpack(reader: Reader, context: Context) -> Set:
    members = listpack.decode(reader.string())
    if not members:
        raise EmptyKeyError("empty key")
    return _compact_set(members, "listpack", context.limits.set_max_listpack_entries)


def _compact_set(members: Any, encoding: Any, most: int) -> Set:
    """The set of *members*, in that compact *encoding* unless there are more than *most*."""
    made = Set.of_unique(members, encoding)
    if made is None:
        raise RdbError("Duplicate set members detected")
    if len(made) > most:
        made.encoding = "hashtable"
    return made


# Hashes


def _load_hash(reader: Reader, context: Context) -> Hash:
    count = _count(reader)
    made = Hash()
    made.expect(count, context.limits)
    for _ in range(count):
        field = reader.string()
        if not made.set(field, reader.string(), context.limits):
            raise RdbError("Hash with dup elements")
    return made


def _load_hash_with_expiries(reader: Reader, context: Context) -> Hash:
    """Of a file that is loaded as a dataset, what has expired is not."""
    count = _count(reader)
    made = Hash("hashtable")
    fields = set[bytes]()
    for _ in range(count):
        field, value, expiry = reader.string(), reader.string(), reader.milliseconds()
        fields.add(field)
        if expiry != NO_EXPIRY and context.now is not None and expiry < context.now:
            continue
        made.set(field, value, context.limits)
        if expiry != NO_EXPIRY:
            made.expire_at(field, expiry)
    if len(fields) < count:
        raise RdbError("Hash with dup elements")
    if not made:
        raise EmptyKeyError("empty key")
    return made


def _load_hash_metadata(reader: Reader, context: Context) -> Hash:
    first = reader.milliseconds()
    if first < 0:
        raise RdbError("Hash read invalid minExpire value")
    return _load_hash_with_times(reader, context, first - 1)


def _load_hash_metadata_pre_ga(reader: Reader, context: Context) -> Hash:
    return _load_hash_with_times(reader, context, 0)


def _load_hash_with_times(reader: Reader, context: Context, base: int) -> Hash:
    """Read fields that have before them how much later than *base* they end, or 0."""
    made = Hash("listpackex")
    count = _count(reader)
    made.expect(count, context.limits)
    for _ in range(count):
        later = reader.length()
        field = reader.string()
        if not made.set(field, reader.string(), context.limits):
            raise RdbError("Hash with dup elements")
        if later:
            made.expire_at(field, _field_end(base + later))
    return made


def _field_end(when: int) -> int:
    if not 0 < when <= LATEST_FIELD_END:
        raise RdbError("Hash with an invalid field expiration time detected")
    return when


def _load_hash_listpack_ex(reader: Reader, context: Context) -> Hash:
    reader.milliseconds()
    return _load_hash_listpack_ex_pre_ga(reader, context)


def _load_hash_listpack_ex_pre_ga(reader: Reader, context: Context) -> Hash:
    elements = listpack.decode(reader.string())
    if not elements:
        raise EmptyKeyError("empty key")
    fields = elements[::3]
    made = Hash("hashtable")  # while the times are put in, lest each of them be put in its place
    made.fields.update(zip(fields, elements[1::3], strict=False))
    if 3 * len(made) != len(elements):
        raise RdbError("Hash listpack integrity check failed.")
    for field, text in zip(fields, elements[2::3], strict=True):
        end = parse_integer(text)
        if end is None:
            raise RdbError("Hash listpack integrity check failed.")
        if end:
            made.expire_at(field, _field_end(end))
    made.encoding = "listpackex"
    made.expect(len(made), context.limits)
    return made


def _compact_hash(elements: list[bytes], context: Context) -> Hash:
    made = Hash()
    made.fields.update(_pairs(elements, "Hash"))
    made.expect(len(made), context.limits)
    return made


def _load_hash_listpack(reader: Reader, context: Context) -> Hash:
    return _compact_hash(listpack.decode(reader.string()), context)


def _load_hash_ziplist(reader: Reader, context: Context) -> Hash:
    return _compact_hash(ziplist.decode(reader.string()), context)


def _load_zipmap(reader: Reader, context: Context) -> Hash:
    made = Hash()
    for field, value in zipmap.decode(reader.string()):
        if not made.set(field, value, context.limits):
            raise RdbError("Hash zipmap with dup elements, or big length")
    return made


def _pairs(elements: list[bytes], what: str) -> dict[bytes, bytes]:
    """*elements* by twos, which must be unique."""
    if not elements:
        raise EmptyKeyError("empty key")
    names = elements[::2]
    pairs = dict(zip(names, elements[1::2], strict=False))
    if 2 * len(pairs) != len(elements):
        raise RdbError(f"{what} listpack integrity check failed.")
    return pairs


# Sorted sets


def _load_sorted_set(reader: Reader, context: Context) -> SortedSet:
    return _sorted_set(reader, reader.double_text, context)


def _load_sorted_set_2(reader: Reader, context: Context) -> SortedSet:
    return _sorted_set(reader, reader.double, context)


def _sorted_set(reader: Reader, score: Callable[[], float], context: Context) -> SortedSet:
    count = _count(reader)
    score_of: dict[bytes, float] = {}
    for _ in range(count):
        member = reader.string()
        score_of[member] = _not_nan(score())
    if len(score_of) < count:
        raise RdbError("Duplicate zset fields detected")
    return SortedSet.from_result(score_of, context.limits)


def _load_sorted_set_listpack(reader: Reader, context: Context) -> SortedSet:
    return _compact_sorted_set(listpack.decode(reader.string()), context)


def _load_sorted_set_ziplist(reader: Reader, context: Context) -> SortedSet:
    return _compact_sorted_set(ziplist.decode(reader.string()), context)


def _compact_sorted_set(elements: list[bytes], context: Context) -> SortedSet:
    pairs = _pairs(elements, "Zset").items()
    fits = len(pairs) <= context.limits.zset_max_listpack_entries
    scores = ((member, _parse_score(text)) for member, text in pairs)
    return SortedSet.from_pairs(scores, "listpack" if fits else "skiplist", has_negative_zero=True)


def _parse_score(text: bytes) -> float:
    value = parse_integer(text)
    score = parse_double(text) if value is None else float(value)
    if score is None:
        raise RdbError("Zset with an invalid score detected")
    return score


def _not_nan(score: float) -> float:
    if score != score:
        raise RdbError("Zset with NAN score detected")
    return score


# Streams


def _load_stream(reader: Reader, context: Context) -> Stream:
    return streams.load(reader, layout=1)


def _load_stream_2(reader: Reader, context: Context) -> Stream:
    return streams.load(reader, layout=2)


def _load_stream_3(reader: Reader, context: Context) -> Stream:
    return streams.load(reader, layout=3)


_LOADERS: Final[dict[int, Callable[[Reader, Context], Any]]] = {
    STRING: _load_string,
    LIST: _load_list,
    SET: _load_set,
    ZSET: _load_sorted_set,
    HASH: _load_hash,
    ZSET_2: _load_sorted_set_2,
    HASH_ZIPMAP: _load_zipmap,
    LIST_ZIPLIST: _load_list_ziplist,
    SET_INTSET: _load_intset,
    ZSET_ZIPLIST: _load_sorted_set_ziplist,
    HASH_ZIPLIST: _load_hash_ziplist,
    LIST_QUICKLIST: _load_quicklist,
    STREAM_LISTPACKS: _load_stream,
    HASH_LISTPACK: _load_hash_listpack,
    ZSET_LISTPACK: _load_sorted_set_listpack,
    LIST_QUICKLIST_2: _load_quicklist_2,
    STREAM_LISTPACKS_2: _load_stream_2,
    SET_LISTPACK: _load_set_listpack,
    STREAM_LISTPACKS_3: _load_stream_3,
    HASH_METADATA: _load_hash_metadata,
    HASH_LISTPACK_EX: _load_hash_listpack_ex,
}

_VALKEY_LOADERS: Final = {HASH_2: _load_hash_with_expiries}
_REDIS_LOADERS: Final = {
    HASH_METADATA_PRE_GA: _load_hash_metadata_pre_ga,
    HASH_LISTPACK_EX_PRE_GA: _load_hash_listpack_ex_pre_ga,
}
"""Numbers that mean different types."""
