"""A key in words: its type, its value line by line, its end. What ``dump`` prints and ``diff`` compares.

The rule of this file: two descriptions are equal if, and only if, no client could tell the keys apart by their content.
So what has no order is sorted, and what only tells of use (access times, when a consumer was last seen) is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from miniredis.engine.values import Value, is_string, string_bytes, type_name
from miniredis.structures.hash import Hash
from miniredis.structures.list import List
from miniredis.structures.set import Set
from miniredis.structures.sorted_set import SortedSet
from miniredis.structures.stream import Stream, format_id
from miniredis.structures.stream_groups import Group
from miniredis.testing.transcript import quoted_whole

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Description(NamedTuple):
    """A key: *kind* is its type, *lines* its value (one line for a string), *end* its last millisecond, if any."""

    kind: str
    lines: tuple[str, ...]
    end: int | None

    def head(self) -> str:
        """What stands behind the key: ``= "value"``, or the type of a collection; then its end."""
        value = f"= {self.lines[0]}" if self.kind == "string" else self.kind
        return value if self.end is None else f"{value} until {moment(self.end)}"

    def details(self) -> tuple[str, ...]:
        """The lines below that."""
        return () if self.kind == "string" else self.lines


def describe(value: Value, end: int | None, now: int) -> Description:
    """*value*, which ends after the millisecond *end*, as it is at *now*."""
    return Description(type_name(value).decode(), tuple(_lines(value, now)), end)


def moment(milliseconds: int) -> str:
    """``2026-11-30T12:00:00.000Z``; a number where the calendar ends."""
    try:
        return (EPOCH + timedelta(milliseconds=milliseconds)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    except OverflowError:
        return f"{milliseconds} ms"


def _lines(value: Value, now: int) -> Iterator[str]:
    if is_string(value):
        yield quoted_whole(string_bytes(value))
    elif isinstance(value, List):
        yield from map(quoted_whole, value)
    elif isinstance(value, Set):
        yield from map(quoted_whole, sorted(value))
    elif isinstance(value, SortedSet):
        for member, score in value:
            yield f"{quoted_whole(member)} = {repr(score).removesuffix('.0')}"
    elif isinstance(value, Hash):
        yield from _fields(value, now)
    elif isinstance(value, Stream):
        yield from _stream(value)


def _fields(value: Hash, now: int) -> Iterator[str]:
    times = {} if value.expiries is None else value.expiries.times
    for field, content in sorted(value.live(now).items()):
        end = f" until {moment(times[field])}" if field in times else ""
        yield f"{quoted_whole(field)} = {quoted_whole(content)}{end}"


def _stream(value: Stream) -> Iterator[str]:
    for entry_id, words in value:
        pairs = zip(words[::2], words[1::2], strict=True)
        yield f"{_id(entry_id)} " + ", ".join(f"{quoted_whole(name)} = {quoted_whole(each)}" for name, each in pairs)
    yield f"last id {_id(value.last_id)}, deleted up to {_id(value.max_deleted_id)}, {value.entries_added} added"
    for name in sorted(value.groups):
        yield from _group(name, value.groups[name])


def _group(name: bytes, group: Group) -> Iterator[str]:
    read = "unknown" if group.entries_read is None else group.entries_read
    yield f"group {quoted_whole(name)} last given {_id(group.last_id)}, read {read}"
    for consumer in group.sorted_consumers():
        yield f"group {quoted_whole(name)} consumer {quoted_whole(consumer.name)}"
        for entry_id, pending in consumer.pending.walk():
            given = f"{moment(pending.delivery_time)}, {pending.delivery_count} times"
            yield f"group {quoted_whole(name)} consumer {quoted_whole(consumer.name)} pending {_id(entry_id)} {given}"


def _id(entry_id: int) -> str:
    return format_id(entry_id).decode()
