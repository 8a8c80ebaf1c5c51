"""Show replies and scripts the way redis-cli does, so that what differs can be read, and pasted, by a human."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from miniredis.resp import NULL_ARRAY, Double, Error, Pairs, Push, Reply, ReplySet, SimpleString, Verbatim

COLLECTIONS: Final[dict[type, tuple[str, str]]] = {
    dict: ("#", "hash"),
    Pairs: ("#", "hash"),
    ReplySet: ("~", "set"),
    Push: (">", "push"),
}
"""redis-cli's mark behind an element's number, and its word for an empty collection."""


def show(reply: Reply) -> str:
    """A reply as redis-cli prints it; several lines for a collection."""
    return "\n".join(_lines(reply))


def _lines(reply: Reply) -> list[str]:
    match reply:
        case Pairs():
            return list(_collection(reply, [_entry(key, value) for key, value in reply]))
        case list():
            return list(_collection(reply, [_lines(item) for item in reply]))
        case dict():
            return list(_collection(reply, [_entry(key, value) for key, value in reply.items()]))
        case _:
            return [_scalar(reply)]


def _entry(key: Reply, value: Reply) -> list[str]:
    head, *rest = _lines(value)
    return [f"{' '.join(_lines(key))} => {head}", *("   " + line for line in rest)]


def _collection(reply: Reply, entries: list[list[str]]) -> Iterator[str]:
    mark, name = COLLECTIONS.get(type(reply), (")", "array"))
    if not entries:
        yield f"(empty {name})"
    width = len(str(len(entries)))
    for number, (head, *rest) in enumerate(entries, 1):
        yield f"{number:>{width}}{mark} {head}"
        yield from (" " * (width + 2) + line for line in rest)


def _scalar(reply: Reply) -> str:
    match reply:
        case Error():
            return "(error) " + reply.message.decode(errors="backslashreplace")
        case SimpleString():
            return reply.decode(errors="backslashreplace")
        case Verbatim():
            return f"(verbatim {reply.format.decode()}) {quote_text(reply)}"
        case bytes():
            return quote_text(reply)
        case bool():
            return "(true)" if reply else "(false)"
        case int():
            return f"(integer) {reply}"
        case Double():
            return f"(double) {reply.text.decode()}"
        case None:
            return "(nil)"
        case _ if reply is NULL_ARRAY:
            return "(nil array)"
    return repr(reply)


def quote_text(data: bytes) -> str:
    """The bytes between double quotes, escaped as redis-cli does."""
    return '"' + "".join(map(_escape, data)) + '"'


def quote_argument(argument: bytes) -> str:
    """The argument as it can be typed into redis-cli: bare if that is unambiguous, quoted otherwise."""
    bare = argument and all(0x21 <= byte < 0x7F and byte not in b"\"'\\" for byte in argument)
    return argument.decode("ascii") if bare else quote_text(argument)


def quote_command(argv: tuple[bytes, ...] | list[bytes]) -> str:
    """The command as one line for redis-cli."""
    return " ".join(map(quote_argument, argv))


def _escape(byte: int) -> str:
    short = {0x22: '\\"', 0x5C: "\\\\", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x07: "\\a", 0x08: "\\b"}.get(byte)
    return short or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}")
