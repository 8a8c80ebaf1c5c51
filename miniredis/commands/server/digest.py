"""DEBUG DIGEST: one hash for a whole dataset, by Redis's own rules.

It depends on what is stored and on nothing else: not on encodings, nor on the order of what has none. So two servers
hold the same data if they give the same digest, be one of them a real Redis.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from miniredis.engine.engine import Engine
from miniredis.engine.keyspace import Database
from miniredis.engine.values import Value, is_string, string_bytes, type_name
from miniredis.structures.hash import Hash
from miniredis.structures.list import List
from miniredis.structures.numbers import format_double_17g, format_double_digits
from miniredis.structures.set import Set
from miniredis.structures.sorted_set import SortedSet
from miniredis.structures.stream import Stream, format_id

EMPTY: Final = bytes(20)
_TYPES: Final = {b"string": 0, b"list": 1, b"set": 2, b"zset": 3, b"hash": 4, b"stream": 6}


class Digest:
    """A hash in the making, of 20 bytes."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = EMPTY

    def add(self, data: bytes) -> None:
        """Take *data* in, whatever its place among the others."""
        hashed = hashlib.sha1(data, usedforsecurity=False).digest()
        self.value = bytes(old ^ new for old, new in zip(self.value, hashed, strict=True))

    def mix(self, data: bytes) -> None:
        """Take *data* in as what comes next."""
        self.add(data)
        self.value = hashlib.sha1(self.value, usedforsecurity=False).digest()

    def mix_all(self, parts: Iterable[bytes]) -> None:
        """Take *parts* in, in their order."""
        for part in parts:
            self.mix(part)


def dataset_digest(databases: Iterable[Database]) -> str:
    """The digest of everything in *databases*, as hexadecimal digits; zeros if they are empty."""
    total = Digest()
    for database in databases:
        if not database.data:
            continue
        total.mix(database.number.to_bytes(4, "big"))
        for key in database.data:
            total.add(_with_value(database, key, [key]).value)
    return total.value.hex()


def value_digest(database: Database, key: bytes) -> str:
    """The digest of the value at *key*, even if its time has passed; zeros if there is none."""
    return _with_value(database, key, []).value.hex() if key in database.data else EMPTY.hex()


def _with_value(database: Database, key: bytes, before: list[bytes]) -> Digest:
    digest = Digest()
    digest.mix_all(before)
    value = database.data[key]
    digest.mix(_TYPES[type_name(value)].to_bytes(4, "big"))
    _mix_value(digest, value, database.engine)
    if key in database.expires:
        digest.add(b"!!expire!!")
    return digest


def _mix_value(digest: Digest, value: Value, engine: Engine) -> None:
    if is_string(value):
        digest.mix(string_bytes(value))
    elif isinstance(value, List):
        digest.mix_all(value)
    elif isinstance(value, Set):
        for member in value:
            digest.add(member)
    elif isinstance(value, Hash):
        _add_fields(digest, value, engine)
    elif isinstance(value, SortedSet):
        text = format_double_digits if engine.version.redis >= (7, 2) else format_double_17g
        for member, score in value:
            digest.add(_mixed((member, text(score))))
    elif isinstance(value, Stream):
        for entry_id, fields in value:
            digest.mix(format_id(entry_id).replace(b"-", b"."))
            digest.mix_all(fields)


def _add_fields(digest: Digest, value: Hash, engine: Engine) -> None:
    """In Redis it counts whether a field ends, and one whose time has passed is still there."""
    if value.expiries is None or engine.version.is_valkey:
        for pair in value.live(engine.now).items():
            digest.add(_mixed(pair))
        return
    for field, content in value.fields.items():
        of_field = Digest()
        of_field.mix_all((field, content))
        if field in value.expiries.times:
            of_field.add(b"!!hexpire!!")
        digest.add(of_field.value)


def _mixed(parts: Iterable[bytes]) -> bytes:
    digest = Digest()
    digest.mix_all(parts)
    return digest.value
