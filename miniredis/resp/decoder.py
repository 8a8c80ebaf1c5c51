"""Bytes to replies: the client's side of the wire, for RESP2 and RESP3 alike.

The rule of this file: nothing that can be told apart on the wire is made equal. ``+OK`` becomes another type than
``$2 OK``, ``*-1`` another value than ``$-1``, a double keeps its digits; and where Redis has two spellings for one
value (``$-1`` and ``_``), ``raw`` holds the frame as it came.

Frames that are not all there yet wait on a stack, so every byte is looked at once, however it arrives, and a deep
reply needs no deep recursion.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from miniredis.resp.errors import ProtocolError
from miniredis.resp.types import (
    NULL_ARRAY,
    OK,
    Attribute,
    BigNumber,
    Error,
    Pairs,
    Push,
    Replies,
    Reply,
    ReplySet,
    SimpleString,
    Verbatim,
)


class NeedMoreType:
    """The type of :data:`NEED_MORE`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NEED_MORE"


NEED_MORE: Final = NeedMoreType()
"""What :meth:`ReplyDecoder.next` returns when the next reply has not arrived whole."""


class Double(float):
    """A double as it was received: equal as a number, while ``text`` holds the digits that were sent."""

    text: bytes

    def __new__(cls, text: bytes) -> Double:
        self = super().__new__(cls, text)
        self.text = text
        return self

    def __repr__(self) -> str:
        return f"Double({self.text!r})"


class _Frame:
    """An aggregate that is being filled."""

    __slots__ = ("finish", "items", "missing")

    def __init__(self, missing: int, finish: Callable[[list[Any]], Any]) -> None:
        self.items: list[Any] = []
        self.missing = missing
        self.finish = finish


class ReplyDecoder:
    """Decodes what a server sends. Feed it bytes in any portions, and ask for one reply after the other.

    Replies come back as the types of :mod:`miniredis.resp.types`, doubles as :class:`Double`, maps as dict, or as
    :class:`~miniredis.resp.types.Pairs` if a dict cannot hold them. A reply with an attribute is a
    ``Replies([Attribute(...), reply])``.

    Attributes:
        raw: the exact bytes of the reply that :meth:`next` returned last.
    """

    def __init__(self) -> None:
        self.raw = b""
        self._buffer = bytearray()
        self._position = 0  # what lies before is decoded, but belongs to the reply that is being put together
        self._searched = 0  # up to here there is no CRLF
        self._bulk: tuple[int, Callable[[bytes], Any]] | None = None  # the payload awaited: its length and its decoder
        self._unfinished: list[_Frame] = []

    def feed(self, data: bytes) -> None:
        """Add received bytes. Decodes nothing."""
        self._buffer += data

    def next(self) -> Reply | NeedMoreType:
        """The next reply (an error reply is returned, not raised), or :data:`NEED_MORE`.

        Raises:
            ProtocolError: what was fed is no reply. The decoder is of no more use then.
        """
        while True:
            value = self._next_value()
            if value is NEED_MORE:
                return NEED_MORE
            while not isinstance(value, _Frame):
                if not self._unfinished:
                    self.raw = bytes(self._buffer[: self._position])
                    del self._buffer[: self._position]
                    self._position = self._searched = 0
                    return value
                frame = self._unfinished[-1]
                frame.items.append(value)
                frame.missing -= 1
                if frame.missing:
                    break
                self._unfinished.pop()
                value = frame.finish(frame.items)
            else:
                self._unfinished.append(value)

    def _next_value(self) -> Any:
        """A scalar or empty aggregate; a frame that wants filling; or NEED_MORE."""
        if self._bulk is None:
            end = self._buffer.find(b"\r\n", max(self._searched, self._position))
            if end < 0:
                self._searched = max(self._position, len(self._buffer) - 1)
                return NEED_MORE
            line = bytes(self._buffer[self._position : end])
            self._position = end + 2
            kind, text = line[:1], line[1:]
            if (decode := _LINES.get(kind)) is not None:
                return decode(text)
            if (begin := _AGGREGATES.get(kind)) is not None:
                return begin(text)
            if kind not in _BULKS:
                raise ProtocolError(b"Protocol error: no reply begins with '%b'" % kind)
            length = _length(text)
            if length == -1 and kind == b"$":
                return None
            if length < 0:
                raise ProtocolError(b"Protocol error: invalid length %b" % text)
            self._bulk = length, _BULKS[kind]
        length, finish = self._bulk
        end = self._position + length
        if len(self._buffer) < end + 2:
            return NEED_MORE
        if self._buffer[end : end + 2] != b"\r\n":
            raise ProtocolError(b"Protocol error: a bulk string is longer than it says")
        self._bulk = None
        payload = bytes(self._buffer[self._position : end])
        self._position = end + 2
        return finish(payload)


def _length(text: bytes) -> int:
    if text.isdigit() and len(text) < 10:
        return int(text)
    if re.fullmatch(rb"-?[0-9]{1,19}", text) is None:
        # A streamed reply of RESP3 has "?" here. No Redis has ever sent one.
        raise ProtocolError(b"Protocol error: invalid length '%b'" % text)
    return int(text)


# Lines


def _one_line(text: bytes) -> bytes:
    if b"\r" in text or b"\n" in text:
        raise ProtocolError(b"Protocol error: a line end inside a line")
    return text


def _simple_string(text: bytes) -> SimpleString:
    return OK if text == OK else SimpleString(_one_line(text))


def _error(text: bytes) -> Error:
    return Error(_one_line(text))


def _integer(text: bytes) -> int:
    if text.isdigit() and len(text) < 10:
        return int(text)
    if re.fullmatch(rb"[+-]?[0-9]{1,19}", text) is None:
        raise ProtocolError(b"Protocol error: invalid integer '%b'" % text)
    return int(text)


def _big_number(text: bytes) -> BigNumber:
    if re.fullmatch(rb"[+-]?[0-9]{1,4000}", text) is None:
        raise ProtocolError(b"Protocol error: invalid big number '%b'" % text)
    return BigNumber(text)


def _double(text: bytes) -> Double:
    if re.fullmatch(rb"[+-]?([0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?|inf)|-?nan", text) is None:
        raise ProtocolError(b"Protocol error: invalid double '%b'" % text)
    return Double(text)


def _null(text: bytes) -> None:
    if text:
        raise ProtocolError(b"Protocol error: invalid null '%b'" % text)


def _boolean(text: bytes) -> bool:
    if text not in (b"t", b"f"):
        raise ProtocolError(b"Protocol error: invalid boolean '%b'" % text)
    return text == b"t"


# Bulks


def _verbatim(payload: bytes) -> Verbatim:
    if payload[3:4] != b":":
        raise ProtocolError(b"Protocol error: a verbatim string without a format")
    return Verbatim(payload[4:], payload[:3])


# Aggregates


def _aggregate(finish: Callable[[list[Any]], Any], items_each: int = 1, items_after: int = 0) -> Callable[[bytes], Any]:
    """What begins a frame of ``length * items_each + items_after`` items."""

    def begin(text: bytes) -> Any:
        length = _length(text)
        if length < 0:
            raise ProtocolError(b"Protocol error: invalid length '%b'" % text)
        missing = length * items_each + items_after
        return _Frame(missing, finish) if missing else finish([])

    return begin


_begin_array: Final = _aggregate(lambda items: items)


def _array(text: bytes) -> Any:
    return NULL_ARRAY if text == b"-1" else _begin_array(text)


def _map(items: list[Any]) -> dict[Any, Any] | Pairs:
    pairs = Pairs(zip(items[::2], items[1::2], strict=True))
    try:
        mapping = dict(pairs)
    except TypeError:
        return pairs
    return mapping if len(mapping) == len(pairs) else pairs


def _attributed(items: list[Any]) -> Replies:
    *attribute, reply = items
    mapping = _map(attribute)
    if isinstance(mapping, Pairs):
        raise ProtocolError(b"Protocol error: an attribute's keys are not distinct strings")
    return Replies([Attribute(mapping), reply])


_LINES: Final[dict[bytes, Callable[[bytes], Any]]] = {
    b"+": _simple_string,
    b"-": _error,
    b":": _integer,
    b"_": _null,
    b"#": _boolean,
    b",": _double,
    b"(": _big_number,
}

_BULKS: Final[dict[bytes, Callable[[bytes], Any]]] = {
    b"$": lambda payload: payload,
    b"!": Error,
    b"=": _verbatim,
}

_AGGREGATES: Final[dict[bytes, Callable[[bytes], Any]]] = {
    b"*": _array,
    b"~": _aggregate(ReplySet),
    b">": _aggregate(Push),
    b"%": _aggregate(_map, items_each=2),
    b"|": _aggregate(_attributed, items_each=2, items_after=1),
}
