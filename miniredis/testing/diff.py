"""What has changed since a snapshot, one line for each change::

    + db0 "new" = "1"
    - db0 "old" = "x"
    ~ db0 "greeting" = "hello" -> = "bye"
    ~ db0 "queue" list: + "c"
    ~ db0 "session" until 2026-11-30T12:00:00.000Z -> for ever

The rule of this file: the list is empty if, and only if, :mod:`miniredis.testing.description` has the same to say of
both. A value that is the very same object as in the snapshot is not looked at: an untouched key costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Final

from miniredis.engine.copy_on_write import Content
from miniredis.engine.engine import Engine
from miniredis.engine.keyspace import Database
from miniredis.structures.hash import Hash
from miniredis.testing.description import Description, describe, moment
from miniredis.testing.snapshots import Snapshot
from miniredis.testing.transcript import quoted_whole

LONGEST: Final = 200
"""Characters of a line that are shown."""

MOST: Final = 1000
"""Lines of one value, without what is alike at both ends, that are compared one by one."""


def differences(engine: Engine, snapshot: Snapshot) -> list[str]:
    """The lines, database by database and key by key."""
    engine.run_due()
    lines = [
        _shortened(line)
        for database, content in zip(engine.databases, snapshot.content.contents, strict=True)
        for line in _of_database(database, content, snapshot.taken_at)
    ]
    before, after = snapshot.content.functions, engine.function_codes()
    lines += [_shortened(f"- functions {quoted_whole(code)}") for code in before if code not in after]
    lines += [_shortened(f"+ functions {quoted_whole(code)}") for code in after if code not in before]
    return lines


def _of_database(database: Database, content: Content, taken_at: int) -> Iterator[str]:
    for key in sorted(content.data.keys() | database.data.keys()):
        if _is_untouched(database, content, key):
            continue
        before = _description(content.data, content.expires, key, taken_at)
        after = _description(database.data, database.expires, key, database.engine.now)
        name = f"db{database.number} {quoted_whole(key)}"
        if before == after:
            continue
        if before is None or after is None:
            mark, description = ("+", after) if before is None else ("-", before)
            assert description is not None
            yield f"{mark} {name} {description.head()}"
            yield from (f"{mark} {name}: {line}" for line in description.details())
        else:
            yield from _of_key(name, before, after)


def _is_untouched(database: Database, content: Content, key: bytes) -> bool:
    value = database.data.get(key)
    return (
        value is content.data.get(key)
        and database.expires.get(key) == content.expires.get(key)
        and not database.is_past(key)
        and not (isinstance(value, Hash) and value.expiries is not None)
    )


def _description(data: dict[bytes, object], expires: dict[bytes, int], key: bytes, now: int) -> Description | None:
    """What there is at *key*, seen at *now*."""
    value, end = data.get(key), expires.get(key)
    if value is None or (end is not None and end < now):
        return None
    return describe(value, end, now)


def _of_key(name: str, before: Description, after: Description) -> Iterator[str]:
    if before.kind != after.kind or (before.kind == "string" and before.lines != after.lines):
        both = before.kind == after.kind
        yield f"~ {name} {before.head()} -> {after.head().removeprefix('= ') if both else after.head()}"
        return
    if before.end != after.end:
        yield f"~ {name} until {_end(before)} -> {_end(after)}"
    for change in _changes(before.lines, after.lines):
        yield f"~ {name} {before.kind}: {change}"


def _end(description: Description) -> str:
    return "for ever" if description.end is None else moment(description.end)


def _changes(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """The lines that went and that came."""
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    before, after = before[start : len(before) - end], after[start : len(after) - end]
    if len(before) > MOST or len(after) > MOST:
        yield f"{len(before)} lines -> {len(after)} lines"
        return
    for tag, start, stop, other_start, other_stop in SequenceMatcher(None, before, after, False).get_opcodes():
        if tag != "equal":
            yield from (f"- {line}" for line in before[start:stop])
            yield from (f"+ {line}" for line in after[other_start:other_stop])


def _shortened(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
