"""The value of a hash, with the encodings of Redis: ``listpack`` while it is small, ``hashtable`` from then on.

Either way it is a dict, which keeps fields in the order in which they came: the order that a listpack shows, and one
that is as good as any for a hashtable. A hash becomes a hashtable when it has too many fields, or a field or value too
long, for the configured limits, and remains one.
"""

from __future__ import annotations

from typing import Literal, Protocol

from miniredis.structures.member_index import MemberIndex

Encoding = Literal["listpack", "hashtable"]


class HashLimits(Protocol):
    """How far the listpack goes, in fields and in bytes of a field or value, by the names of the directives."""

    @property
    def hash_max_listpack_entries(self) -> int: ...
    @property
    def hash_max_listpack_value(self) -> int: ...


class Hash:
    """Fields and their values. ``fields`` is to be read as one likes, and changed only by the methods."""

    __slots__ = ("_index", "encoding", "fields")

    type_name = b"hash"

    def __init__(self, encoding: Encoding = "listpack") -> None:
        self.encoding: Encoding = encoding
        self.fields: dict[bytes, bytes] = {}
        self._index: MemberIndex | None = None

    def copy(self) -> Hash:
        """One like it that shares nothing that can change."""
        twin = Hash(self.encoding)
        twin.fields = self.fields.copy()
        return twin

    def __len__(self) -> int:
        return len(self.fields)

    def __contains__(self, field: object) -> bool:
        return field in self.fields

    def __eq__(self, other: object) -> bool:
        """Equal fields with equal values; the encoding does not count."""
        return self.fields == other.fields if isinstance(other, Hash) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"<Hash of {len(self)}, {self.encoding}>"

    def set(self, field: bytes, value: bytes, limits: HashLimits) -> bool:
        """Give a field a value, in the encoding that this calls for; True if the field is new."""
        fields = self.fields
        size = len(fields)
        fields[field] = value
        is_new = len(fields) > size
        if self.encoding == "listpack":
            longest = limits.hash_max_listpack_value
            if len(fields) > limits.hash_max_listpack_entries or len(field) > longest or len(value) > longest:
                self.encoding = "hashtable"
        if is_new and self._index is not None:
            self._index.add(field)
        return is_new

    def remove(self, field: bytes) -> bool:
        """Remove a field; True if it was there."""
        if self.fields.pop(field, None) is None:
            return False
        if self._index is not None:
            self._index.discard(field)
        return True

    def expect(self, added: int, limits: HashLimits) -> None:
        """Leave the listpack at once if so many fields to come, were there no others, would not fit it."""
        if added > limits.hash_max_listpack_entries:
            self.encoding = "hashtable"

    def index(self) -> MemberIndex:
        """The index of the fields for random choices and cursors."""
        if self._index is None:
            self._index = MemberIndex(self.fields)
        return self._index
