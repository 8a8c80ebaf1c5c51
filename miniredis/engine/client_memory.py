"""``maxmemory-clients``: when all clients together take too much, the largest ones are disconnected.

What a client takes is reckoned as Redis would have it (:mod:`miniredis.engine.client_buffers`). As with the memory of
keys nothing is kept while there is no limit. With one, the sum is known: who has sent, was sent or has executed
something is measured anew before the next command, or at the end of the driver's turn (``on_change``).

Clients stand in buckets by the power of two of their size. Who goes is the one who has stood longest in the uppermost
bucket. Clients that have asked for it (CLIENT NO-EVICT) count but stay; replicas do neither.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from miniredis.engine.client_buffers import ReplyBufferSettings, measure

if TYPE_CHECKING:
    from miniredis.engine.engine import Engine
    from miniredis.engine.session import Session

logger = logging.getLogger("miniredis")

SMALLEST_LIMIT: Final = 128 * 1024
"""With less than this nobody could say CONFIG SET any more."""

FIRST_BUCKET: Final = 15
LAST_BUCKET: Final = 33
"""Buckets by their binary digits: the first one is for whatever takes less than 32 kB."""


class ClientMemory:
    """The account of one engine's clients. ``limit`` is in bytes, 0 for none.

    ``on_change`` is the driver's: it is called when clients are to be measured, and has :meth:`evict` called soon.
    """

    __slots__ = (
        "_buckets",
        "_engine",
        "_places",
        "_sizes",
        "_total",
        "_unmeasured",
        "limit",
        "on_change",
        "reply_buffers",
    )

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._unmeasured: dict[Session, None] = {}
        self._sizes: dict[Session, int] = {}
        self._places: dict[Session, int] = {}
        self._buckets: dict[int, dict[Session, None]] = {}
        self._total = 0
        self.limit = 0
        self.reply_buffers = ReplyBufferSettings()
        self.on_change: Callable[[], None] | None = None
        self._forget_all()

    def configure(self) -> None:
        """Take over ``maxmemory-clients``: bytes, or as a negative number percents of ``maxmemory``."""
        config = self._engine.config
        limit = config.maxmemory_clients
        if limit < 0:
            limit = config.maxmemory * -limit // 100
        self.limit = max(limit, SMALLEST_LIMIT) if limit else 0
        self._forget_all()
        if self.limit:
            for session in self._engine.sessions.values():
                self.changed(session)

    def changed(self, session: Session) -> None:
        """Note, while there is a limit, that *session* may take more or less than before."""
        if not self._unmeasured and self.on_change is not None:
            self.on_change()
        self._unmeasured[session] = None

    def forget(self, session: Session) -> None:
        """Count *session* no more: it is gone."""
        self._unmeasured.pop(session, None)
        self._total -= self._sizes.pop(session, 0)
        self._leave_bucket(session)

    def evict(self) -> None:
        """Disconnect the largest clients until the others take less than the limit."""
        if not self.limit:
            return
        unmeasured, self._unmeasured = self._unmeasured, {}
        for session in unmeasured:
            if session.id in self._engine.sessions:
                self._measure(session)
        while self._total >= self.limit:
            victim = self._largest()
            if victim is None:
                logger.warning("Over client maxmemory after evicting all evictable clients")
                return
            logger.info("Evicting client: %s", victim.address)
            self._engine.statistics.evicted_clients += 1
            victim.on_close()
            self._engine.disconnect(victim)

    def describe_buckets(self) -> str:
        """The table of ``DEBUG CLIENT-EVICTION``."""
        lines = []
        for digits, bucket in self._buckets.items():
            low = 0 if digits == FIRST_BUCKET else 1 << (digits - 1)
            end = "+            : " if digits == LAST_BUCKET else f" - {(1 << digits) - 1:10}: "
            size = sum(self._sizes[session] for session in bucket)
            lines.append(f"bucket {low:10}{end}tot-mem: {size:10}, clients: {len(bucket)}\n")
        return "".join(lines)

    def _forget_all(self) -> None:
        self._unmeasured.clear()
        self._sizes.clear()
        self._places.clear()
        self._buckets = {digits: {} for digits in range(FIRST_BUCKET, LAST_BUCKET + 1)}
        self._total = 0

    def _measure(self, session: Session) -> None:
        before = self._sizes.pop(session, 0)
        size = 0
        if not session.is_replica:
            self._sizes[session] = size = measure(session).total
        self._total += size - before
        place = min(max(size.bit_length(), FIRST_BUCKET), LAST_BUCKET)
        if session.no_evict or not size:
            self._leave_bucket(session)
        elif self._places.get(session) != place:
            self._leave_bucket(session)
            self._places[session] = place
            self._buckets[place][session] = None

    def _leave_bucket(self, session: Session) -> None:
        place = self._places.pop(session, None)
        if place is not None:
            del self._buckets[place][session]

    def _largest(self) -> Session | None:
        for bucket in reversed(self._buckets.values()):
            for session in bucket:
                return session
        return None
