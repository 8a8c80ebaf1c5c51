"""The values of keys as Python's own: what ``server.load`` takes, and what ``server.db(0)[key]`` gives.

=============  ==========================================================================================
in Redis       in Python
=============  ==========================================================================================
string         ``str``, ``bytes``, ``int`` or ``float``
list           a list or tuple
set            a set or frozenset
hash           a mapping
sorted set     :class:`SortedSet`: a mapping from members to scores
stream         :class:`Stream`: a list of entries
time to live   :class:`Expiring` around any of these
=============  ==========================================================================================

The rule of this file: what is text comes out as :class:`Text`, a ``str`` that equals its bytes as well, and what is no
UTF-8 as ``bytes``. So an assertion may be written either way, and a failing one reads well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Any

from miniredis.engine.values import Value, is_string, string_bytes
from miniredis.structures.hash import Hash
from miniredis.structures.list import List
from miniredis.structures.set import Set
from miniredis.structures.sorted_set import SortedSet as SortedSetValue
from miniredis.structures.stream import format_id


class Text(str):
    """Text that came from a server: equal to the same ``str``, to its UTF-8 bytes, and to the number it spells."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, bytes | bytearray):
            return self.encode() == other
        if isinstance(other, int | float) and not isinstance(other, bool):
            return str.__eq__(self, repr(other))
        return str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


def text(data: bytes) -> Text | bytes:
    """*data* as :class:`Text` if it is UTF-8."""
    try:
        return Text(data, "utf-8")
    except UnicodeDecodeError:
        return data


def as_kept(name: Any) -> Any:
    """*name* (a key, a member, a field) as it stands in the collections below."""
    if isinstance(name, bytes | bytearray):
        return text(bytes(name))
    return Text(name) if isinstance(name, int | float) and not isinstance(name, bool) else name


class Fields(dict[Any, Any]):
    """The fields of a hash, or of an entry of a stream, by text or bytes."""

    __slots__ = ()

    def __getitem__(self, key: object) -> Any:
        return super().__getitem__(as_kept(key))

    def __contains__(self, key: object) -> bool:
        return super().__contains__(as_kept(key))

    def get(self, key: object, default: Any = None) -> Any:
        return super().get(as_kept(key), default)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return False
        return dict.__eq__(self, {as_kept(key): value for key, value in other.items()})

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None


class SortedSet(Fields):
    """A sorted set: members with their scores. One that comes from a server is in the order of its scores."""

    __slots__ = ()


class Members(set[Any]):
    """The members of a set, by text or bytes."""

    __slots__ = ()

    def __contains__(self, member: object) -> bool:
        return super().__contains__(as_kept(member))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AbstractSet):
            return False
        return set.__eq__(self, {as_kept(member) for member in other})

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None


class Stream(list[Any]):
    """A stream: its entries, each its id (``"1-1"``) and its fields; to load one, the fields alone have an id made up.

    ``groups`` are the consumer groups to create, with the id that each was last given: ``{"workers": "0"}``.
    """

    def __init__(self, entries: Iterable[Any] = (), groups: Mapping[Any, Any] | None = None) -> None:
        super().__init__(entries)
        self.groups: dict[Any, Any] = dict(groups or {})


class Expiring:
    """A *value* to load that ends: after so many seconds of the server's clock (a ``timedelta`` will do), or at a
    ``datetime``."""

    __slots__ = ("ttl", "value")

    def __init__(self, value: Any, ttl: float | timedelta | datetime) -> None:
        self.value = value
        self.ttl = ttl


def to_python(value: Value, now: int) -> Any:
    """*value*, of any type, as a copy in Python; without the fields of a hash that have ended by *now*."""
    if is_string(value):
        return text(string_bytes(value))
    if isinstance(value, List):
        return [text(element) for element in value]
    if isinstance(value, Set):
        return Members(map(text, value))
    if isinstance(value, Hash):
        return Fields((text(field), text(each)) for field, each in value.live(now).items())
    if isinstance(value, SortedSetValue):
        return SortedSet((text(member), score) for member, score in value)
    entries = [(text(format_id(entry_id)), _fields(fields)) for entry_id, fields in value]
    groups = {text(name): text(format_id(group.last_id)) for name, group in value.groups.items()}
    return Stream(entries, groups)


def _fields(flat: list[bytes]) -> Any:
    """The fields of an entry; as pairs if one stands there more than once."""
    pairs = [(text(field), text(value)) for field, value in zip(flat[::2], flat[1::2], strict=True)]
    fields = Fields(pairs)
    return fields if len(fields) == len(pairs) else pairs
