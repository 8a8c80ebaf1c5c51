"""The library ``cmsgpack`` (lua-cmsgpack 0.4.0): values of Lua in MessagePack, any number of them one after the other.

Lua has one kind of number: what fits 64 bits as an integer is packed as one, in as few bytes as possible, and anything
else as a float, single where that loses nothing. A table whose keys are 1 to n is an array, any other a map. What has
no form in MessagePack becomes nil, as do tables within more than 16 others.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from miniredis.lua.arguments import MAXIMUM_STACK, argument_error, check_integer, check_string, library_error
from miniredis.lua.positions import library_function
from miniredis.lua.runtime import State
from miniredis.lua.traversal import pairs_of
from miniredis.lua.values import FALSE_KEY, MISSING, TRUE_KEY, LuaError, Table, Value

MAXIMUM_NESTING: Final = 16
MAXIMUM_ARGUMENTS: Final = 4000
MAXIMUM_INT: Final = 0x7FFFFFFF

_TOO_MANY: Final = "too many return values at once; use unpack_one or unpack_limit instead."

_NUMBERS: Final = {
    0xCC: struct.Struct(">B"),
    0xCD: struct.Struct(">H"),
    0xCE: struct.Struct(">I"),
    0xCF: struct.Struct(">q"),  # a signed integer takes it in
    0xD0: struct.Struct(">b"),
    0xD1: struct.Struct(">h"),
    0xD2: struct.Struct(">i"),
    0xD3: struct.Struct(">q"),
    0xCA: struct.Struct(">f"),
    0xCB: struct.Struct(">d"),
}
_STRINGS: Final = {0xD9: 1, 0xDA: 2, 0xDB: 4}
_ARRAYS: Final = {0xDC: 2, 0xDD: 4}
_MAPS: Final = {0xDE: 2, 0xDF: 4}
_CONSTANTS: Final = {0xC0: None, 0xC2: False, 0xC3: True}


def open_cmsgpack_library(state: State) -> Table:
    """Put the library among the globals of *state*."""

    def pack(*values: Value) -> Value:
        if not values:
            raise argument_error(0, "MessagePack pack needs input.")
        if len(values) > MAXIMUM_ARGUMENTS:
            raise argument_error(0, "Too many arguments for MessagePack pack.")
        packed = bytearray()
        for value in values:
            _encode(packed, value, 0)
        return bytes(packed)

    def unpack(text: Value = MISSING, *more: Value) -> Value:
        return _unpack(text, 0, 0, 1 + len(more))

    def unpack_one(text: Value = MISSING, offset: Value = MISSING, *_: Value) -> Value:
        return _unpack(text, 1, check_integer(2, offset, 0), 1)

    def unpack_limit(text: Value = MISSING, limit: Value = MISSING, offset: Value = MISSING, *_: Value) -> Value:
        return _unpack(text, check_integer(2, limit), check_integer(3, offset, 0), 1)

    functions: dict[Any, Value] = {
        function.__name__.encode(): library_function(function) for function in (pack, unpack, unpack_one, unpack_limit)
    }
    library = Table(
        {
            **functions,
            b"_NAME": b"cmsgpack",
            b"_VERSION": b"lua-cmsgpack 0.4.0",
            b"_COPYRIGHT": b"Copyright (C) 2012, Salvatore Sanfilippo",
            b"_DESCRIPTION": b"MessagePack C implementation for Lua",
        }
    )
    state.globals.hash[b"cmsgpack"] = library
    return library


# Encoding


def _encode(packed: bytearray, value: Value, level: int) -> None:
    """Append *value*, which lies in so many tables."""
    if value.__class__ is bytes:
        _encode_size(packed, len(value), 0xA0, 32, (0xD9, 0xDA, 0xDB))
        packed += value
    elif value.__class__ is float:
        _encode_number(packed, value)
    elif value.__class__ is bool:
        packed.append(0xC3 if value else 0xC2)
    elif isinstance(value, Table) and level < MAXIMUM_NESTING:
        _encode_table(packed, value, level + 1)
    else:
        packed.append(0xC0)


def _encode_size(packed: bytearray, size: int, short: int, limit: int, longer: tuple[int | None, int, int]) -> None:
    """The first byte and the size of a string, an array or a map."""
    in_one, in_two, in_four = longer
    if size < limit:
        packed.append(short | size)
    elif in_one is not None and size <= 0xFF:
        packed += bytes((in_one, size))
    elif size <= 0xFFFF:
        packed += struct.pack(">BH", in_two, size)
    else:
        packed += struct.pack(">BI", in_four, size & 0xFFFFFFFF)


def _encode_number(packed: bytearray, number: float) -> None:
    if -9.223372036854775808e18 <= number < 9.223372036854775808e18 and number == int(number):
        _encode_integer(packed, int(number))
        return
    try:
        single = struct.pack(">f", number)
    except OverflowError:
        single = b""
    if single and struct.unpack(">f", single)[0] == number:
        packed += b"\xca" + single
    else:
        packed += struct.pack(">Bd", 0xCB, number)


def _encode_integer(packed: bytearray, number: int) -> None:
    if -32 <= number <= 127:
        packed.append(number & 0xFF)
    elif number >= 0:
        for first, form, most in ((0xCC, ">BB", 0xFF), (0xCD, ">BH", 0xFFFF), (0xCE, ">BI", 0xFFFFFFFF)):
            if number <= most:
                packed += struct.pack(form, first, number)
                return
        packed += struct.pack(">BQ", 0xCF, number)
    else:
        for first, form, least in ((0xD0, ">Bb", -(1 << 7)), (0xD1, ">Bh", -(1 << 15)), (0xD2, ">Bi", -(1 << 31))):
            if number >= least:
                packed += struct.pack(form, first, number)
                return
        packed += struct.pack(">Bq", 0xD3, number)


def _encode_table(packed: bytearray, table: Table, level: int) -> None:
    content = table.hash
    if _is_array(table):
        _encode_size(packed, len(content), 0x90, 16, (None, 0xDC, 0xDD))
        for index in range(1, len(content) + 1):
            _encode(packed, content[float(index)], level)
    else:
        _encode_size(packed, len(content), 0x80, 16, (None, 0xDE, 0xDF))
        for key, value in pairs_of(table):
            _encode(packed, key, level)
            _encode(packed, value, level)


def _is_array(table: Table) -> bool:
    """Whether the keys are the integers from 1 to how many there are."""
    content = table.hash
    return all(float(index) in content for index in range(1, len(content) + 1))


# Decoding


class _IncompleteError(Exception):
    """The data ends within a value."""


class _MalformedError(Exception):
    """A byte that begins no value."""


def _unpack(text: Value, limit: int, offset: int, stack: int) -> Value:
    """So many values from *offset* on, after the offset of what is left (-1 for nothing); or all values, if both are 0.

    *stack* is how many arguments stand on Lua's stack below them.
    """
    data = check_string(1, text)
    if offset < 0 or limit < 0:
        raise library_error(
            f"Invalid request to unpack with offset of {_as_int(offset)} and limit of {_as_int(len(data))}."
        )
    if offset > len(data):
        raise library_error(f"Start offset {_as_int(offset)} greater than input length {_as_int(len(data))}.")
    takes_all = not limit and not offset
    reader = _Reader(data, offset)
    values: list[Value] = []
    try:
        while reader.at < len(data) and (takes_all or len(values) < limit):
            values.append(reader.value(stack + len(values)))
    except _IncompleteError:
        raise library_error("Missing bytes in input.") from None
    except _MalformedError:
        raise library_error("Bad data format in input.") from None
    if takes_all:
        return tuple(values)
    return (-1.0 if reader.at == len(data) else float(reader.at), *values)


def _as_int(number: int) -> int:
    return (number + (1 << 31) & 0xFFFFFFFF) - (1 << 31)


class _Reader:
    """The packed values of *data* from *at* on."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self.at = at

    def value(self, stack: int) -> Value:
        """The next value; so many stand on Lua's stack already, which has an end."""
        first = self._take(1)[0]
        if stack + 1 > MAXIMUM_STACK:
            raise library_error(f"stack overflow ({_TOO_MANY})")
        if first < 0x80:
            return float(first)
        if first >= 0xE0:
            return float(first - 0x100)
        if first >= 0xA0 and first < 0xC0:
            return self._take(first & 0x1F)
        if first < 0x90:
            return self._map(first & 0xF, stack)
        if first < 0xA0:
            return self._array(first & 0xF, stack)
        if first in _NUMBERS:
            form = _NUMBERS[first]
            return float(form.unpack(self._take(form.size))[0])
        if first in _CONSTANTS:
            return _CONSTANTS[first]
        for sizes, read in ((_STRINGS, self._string), (_ARRAYS, self._array), (_MAPS, self._map)):
            if first in sizes:
                return read(int.from_bytes(self._take(sizes[first]), "big"), stack)
        raise _MalformedError

    def _take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self._data):
            raise _IncompleteError
        taken = self._data[self.at : end]
        self.at = end
        return taken

    def _string(self, length: int, _: int) -> bytes:
        return self._take(length)

    def _array(self, length: int, stack: int) -> Table:
        if stack + 2 > MAXIMUM_STACK:
            raise library_error("stack overflow (in function mp_decode_to_lua_array)")
        table = Table({})
        for index in range(1, length + 1):
            _put(table, float(index), self.value(stack + 2))
        return table

    def _map(self, length: int, stack: int) -> Table:
        table = Table({})
        for _ in range(length):
            key = self.value(stack + 1)
            value = self.value(stack + 2)
            if key is None:
                raise LuaError(b"table index is nil")
            if key != key:
                raise LuaError(b"table index is NaN")
            if key.__class__ is bool:
                key = TRUE_KEY if key else FALSE_KEY
            _put(table, key, value)
        return table


def _put(table: Table, key: Value, value: Value) -> None:
    if value is None:
        table.remove(key)
    else:
        table.hash[key] = value
