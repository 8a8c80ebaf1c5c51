"""The value of a set, with the encodings of Redis: ``intset``, ``listpack`` (since 7.2) and ``hashtable``.

Whatever the encoding, the members are the keys of a dict, which remembers the order in which they came and does the
work of set algebra at the speed of C. The encoding decides what clients can see of it:

- An intset holds only integers and iterates in their order. It is sorted when somebody looks, and not again until it
  gained a member.
- A listpack iterates in order of insertion.
- A hashtable has no order that Redis would promise; here it keeps that of insertion.

A set leaves the intset when it gains a member that is no integer, and either compact encoding when it outgrows the
configured limits; it never comes back. (A result that SINTERSTORE and its like store is a new set.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, Protocol

from miniredis.structures.member_index import MemberIndex
from miniredis.structures.numbers import parse_integer

Encoding = Literal["intset", "listpack", "hashtable"]


class SetLimits(Protocol):
    """How far the compact encodings go, by the names of the directives; no listpack at all with 0 entries."""

    @property
    def set_max_intset_entries(self) -> int: ...
    @property
    def set_max_listpack_entries(self) -> int: ...
    @property
    def set_max_listpack_value(self) -> int: ...


class Set:
    """Unique members. Do not change the set while iterating over it.

    ``members`` has them as its keys, to be asked for membership and size, and never to be changed from outside;
    iterate over the set itself, which knows its order.
    """

    __slots__ = ("_index", "_is_sorted", "encoding", "members")

    type_name = b"set"

    def __init__(self, encoding: Encoding = "intset") -> None:
        self.encoding: Encoding = encoding
        self.members: dict[bytes, None] = {}
        self._is_sorted = True  # of interest while it is an intset
        self._index: MemberIndex | None = None

    @classmethod
    def for_member(cls, member: bytes, limits: SetLimits, expected: int = 1) -> Set:
        """An empty set in the encoding that suits its first *member* and the *expected* size."""
        if expected <= limits.set_max_intset_entries and parse_integer(member) is not None:
            return cls("intset")
        return cls("listpack" if expected <= limits.set_max_listpack_entries else "hashtable")

    @classmethod
    def from_members(cls, members: Iterable[bytes], limits: SetLimits, encoding: Encoding = "intset") -> Set:
        """The set that begins empty in *encoding* and gains *members* one by one."""
        built = cls(encoding)
        unique = dict.fromkeys(members)
        if len(unique) > max(limits.set_max_intset_entries, limits.set_max_listpack_entries):
            built.encoding = "hashtable"
            built.members = unique
        else:
            for member in unique:
                built.add(member, limits)
        return built

    @classmethod
    def of_unique(cls, members: Iterable[bytes], encoding: Encoding) -> Set | None:
        """The set of *members* in that *encoding*, an intset's in order; None if they are not all different."""
        built = cls(encoding)
        listed = list(members)
        built.members = dict.fromkeys(listed)
        return built if len(built.members) == len(listed) else None

    def copy(self) -> Set:
        """One like it that shares nothing that can change."""
        twin = Set(self.encoding)
        twin.members = self.members.copy()
        twin._is_sorted = self._is_sorted
        return twin

    def __len__(self) -> int:
        return len(self.members)

    def __contains__(self, member: object) -> bool:
        return member in self.members

    def __iter__(self) -> Iterator[bytes]:
        """The members in order: see the head of this module."""
        return iter(self.in_order())

    def in_order(self) -> dict[bytes, None]:
        """``members``, which from now until the next change is in order."""
        if not self._is_sorted:
            self._sort()
        return self.members

    def __eq__(self, other: object) -> bool:
        """Equal members; the encoding does not count."""
        return self.members.keys() == other.members.keys() if isinstance(other, Set) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"<Set of {len(self)}, {self.encoding}>"

    # Changing

    def add(self, member: bytes, limits: SetLimits) -> bool:
        """Add a member, in the encoding that this calls for; True if it is new."""
        members = self.members
        if member in members:
            return False
        if self.encoding != "hashtable":
            self._suit(member, limits)
        members[member] = None
        if self._index is not None:
            self._index.add(member)
        return True

    def remove(self, member: bytes) -> bool:
        """Remove a member; True if it was there."""
        if member not in self.members:
            return False
        del self.members[member]
        if self._index is not None:
            self._index.discard(member)
        return True

    def expect(self, added: int, limits: SetLimits) -> None:
        """Leave the compact encoding at once if so many members to come, were there no others, would not fit it."""
        if (self.encoding == "listpack" and added > limits.set_max_listpack_entries) or (
            self.encoding == "intset" and added > limits.set_max_intset_entries
        ):
            self._convert("hashtable")

    def _suit(self, member: bytes, limits: SetLimits) -> None:
        """Take the encoding that a new member, which is about to be added, calls for."""
        if self.encoding == "intset":
            if parse_integer(member) is not None:
                self._is_sorted = False
                if len(self.members) >= limits.set_max_intset_entries:
                    self._convert("hashtable")
                return
            longest = max(map(len, self.members), default=0)
        else:
            longest = 0
        fits = (
            len(self.members) < limits.set_max_listpack_entries
            and len(member) <= limits.set_max_listpack_value
            and longest <= limits.set_max_listpack_value
        )
        self._convert("listpack" if fits else "hashtable")

    def _convert(self, encoding: Encoding) -> None:
        if self.encoding == "intset" and not self._is_sorted:
            self._sort()
        self.encoding = encoding

    def _sort(self) -> None:
        """Put the members of an intset in order, in the same dict."""
        ordered = sorted(self.members, key=int)
        self.members.clear()
        self.members.update(dict.fromkeys(ordered))
        self._is_sorted = True

    def index(self) -> MemberIndex:
        """The index for random choices and cursors."""
        if self._index is None:
            self._index = MemberIndex(self.members)
        return self._index
