"""A feed of recent activity: the latest so many, for so long, read page by page.

**The problem.** The usual feed is a list, LPUSH, LTRIM and EXPIRE, three commands of which the last may not come.
Pages of it are offsets: whatever is pushed between two pages shows an entry twice. Its time stamps are the clients'.

**The guarantee.** A feed never has more than ``size`` entries nor shows one older than ``ttl``. Entries are in the
order in which the server took them, with its time. A page begins after an entry, not after a number of them, so that
no entry is shown twice or skipped, whatever is pushed meanwhile. A key always has a TTL.

**The price.** One round trip for everything.

**Not for** what must not be forgotten: the oldest entry goes when the feed is full. Nor is it one feed for all
followers of somebody: push to each of their feeds, or merge when reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from patterns.codecs import JSON, Codec
from patterns.durations import Duration, milliseconds
from patterns.keys import check_prefix, key
from patterns.pattern import Blocking, Pattern, operation
from patterns.scripts import Script
from patterns.steps import Command, Steps

PUSH: Final = Script("feed_push")
READ: Final = Script("feed_read")

MONTH: Final = 30 * 86400


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened."""

    id: str
    """Its place in the feed, to begin a page after it."""
    at: float
    """When the server took it, in seconds since the epoch."""
    value: Any


class FeedOperations(Pattern):
    """``feed.push({"liked": 7})``, ``page = feed.latest()``, ``feed.latest(before=page[-1].id)``"""

    def __init__(
        self,
        client: Any,
        name: str,
        *,
        size: int = 1000,
        ttl: Duration = MONTH,
        codec: Codec = JSON,
        prefix: str = "feed:",
    ) -> None:
        if size < 1:
            raise ValueError(f"a size is 1 or more: {size!r}")
        self.client = client
        self._key = key(check_prefix(prefix), name)
        self._size = size
        self._ttl = milliseconds(ttl)
        self._codec = codec

    @operation
    def push(self, value: Any) -> Steps[str]:
        """Add an entry, and return its id."""
        id: bytes = yield from PUSH((self._key,), (self._codec.dumps(value), self._size, self._ttl))
        return id.decode()

    @operation
    def latest(self, count: int = 20, *, before: str | None = None) -> Steps[list[Entry]]:
        """The latest entries, or the latest before that id; the latest first."""
        return self._entries((yield from READ((self._key,), ("latest", before or "", count, self._ttl))))

    @operation
    def since(self, id: str | None = None, count: int = 20) -> Steps[list[Entry]]:
        """The first entries after that id, or of all; the earliest first."""
        return self._entries((yield from READ((self._key,), ("since", id or "", count, self._ttl))))

    @operation
    def remove(self, id: str) -> Steps[bool]:
        """Take an entry out. False if it was not there."""
        return bool((yield Command("XDEL", self._key, id)))

    def _entries(self, found: Sequence[Any]) -> list[Entry]:
        return [
            Entry(id.decode(), int(id.partition(b"-")[0]) / 1000, self._codec.loads(fields[1])) for id, fields in found
        ]


class Feed(FeedOperations, Blocking):
    __doc__ = FeedOperations.__doc__
