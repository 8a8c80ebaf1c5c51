"""Replies as values of Lua, and values of Lua as replies.

The rule of this file: what a script sees of a reply depends on the protocol that it has chosen with ``redis.setresp``,
never on its client's; and what its client sees of its value is typed as a handler's reply is. In RESP2 a script sees
what a RESP2 client would: no maps, sets or doubles, and ``false`` for a null. In RESP3 each has a table of its own:
``{map=…}``, ``{set=…}``, ``{double=…}``, ``{big_number=…}``, ``{verbatim_string={string=…, format=…}}``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any, Final

from miniredis.engine.errors import CountedError, until_nul
from miniredis.engine.version import ServerVersion
from miniredis.lua.arguments import to_integer
from miniredis.lua.traversal import pairs_of
from miniredis.lua.values import FALSE_KEY, TRUE_KEY, Table, Value
from miniredis.resp.types import (
    Attribute,
    BigDigits,
    BigNumber,
    Error,
    NullArrayType,
    Pairs,
    Push,
    Replies,
    Reply,
    ReplySet,
    SimpleString,
    Verbatim,
)
from miniredis.structures.numbers import format_double_17g, format_double_digits

_INDEXES: Final = tuple(map(float, range(1, 101)))
"""The first of them, at hand."""

FEW: Final = 8
"""So many values are put into a table one by one faster than by zip."""

Convert = Callable[[Any], Value]

_FIRST_SLOT: Final = 2
_LAST_SLOT: Final = 7996
"""Where on Lua's stack the value that is returned lies, and the last place from which Redis goes further in: a table in
an array is one slot further up, one in a map or a set three, a key of a map four."""

_LARGEST_WRITTEN_OUT: Final = 2.0**62
_LINE_ENDS_TO_BLANKS: Final = bytes.maketrans(b"\r\n", b"  ")


def array_content(values: list[bytes]) -> dict[Any, Value]:
    """What a table of *values* holds."""
    if len(values) > FEW:
        return dict(zip(_INDEXES if len(values) <= len(_INDEXES) else count(1.0), values, strict=False))
    content: dict[Any, Value] = {}
    index = 1.0
    for value in values:
        content[index] = value
        index += 1.0
    return content


def error_table(message: bytes, *, is_counted: bool = False) -> Table:
    """The table that stands for an error: *message* begins with its code.

    *is_counted* says that the statistics know of it, and it will not be counted once more when it ends the script.
    """
    code, blank, text = message.partition(b" ")
    if not blank:
        code, text = b"ERR", message
    content: dict[Any, Value] = {b"err": code + b" " + until_nul(text).strip(b"\r\n")}
    if is_counted:
        content[b"ignore_error_stats_update"] = True
    return Table(content)


class ReplyConverter:
    """Makes values of Lua from replies, in the form that one *protocol* gives them."""

    def __init__(self, protocol: int, format_double: Callable[[float], bytes]) -> None:
        self._null: Value = False if protocol == 2 else None
        aggregates: dict[type, Convert] = {list: self._array, Push: self._array}
        if protocol == 2:
            aggregates |= {ReplySet: self._array, dict: self._flat_map, Pairs: self._flat_pairs}
            special: dict[type, Convert] = {
                bool: float,
                float: format_double,
                BigNumber: lambda number: b"%d" % number,
                Verbatim: bytes,
            }
        else:
            aggregates |= {ReplySet: self._set, dict: self._map, Pairs: self._map_of_pairs}
            special = {
                bool: lambda value: value,
                float: lambda number: Table({b"double": number}),
                BigNumber: lambda number: Table({b"big_number": b"%d" % number}),
                Verbatim: lambda text: Table(
                    {b"verbatim_string": Table({b"string": bytes(text), b"format": text.format})}
                ),
            }
        self._by_class: dict[type, Convert] = {
            bytes: bytes,
            int: float,
            type(None): self._nothing,
            NullArrayType: self._nothing,
            SimpleString: lambda line: Table({b"ok": bytes(line)}),
            Error: lambda error: error_table(error.message, is_counted=True),
            Replies: self._last,
            **special,
            **aggregates,
        }

    def convert(self, reply: Reply) -> Value:
        """The value of Lua for *reply*."""
        convert = self._by_class.get(reply.__class__)
        return (convert or self._learn(reply.__class__))(reply)

    def _learn(self, kind: type) -> Convert:
        """How a class that is not in the table is converted: as the nearest of its bases."""
        convert = self._by_class[kind] = next(self._by_class[base] for base in kind.__mro__ if base in self._by_class)
        return convert

    def _nothing(self, _: Reply) -> Value:
        return self._null

    def _last(self, replies: Replies) -> Value:
        shown = [reply for reply in replies if not isinstance(reply, Attribute)]
        return self.convert(shown[-1]) if shown else None

    def _array(self, items: Iterable[Reply]) -> Table:
        content: dict[Any, Value] = {}
        null = self._null
        index = 0.0
        for item in items:
            index += 1.0
            if item.__class__ is bytes:
                content[index] = item
            elif item is None:
                if null is not None:
                    content[index] = null
            elif (value := self.convert(item)) is not None:
                content[index] = value
        length = int(index)
        return Table(content, length if len(content) == length else 0)

    def _flat_map(self, pairs: dict[Reply, Reply]) -> Table:
        return self._flat_pairs(pairs.items())

    def _flat_pairs(self, pairs: Iterable[tuple[Reply, Reply]]) -> Table:
        return self._array([part for pair in pairs for part in pair])

    def _set(self, members: Iterable[Reply]) -> Table:
        return Table({b"set": Table({_key(self.convert(member)): True for member in members})})

    def _map(self, pairs: dict[Reply, Reply]) -> Table:
        return self._map_of_pairs(pairs.items())

    def _map_of_pairs(self, pairs: Iterable[tuple[Reply, Reply]]) -> Table:
        content = {_key(self.convert(key)): self.convert(value) for key, value in pairs}
        return Table({b"map": Table({key: value for key, value in content.items() if value is not None})})


def _key(value: Value) -> Any:
    """What stands for *value* among the keys of a table."""
    if value.__class__ is bool:
        return TRUE_KEY if value else FALSE_KEY
    return value


def to_reply(value: Value, protocol: int) -> Reply:
    """The reply that a script gives by returning *value*; *protocol* is the one that the script has chosen."""
    try:
        return _to_reply(value, protocol, _FIRST_SLOT)
    except RecursionError:
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(before + 2 * _LAST_SLOT)
        try:
            return _to_reply(value, protocol, _FIRST_SLOT)
        finally:
            sys.setrecursionlimit(before)


def _to_reply(value: Value, protocol: int, slot: int) -> Reply:
    if slot > _LAST_SLOT:
        return Error("ERR reached lua stack limit")
    kind = value.__class__
    if kind is bytes:
        return value
    if kind is float:
        return to_integer(value)
    if kind is bool:
        if protocol == 3:
            return value
        return 1 if value else None
    if not isinstance(value, Table):
        return None
    content = value.hash
    if not _SPECIAL.keys().isdisjoint(content):
        for field, convert in _SPECIAL.items():
            if field in content:
                reply = convert(value, content[field], protocol, slot)
                if reply is not _ORDINARY:
                    return reply
    items: list[Reply] = []
    index = 1.0
    while (item := content.get(index)) is not None:
        items.append(item if item.__class__ is bytes and slot < _LAST_SLOT else _to_reply(item, protocol, slot + 1))
        index += 1.0
    return items


_ORDINARY: Final = object()
"""What the conversion of a special field gives if its value is not of the type that makes it special."""


def _error(table: Table, message: Value, protocol: int, slot: int) -> Reply:
    if message.__class__ is not bytes:
        return _ORDINARY
    return error_reply(message, is_counted=table.hash.get(b"ignore_error_stats_update") is True)


def error_reply(message: bytes, *, is_counted: bool = False) -> Error:
    """The error whose line is *message*, as far as a line can hold it."""
    line = until_nul(message).rstrip(b"\r\n").translate(_LINE_ENDS_TO_BLANKS)
    return CountedError(line) if is_counted else Error(line)


def _status(_: Table, line: Value, protocol: int, slot: int) -> Reply:
    if line.__class__ is not bytes:
        return _ORDINARY
    return SimpleString(until_nul(line).translate(_LINE_ENDS_TO_BLANKS))


def _double(_: Table, number: Value, protocol: int, slot: int) -> Reply:
    return number if number.__class__ is float else _ORDINARY


def _big_number(_: Table, digits: Value, protocol: int, slot: int) -> Reply:
    if digits.__class__ is not bytes:
        return _ORDINARY
    return BigDigits(digits.translate(_LINE_ENDS_TO_BLANKS))


def _verbatim(_: Table, parts: Value, protocol: int, slot: int) -> Reply:
    if not isinstance(parts, Table):
        return _ORDINARY
    text_format, text = parts.hash.get(b"format"), parts.hash.get(b"string")
    if text_format.__class__ is not bytes or text.__class__ is not bytes:
        return _ORDINARY
    return Verbatim(text, text_format[:3].ljust(3))


def _map(_: Table, pairs: Value, protocol: int, slot: int) -> Reply:
    if not isinstance(pairs, Table):
        return _ORDINARY
    shown = Pairs()
    for key, item in pairs_of(pairs):
        shown.append((_to_reply(key, protocol, slot + 4), _to_reply(item, protocol, slot + 3)))
    return shown


def _set(_: Table, members: Value, protocol: int, slot: int) -> Reply:
    if not isinstance(members, Table):
        return _ORDINARY
    shown = ReplySet()
    for key, _ in pairs_of(members):
        shown.append(_to_reply(key, protocol, slot + 3))
    return shown


_SPECIAL: Final[dict[bytes, Callable[[Table, Value, int, int], Reply]]] = {
    b"err": _error,
    b"ok": _status,
    b"double": _double,
    b"big_number": _big_number,
    b"verbatim_string": _verbatim,
    b"map": _map,
    b"set": _set,
}
"""The fields that make a table more than an array, in the order in which Redis asks for them."""


def number_as_argument(version: ServerVersion) -> Callable[[float], bytes]:
    """What makes an argument of a command from a number.

    It has 17 significant digits. Since Redis 7.2 it has as few as tell it apart, and integers are written out.
    """
    return format_double_17g if version.redis < (7, 2) else _shortest_argument


def _shortest_argument(value: float) -> bytes:
    if -_LARGEST_WRITTEN_OUT <= value <= _LARGEST_WRITTEN_OUT and value == int(value):
        return b"%d" % value
    return format_double_17g(value) if value != value else format_double_digits(value)
