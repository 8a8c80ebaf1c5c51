"""Typed replies, as redis-py's own parsers would return them from the wire.

The rule of this file: the class of a value picks its form out of a table, and there is one for each protocol; as in
:mod:`miniredis.resp.encoder`, whose tables these mirror. Containers are always new ones: the engine's own are not the
client's to change.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any, Final, TypeAlias

from miniredis.resp.decoder import NEED_MORE, ReplyDecoder
from miniredis.resp.encoder import Encoder
from miniredis.resp.types import (
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

Read: TypeAlias = Callable[[Any], Any]

SETS: Final[Read] = list
"""What redis-py makes of a set; before 5.1 it was a ``set`` where that could be."""

_LINE_ENDS_TO_BLANKS: Final = bytes.maketrans(b"\r\n", b"  ")


class UnframedError(Exception):
    """A reply has replies in it that have no frame of their own: only its bytes tell where which of them ends."""


class Reader(dict[type, Read]):
    """What each class of reply becomes: ``reader[reply.__class__](reply)``.

    *decode* is for text, *parse_error* makes an exception of an error's line, *format_double* gives a double's digits,
    *read_set* what becomes of the list of a set's members.
    """

    def __init__(
        self,
        protocol: int,
        decode: Read | None,
        parse_error: Callable[[str], Exception],
        format_double: Callable[[float], bytes],
        read_set: Read = SETS,
    ) -> None:
        text = decode or _unchanged
        super().__init__(
            {
                bytes: text,
                int: _unchanged,
                SimpleString: lambda line: text(bytes(line)),
                type(None): _unchanged,
                NullArrayType: _null,
                Error: lambda error: parse_error(_line(error)),
                Attribute: _unframed,
                Replies: _unframed,
                InProtocol: _unframed,
                Raw: _unframed,
            }
        )
        self._keeps_text = decode is None
        self[list] = self[tuple] = self[Push] = self._list
        if protocol == 2:
            self._learn_resp2(text, format_double)
        else:
            self._learn_resp3(text, read_set)

    def _learn_resp2(self, text: Read, format_double: Callable[[float], bytes]) -> None:
        self[bool] = int
        self[float] = lambda number: text(format_double(number))
        self[BigNumber] = lambda number: text(b"%d" % number)
        self[Verbatim] = self[BigDigits] = self[DoubleDigits] = lambda digits: text(bytes(digits))
        self[ReplySet] = self._list
        self[dict] = lambda pairs: self._list(list(chain.from_iterable(pairs.items())))
        self[Pairs] = lambda pairs: self._list(list(chain.from_iterable(pairs)))

    def _learn_resp3(self, text: Read, read_set: Read) -> None:
        self[bool] = _unchanged
        self[float] = float
        self[BigNumber] = self[BigDigits] = int
        self[Verbatim] = lambda verbatim: text(bytes(verbatim))
        self[DoubleDigits] = float
        self[ReplySet] = lambda members: read_set(self._list(members))
        self[dict] = lambda pairs: {self._one(key): self._one(value) for key, value in pairs.items()}
        self[Pairs] = lambda pairs: {self._one(key): self._one(value) for key, value in pairs}

    def __missing__(self, kind: type) -> Read:
        for base in kind.__mro__:
            if base in self:
                self[kind] = self[base]
                return self[kind]
        raise TypeError(f"{kind.__name__} is no reply")

    def _one(self, reply: Reply) -> Any:
        return self[reply.__class__](reply)

    def _list(self, items: Any) -> list[Any]:
        if self._keeps_text:
            return [item if item.__class__ is bytes else self[item.__class__](item) for item in items]
        return [self[item.__class__](item) for item in items]


def _unchanged(value: Any) -> Any:
    return value


def _null(_: Any) -> None:
    return None


def _line(error: Error) -> str:
    return error.message.translate(_LINE_ENDS_TO_BLANKS).decode(errors="replace")


def _unframed(_: Any) -> Any:
    raise UnframedError


class Unframed:
    """Finds the replies in what has no frame of its own, or holds something that has none, as its bytes tell them."""

    def __init__(self, format_double: Callable[[float], bytes]) -> None:
        self._format_double = format_double
        self._decoder = ReplyDecoder()

    def replies(self, reply: Reply, protocol: int) -> list[Reply]:
        """The replies that end with *reply*; what is not whole yet waits for more."""
        self._decoder.feed(Encoder(2 if protocol == 2 else 3, self._format_double).encode(reply))
        found: list[Reply] = []
        while (each := self._decoder.next()) is not NEED_MORE:
            found.extend(each if isinstance(each, Replies) else [each])
        return [each for each in found if not isinstance(each, Attribute)]  # which no parser of redis-py knows
