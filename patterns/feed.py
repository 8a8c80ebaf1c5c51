"""A feed of recent activity: the latest so many, for so long, read page by page.

**The problem.** The usual feed is a list, LPUSH, LTRIM and EXPIRE, three commands of which the last may not come.
Pages of it are offsets: whatever is pushed between two pages shows an entry twice. Its time stamps are the clients'.

**The guarantee.** A feed never has more than ``size`` entries nor shows one older than ``ttl``. Entries are in the
order in which the server took them, with its time. A page begins after an entry, not after a number of them, so that
no entry is shown twice or skipped, whatever is pushed meanwhile. A push that is sent again within a minute, since its
reply was lost (redis-py does that by itself), adds one entry. A key always has a TTL.

**The price.** One round trip for everything. So that no entry is added twice, Redis keeps a small key for each push to
each feed, for a minute.

For the followers of somebody :class:`Feeds` adds an entry to each of their feeds (fan-out on write): one round trip per
thousand feeds, per node of a cluster. Each feed has its entry or an error of its own, also
when the connection breaks in between.

**Not for** what must not be forgotten: the oldest entry goes when the feed is full. Nor for the followers of somebody
whom millions follow: let them read his own feed beside theirs.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final, Generic, TypeVar

from redis.exceptions import RedisClusterException, RedisError

from patterns.codecs import JSON, Codec
from patterns.durations import Duration, milliseconds
from patterns.keys import check_prefix, key
from patterns.pattern import Blocking, Pattern, operation
from patterns.scripts import Script, pipeline
from patterns.steps import Command, Steps

PUSH: Final = Script("feed_push")
READ: Final = Script("feed_read")

MONTH: Final = 30 * 86400

MINUTE: Final = 60_000
"""How long the id of an entry is kept for whom the answer did not reach, in milliseconds."""

BATCH: Final = 1000
"""To how many feeds an entry is sent in one round trip."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened."""

    id: str
    """Its place in the feed, to begin a page after it."""
    at: float
    """When the server took it, in seconds since the epoch."""
    value: Any
    """What was pushed; if the codec cannot read it, its bytes."""


class UndeliveredError(Exception):
    """Some feeds did not get an entry. The others have it: to push it to all again would show it twice there.

    A feed whose error is one of the connection may have it all the same: then only the reply was lost.
    """

    def __init__(self, ids: Mapping[str, str], errors: Mapping[str, Exception]) -> None:
        name, error = next(iter(errors.items()))
        super().__init__(f"{len(errors)} of {len(ids) + len(errors)} feeds did not get the entry; {name!r}: {error}")
        self.ids = ids
        """The entry's id in each feed that has it."""
        self.errors = errors
        """Why each of the others does not."""


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
        self._part = partial(key, check_prefix(prefix), name)
        self._key = self._part()
        self._size = size
        self._ttl = milliseconds(ttl)
        self._codec = codec

    @operation
    def push(self, value: Any) -> Steps[str]:
        """Add an entry, and return its id."""
        id: bytes = yield from self._pushing(value).steps()
        return id.decode()

    def _pushing(self, value: Any) -> Command:
        return PUSH.command(
            (self._key, self._part(f"push:{secrets.token_hex(8)}")),
            (self._codec.dumps(value), self._size, self._ttl, MINUTE),
        )

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

    def _entries(self, found: Sequence[Any] | None) -> list[Entry]:
        # There is no list if less than one entry was asked for.
        return [
            Entry(id.decode(), int(id.partition(b"-")[0]) / 1000, self._readable(fields[1]))
            for id, fields in found or ()
        ]

    def _readable(self, data: bytes) -> Any:
        """The value: an entry of another codec must not keep anybody from the others."""
        try:
            return self._codec.loads(data)
        except ValueError:
            return data


class Feed(FeedOperations, Blocking):
    __doc__ = FeedOperations.__doc__


F = TypeVar("F", bound=FeedOperations)


class FeedsOperations(Pattern, Generic[F]):
    """``feeds = Feeds(client, size=100)``, ``feeds.push({"liked": 7}, followers)``, ``feeds["ann"].latest()``"""

    _feed: ClassVar[Any]
    """The class of its feeds, of the same flavour."""

    def __init__(
        self, client: Any, *, size: int = 1000, ttl: Duration = MONTH, codec: Codec = JSON, prefix: str = "feed:"
    ) -> None:
        self.client = client
        self._options = {"size": size, "ttl": ttl, "codec": codec, "prefix": prefix}
        self["any"]  # an option that is none is an error now

    def __getitem__(self, name: str) -> F:
        """The feed of that name."""
        feed: F = self._feed(self.client, name, **self._options)
        return feed

    @operation
    def push(self, value: Any, names: Iterable[str]) -> Steps[dict[str, str]]:
        """Add an entry to each of these feeds: its id in each. Raises :class:`UndeliveredError` after all had a try."""
        feeds = [(name, self[name]) for name in dict.fromkeys(names)]
        ids: dict[str, str] = {}
        errors: dict[str, Exception] = {}
        for place in range(0, len(feeds), BATCH):
            batch = feeds[place : place + BATCH]
            try:
                replies = yield from pipeline([feed._pushing(value) for _, feed in batch])
            except (RedisError, RedisClusterException) as error:
                replies = [error] * len(batch)
            for (name, _), reply in zip(batch, replies, strict=True):
                if isinstance(reply, Exception):
                    errors[name] = reply
                else:
                    ids[name] = reply.decode()
        if errors:
            raise UndeliveredError(ids, errors)
        return ids


class Feeds(FeedsOperations[Feed], Blocking):
    __doc__ = FeedsOperations.__doc__
    _feed = Feed
