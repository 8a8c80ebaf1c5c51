"""Putting Python values into a database::

    server.load({
        "greeting": "hello",
        "queue": ["a", "b"],
        "tags": {"red", "green"},
        "user:1": {"name": "Ann", "visits": 3},
        "board": SortedSet({"ann": 10, "bob": 7.5}),
        "events": Stream([{"kind": "login"}, ("5-1", {"kind": "logout"})], groups={"workers": "0"}),
        "session": Expiring("abc", 3600),
    })

What stood at these keys is replaced; an empty collection, in Redis, is no key at all.

The rule of this file: values come in by commands, as from any client, so that encodings, events and the clients that
wait are right by construction. Nothing happens at all if Redis has no type for one of the values; one that it refuses
(``ValueError``) leaves those before it in place. Faults do not strike these commands, and the log does not have them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Any

from miniredis.engine.engine import Engine
from miniredis.engine.session import Session
from miniredis.engine.table import CommandTable
from miniredis.resp.types import Error, Reply
from miniredis.testing.python_values import Expiring, SortedSet, Stream
from miniredis.testing.views import DatabaseView


def load(engine: Engine, data: Mapping[Any, Any], number: int) -> None:
    """Put *data* into database *number* of *engine*.

    Raises ``TypeError`` for a value that Redis has no type for, ``ValueError`` for one that it refuses.
    """
    engine.run_due()
    requests = commands(data, engine.now)
    session = Session(engine, 0, _nobody)
    session.db = engine.databases[number]
    table = CommandTable.for_version(engine.version)
    engine.propagation.nesting += 1
    try:
        for key, argv in requests:
            command = table.lookup_argv(argv)
            assert command is not None
            reply = engine.call(session, engine.state_of(command), argv)
            if isinstance(reply, Error):
                raise ValueError(f"{key!r}: {reply.message.decode(errors='backslashreplace')}")
    finally:
        engine.propagation.nesting -= 1
        engine.propagation.flush()
        if engine.blocked_clients.has_ready():
            engine.blocked_clients.serve()
        if engine.tracks:
            engine.tracking.settle()


def commands(data: Mapping[Any, Any], now: int) -> list[tuple[Any, list[bytes]]]:
    """The commands that bring in *data* when it is *now*, in milliseconds since the epoch, each with its key there.

    Raises ``TypeError`` for a value that Redis has no type for.
    """
    return [(key, command) for key in data for command in _commands(_words(key), data[key], _end(data, key, now))]


def _nobody(message: Reply) -> None:
    return None


def _end(data: Mapping[Any, Any], key: Any, now: int) -> int | None:
    """The last millisecond of the value at *key*."""
    if isinstance(data, DatabaseView):
        return data.end_of(key)
    value = data[key]
    if not isinstance(value, Expiring):
        return None
    ttl = value.ttl
    if isinstance(ttl, datetime):
        if ttl.tzinfo is None:
            raise ValueError(f"{key!r}: {ttl!r} has no time zone: say datetime(…, tzinfo=UTC)")
        return round(ttl.timestamp() * 1000)
    seconds = ttl.total_seconds() if isinstance(ttl, timedelta) else ttl
    if seconds <= 0:
        raise ValueError(f"{key!r}: a time to live is more than {ttl!r}")
    return now + round(seconds * 1000)


def _commands(key: bytes, value: Any, end: int | None) -> Iterator[list[bytes]]:
    if isinstance(value, Expiring):
        value = value.value
    yield [b"DEL", key]
    yield from _bring_in(key, value)
    if end is not None:
        yield [b"PEXPIREAT", key, b"%d" % end]


def _bring_in(key: bytes, value: Any) -> Iterator[list[bytes]]:
    match value:
        case Stream():
            yield from _stream(key, value)
        case SortedSet():
            pairs = ((score, member) for member, score in value.items())
            yield from _unless_empty([b"ZADD", key], [_words(word) for pair in pairs for word in pair])
        case Mapping():
            yield from _unless_empty([b"HSET", key], [_words(word) for pair in value.items() for word in pair])
        case AbstractSet():
            yield from _unless_empty([b"SADD", key], [_words(member) for member in value])
        case list() | tuple():
            yield from _unless_empty([b"RPUSH", key], [_words(element) for element in value])
        case _:
            yield [b"SET", key, _words(value)]


def _unless_empty(command: list[bytes], words: list[bytes]) -> Iterator[list[bytes]]:
    if words:
        yield command + words


def _stream(key: bytes, value: Stream) -> Iterator[list[bytes]]:
    for entry in value:
        entry_id, fields = ("*", entry) if isinstance(entry, Mapping) else entry
        pairs = fields.items() if isinstance(fields, Mapping) else fields
        yield [b"XADD", key, _words(entry_id), *(_words(word) for pair in pairs for word in pair)]
    for name, last_id in value.groups.items():
        yield [b"XGROUP", b"CREATE", key, _words(name), _words(last_id), b"MKSTREAM"]


def _words(value: Any) -> bytes:
    """*value* as the bytes of a string."""
    match value:
        case bytes() | bytearray():
            return bytes(value)
        case str():
            return value.encode()
        case bool():
            pass
        case int() | float():
            return repr(value).encode()
    raise TypeError(f"Redis has no type for {value!r}")
