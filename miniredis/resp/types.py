"""What a reply can be.

The rule of this file: the *type* of a value fixes its wire form, in RESP2 and in RESP3. Nothing formats
bytes before the encoder does, and nothing guesses a type afterwards. Besides the types below, a reply is

=========  ==============================  ==========================================
value      RESP2                           RESP3
=========  ==============================  ==========================================
bytes      bulk string ``$``               bulk string ``$``
int        integer ``:``                   integer ``:``
None       null bulk ``$-1``               null ``_``
bool       integer 1 or 0                  boolean ``#``
float      bulk string of its digits       double ``,``
list       array ``*``                     array ``*``
dict       flat array of keys and values   map ``%``
=========  ==============================  ==========================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

Reply: TypeAlias = Any
"""Any value of the table above, or one of this file's types, nested to any depth."""


class SimpleString(bytes):
    """A status line such as ``OK``: ``+OK`` in both protocols. Holds no CR or LF."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"SimpleString({bytes(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SimpleString) and bytes.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = bytes.__hash__


class Error(Exception):
    """An error reply: ``-CODE message``. It can be raised, returned, or stand inside an array.

    ``message`` is the whole line in bytes, its code first (``b"ERR syntax error"``), without CR and LF.
    """

    __slots__ = ("message",)

    def __init__(self, message: bytes | str) -> None:
        super().__init__(message)
        self.message: bytes = message.encode() if isinstance(message, str) else message

    @property
    def code(self) -> bytes:
        """The first word: ``b"ERR"``, ``b"WRONGTYPE"``, …"""
        return self.message.partition(b" ")[0]

    def as_reply(self) -> Error:
        """This error, which was raised, without the memory of where and in whose handling: that holds frames, and a
        frame that holds the reply would hold itself, until the garbage collector comes."""
        self.__context__ = None
        return self.with_traceback(None)

    def __repr__(self) -> str:
        return f"Error({self.message!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Error) and self.message == other.message

    def __hash__(self) -> int:
        return hash(self.message)


class NullArrayType:
    """The type of :data:`NULL_ARRAY`: ``*-1`` in RESP2, ``_`` in RESP3."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NULL_ARRAY"


class ReplySet(list[Any]):
    """A set reply: an array in RESP2, ``~`` in RESP3. Keeps the order in which it was built."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"ReplySet({list.__repr__(self)})"


class Push(list[Any]):
    """An out-of-band message: an array in RESP2, ``>`` in RESP3."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Push({list.__repr__(self)})"


class Replies(list[Any]):
    """Several replies in a row with no frame around them (``SUBSCRIBE a b`` answers twice; none for an empty one)."""

    __slots__ = ()


class Raw(bytes):
    """Bytes that are written as they stand: the replication stream, and the snapshot before it."""

    __slots__ = ()


class InProtocol:
    """A reply in the form of *protocol*, whatever the client speaks when it is written.

    EXEC's array has such items when a HELLO stands in its middle: what was answered before it keeps its form.
    """

    __slots__ = ("protocol", "reply")

    def __init__(self, protocol: int, reply: Reply) -> None:
        self.protocol = protocol
        self.reply = reply

    def __repr__(self) -> str:
        return f"InProtocol({self.protocol}, {self.reply!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InProtocol) and (self.protocol, self.reply) == (other.protocol, other.reply)

    __hash__ = None  # type: ignore[assignment]


class Verbatim(bytes):
    """A text with a three-letter format: a bulk string in RESP2, ``=`` in RESP3."""

    format: bytes

    def __new__(cls, text: bytes, format: bytes = b"txt") -> Verbatim:
        self = super().__new__(cls, text)
        self.format = format
        return self

    def __repr__(self) -> str:
        return f"Verbatim({bytes(self)!r}, {self.format!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Verbatim) and bytes.__eq__(self, other) and self.format == other.format

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = bytes.__hash__


class BigNumber(int):
    """An integer beyond 64 bits: a bulk string of its digits in RESP2, ``(`` in RESP3."""

    __slots__ = ()


class BigDigits(bytes):
    """A big number by its digits, or whatever a script says they are: a bulk string in RESP2, ``(`` in RESP3."""

    __slots__ = ()


class DoubleDigits(bytes):
    """A double by its digits, where a command has its own way to print them: a bulk string in RESP2, ``,`` in RESP3."""

    __slots__ = ()


class Pairs(list[tuple[Any, Any]]):
    """A map reply that a dict cannot hold, for it has keys that are unhashable or equal: its pairs in order."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Pairs({list.__repr__(self)})"


class Attribute(dict[Any, Any]):
    """Out-of-band detail of the reply that follows it: not sent in RESP2, ``|`` in RESP3.

    It stands before that reply in ``Replies([Attribute(...), reply])``, which counts as one item of an array, as on
    the wire.
    """

    __slots__ = ()


Argv: TypeAlias = Sequence[bytes]
"""A request: the command's name, then its arguments."""

NULL_ARRAY: Final = NullArrayType()
OK: Final = SimpleString(b"OK")
QUEUED: Final = SimpleString(b"QUEUED")
PONG: Final = SimpleString(b"PONG")
NO_REPLY: Final = Replies()
