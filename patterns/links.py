"""Links from things to things, seen from both ends: tags of items, who follows whom.

**The problem.** The usual graph keeps two sets by two commands: who crashes between them follows somebody who is not
followed. What has all of three tags is then read set by set, at three different moments.

**The guarantee.** Both ends of a link are written at once, so that ``b in links.of(a)`` and ``a in links.to(b)`` are
always the same. An intersection is that of one moment. Asked again after a lost reply, nothing changes.

**The price.** One round trip for everything but :meth:`~LinksOperations.forget`, which takes two or more.
Intersections cost as much as the smallest set, unions as all of them. All of a namespace is in one slot of a cluster.
Its keys have no TTL, by intention: two ends that expired apart would contradict each other. A set without members is
gone.

**Not for** graphs larger than one node, nor for paths longer than one link.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from patterns.keys import check_prefix, key
from patterns.pattern import Blocking, Pattern, operation
from patterns.scripts import Script
from patterns.steps import Command, Steps

WRITE: Final = Script("links_write")


class LinksOperations(Pattern):
    """``follows.link("ada", "bo")``, ``follows.to("bo")``; ``tags.link("x", "red")``, ``tags.to_all("red", "hot")``"""

    def __init__(self, client: Any, name: str, *, prefix: str = "links:") -> None:
        self.client = client
        self._name = name
        self._prefix = check_prefix(prefix)

    def _of(self, thing: str) -> str:
        return key(self._prefix, self._name, f"of:{thing}")

    def _to(self, thing: str) -> str:
        return key(self._prefix, self._name, f"to:{thing}")

    @operation
    def link(self, thing: str, *others: str) -> Steps[int]:
        """Link a thing to others; how many of the links are new."""
        return (yield from self._write("SADD", thing, others))

    @operation
    def unlink(self, thing: str, *others: str) -> Steps[int]:
        """Undo links of a thing to others; how many there were."""
        return (yield from self._write("SREM", thing, others))

    @operation
    def linked(self, thing: str, other: str) -> Steps[bool]:
        """Whether a thing is linked to another."""
        return bool((yield Command("SISMEMBER", self._of(thing), other)))

    @operation
    def of(self, thing: str) -> Steps[set[str]]:
        """What a thing is linked to: its tags, whom it follows."""
        return (yield from self._read("SMEMBERS", [self._of(thing)]))

    @operation
    def to(self, thing: str) -> Steps[set[str]]:
        """What is linked to a thing: all with that tag, its followers."""
        return (yield from self._read("SMEMBERS", [self._to(thing)]))

    @operation
    def count_of(self, thing: str) -> Steps[int]:
        """To how many a thing is linked."""
        count: int = yield Command("SCARD", self._of(thing))
        return count

    @operation
    def count_to(self, thing: str) -> Steps[int]:
        """How many are linked to a thing."""
        count: int = yield Command("SCARD", self._to(thing))
        return count

    @operation
    def of_all(self, *things: str) -> Steps[set[str]]:
        """What every one of some things is linked to: whom they all follow."""
        return (yield from self._read("SINTER", map(self._of, things)))

    @operation
    def to_all(self, *things: str) -> Steps[set[str]]:
        """What is linked to every one of some things: all items that have all of these tags."""
        return (yield from self._read("SINTER", map(self._to, things)))

    @operation
    def to_any(self, *things: str) -> Steps[set[str]]:
        """What is linked to any of some things."""
        return (yield from self._read("SUNION", map(self._to, things)))

    @operation
    def mutual(self, thing: str) -> Steps[set[str]]:
        """What a thing is linked to and from: friends, where links are who follows whom."""
        return (yield from self._read("SINTER", [self._of(thing), self._to(thing)]))

    @operation
    def forget(self, thing: str) -> Steps[None]:
        """Undo all links of a thing, and to it, those as well that come meanwhile."""
        while others := (yield from self._read("SMEMBERS", [self._of(thing)])):
            yield from self._write("SREM", thing, sorted(others))
        while others := (yield from self._read("SMEMBERS", [self._to(thing)])):
            for other in sorted(others):
                yield from self._write("SREM", other, [thing])

    def _write(self, command: str, thing: str, others: Iterable[str]) -> Steps[int]:
        others = tuple(others)
        changed: int = yield from WRITE((self._of(thing), *map(self._to, others)), (command, thing, *others))
        return changed

    def _read(self, command: str, keys: Iterable[str]) -> Steps[set[str]]:
        keys = tuple(keys)
        if not keys:
            raise ValueError("of no things nothing can be said")
        return {each.decode() for each in (yield Command(command, *keys))}


class Links(LinksOperations, Blocking):
    __doc__ = LinksOperations.__doc__
