"""The ACL log: who was refused what, newest first.

What happens again within a minute is counted in the entry that there is, which becomes the newest. Only the ten newest
entries are looked at for that.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Final

from miniredis.engine.client_line import describe
from miniredis.engine.record import record

if TYPE_CHECKING:
    from miniredis.engine.engine import Engine
    from miniredis.engine.session import Session

GROUPING_TIME: Final = 60_000
"""Milliseconds between two refusals of which the second is only counted."""

GROUPING_DEPTH: Final = 10


@record
class Refusal:
    """One entry. *created_at* and *updated_at* are milliseconds since the epoch; *client* is a line of CLIENT LIST."""

    id: int
    reason: str
    context: str
    object: bytes
    user: bytes
    client: bytes
    created_at: int
    updated_at: int
    count: int = 1


class AclLog:
    """The log of one engine."""

    __slots__ = ("_engine", "_next_id", "entries")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._next_id = 0
        self.entries: deque[Refusal] = deque()

    def add(self, reason: str, context: str, what: bytes, user: bytes, client: Session, argv: list[bytes]) -> None:
        """Enter that *user* was refused *what*. *argv* is what *client* has asked for."""
        engine = self._engine
        engine.statistics.access_denied[reason] += 1
        line = describe(client, argv)
        for entry in islice(self.entries, GROUPING_DEPTH):
            if (entry.reason, entry.context, entry.object, entry.user) == (reason, context, what, user) and (
                abs(engine.now - entry.updated_at) <= GROUPING_TIME
            ):
                self.entries.remove(entry)
                self.entries.appendleft(entry)
                entry.client, entry.updated_at = line, engine.now
                entry.count += 1
                return
        entry = Refusal(self._next_id, reason, context, what, user, line, engine.now, engine.now)
        self._next_id += 1
        self.entries.appendleft(entry)
        while len(self.entries) > engine.config.acllog_max_len:
            self.entries.pop()

    def reset(self) -> None:
        """Forget all entries; ids go on."""
        self.entries.clear()
