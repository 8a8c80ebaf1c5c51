"""Events in the order of time: a small series by score, with an end.

**The problem.** A sorted set by time loses events with the same content, since a member is there once; its old events
stay for ever, or are trimmed by the clients' clocks.

**The guarantee.** Every event is there once, equal ones too, for ``retention`` from when it was and not longer, by the
server's clock; noted again with the same *id* it is not there twice, and stays what it was first. ``between`` has each
event of ``[start, end)`` once, so that adjoining times share none. A key always has a TTL.

**The price.** One round trip for everything, O(log n) and the events that are returned.

**Not for** metrics in bulk or their averages: that is a time series database. Times are exact to a microsecond.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from patterns.codecs import JSON, Codec
from patterns.durations import Duration, milliseconds
from patterns.keys import check_prefix, key
from patterns.pattern import Blocking, Pattern, operation
from patterns.scripts import Script
from patterns.steps import Steps

ADD: Final = Script("events_add")
READ: Final = Script("events_read")

WEEK: Final = 7 * 86400


@dataclass(frozen=True, slots=True)
class TimedEvent:
    """Something that was at a time, in seconds since the epoch."""

    id: str
    at: float
    value: Any


class EventsOperations(Pattern):
    """``events.add({"door": "open"})``, ``events.between(start, end)``, ``events.latest(10)``"""

    def __init__(
        self,
        client: Any,
        name: str,
        *,
        retention: Duration = WEEK,
        codec: Codec = JSON,
        prefix: str = "events:",
    ) -> None:
        self.client = client
        self._keys = (key(check_prefix(prefix), name), key(prefix, name, "values"))
        self._retention = milliseconds(retention)
        self._codec = codec

    @operation
    def add(self, value: Any, *, at: float | None = None, id: str | None = None) -> Steps[float | None]:
        """Note an event of now, or of *at*; when it was, or None if that is too long ago to be kept."""
        args = (id or secrets.token_hex(8), self._codec.dumps(value), _micros(at), self._retention)
        found: bytes | None = yield from ADD(self._keys, args)
        return None if found is None else int(found) / 1_000_000

    @operation
    def between(self, start: float | None, end: float | None, count: int = 1000) -> Steps[list[TimedEvent]]:
        """The first events from *start* on and before *end*; None is no bound."""
        return self._events((yield from self._read("range", start, end, count)))

    @operation
    def latest(self, count: int = 20, *, before: float | None = None) -> Steps[list[TimedEvent]]:
        """The latest events, or the latest before a time; the latest first."""
        return self._events((yield from self._read("reverse", None, before, count)))

    @operation
    def count(self, start: float | None = None, end: float | None = None) -> Steps[int]:
        """How many events there are from *start* on and before *end*."""
        count: int = yield from self._read("count", start, end, 0)
        return count

    def _read(self, how: str, start: float | None, end: float | None, count: int) -> Steps[Any]:
        return READ(self._keys, (how, _micros(start), _micros(end), count, self._retention))

    def _events(self, found: Sequence[Any]) -> list[TimedEvent]:
        return [
            TimedEvent(id.decode(), int(float(at)) / 1_000_000, self._codec.loads(value)) for id, at, value in found
        ]


def _micros(at: float | None) -> int | str:
    return "" if at is None else round(at * 1_000_000)


class Events(EventsOperations, Blocking):
    __doc__ = EventsOperations.__doc__
