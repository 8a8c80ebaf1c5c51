"""The value of a hash, with the encodings of Redis: ``listpack`` while it is small, ``hashtable`` from then on.

Either way it is a dict, which keeps fields in the order in which they came: the order that a listpack shows, and one
that is as good as any for a hashtable. A hash becomes a hashtable when it has too many fields, or a field or value too
long, for the configured limits, and remains one.

Fields can have a time of their own at which they end. Only a hash that has such fields keeps anything about it, in
:class:`~miniredis.structures.deadlines.Deadlines`; to every other the matter costs one attribute that is None. Such a
hash is a hashtable in Valkey. In Redis a small one is a ``listpackex``, once somebody has given a field a time: its
fields are in the order in which they end, and those that do not are behind them, in the order in which they came. A
field whose time has passed is still there until somebody removes it, so that HLEN counts it as in Redis, but is not to
be shown: `live` leaves it out.
"""

from __future__ import annotations

from itertools import islice
from typing import Literal, Protocol

from miniredis.structures.deadlines import Deadlines
from miniredis.structures.member_index import MemberIndex

Encoding = Literal["listpack", "listpackex", "hashtable"]


class HashLimits(Protocol):
    """How far the listpack goes, in fields and in bytes of a field or value, by the names of the directives."""

    @property
    def hash_max_listpack_entries(self) -> int: ...
    @property
    def hash_max_listpack_value(self) -> int: ...


class Hash:
    """Fields and their values. ``fields`` is to be read as one likes, and changed only by the methods.

    ``expiries`` has the last millisecond (since the epoch) of each field that ends; it is None where none does.
    """

    __slots__ = ("_index", "encoding", "expiries", "fields")

    type_name = b"hash"

    def __init__(self, encoding: Encoding = "listpack") -> None:
        self.encoding: Encoding = encoding
        self.fields: dict[bytes, bytes] = {}
        self.expiries: Deadlines | None = None
        self._index: MemberIndex | None = None

    def copy(self) -> Hash:
        """One like it that shares nothing that can change."""
        twin = Hash(self.encoding)
        twin.fields = self.fields.copy()
        if self.expiries is not None:
            twin.expiries = self.expiries.copy()
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
        """Give a field a value, in the encoding that this calls for; True if the field is new. It ends when it did."""
        fields = self.fields
        size = len(fields)
        fields[field] = value
        is_new = len(fields) > size
        if self.encoding != "hashtable":
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
        if self.expiries is not None:
            self.persist(field)
        return True

    def expect(self, added: int, limits: HashLimits) -> None:
        """Leave the listpack at once if so many fields to come, were there no others, would not fit it."""
        if added > limits.hash_max_listpack_entries:
            self.encoding = "hashtable"

    def order_by_expiry(self) -> None:
        """Make a listpack the one that Redis uses where fields may end."""
        if self.encoding == "listpack":
            self.encoding = "listpackex"

    def expire_at(self, field: bytes, when: int) -> None:
        """Let *field*, which must be there, end after the millisecond *when*."""
        if self.expiries is None:
            self.expiries = Deadlines()
            if self.encoding == "listpack":
                self.encoding = "hashtable"
        self.expiries.set(field, when)
        if self.encoding == "listpackex":
            times = self.expiries.times
            self._move_to_end(field)
            for later in [each for each in self.fields if each != field and times.get(each, when) >= when]:
                self._move_to_end(later)

    def _move_to_end(self, field: bytes) -> None:
        self.fields[field] = self.fields.pop(field)

    def persist(self, field: bytes) -> bool:
        """Take from *field* the time at which it ends. Whether it had one."""
        expiries = self.expiries
        if expiries is None or not expiries.discard(field):
            return False
        if not expiries:
            self.expiries = None
        if self.encoding == "listpackex" and field in self.fields:
            self._move_to_end(field)
        return True

    def end_of(self, field: bytes) -> int | None:
        """The last millisecond of *field*, if it ends."""
        return None if self.expiries is None else self.expiries.times.get(field)

    def is_live(self, field: bytes, now: int) -> bool:
        """Whether *field* is there and its time has not passed."""
        return field in self.fields and not self.is_past(field, now)

    def is_past(self, field: bytes, now: int) -> bool:
        """Whether the time of *field* has passed."""
        if self.expiries is None:
            return False
        when = self.expiries.times.get(field)
        return when is not None and when < now

    def remove_past(self, now: int, limit: int) -> list[bytes]:
        """Remove fields whose time has passed, the earliest first, at most *limit*. Which they were."""
        past: list[bytes] = []
        if self.encoding == "listpackex":
            past += islice((field for field in self.fields if self.is_past(field, now)), limit)
            for field in past:
                self.remove(field)
            return past
        while self.expiries is not None and len(past) < limit:
            first = self.expiries.first()
            if first is None or first[0] >= now:
                break
            self.remove(first[1])
            past.append(first[1])
        return past

    def live(self, now: int) -> dict[bytes, bytes]:
        """The fields whose time has not passed, with their values: to be read only."""
        if self.expiries is None or (first := self.expiries.first()) is None or first[0] >= now:
            return self.fields
        times = self.expiries.times
        return {field: value for field, value in self.fields.items() if times.get(field, now) >= now}

    def index(self) -> MemberIndex:
        """The index of the fields for random choices and cursors."""
        if self._index is None:
            self._index = MemberIndex(self.fields)
        return self._index
