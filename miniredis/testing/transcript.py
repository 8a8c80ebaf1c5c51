"""Requests and replies as a person reads them in a log, an assertion's message, a test's report.

The rule of this file: a line is a line. Nothing a client sends breaks it, and what is long is shortened, with the
length of the whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

from miniredis.engine.quoting import quote
from miniredis.resp.types import NULL_ARRAY, Error, InProtocol, Pairs, Replies, Reply, SimpleString

if TYPE_CHECKING:
    from miniredis.testing.interception import Call

LONGEST: Final = 80
"""Characters of an argument or a reply that are shown."""

MOST: Final = 12
"""Arguments of a command, and items of a collection, that are shown."""

SECRETIVE: Final = frozenset({"auth", "hello", "acl|setuser", "migrate"})
"""Commands whose arguments are not shown: a password may be among them."""


class Request(Protocol):
    """A command that was sent."""

    argv: list[bytes]

    @property
    def name(self) -> str:
        """In lower case, a subcommand's with its container's (``config|get``)."""


def line(call: Call) -> str:
    """``12:00:00.000 worker db0 GET "key" -> "value" (0.031 ms)``."""
    moment = datetime.fromtimestamp(call.time / 1e9, UTC).strftime("%H:%M:%S.%f")[:-3]
    words = f"{moment} {call.client} db{call.db} {command(call)}"
    if call.within:
        return f"{words} (in {call.within.upper()})"
    answer = "(waits)" if call.is_blocked else "(given up)" if call.was_given_up else show(call.reply)
    return f"{words} -> {answer} ({call.nanoseconds / 1e6:.3f} ms)"


def command(call: Request) -> str:
    """The command as it could be typed into redis-cli: ``SET "key" "value"``."""
    name = call.name.upper().replace("|", " ")
    arguments = call.argv[1 + call.name.count("|") :]
    if call.name in SECRETIVE:
        return f"{name} (redacted)" if arguments else name
    shown = [quoted(argument) for argument in arguments[:MOST]]
    if len(arguments) > MOST:
        shown.append(f"… {len(arguments)} arguments")
    return " ".join([name, *shown])


def quoted(text: bytes) -> str:
    """*text* as :func:`quoted_whole` has it, or its beginning and its length."""
    if len(text) <= LONGEST:
        return quoted_whole(text)
    return f"{quoted_whole(text[:LONGEST])}… {len(text)} bytes"


def quoted_whole(text: bytes) -> str:
    """*text* in double quotes: UTF-8 as it reads, all else escaped as Redis does."""
    try:
        readable = text.decode()
    except UnicodeDecodeError:
        return quote(text).decode()
    if readable.isprintable() and '"' not in readable and "\\" not in readable:
        return f'"{readable}"'
    return quote(text).decode()


def show(reply: Reply) -> str:
    """A reply in one line."""
    match reply:
        case Error():
            return f"(error) {reply.message.decode(errors='backslashreplace')}"
        case SimpleString():
            return reply.decode(errors="backslashreplace")
        case InProtocol():
            return show(reply.reply)
        case bytes():
            return quoted(reply)
        case None:
            return "(nil)"
        case Replies():
            return _items(reply) or "(no reply)"
        case Pairs():
            return "{" + _items(reply, pairs=True) + "}"
        case dict():
            return "{" + _items(reply.items(), pairs=True) + "}"
        case list():
            return f"[{_items(reply)}]"
    return "(nil)" if reply is NULL_ARRAY else str(reply)


def _items(items: Iterable[Reply], *, pairs: bool = False) -> str:
    items = list(items)
    shown = [f"{show(each[0])}: {show(each[1])}" if pairs else show(each) for each in items[:MOST]]
    if len(items) > MOST:
        shown.append(f"… {len(items)} items")
    return ", ".join(shown)
