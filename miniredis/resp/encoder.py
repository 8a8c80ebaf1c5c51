"""Replies to bytes, and commands to bytes.

The rule of this file: the class of a value picks its frame out of a table, and nothing else about it does. There is
one table for each protocol; a class that is not in it (a subclass) is looked up by its bases once and then added.

Nested replies are walked with a stack of iterators, so neither depth nor size of a reply can exhaust Python's own
stack; all frames go to one list that is joined once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, Final, Literal, TypeAlias

from miniredis.resp.types import (
    OK,
    Attribute,
    BigDigits,
    BigNumber,
    DoubleDigits,
    Error,
    InProtocol,
    NullArrayType,
    Pairs,
    Push,
    Raw,
    Replies,
    Reply,
    ReplySet,
    SimpleString,
    Verbatim,
)

FormatDouble: TypeAlias = Callable[[float], bytes]

_Scalar: TypeAlias = Callable[[Any], bytes]
_Aggregate: TypeAlias = Callable[[Any], tuple[bytes, Iterable[Any]]]
"""Gives the header, and the replies to encode after it."""

_BULK_HEADERS: Final = [b"$%d\r\n" % length for length in range(1024)]
_SMALL_INTEGERS: Final = {number: b":%d\r\n" % number for number in range(-2, 1024)}
_OK_LINE: Final = b"+OK\r\n"
_LINE_ENDS_TO_BLANKS: Final = bytes.maketrans(b"\r\n", b"  ")


class Encoder:
    """Encodes replies for one protocol. Holds no state of a connection: one encoder can serve many.

    ``protocol`` is 2 or 3. ``format_double`` gives the digits of a float, infinities and NaN included. It is asked for
    because the digits changed with Redis 7.2, and because whoever stores scores as text needs the very same ones.

    ``frame_of[reply.__class__](reply)`` is ``encode(reply)``, for loops that would rather do without a call.
    """

    def __init__(self, protocol: Literal[2, 3], format_double: FormatDouble) -> None:
        self.protocol = protocol
        self._format_double = format_double
        self._scalars: dict[type, _Scalar]
        self._aggregates: dict[type, _Aggregate]
        if protocol == 2:
            self._scalars = {**_SCALARS, **_RESP2_SCALARS, float: lambda number: _bulk(format_double(number))}
            self._aggregates = dict(_RESP2_AGGREGATES)
        else:
            self._scalars = {**_SCALARS, **_RESP3_SCALARS, float: lambda number: b",%b\r\n" % format_double(number)}
            self._aggregates = dict(_RESP3_AGGREGATES)
        self._scalars[InProtocol] = self._in_protocol
        self.frame_of: dict[type, _Scalar] = _FrameOf(self._scalars, self._encode_aggregate)

    def encode(self, reply: Reply) -> bytes:
        """The frame of ``reply``; several or none for a :class:`~miniredis.resp.types.Replies`.

        Raises:
            TypeError: something in ``reply`` has a class that is no reply.
        """
        return self.frame_of[reply.__class__](reply)

    def _encode_aggregate(self, reply: Reply) -> bytes:
        return b"".join(self.frames((reply,)))

    def _in_protocol(self, item: InProtocol) -> bytes:
        if item.protocol == self.protocol:
            return self.encode(item.reply)
        return Encoder(2 if item.protocol == 2 else 3, self._format_double).encode(item.reply)

    def frames(self, replies: Iterable[Reply]) -> list[bytes]:
        """What, joined, encodes *replies* one behind the other. Raises as :meth:`encode` does."""
        frames: list[bytes] = []
        scalars = self._scalars
        unfinished: list[Iterator[Any]] = [iter(replies)]
        while unfinished:
            for item in unfinished[-1]:
                kind = item.__class__
                if kind is bytes:  # most items of most arrays: spared the look-up and the call
                    length = len(item)
                    frames.append(_BULK_HEADERS[length] + item + b"\r\n" if length < 1024 else _bulk(item))
                elif kind is int:
                    frames.append(_SMALL_INTEGERS.get(item) or b":%d\r\n" % item)
                elif (scalar := scalars.get(kind)) is not None:
                    frames.append(scalar(item))
                elif (aggregate := self._aggregates.get(kind)) is not None:
                    header, items = aggregate(item)
                    frames.append(header)
                    unfinished.append(iter(items))
                    break
                else:
                    self._learn(kind)
                    unfinished.append(iter((item,)))
                    break
            else:
                unfinished.pop()
        return frames

    def _learn(self, kind: type) -> None:
        for base in kind.__mro__:
            if base in self._scalars:
                self._scalars[kind] = self._scalars[base]
                return
            if base in self._aggregates:
                self._aggregates[kind] = self._aggregates[base]
                return
        raise TypeError(f"{kind.__name__} is no reply")


class _FrameOf(dict[type, _Scalar]):
    """The scalars, and *encode_aggregate* for every other class."""

    def __init__(self, scalars: dict[type, _Scalar], encode_aggregate: _Scalar) -> None:
        super().__init__(scalars)
        self._encode_aggregate = encode_aggregate

    def __missing__(self, kind: type) -> _Scalar:
        self[kind] = self._encode_aggregate
        return self._encode_aggregate


def encode_command(arguments: Iterable[bytes | str | int | float]) -> bytes:
    """A request as a client sends it. Text goes as UTF-8, numbers as their digits in Python.

    Raises:
        TypeError: an argument is of another type, or a bool, for which Redis has no form.
    """
    frames = [_bulk(_argument(argument)) for argument in arguments]
    return b"*%d\r\n%b" % (len(frames), b"".join(frames))


def _argument(argument: bytes | str | int | float) -> bytes:
    if isinstance(argument, bytes):
        return argument
    if isinstance(argument, str):
        return argument.encode()
    if isinstance(argument, int | float) and not isinstance(argument, bool):
        return repr(argument).encode()
    raise TypeError(f"an argument cannot be of type {type(argument).__name__}")


# Scalars


def _bulk(text: bytes) -> bytes:
    length = len(text)
    if length < 1024:
        return _BULK_HEADERS[length] + text + b"\r\n"  # half the time of formatting
    return b"$%d\r\n%b\r\n" % (length, text)


def _integer(number: int) -> bytes:
    return _SMALL_INTEGERS.get(number) or b":%d\r\n" % number


def _simple_string(text: SimpleString) -> bytes:
    return _OK_LINE if text is OK else b"+%b\r\n" % text.translate(_LINE_ENDS_TO_BLANKS)


def _error(error: Error) -> bytes:
    # What a client sent may be quoted in the message, and must not end the line.
    return b"-%b\r\n" % error.message.translate(_LINE_ENDS_TO_BLANKS)


def _verbatim(text: Verbatim) -> bytes:
    return b"=%d\r\n%b:%b\r\n" % (len(text) + 4, text.format, text)


# Aggregates


def _header(sigil: bytes) -> _Aggregate:
    header = sigil + b"%d\r\n"
    return lambda items: (header % len(items), items)


def _map(sigil: bytes) -> _Aggregate:
    header = sigil + b"%d\r\n"
    return lambda pairs: (header % len(pairs), chain.from_iterable(pairs.items()))


def _flat_map(pairs: dict[Any, Any]) -> tuple[bytes, Iterable[Any]]:
    return b"*%d\r\n" % (2 * len(pairs)), chain.from_iterable(pairs.items())


def _pairs(pairs: Pairs) -> tuple[bytes, Iterable[Any]]:
    return b"%%%d\r\n" % len(pairs), chain.from_iterable(pairs)


def _flat_pairs(pairs: Pairs) -> tuple[bytes, Iterable[Any]]:
    return b"*%d\r\n" % (2 * len(pairs)), chain.from_iterable(pairs)


def _unframed(replies: Replies) -> tuple[bytes, Iterable[Any]]:
    return b"", replies


def _nothing(_: Attribute) -> tuple[bytes, Iterable[Any]]:
    return b"", ()


_SCALARS: Final[dict[type, _Scalar]] = {
    bytes: _bulk,
    int: _integer,
    SimpleString: _simple_string,
    Error: _error,
    Raw: bytes,
}

_RESP2_SCALARS: Final[dict[type, _Scalar]] = {
    type(None): lambda _: b"$-1\r\n",
    NullArrayType: lambda _: b"*-1\r\n",
    bool: lambda truth: b":1\r\n" if truth else b":0\r\n",
    Verbatim: _bulk,
    BigNumber: lambda number: _bulk(b"%d" % number),
    BigDigits: _bulk,
    DoubleDigits: _bulk,
}

_RESP3_SCALARS: Final[dict[type, _Scalar]] = {
    type(None): lambda _: b"_\r\n",
    NullArrayType: lambda _: b"_\r\n",
    bool: lambda truth: b"#t\r\n" if truth else b"#f\r\n",
    Verbatim: _verbatim,
    BigNumber: lambda number: b"(%d\r\n" % number,
    BigDigits: lambda digits: b"(%b\r\n" % digits,
    DoubleDigits: lambda digits: b",%b\r\n" % digits,
}

_RESP2_AGGREGATES: Final[dict[type, _Aggregate]] = {
    list: _header(b"*"),
    tuple: _header(b"*"),
    ReplySet: _header(b"*"),
    Push: _header(b"*"),
    dict: _flat_map,
    Pairs: _flat_pairs,
    Attribute: _nothing,
    Replies: _unframed,
}

_RESP3_AGGREGATES: Final[dict[type, _Aggregate]] = {
    list: _header(b"*"),
    tuple: _header(b"*"),
    ReplySet: _header(b"~"),
    Push: _header(b">"),
    dict: _map(b"%%"),
    Pairs: _pairs,
    Attribute: _map(b"|"),
    Replies: _unframed,
}
